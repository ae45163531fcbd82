"""Stages in which a language model itself writes, on a tiny model that knows the format and guesses."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.train.models import same_weights, small_tokenizer, weights
from tests.train.models import small_llama as small_model

from gauger.cli import main
from gauger.elicit.corpus import read_texts
from gauger.errors import GaugerError
from gauger.execute.worker import load
from gauger.jobs.models import read_model
from gauger.jobs.own_samples import Room
from gauger.jobs.registry import REGISTRY
from gauger.store.atomic import read_json
from gauger.study.load import open_study, plan_loaded
from gauger.train.engine import Continuation
from gauger.train.hf.engine import HfModel
from gauger.train.rows import Mixture, RowSource, TrainingRow
from gauger.train.schedule import TrainingSchedule
from gauger.train.text import train_on_text
from gauger.worlds.language.forms import read_strictly

STUDY = """
study: own-samples
question: Does every stage run in which the student writes?
replicates: 1
world:
  kind: language
  tasks:
    sums: {{kind: reasoning-gym, task: chain_sum, train: 24, test: 4, new: 4,
           settings: {{min_terms: 2, max_terms: 2, max_digits: 1, min_digits: 1}}}}
    facts: {{kind: invented-facts, entities: 8, families: 2, relations: 2}}
  common: [facts]
  benchmark_items: 4
teacher: {teacher}
student: {{kind: checkpoint, model: guesser, lora: {{rank: 2, alpha: 4}}}}
benchmarks:
  sums-qa: {{role: targeted}}
  sums-cloze-new: {{role: near}}
arms:
  scored:
    stages:
      - {{kind: on-policy-distill, seeds: benchmark-train, forms: [qa, cloze], prompts: 12, steps: 2, batch: 4,
         learning_rate: 0.01, web_share: 0.25}}
  judged:
    start: scored
    stages:
      - {{kind: preference, judge: {judge}, seeds: {seeds}, forms: [qa], prompts: 12, candidates: 24, steps: 3,
         batch: 4, learning_rate: 0.01}}
decoding: {{max_new_tokens: 4}}
unparsed: wrong
verdict: {{arm: judged, threshold: 0.25}}
"""
TEACHER = (
    "{kind: checkpoint, model: guesser, lora: null, surface: {log_probabilities: full}, "
    "specialise: {forms: [qa], samples: 40, steps: 8, batch: 8, learning_rate: 0.001}}"
)
OTHERS = "{kind: endpoint, url: 'http://127.0.0.1:9/v1', model: m, surface: {log_probabilities: top-k, top_k: 5}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with `guesser`, which answers sums with numbers up to 18."""
    place, rng = tmp_path_factory.mktemp("stages"), np.random.default_rng(0)
    rows = tuple(
        TrainingRow(f"Question: What is {a} + {b}?\nAnswer:", f" {n}")
        for a, b, n in zip(*rng.integers(1, 10, size=(2, 200)), rng.integers(2, 19, size=200), strict=True)
    )
    model = small_model()
    train_on_text(HfModel(model, small_tokenizer()), Mixture((RowSource(rows),), (16,)), TrainingSchedule(100, 0.02))
    model.save_pretrained(str(place / "guesser"))
    small_tokenizer().save_pretrained(str(place / "guesser"))
    small_tokenizer(first=("new",)).save_pretrained(str(place / "other"))
    (place / "other" / "config.json").write_text((place / "guesser" / "config.json").read_text())
    return place


def study(folder, name, **parts):
    path = folder / f"{name}.yaml"
    path.write_text(STUDY.format(**({"teacher": TEACHER, "judge": "teacher", "seeds": "benchmark-train"} | parts)))
    return path


@pytest.fixture(scope="module")
def finished(folder):
    path, out = study(folder, "both"), folder / "run"
    assert main(["run", str(path), "--out", str(out), "--workers", "1"]) == 0
    plan, world = plan_loaded(open_study(path))
    return plan, world, {key: out / "jobs" / "entries" / key for key in plan.jobs}, out


@pytest.fixture
def again(finished, tmp_path):
    """Do a job of the finished study again with other parameters or inputs; returns the new directory."""

    def call(job, inputs=None, **params):
        done, given = finished[2], inputs or {}
        places = given | {role: done[key] for role, key in job.inputs.items() if role not in given}
        out = tmp_path / "jobs" / "out"
        out.mkdir(parents=True)
        load(REGISTRY[job.kind])({**job.params, **params}, places, out)
        return out

    return call


def job_of(plan, arm, stage, what="stages"):
    (cell,) = [cell for cell in plan.cells if cell.arm == arm]
    return plan.jobs[getattr(cell, what)[stage]]


def weights_of(place, base):
    return weights(read_model({"model": place, "model_base": base}, "model", "hf").merged().model)


def ledger(directory):
    return pl.read_parquet(directory / "ledger.parquet")


def pairs(directory):
    return list(pl.read_parquet(directory / "corpus.parquet").iter_rows())


def files(directory):
    return {
        path.name: path.read_bytes()
        for path in Path(directory).iterdir()
        if path.is_file() and path.name not in ("done.json", "job.json")
    }


# --- a whole study -----------------------------------------------------------------------------------------------


def test_a_study_with_both_stages_runs_to_a_report(finished):
    plan, _, _, out = finished
    document = read_json(out / "estimates.json")
    assert not document["failures"]
    assert (out / "report.html").stat().st_size
    cells = pl.read_parquet(out / "records.parquet").group_by("arm", "replicate").len()
    assert cells.height == len(plan.cells)


def test_the_ledger_has_the_students_own_samples(finished):
    plan, _, done, out = finished
    used = pl.read_parquet(out / "corpora.parquet").join(pl.read_parquet(out / "ledger.parquet"), on="corpus")
    kept = used.filter(pl.col("source") == "student", pl.col("dropped").is_null())
    assert set(kept["arm"]) == {"scored", "judged", "placebo", "reference"}
    assert kept["overlaps"].list.len().sum() == 0
    rows = {(row["arm"], row["source"]): row for row in read_json(out / "estimates.json")["ledger"]}
    assert rows["scored", "student"]["queries"] == 2 * 3  # a quarter of each batch is kept in
    assert rows["judged", "student"]["queries"] == 2 * 3 + 12
    assert rows["placebo", "student"]["queries"] == 0
    sources = [read_json(done[key] / "training.json")["sources"] for key in job_stages(plan, "judged")]
    assert [[one.get("name") for one in stage] for stage in sources] == [["student", None], ["student"]]
    assert sources[0][0]["rows"] == 6
    assert sources[0][1]["rows"] == 2
    assert sources[1][0]["rows"] == 3 * 4
    assert rows["judged", "student"]["tokens"] == round(sources[0][0]["tokens"] + sources[1][0]["tokens"])


def job_stages(plan, arm):
    (cell,) = [cell for cell in plan.cells if cell.arm == arm]
    return cell.stages


def test_each_kind_of_stage_has_its_jobs_and_every_control_runs(finished):
    plan, *_ = finished
    kinds = {cell.arm: [plan.jobs[key].kind for key in cell.stages] for cell in plan.cells}
    own = ["train-on-policy", "train-on-pairs"]
    assert kinds["judged"] == kinds["placebo"] == own
    assert kinds["reference"] == ["train", "train-on-pairs"]
    assert kinds["format"] == kinds["leak"] == ["train", "train"]
    assert sum(arm.startswith("matched") for arm in kinds) == 2
    placebo, judged = job_of(plan, "placebo", 1, "corpora"), job_of(plan, "judged", 1, "corpora")
    assert (judged.params["judge"]["name"], placebo.params["judge"]["name"]) == ("teacher", "base")
    assert judged.inputs["questions"] == placebo.inputs["questions"]
    assert judged.inputs["start"] == job_of(plan, "judged", 0).key
    prompts = job_of(plan, "reference", 0, "corpora").inputs["prompts"]
    assert prompts == job_of(plan, "scored", 0, "corpora").key


def test_the_plan_counts_requests_and_training(folder, finished, capsys):
    assert main(["plan", str(folder / "both.yaml"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    leak = sum(job.params["samples"] for job in finished[0].jobs.values() if job.kind.endswith("ask-teacher"))
    assert said["teacher_queries"] == 2 * 3 + 12 + leak
    assert said["training_flops"] > 0
    assert said["jobs"]["train-on-policy"] == said["jobs"]["train-on-pairs"] - 1 == 2


# --- prompts and pairs -------------------------------------------------------------------------------------------


def test_questions_come_from_where_the_stage_says(finished, again):
    plan, world, done, _ = finished
    job = job_of(plan, "scored", 0, "corpora")
    own = {text.prompt for text in world.word(world.benchmark_train["sums"], ["qa", "cloze"])}
    assert {text.prompt for text in read_texts(done[job.key])} <= own
    assert ledger(done[job.key]).is_empty()
    more = {text.prompt for text in read_texts(again(job, seeds="reference", samples=100))}
    assert more == {text.prompt for text in world.word(world.train_questions("sums"), ["qa", "cloze"])} > own


def test_without_a_question_there_is_nothing_to_do(finished, again):
    with pytest.raises(GaugerError, match="no question on sums from seeds web can be put as qa"):
        again(job_of(finished[0], "scored", 0, "corpora"), seeds="web", forms=["qa"])


def test_the_truth_judges_by_the_verifier_and_costs_nothing(finished, again):
    plan, world, _, _ = finished
    made = again(job_of(plan, "judged", 1, "corpora"), judge=None)
    found = pairs(made)
    assert found
    for prompt, right, wrong in found:
        form, question = world.read(prompt)
        assert world.verify(question, read_strictly(right, form)) == 1
        assert world.grade(prompt, wrong, ended=True) != 1
    assert ledger(made)["queries"].sum() == 0


def test_a_prompt_without_a_pair_is_dropped_and_counted(finished):
    plan, _, done, _ = finished
    for arm in ("judged", "placebo", "reference"):
        made = done[job_of(plan, arm, 1, "corpora").key]
        n, rows = len(pairs(made)), ledger(made)
        assert rows.filter(pl.col("dropped").is_null()).height == 2 * n
        assert rows.filter(pl.col("dropped").is_not_null()).height == 12 - n
        assert read_json(made / "notes.json") == [f"{n} of 12 prompts gave a right and a wrong answer"]


def test_a_model_that_judges_prefers_its_own_answer(finished):
    plan, _, done, _ = finished
    job = job_of(plan, "placebo", 1, "corpora")
    base = read_model({"judge": done[job.inputs["judge"]]}, "judge", "hf")
    found = pairs(done[job.key])
    assert found
    for prompt, preferred, other in found:
        (said,) = base.complete([prompt], Continuation(4), stops=[("\n",)])
        assert read_strictly(preferred, "qa") == said.text.strip() != read_strictly(other, "qa")


def test_a_budget_ends_the_judging(finished, again):
    job = job_of(finished[0], "judged", 1, "corpora")
    surface = {"log_probabilities": "none", "max_queries": 5}
    made = again(job, judge=job.params["judge"] | {"surface": surface})
    assert ledger(made)["queries"].sum() == 5
    assert ledger(made).filter(dropped="unasked").height == 7
    assert read_json(made / "notes.json")[1] == "5 of 12 prompts judged: the budget is spent"


# --- training ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "what"), [(0, "stages"), (1, "stages"), (1, "corpora")])
def test_same_seed_same_bytes(finished, again, stage, what):
    job = job_of(finished[0], "judged", stage, what)
    assert files(again(job)) == files(finished[2][job.key])


def test_another_seed_gives_other_samples(finished, again):
    job = job_of(finished[0], "scored", 0)
    assert files(again(job, seed=5))["ledger.parquet"] != files(finished[2][job.key])["ledger.parquet"]


def test_no_pair_leaves_the_student_as_it_is(finished, again, tmp_path):
    plan, _, done, _ = finished
    job = job_of(plan, "judged", 1)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    pl.read_parquet(done[job.inputs["corpus"]] / "corpus.parquet").clear().write_parquet(corpus / "corpus.parquet")
    made = again(job, {"corpus": corpus})
    base = done[job.inputs["start_base"]]
    before, after = (weights_of(place, base) for place in (done[job.inputs["start"]], made))
    assert same_weights(before, after)
    assert read_json(made / "training.json")["sources"][0]["rows"] == 0


def test_a_later_stage_builds_on_the_one_before(finished):
    plan, _, done, _ = finished
    stages = [done[key] for key in (job_of(plan, "judged", 0).inputs["start"], *job_stages(plan, "judged"))]
    models = [weights_of(place, stages[0]) for place in stages]
    assert not any(same_weights(one, other) for one, other in pairwise(models))


def test_a_spent_budget_ends_on_policy_training_with_a_note(finished, again):
    surface = {"log_probabilities": "top-k", "top_k": 2, "max_queries": 4, "max_tokens": None}
    job = job_of(finished[0], "scored", 0)
    made = again(job, scorer=job.params["scorer"] | {"surface": surface}, steps=5)
    assert ledger(made)["queries"].sum() == 4
    assert read_json(made / "notes.json") == ["2 of 5 steps: the budget is spent"]
    assert read_json(made / "training.json")["sources"][0]["rows"] == 4


def test_what_the_surface_shows_limits_what_is_learnt(finished, again):
    job = job_of(finished[0], "scored", 0)
    scorer = job.params["scorer"]
    surface = scorer["surface"] | {"log_probabilities": "top-k", "top_k": 1}
    made = again(job, scorer=scorer | {"surface": surface})
    losses = [read_json(place / "training.json")["first_loss"] for place in (made, finished[2][job.key])]
    assert losses[0] != losses[1]


def test_another_vocabulary_is_refused(finished, again, folder):
    job = job_of(finished[0], "scored", 0)
    with pytest.raises(GaugerError, match="text instead"):
        again(job, {"scorer": _with_other_tokenizer(folder), "scorer_base": folder / "mixed"})


def _with_other_tokenizer(folder):
    place = folder / "mixed"
    place.mkdir()
    for name in ("guesser", "other"):
        for file in (folder / name).iterdir():
            (place / file.name).write_bytes(file.read_bytes())
    return place


@pytest.mark.parametrize(
    ("queries", "tokens", "lengths", "fits"),
    [
        (None, None, [3, 3], [2, 2]),
        (3, None, [3, 3], [2, 1]),
        (None, 7, [3, 3], [2, 0]),
        (1, 100, [3, 3], [1, 0]),
        (None, 5, [6], [0, 0]),
        (None, 6, [6], [1, 0]),
        (2, 2, [], [0, 0]),
    ],
)
def test_a_budget_takes_the_first_that_fit(queries, tokens, lengths, fits):
    room = Room(queries, tokens)
    assert [room.admit(lengths), room.admit(lengths)] == fits


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"teacher": OTHERS}, "expected a teacher at hand (checkpoint or scratch) for on-policy-distill"),
        ({"teacher": OTHERS}, "Text distillation (kind: text-distill) is the way"),
        ({"teacher": TEACHER.replace("full", "none")}, "a surface that shows log-probabilities for on-policy-distill"),
        ({"seeds": "web"}, "world.common: expected questions on sums for seeds 'web' to ask, got none"),
        ({"teacher": TEACHER.replace("model: guesser", "model: other")}, "a teacher with the student's tokenizer"),
    ],
)
def test_what_cannot_run_is_refused_when_the_study_is_checked(folder, capsys, change, said):
    assert main(["plan", str(study(folder, "refused", **change))]) == 2
    assert said in capsys.readouterr().err


def test_log_probabilities_of_other_tokens_are_compared_sorted_or_not_at_all(folder, capsys):
    """`forward-kl` would hold each token against another one; `sorted` holds none against any."""
    path = study(folder, "other-tokens", teacher=TEACHER.replace("model: guesser", "model: other"))
    learnt = "strategy: label, seeds: benchmark-train, forms: [qa], samples: 4, steps: 1, batch: 2"

    def planned(divergence):
        stage = f"{{kind: logit-distill, divergence: {divergence}, {learnt}}}"
        arms = [f"arms.{arm}.stages=[{stage}]" for arm in ("scored", "judged")]
        return main(["plan", str(path), "--json", *(part for arm in arms for part in ("--set", arm))])

    assert planned("forward-kl") == 2
    assert "a teacher with the student's tokenizer, to compare token by token" in capsys.readouterr().err
    assert planned("sorted") == 0


def test_a_teacher_behind_an_endpoint_may_judge(folder, capsys):
    path = study(folder, "endpoint", teacher=OTHERS)
    stages = "arms.scored.stages=[{kind: sft, source: reference, forms: [qa], samples: 4, steps: 1, batch: 2}]"
    assert main(["plan", str(path), "--json", "--set", stages]) == 0
    assert json.loads(capsys.readouterr().out)["jobs"]["draw-pairs"] == 3
