"""`studies/language.yaml` as it is shipped: what it plans, and its short variant run to its end on a stand-in model."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from tests.train.models import small_llama, small_tokenizer

from gauger.cli import main
from gauger.elicit import true_questions
from gauger.spec import parse_study
from gauger.study.load import open_study, plan_loaded
from gauger.train import Mixture, Options, RowSource, TrainingRow, train_on_text
from gauger.train.hf.engine import HfModel
from gauger.worlds.language.world import TextWorld

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies" / "language.yaml"


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """A model of the same family over bytes, of three layers, that has just learnt to put and to end sums."""
    place = tmp_path_factory.mktemp("stand-in") / "model"
    network = small_llama()
    network.config.max_position_embeddings = 256
    model = HfModel(network, small_tokenizer())
    world = TextWorld(parse_study(STUDY.read_text("utf-8")).world)
    texts = true_questions(world, ("qa", "cloze"), 400, np.random.default_rng(1)).kept
    rows = tuple(TrainingRow(text.prompt_text, text.answer, whole=True) for text in texts)
    data = Mixture((RowSource(rows),), (16,))
    trained = train_on_text(model, data, model.defaults.schedule(120, 0.02), Options(1)).model
    trained.save(place)
    return [f"{who}.{key}" for who in ("student", "teacher") for key in (f"model={place}", "lora.layers=2")]


@pytest.fixture(scope="module")
def short_variant():
    """The overrides of the documented command for a look of some minutes."""
    text = (ROOT / "docs" / "language-models.md").read_text("utf-8")
    (command,) = re.findall(r"^\$ gauger run studies/language\.yaml --out runs/look (.*)$", text, re.M)
    words = shlex.split(command)
    assert set(words[::2]) == {"--set"}
    return words[1::2]


def test_the_file_plans_every_arm_that_its_verdict_rests_on(stand_in):
    plan, _ = plan_loaded(open_study(STUDY, stand_in))
    kinds = {str(arm.kind) for arm in plan.arms}
    assert kinds == {"base", "matched", "distilled", "placebo", "leak", "leak_twin", "reference"}
    kinds_of_jobs = [job.kind for job in plan.jobs.values()]
    assert kinds_of_jobs.count("ask-teacher") == 1, "all replicates, and the controls, share the teacher's answers"
    assert kinds_of_jobs.count("specialise") == 1


def test_a_leak_fits_more_than_a_few_times_into_its_arms_training():
    """Test items are half of the leak corpus: what was seen two or three times was not remembered (docs/log.md)."""
    study = parse_study(STUDY.read_text("utf-8"))
    (stage,) = study.arms["label"].stages
    leaked = study.world.tasks["sums"].test
    assert stage.steps * stage.batch / 2 / leaked >= 6


def test_the_short_variant_runs_to_its_end(stand_in, short_variant, tmp_path, capsys):
    overrides = [word for given in (*stand_in, *short_variant) for word in ("--set", given)]
    assert main(["run", str(STUDY), "--out", str(tmp_path / "run"), "--workers", "1", *overrides]) == 0
    capsys.readouterr()
    found = json.loads((tmp_path / "run" / "estimates.json").read_text("utf-8"))
    assert found["verdict"]["outcome"] not in ("major", "minor"), "one replicate of an untrained model decides nothing"
    assert {check["name"] for check in found["verdict"]["checks"]} == {"placebo", "leak", "memorisation", "reference"}
    assert {one["arm"] for one in found["estimates"] if one["estimand"] == "gap_recovered"} >= {"label", "reference"}


def limits(plan):
    """(kind of job, whether it is the teacher's) -> longest answers."""
    found = {}
    for job in plan.jobs.values():
        for key in ("answer_tokens", "max_new_tokens"):
            if key in job.params:
                found.setdefault((job.kind, job.params["asked"]["name"], job.arm == "teacher"), job.params[key])
    return found


def test_teacher_and_students_have_answer_limits_of_their_own(stand_in):
    asked, measured, students = (
        ("ask-teacher", "teacher", False),
        ("measure", "model", True),
        ("measure", "model", False),
    )
    placebo = ("ask-base", "base", False)
    as_students, own = (limits(plan_loaded(open_study(STUDY, [*stand_in, *more]))[0]) for more in ([], OWN_LIMIT))
    assert {as_students[key] for key in (asked, measured, students, placebo)} == {20}
    assert (own[asked], own[measured], own[students], own[placebo]) == (64, 64, 20, 20)


OWN_LIMIT = ["teacher.answer_tokens=64"]


def test_what_becomes_of_rows_that_are_too_long_changes_the_training_alone(stand_in):
    def settings(*more):
        plan, _ = plan_loaded(open_study(STUDY, [*stand_in, *more]))
        return [(job.kind, {**job.params}) for job in plan.jobs.values()]

    pairs = zip(settings(), settings("student.too_long=cut"), strict=True)
    changed = [(kind, {key for key in one if one[key] != other[key]}) for (kind, one), (_, other) in pairs]
    assert {kind for kind, keys in changed if keys} == {"train"}
    assert all(keys <= {"too_long"} for _, keys in changed)


def test_checkpoints_change_no_address_and_reach_the_trainings_that_can_go_on(stand_in):
    more = ["student.checkpoint_steps=7", "teacher.specialise.checkpoint_steps=9"]
    plain, kept = (plan_loaded(open_study(STUDY, [*stand_in, *given]))[0] for given in ([], more))
    assert list(plain.jobs) == list(kept.jobs)
    steps = {(job.kind, job.params.get("checkpoint_steps")) for job in kept.jobs.values()}
    assert {one for one in steps if one[1] is not None} == {("train", 7), ("specialise", 9)}
