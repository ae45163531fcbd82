"""Stages in which the student writes, and mixtures: what is planned, what each job does, what the ledger counts."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.elicit.corpus import read_texts
from gauger.execute.result import RunResult
from gauger.execute.worker import load
from gauger.jobs.registry import REGISTRY
from gauger.jobs.training_record import counted
from gauger.spec import Surface
from gauger.store import streams
from gauger.store.atomic import read_json
from gauger.study.ledger import ledger_rows
from gauger.study.load import open_study, plan_loaded
from gauger.study.results import collect

STUDY = Path(__file__).with_name("own_samples.yaml")


@pytest.fixture(scope="module")
def planned():
    return plan_loaded(open_study(STUDY))


@pytest.fixture(scope="module")
def plan(planned):
    return planned[0]


@pytest.fixture(scope="module")
def done(plan, tmp_path_factory):
    """Every job of the study done in this process: key -> directory."""
    root, found = tmp_path_factory.mktemp("done"), {}
    for key, job in plan.jobs.items():
        found[key] = root / key
        found[key].mkdir()
        load(REGISTRY[job.kind])(job.params, {role: found[k] for role, k in job.inputs.items()}, found[key])
    return found


@pytest.fixture(scope="module")
def collected(plan, done):
    return collect(plan, RunResult(done=dict(done)))


@pytest.fixture
def again(plan, done, tmp_path):
    """Do a job again with other parameters or inputs; returns the new directory."""

    def call(job, name="out", inputs=None, **params):
        out = tmp_path / name
        out.mkdir()
        given = inputs or {}
        places = given | {role: done[key] for role, key in job.inputs.items() if role not in given}
        load(REGISTRY[job.kind])({**job.params, **params}, places, out)
        return out

    return call


TELLING = {"refit": 2, "longest_run": 1, "ridge": 1.0}
"""Other settings of a discriminator."""


def job_of(plan, arm, stage=0, what="stages"):
    (cell,) = [cell for cell in plan.cells if cell.arm == arm]
    return plan.jobs[getattr(cell, what)[stage]]


def ledger(directory):
    return pl.read_parquet(directory / "ledger.parquet")


def sources_of(directory):
    return read_json(directory / "training.json")["sources"]


def limited(asked, **budgets):
    """Who is asked, with other budgets."""
    return asked | {"surface": asked["surface"] | budgets}


def weights(directory):
    return (directory / "model.safetensors").read_bytes()


# --- the plan ----------------------------------------------------------------------------------------------------


def test_each_kind_of_stage_has_its_jobs(plan):
    kinds = {arm: [job_of(plan, arm, n).kind for n in range(k)] for arm, k in (("scored", 1), ("judged", 2))}
    assert kinds == {"scored": ["train-on-policy"], "judged": ["train-on-pairs", "train-on-rewards"]}
    assert job_of(plan, "mixed").kind == "train-on-mixture"
    corpora = [job_of(plan, *which, what="corpora").kind for which in (("scored", 0), ("judged", 0), ("judged", 1))]
    assert corpora == ["gather-questions", "draw-pairs", "gather-questions"]
    assert job_of(plan, "mixed", what="corpora").kind == "blend"


def test_the_student_that_writes_is_the_one_that_is_trained(plan):
    pairs, rewarded = job_of(plan, "judged", 0), job_of(plan, "judged", 1)
    assert job_of(plan, "judged", 0, "corpora").inputs["start"] == pairs.inputs["start"]
    assert rewarded.inputs["start"] == pairs.key


def test_who_scores_and_who_judges(plan):
    made = {job.arm: key for key, job in plan.jobs.items() if job.kind == "pretrain"}
    assert job_of(plan, "scored").inputs["scorer"] == made["teacher"]
    assert job_of(plan, "judged", 0, "corpora").inputs["judge"] == made["teacher"]
    placebo = plan_loaded(open_study(STUDY, ["verdict.arm=scored"]))[0]
    assert job_of(placebo, "placebo").inputs["scorer"] == made["base"]
    scorer = job_of(placebo, "placebo").params["scorer"]
    assert (scorer["name"], scorer["surface"]) == ("base", Surface(log_probabilities="full").model_dump(mode="json"))
    judged = plan_loaded(open_study(STUDY, ["verdict.arm=judged"]))[0]
    assert job_of(judged, "placebo", 0, "corpora").inputs["judge"] == made["base"]
    assert "judge" not in job_of(judged, "reference", 0, "corpora").inputs


def test_controls_of_a_mixture_share_what_is_not_the_teachers(plan):
    own, placebo, matched = (
        job_of(plan, arm, 0, "corpora").inputs for arm in ("mixed", "placebo", "matched-cloze-quiz")
    )
    assert own["part0"] == placebo["part0"] == matched["part0"]
    assert own["part2"] == placebo["part2"] == matched["part2"]
    assert len({own["part1"], placebo["part1"], matched["part1"]}) == 3
    assert plan.jobs[placebo["part1"]].inputs["prompts"] == own["part1"]


# --- questions and pairs -----------------------------------------------------------------------------------------


def test_questions_come_from_where_the_stage_says(plan, done, planned):
    atlas = planned[1]
    offered = {
        "benchmark-train": lambda skill: atlas.benchmark_train[skill],
        "reference": atlas.train_questions,
        "web": lambda skill: atlas.known[skill],
    }
    for arm, stage, seeds in (("scored", 0, "benchmark-train"), ("judged", 0, "reference"), ("judged", 1, "web")):
        job = job_of(plan, arm, stage, "corpora")
        directory = done[job.inputs.get("questions", job.key)]
        texts = read_texts(directory)
        keys = {question.key for skill in ("fauna", "max") for question in offered[seeds](skill)}
        assert {key for text in texts for key in atlas.content_keys(text.prompt)} == keys
        assert not keys & atlas.splits.held_out
        assert len(ledger(directory)) == 0, "nobody was asked"


def test_questions_carry_the_truth_only_where_it_is_used(plan, done, planned):
    rewarded = read_texts(done[job_of(plan, "judged", 1, "corpora").key])
    assert all(planned[1].true_answer(text.prompt) == text.answer for text in rewarded)
    assert {text.answer for text in read_texts(done[job_of(plan, "scored", 0, "corpora").key])} == {""}


def test_no_more_prompts_than_wanted(plan, again):
    job = job_of(plan, "scored", 0, "corpora")
    few = read_texts(again(job, samples=7))
    assert len(few) == 7
    assert read_texts(again(job, "other", samples=7, seed=9)) != few


def test_a_pair_has_what_the_teacher_says_and_what_it_does_not(plan, done):
    job = job_of(plan, "judged", 0, "corpora")
    pairs = pl.read_parquet(done[job.key] / "corpus.parquet")
    said = ledger(done[job.key])
    assert 5 < len(pairs) < len(read_texts(done[job.inputs["questions"]]))
    assert (pairs["answer"] != pairs["rejected"]).all()
    assert set(said["source"]) == {"student"}
    assert said["queries"].sum() == len(read_texts(done[job.inputs["questions"]])), "one request for each prompt"
    assert len(said.filter(pl.col("dropped").is_null())) == 2 * len(pairs)
    (note,) = read_json(done[job.key] / "notes.json")
    assert note.startswith(f"{len(pairs)} of ")


def test_the_truth_judges_by_the_true_answer_and_costs_nothing(again, planned):
    judged = plan_loaded(open_study(STUDY, ["arms.judged.stages.0.judge=truth", "controls.leak.of=mixed"]))[0]
    job = job_of(judged, "judged", 0, "corpora")
    out = again(job, "pairs", inputs={"questions": again(judged.jobs[job.inputs["questions"]], "questions")})
    pairs = pl.read_parquet(out / "corpus.parquet")
    for prompt, chosen, rejected in pairs.iter_rows():
        assert chosen == planned[1].true_answer(prompt) != rejected
    assert len(pairs) > 5
    assert ledger(out)["queries"].sum() == 0
    assert ledger(out)["teacher"].null_count() == len(ledger(out))


def test_a_budget_ends_the_judging(plan, again):
    job = job_of(plan, "judged", 0, "corpora")
    out = again(job, judge=limited(job.params["judge"], max_queries=9))
    assert ledger(out)["queries"].sum() == 9
    assert len(pl.read_parquet(out / "corpus.parquet")) <= 9


# --- training ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arm", "stage"), [("scored", 0), ("judged", 0), ("judged", 1), ("mixed", 0), ("passing", 0), ("above", 0)]
)
def test_training_is_a_function_of_its_parameters(plan, done, again, arm, stage):
    job = job_of(plan, arm, stage)
    assert weights(again(job, "again")) == weights(done[job.key]) != weights(done[job.inputs["start"]])
    own = {
        "scored": {"top_k": 2},
        "mixed": {"batch": 12},
        "judged": [{"beta": 2.0}, {"kl_weight": 5.0}][stage],
        "above": {"beta": 3.0, "rounds": 3, "answer_tokens": 1},
        "passing": {"kl_weight": 5.0, "group": 8, "clip": 0.001, "updates": 3} | TELLING,
    }
    changes = {"seed": 77, "learning_rate": 0.02} | own[arm]
    for name, value in changes.items():
        assert weights(again(job, name, **{name: value})) != weights(done[job.key]), name


def test_own_samples_are_counted_one_by_one(plan, done, planned):
    job = job_of(plan, "scored")
    said = ledger(done[job.key])
    kept, refused = said.filter(pl.col("dropped").is_null()), said.filter(dropped="overlap")
    own, web = sources_of(done[job.key])
    assert (own["name"], web["rows"]) == ("student", 6 * 4)
    assert 6 * 12 - own["rows"] >= len(refused) > 0, "some of 12 samples in each step touch what is held out"
    assert said["queries"].sum() == kept["queries"].sum() == own["rows"]
    assert said["tokens_in"].sum() == own["tokens"]
    assert own["unique_rows"] == len(kept)
    assert len(kept) + len(refused) == len(said)
    lengths = [2 + len(text.text.split()) for text in planned[1].web]
    assert min(lengths) <= web["mean_tokens"] <= max(lengths)
    assert set(kept["teacher"]) == {"teacher"}
    assert refused["teacher"].null_count() == len(refused), "nobody was asked about them"
    keys = {key for text in read_texts(done[job.inputs["corpus"]]) for key in planned[1].content_keys(text.prompt)}
    assert {key for row in said["seed_ids"] for key in row} <= keys


def test_a_spent_budget_ends_on_policy_training_with_a_note(plan, again):
    job = job_of(plan, "scored")
    out = again(job, scorer=limited(job.params["scorer"], max_queries=30))
    assert ledger(out)["queries"].sum() == 30
    assert read_json(out / "notes.json") == ["3 of 6 steps: the budget is spent"]
    assert [source["rows"] for source in sources_of(out)] == [30, 3 * 4]


def test_rewards_are_kept_beside_the_losses(plan, done):
    job = job_of(plan, "judged", 1)
    training = read_json(done[job.key] / "training.json")
    assert 0 <= training["first_reward"] <= 1
    (own,) = training["sources"]
    refused = ledger(done[job.key]).filter(dropped="overlap")
    assert 5 * 16 - own["rows"] >= len(refused) > 0  # three batches of answers, the last of them for one step
    assert set(ledger(done[job.key])["queries"]) == {0}


def test_a_discriminator_asks_the_teacher_for_text_alone(plan, done):
    """Its corpus is what text distillation would have; what the student then writes costs nobody a request."""
    job = job_of(plan, "passing")
    assert job_of(plan, "passing", 0, "corpora").kind == "ask-teacher"
    assert "scorer" not in job.inputs
    said = ledger(done[job.key])
    assert (set(said["source"]), set(said["strategy"]), set(said["queries"])) == (
        {"student"},
        {"adversarial-distill"},
        {0},
    )
    (own,) = sources_of(done[job.key])
    assert own["name"] == "student"
    assert 6 * 16 - own["rows"] >= 2 * len(said.filter(dropped="overlap"))
    assert 0 < read_json(done[job.key] / "training.json")["first_reward"] <= 0.6


def test_own_answers_make_pairs_with_the_teachers_unless_they_equal_it_or_touch_what_is_held_out(plan, done):
    job = job_of(plan, "above")
    assert job_of(plan, "above", 0, "corpora").key == job_of(plan, "passing", 0, "corpora").key
    theirs = set(pl.read_parquet(done[job.inputs["corpus"]] / "corpus.parquet")["id"])
    said = ledger(done[job.key])
    for row in said.iter_rows(named=True):  # the same prompt and answer have the same id everywhere
        assert row["dropped"] == ("overlap" if row["overlaps"] else "equal" if row["id"] in theirs else None)
    assert set(said["dropped"]) >= {"equal", None}
    teacher, own = sources_of(done[job.key])
    assert (teacher["name"], own["name"]) == ("teacher", "student")
    assert teacher["rows"] == own["rows"] == 6 * 16 / 2
    assert own["unique_rows"] <= len(said.filter(pl.col("dropped").is_null()))
    (note,) = read_json(done[job.key] / "notes.json")
    paired = said["dropped"].null_count()
    assert note.startswith(f"{paired} of {len(said)} answers of the student made a pair, ")


def test_own_answers_that_touch_what_is_held_out_make_no_pair(plan, again, planned, monkeypatch):
    monkeypatch.setattr(type(planned[1]), "overlaps", lambda _, text: frozenset({"x"} if len(text) % 2 else ()))
    out = again(job_of(plan, "above"), rounds=1)
    said = ledger(out)
    touching = said["overlaps"].list.len() > 0
    assert 0 < touching.sum() < len(said)
    assert ((said["dropped"] == "overlap").fill_null(False) == touching).all()
    assert sources_of(out)[1]["unique_rows"] <= said["dropped"].null_count()


def test_the_teacher_stays_the_corpus_of_which_pairs_were_made(plan, done, collected):
    """Its requests and tokens are those of its corpus; trained on are both halves of the pairs."""
    teacher, student = (row_of(collected, "above", source) for source in ("teacher", "student"))
    counted = sources_of(done[job_of(plan, "above").key])
    assert [teacher["tokens"], student["tokens"]] == [round(source["tokens"]) for source in counted]
    assert teacher["queries"] == ledger(done[job_of(plan, "above", 0, "corpora").key])["queries"].sum() > 0
    assert student["queries"] == 0


def test_in_controls_of_pairs_the_base_and_the_truth_stand_above_the_students_answers(done):
    above = plan_loaded(open_study(STUDY, ["verdict.arm=above"]))[0]
    kinds = {arm: (job_of(above, arm).kind, job_of(above, arm, 0, "corpora").kind)
             for arm in ("placebo", "reference", "leak", "format")}  # fmt: skip
    assert kinds == {
        "placebo": ("train-on-own-pairs", "ask-base"),
        "reference": ("train-on-own-pairs", "gather"),
        "leak": ("train", "gather"),
        "format": ("train", "gather"),
    }


def test_controls_of_a_discriminator_know_the_bases_text_and_the_truth():
    passing = plan_loaded(open_study(STUDY, ["verdict.arm=passing"]))[0]
    kinds = {
        arm: (job_of(passing, arm).kind, job_of(passing, arm, 0, "corpora").kind)
        for arm in ("placebo", "reference", "leak", "format")
    }
    assert kinds == {
        "placebo": ("train-on-discriminator", "ask-base"),
        "reference": ("train-on-discriminator", "gather"),
        "leak": ("train", "gather"),
        "format": ("train", "gather"),
    }
    own = job_of(passing, "passing", 0, "corpora").key
    assert {job_of(passing, arm, 0, "corpora").inputs["prompts"] for arm in ("placebo", "reference", "leak")} == {own}


def test_a_mixture_draws_by_weight_up_to_its_budget(plan, done):
    web, teacher, truth = (
        next(source for source in sources_of(done[job_of(plan, "mixed").key]) if source["name"] == name)
        for name in ("web", "teacher", "truth")
    )
    assert 590 < teacher["tokens"] <= 600
    texts = pl.read_parquet(done[job_of(plan, "mixed", 0, "corpora").key] / "corpus.parquet")
    mean = {part: np.mean([2 + len(f"{p} {a}".split()) for p, a in own.select("prompt", "answer").iter_rows()])
            for (part,), own in texts.group_by("part")}  # fmt: skip
    assert abs(web["rows"] * mean[0] - truth["rows"] * mean[2]) <= 2 * 11, "equal weights, up to a row of each"
    assert web["rows"] + teacher["rows"] + truth["rows"] == 12 * 16
    assert teacher["unique_rows"] <= 40
    assert teacher["unique_tokens"] < teacher["tokens"]


def test_the_placebo_of_a_mixture_counts_the_bases_text(plan, done):
    assert {source["name"] for source in sources_of(done[job_of(plan, "placebo").key])} == {"web", "self", "truth"}
    assert {source["name"] for source in sources_of(done[job_of(plan, "matched-cloze-quiz").key])} == {"web", "truth"}


def test_everything_of_a_blend_keeps_its_part_and_its_writer(plan, done):
    job = job_of(plan, "mixed", 0, "corpora")
    texts = pl.read_parquet(done[job.key] / "corpus.parquet")
    for part, source in enumerate(("web", "teacher", "truth")):
        own = done[job.inputs[f"part{part}"]]
        assert set(texts.filter(part=part)["source"]) == {source}
        assert texts.filter(part=part)["id"].to_list() == pl.read_parquet(own / "corpus.parquet")["id"].to_list()
    lengths = [len(ledger(done[job.inputs[f"part{part}"]])) for part in range(3)]
    assert len(ledger(done[job.key])) == sum(lengths)


def test_a_blend_is_the_same_in_pieces(plan, done, again, monkeypatch):
    job = job_of(plan, "mixed", 0, "corpora")
    monkeypatch.setattr(streams, "GROUP_ROWS", 7)
    out = again(job)
    for name in ("corpus.parquet", "ledger.parquet"):
        assert pl.read_parquet(out / name).equals(pl.read_parquet(done[job.key] / name))


def test_two_parts_of_one_writer_are_counted_together(plan, done, again):
    job = job_of(plan, "matched-cloze-quiz", 0)
    web = next(source for source in sources_of(done[job.key]) if source["name"] == "web")
    table = pl.read_parquet(done[job.inputs["corpus"]] / "corpus.parquet")
    assert set(table.filter(source="web")["part"]) == {0, 1}
    assert web["unique_rows"] <= table.filter(source="web")["id"].n_unique()
    assert web["rows"] > 12 * 16 / 2


# --- the ledger --------------------------------------------------------------------------------------------------


def row_of(collected, arm, source):
    (row,) = [row for row in ledger_rows(collected) if (row["arm"], row["source"]) == (arm, source)]
    return row


def test_the_ledger_has_every_source_of_every_arm(collected):
    found = {}
    for row in ledger_rows(collected):
        found.setdefault(row["arm"], set()).add(row["source"])
    assert found["scored"] == {"student", "web (kept in)"}
    assert found["judged"] == {"student"}
    assert found["mixed"] == {"web", "teacher", "truth"}
    assert found["leak"] == {"web", "teacher", "test-items", "truth"}
    assert collected.failures == ()


def test_requests_to_score_and_to_judge_are_the_teachers(collected, plan, done):
    scored = row_of(collected, "scored", "student")
    assert (scored["queries"], scored["teacher_tokens_out"]) == (
        sources_of(done[job_of(plan, "scored").key])[0]["rows"],
        0,
    )
    assert scored["teacher_tokens_in"] == scored["tokens"]
    judged = row_of(collected, "judged", "student")
    assert judged["queries"] == ledger(done[job_of(plan, "judged", 0, "corpora").key])["queries"].sum()


def test_tokens_and_epochs_of_a_source_are_those_it_was_drawn_for(collected, plan, done):
    for source in sources_of(done[job_of(plan, "mixed").key]):
        row = row_of(collected, "mixed", source["name"])
        assert row["tokens"] == round(source["tokens"])
        assert row["unique_tokens"] == source["unique_tokens"]
        assert row["epochs"] == pytest.approx(source["tokens"] / source["unique_tokens"], abs=0.01)


def test_counts_of_a_source_against_a_literal_sum():
    found = counted("web", [4, 7, 5], [2, 0, 3])
    assert found == {
        "name": "web",
        "rows": 5,
        "unique_rows": 2,
        "mean_tokens": 23 / 5,
        "tokens": 23.0,
        "unique_tokens": 9.0,
    }
    assert "name" not in counted(None, [4], [1])
    assert counted("web", [], [])["mean_tokens"] == 0.0
