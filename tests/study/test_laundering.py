"""A contaminated teacher: trained on the test items, it teaches a student on clean prompts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.errors import StudyError
from gauger.estimate import Design, estimate_study
from gauger.jobs.parameters import AskTeacher, Gather, TrainStage
from gauger.records import ArmInfo, ArmKind, Document, Reason
from gauger.report import render
from gauger.spec import expand_arms, fingerprint, load_study
from gauger.study.load import open_study, plan_loaded

STUDY = Path(__file__).with_name("tiny.yaml")
LAUNDER = "controls.launder={of: label, steps: 20, batch: 16, learning_rate: 0.01}"


@pytest.fixture(scope="module")
def plan():
    return plan_loaded(open_study(STUDY, [LAUNDER]))[0]


def jobs_of(plan, arm: str):
    cell = next(cell for cell in plan.cells if cell.arm == arm)
    return [plan.jobs[key] for key in (*cell.corpora, *cell.stages, cell.records)]


def test_it_is_there_only_where_it_is_asked_for():
    plain, asked = load_study(STUDY).study, load_study(STUDY, [LAUNDER]).study
    assert {arm.kind for arm in expand_arms(asked)} - {arm.kind for arm in expand_arms(plain)} == {
        ArmKind.LAUNDER,
        ArmKind.LEAKY_TEACHER,
    }
    assert fingerprint(plain) != fingerprint(asked)
    longer = load_study(STUDY, [LAUNDER.replace("steps: 20", "steps: 21")]).study
    assert fingerprint(longer) != fingerprint(asked)


def test_the_student_follows_the_clean_arms_recipe_and_asks_the_contaminated_teacher(plan):
    arms = {arm.name: arm for arm in plan.arms}
    assert arms["launder"].recipe == arms["label"].recipe
    assert (arms["launder"].twin, arms["launder"].matched) == ("label", arms["label"].matched)
    asked = [job for job in jobs_of(plan, "launder") if isinstance(plan.parameters[job.key], AskTeacher)]
    clean = [job for job in jobs_of(plan, "label") if isinstance(plan.parameters[job.key], AskTeacher)]
    leaky = plan.jobs[asked[0].inputs["teacher"]]
    assert leaky.inputs["start"] == clean[0].inputs["teacher"]
    assert [plan.parameters[job.key] for job in asked] == [plan.parameters[job.key] for job in clean]
    assert jobs_of(plan, "leaky-teacher")[0].inputs["model"] == leaky.key


def test_the_teacher_is_trained_on_test_items_among_its_own_answers(plan):
    leaky = next(plan.jobs[jobs_of(plan, "leaky-teacher")[0].inputs[role]] for role in ("model",))
    trained = plan.parameters[leaky.key]
    assert isinstance(trained, TrainStage)
    assert (trained.steps, trained.batch, trained.learning_rate) == (20, 16, 0.01)
    corpus = plan.parameters[leaky.inputs["corpus"]]
    assert isinstance(corpus, Gather)
    assert corpus.source == "test-items"
    assert set(corpus.benchmarks) == {"fauna-quiz", "max-quiz"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["controls.launder={of: nobody}"], "controls.launder.of: expected a declared arm"),
        (["controls.launder={of: label}", "benchmarks.max-quiz-new.role=near"], "a benchmark with role parallel"),
        (["controls.launder={step: 3}"], "Did you mean 'steps'?"),
    ],
)
def test_mistakes_are_named(overrides, message):
    with pytest.raises(StudyError) as caught:
        load_study(STUDY, overrides)
    assert message in str(caught.value)


MEANS = {  # arm -> (targeted, parallel)
    "teacher": (0.8, 0.8),
    "leaky-teacher": (1.0, 0.8),
    "matched": (0.3, 0.3),
    "label": (0.5, 0.45),
    "launder": (0.6, 0.45),
}
KINDS = {"label": ArmKind.DISTILLED, "leaky-teacher": ArmKind.LEAKY_TEACHER}


def estimated(means):
    """Studies in which every replicate and item scores as planted, but for a shift by item."""
    n, rows = 40, []
    shifts = np.linspace(-0.05, 0.05, n)
    for arm, scores in means.items():
        for replicate in range(1 if "teacher" in arm else 3):
            for role, mean in zip(("targeted", "parallel"), scores, strict=True):
                noise = 0.01 * (replicate - 1) * (arm in ("label", "launder"))
                own = np.clip(mean + shifts * (mean < 0.9) + noise, 0, 1)
                rows += [(arm, replicate, role, role, f"{i}", float(s)) for i, s in enumerate(own)]
    columns = ["arm", "replicate", "benchmark", "role", "item", "score"]
    arms = tuple(
        ArmInfo(name, KINDS.get(name, name), "", matched="matched" if name in ("label", "launder") else None,
                twin="label" if name == "launder" else None)
        for name in means
    )  # fmt: skip
    found = estimate_study(pl.DataFrame(rows, columns, orient="row"), Design(arms=arms)).estimates
    return arms, found


def value(found, estimand: str):
    rows = [row for row in found if row.estimand == estimand and row.benchmark is None and row.scale == "points"]
    assert len(rows) == 1
    return rows[0]


def test_what_came_through_is_a_difference_in_differences_over_the_clean_arm():
    found = estimated(MEANS)[1]
    assert value(found, "leak_in_teacher").value == pytest.approx(0.2, abs=1e-9)
    assert value(found, "laundered_leak").value == pytest.approx(0.1, abs=1e-9)
    assert value(found, "laundered_share").value == pytest.approx(0.5, abs=1e-9)


def test_without_a_leak_in_the_teacher_there_is_no_share_of_it():
    found = estimated({**MEANS, "leaky-teacher": (0.8, 0.8)})[1]
    assert value(found, "laundered_share").reason == Reason.NO_LEAK


def test_the_report_says_how_much_came_through():
    arms, found = estimated(MEANS)
    study = {"name": "planted", "fingerprint": "0", "question": "?", "kind": "study"}
    page = render(json.loads(json.dumps(Document(study, found, arms=arms).to_dict())))
    assert 'id="laundering"' in page
    assert "What of it came through to the student: +10.0" in page
