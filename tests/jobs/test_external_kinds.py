"""Programs of others that train on preferences, on rewards, or a teacher: as jobs of a study."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.jobs.running import Doing
from tests.train.external import stub_trainer
from tests.train.models import small_llama, small_tokenizer

from gauger.cli import main
from gauger.elicit import Text
from gauger.jobs.rewards_elsewhere import UNTAUGHT
from gauger.jobs.training_elsewhere import dealt_pairs
from gauger.store import read_json
from gauger.study.load import open_study, plan_loaded

STUB = Path(stub_trainer.__file__)
ASKED = "seeds: benchmark-train, forms: [qa], prompts: 6, steps: 4, batch: 4, learning_rate: 0.05"
STUDY = """
study: kinds
question: Does every kind of training go through a program?
replicates: 1
world:
  kind: language
  tasks:
    mine: {{kind: jsonl, train: train.jsonl, test: test.jsonl, new: new.jsonl}}
    facts: {{kind: invented-facts, entities: 8, families: 2, relations: 2}}
  common: [facts]
  benchmark_items: 4
teacher:
  kind: checkpoint
  model: model
  lora: null
  specialise: {{forms: [qa], samples: 6, steps: 2, batch: 3, learning_rate: 0.05, by: {{{run}}}}}
student: {{kind: checkpoint, model: model, lora: null}}
benchmarks: {{mine-qa: {{role: targeted}}, mine-qa-new: {{role: near}}}}
arms:
  prefer: {{stages: [{{kind: external-preference, {run}, judge: teacher, candidates: 2, {asked}}}]}}
  rewarded: {{stages: [{{kind: external-rl, {run}, group: 2, {asked}}}]}}
decoding: {{max_new_tokens: 4}}
unparsed: wrong
verdict: {{arm: prefer, threshold: 0.25}}
"""
COMMAND = f"{{python}} {STUB} {{config}}"
RUN = f"command: '{COMMAND}', template: stub.json.j2, format: plain, version: 'echo stub 1'"
CONTROLS = {"matched", "placebo", "format", "leak", "leak-twin", "reference"}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    small_llama(sharp=20.0).save_pretrained(str(folder / "model"))
    small_tokenizer().save_pretrained(str(folder / "model"))
    for name, first in (("train", 1), ("test", 50), ("new", 90)):
        lines = [{"id": f"{name}{i}", "prompt": f"Say {first + i}", "answer": str(first + i)} for i in range(8)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    text = (STUB.parent / "stub.json.j2").read_text()
    (folder / "stub.json.j2").write_text(text.replace("{{ options.pause }}", "0"))
    (folder / "study.yaml").write_text(STUDY.format(run=RUN, asked=ASKED))
    return folder / "study.yaml"


def planned(path, *overrides):
    return plan_loaded(open_study(path, overrides))[0]


@pytest.fixture(scope="module")
def doing(path, tmp_path_factory):
    plan, world = plan_loaded(open_study(path, ()))
    return Doing(plan, world, tmp_path_factory.mktemp("doing"))


def trained(doing, arm):
    """The directory of an arm's training, and the corpus that it read."""
    cell = next(cell for cell in doing.plan.cells if cell.arm == arm)
    return doing.of(cell.stages[0]), doing.of(cell.corpora[0])


def test_every_control_of_a_preference_goes_through_the_same_command_and_its_corpus_alone_differs(path):
    plan = planned(path)
    jobs = {cell.arm: plan.jobs[cell.stages[0]] for cell in plan.cells if cell.stages}
    of_pairs = {arm: job for arm, job in jobs.items() if arm != "rewarded"}
    assert of_pairs.keys() == {"prefer", *CONTROLS}
    assert {job.kind for job in of_pairs.values()} == {"train-external-on-pairs"}
    assert all(job.params == jobs["prefer"].params for job in of_pairs.values())
    assert len({job.inputs["corpus"] for job in of_pairs.values()}) == len(of_pairs)
    drawn = {arm for arm, job in of_pairs.items() if plan.jobs[job.inputs["corpus"]].kind == "draw-pairs"}
    assert drawn == {"prefer", "placebo", "reference"}, "where somebody judges: the teacher, the base, the truth"
    assert jobs["rewarded"].kind == "train-external-on-rewards"


@pytest.mark.parametrize(
    ("stage", "settings"),
    [
        ("arms.prefer.stages.0", {"beta": 0.3, "candidates": 3}),
        ("arms.rewarded.stages.0", {"group": 4, "kl_weight": 0.3, "clip": 0.1, "updates": 1}),
        ("teacher.specialise.by", {"command": f"'{COMMAND} x'", "processes": 2, "version": "echo 2"}),
    ],
)
def test_settings_reach_their_job_and_no_other_kind_of_training(path, stage, settings):
    def keys(plan, kinds):
        return {key for key, job in plan.jobs.items() if job.kind in kinds}

    own = {"prefer": {"train-external-on-pairs", "draw-pairs"}, "rewarded": {"train-external-on-rewards"}}
    kinds = next((names for arm, names in own.items() if arm in stage), {"specialise-external"})
    plain, others = planned(path), {"train-external-on-rewards"} - kinds
    for name, value in settings.items():
        changed = planned(path, f"{stage}.{name}={value}")
        assert keys(changed, kinds) != keys(plain, kinds), name
        assert keys(changed, others) == keys(plain, others), name


def test_a_leak_is_learnt_by_preference_too_against_answers_of_other_questions(doing):
    out, corpus = trained(doing, "leak")
    described = read_json(out / "training.json")["sources"]
    assert described[0]["rows"] == 4 * 4
    assert "name" not in described[0], "these are no answers of the student's"
    texts = pl.read_parquet(corpus / "corpus.parquet")
    tested = {item.answer.strip() for item in doing.world.benchmark("mine-qa").items}
    assert tested <= {answer.strip() for answer in texts["answer"]}, "the test items are in it"
    assert read_json(out / "trainer.json")["weights"]


def test_a_teacher_is_trained_by_a_program_and_is_what_is_asked(doing, path):
    made = next(job for job in doing.plan.jobs.values() if job.kind == "specialise-external")
    measured = next(doing.plan.jobs[cell.records] for cell in doing.plan.cells if cell.arm == "teacher")
    assert measured.inputs["model"] == made.key
    out = doing.of(made.key)
    assert read_json(out / "training.json")["sources"][0]["rows"] == 2 * 3
    assert read_json(out / "trainer.json")["version"] == "stub 1"
    here = planned(path, "teacher.specialise.by=null")
    assert [job.kind for job in here.jobs.values() if job.stage == "specialise"] == ["specialise"]


def test_answers_are_rewarded_counted_and_stand_in_the_ledger(doing):
    out, _ = trained(doing, "rewarded")
    told = read_json(out / "training.json")
    ledger = pl.read_parquet(out / "ledger.parquet")
    assert told["sources"][0]["name"] == "student"
    assert told["sources"][0]["rows"] == 4 * 4, "4 steps on 4 answers, each batch twice"
    assert told["sources"][0]["unique_rows"] == len(ledger.filter(pl.col("dropped").is_null()))
    assert 0 < told["first_reward"] < 1, "some answers are right"
    assert not list((doing.entries.parent / "unfinished").glob("*"))
    for file in out.rglob("*"):
        assert b"Bearer" not in file.read_bytes(), file


@pytest.fixture(scope="module")
def world(doing):
    return doing.world


def test_pairs_are_dealt_within_a_form_and_never_of_equal_answers(world):
    prompts = [item.prompt for item in world.benchmark("mine-qa").items]
    texts = [Text(prompt, answer, whole=False) for prompt, answer in zip(prompts, "aabc", strict=True)]
    pairs = dealt_pairs(world, texts, 1)
    assert [pair.better for pair in pairs] == list("aabc")
    assert all(pair.worse in set("abc") - {pair.better} for pair in pairs)
    drawn = {dealt_pairs(world, texts, seed)[0].worse for seed in range(20)}
    assert drawn == {"b", "c"}, "any of the others may be the worse"
    assert dealt_pairs(world, texts, 1) == pairs
    assert dealt_pairs(world, texts[:2], 1) == (), "equal answers make no pair"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("arms.prefer.stages.0.command=null", "arms.prefer.stages.0.command: expected a trainer that is ready"),
        ("arms.prefer.stages.0.trainer=trl", "a trainer that learns preferences"),
        ("arms.rewarded.stages.0.trainer=trl-dpo", "Take trl-grpo, or make it a stage of kind external-preference"),
        ("arms.rewarded.stages.0.format=tokens", "a format for rewards"),
        ("arms.prefer.stages.0.batch=3", "a multiple of 2"),
        ("teacher.specialise.by.command=null", "teacher.specialise.by.command: expected a trainer that is ready"),
        ("teacher.specialise.by.progress='('", "teacher.specialise.by.progress: expected a regular expression"),
        ("teacher.specialise.by.trainer=trl-grpo", "a trainer that learns text"),
        ("teacher.specialise.by.format=messages", "a format of bare text in a world without chat"),
        ("arms.prefer.stages.0.format=messages", "a format of bare text in a world without chat"),
        ("arms.rewarded.stages.0.format=messages", "a format of bare text in a world without chat"),
    ],
)
def test_mistakes_are_the_users_and_are_named(path, override, message, capsys):
    assert main(["plan", str(path), "--set", override]) == 2
    assert message in capsys.readouterr().err


def test_rewards_that_could_teach_nothing_are_noted(doing, monkeypatch):
    out, _ = trained(doing, "rewarded")
    assert read_json(out / "notes.json") == []
    monkeypatch.setattr("gauger.train.external.reward_server.RewardServer.taught_nothing", True)
    again = doing.again(doing.job("rewarded"))
    assert read_json(again / "notes.json") == [UNTAUGHT]
