"""Studies of language models from start to end, on a tiny model with random weights: teachers of every kind."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.elicit.teacher.fault_server import FaultServer
from tests.train.models import small_llama as small_model
from tests.train.models import small_tokenizer

from gauger.cli import main
from gauger.study.load import open_study, plan_loaded

STUDY = """
study: tiny-language
question: Does every part run?
replicates: 2
world:
  kind: language
  tasks:
    sums: {{kind: reasoning-gym, task: chain_sum, train: 40, test: 8, new: 8,
           settings: {{min_terms: 2, max_terms: 2, max_digits: 1, min_digits: 1}}}}
    facts: {{kind: invented-facts, entities: 8, families: 2, relations: 2}}
    mine: {{kind: jsonl, train: train.jsonl, test: test.jsonl}}
  common: [facts]
  benchmark_items: 4
teacher: {teacher}
student: {{kind: checkpoint, model: model, lora: {{rank: 2, alpha: 4}}}}
benchmarks:
  sums-qa: {{role: targeted}}
  sums-qa-new: {{role: parallel}}
  sums-cloze-new: {{role: near}}
  mine-qa: {{role: far}}
arms:
  label:
    stages:
      - {{kind: {kind}, strategy: {strategy}, seeds: {seeds}, forms: [qa], samples: 6, steps: 2, batch: 4,
         learning_rate: 0.01, web_share: 0.25}}
decoding: {{max_new_tokens: 6}}
unparsed: wrong
verdict: {{arm: label, threshold: 0.25}}
"""
SPECIALIST = (
    "{kind: checkpoint, model: model, terms: mine, lora: null, "
    "specialise: {forms: [qa], samples: 40, steps: 150, batch: 16, learning_rate: 0.02}, "
    "surface: {log_probabilities: top-k, top_k: 3}}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("language")
    small_model().save_pretrained(str(place / "model"))
    small_tokenizer().save_pretrained(str(place / "model"))
    for name, first in (("train", 1), ("test", 50)):
        lines = [{"id": f"{name}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
        (place / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return place


def study(folder, name, **parts):
    parts = {"teacher": SPECIALIST, "kind": "text-distill", "strategy": "label", "seeds": "benchmark-train"} | parts
    path = folder / f"{name}.yaml"
    path.write_text(STUDY.format(**parts))
    return path


@pytest.fixture(scope="module")
def finished(folder):
    path = study(folder, "soft", kind="logit-distill")
    assert main(["run", str(path), "--out", str(folder / "run"), "--workers", "2"]) == 0
    return path, folder / "run"


def test_every_cell_has_records_and_the_report_says_what_it_is(finished):
    path, out = finished
    plan, _ = plan_loaded(open_study(path))
    records = pl.read_parquet(out / "records.parquet")
    assert records.group_by("arm", "replicate").len().height == len(plan.cells) == 1 + 1 + 2 * 7
    assert set(records["benchmark"]) == {"sums-qa", "sums-qa-new", "sums-cloze-new", "mine-qa"}
    assert records.height == len(plan.cells) * 16
    document = json.loads((out / "estimates.json").read_text())
    assert document["study"]["versions"].keys() >= {"transformers", "peft"}
    assert any("procedural" in text for text in document["limits"])
    assert not document["failures"]
    ways = {row["measure"] for row in document["study"]["extraction"]}
    assert {"verified, strict", "verified, flexible"} <= ways


def used(out):
    """The ledger of a run, once for every use of a corpus."""
    return pl.read_parquet(out / "corpora.parquet").join(pl.read_parquet(out / "ledger.parquet"), on="corpus")


def test_no_training_text_touches_what_is_held_out(finished):
    path, out = finished
    _, world = plan_loaded(open_study(path))
    ledger = used(out).filter(pl.col("dropped").is_null(), pl.col("arm") != "leak")
    assert ledger.height > 0
    assert ledger["overlaps"].list.len().sum() == 0
    leak = pl.read_parquet(out / "ledger.parquet").filter(pl.col("source") == "test-items")
    assert leak.height > 0
    assert world.held_out >= set(leak["overlaps"].explode().drop_nulls())


def test_a_second_run_does_nothing_and_says_the_same(finished, capsys):
    path, out = finished
    before = (out / "estimates.json").read_bytes()
    entries = sorted(p.name for p in (out / "jobs" / "entries").iterdir())
    assert main(["run", str(path), "--out", str(out)]) == 0
    assert (out / "estimates.json").read_bytes() == before
    assert sorted(p.name for p in (out / "jobs" / "entries").iterdir()) == entries


def test_a_change_of_the_user_s_file_reaches_every_job_and_a_change_of_prose_none(folder, finished):
    path, _ = finished
    keys = set(plan_loaded(open_study(path))[0].jobs)
    prose = plan_loaded(open_study(path, ("question=Another one?",)))[0]
    assert set(prose.jobs) == keys
    text = (folder / "test.jsonl").read_text()
    (folder / "test.jsonl").write_text(text.replace("Say 57", "Say 157"))
    try:
        changed = plan_loaded(open_study(path))[0]
        same = {changed.jobs[key].kind for key in set(changed.jobs) & keys}
        assert same == {"materialise"}, "only putting the model in place has nothing to do with the world"
    finally:
        (folder / "test.jsonl").write_text(text)


def test_plan_counts_tokens_time_and_money(folder, capsys):
    priced = "{kind: endpoint, url: 'http://127.0.0.1:9/v1', model: m, usd_per_million_in: 1, usd_per_million_out: 2}"
    path = study(folder, "priced", teacher=priced)
    assert main(["plan", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["teacher_queries"] == 6 + 16, "16 of them measure it"
    assert 0 < said["usd"] < 1e-3
    assert said["training_tokens"] > 0
    assert said["jobs"]["train"] == 14


def test_an_endpoint_teaches_and_its_key_is_nowhere(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GAUGER_API_KEY", "sk-planted-in-a-test")
    with FaultServer() as server:
        path = study(folder, "endpoint", teacher=f"{{kind: endpoint, url: '{server.url}', model: m, terms: nothing}}")
        wanted = ["--set", "replicates=1", "--set", "controls.reference.off=Not this time."]
        assert main(["run", str(path), "--out", str(tmp_path), "--workers", "2", *wanted]) == 0
        assert server.paid
    kept = used(tmp_path).filter(arm="label", source="teacher")
    assert kept.filter(pl.col("dropped").is_null()).height == 6
    corpus = pl.concat([pl.read_parquet(file) for file in tmp_path.rglob("corpus.parquet")])
    assert corpus.filter(pl.col("answer").str.starts_with(" answer to Question: ")).height >= 6
    for file in Path(tmp_path).rglob("*"):
        assert not file.is_file() or b"sk-planted" not in file.read_bytes(), file


def test_the_wrong_kind_of_model_is_named(folder, capsys):
    path = study(folder, "wrong", teacher="{model: {width: 16}, training: {steps: 1}}")
    assert main(["plan", str(path)]) == 2
    assert (
        "teacher.kind: expected checkpoint or endpoint or replay in a world of kind language" in capsys.readouterr().err
    )


def test_a_missing_checkpoint_is_the_user_s_mistake(folder, capsys):
    path = study(folder, "missing", teacher=SPECIALIST.replace("model: model", "model: nowhere"))
    assert main(["run", str(path), "--out", str(folder / "missing")]) == 2
    assert "nowhere" in capsys.readouterr().err
