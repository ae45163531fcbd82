"""Budgets for asking the teacher are of a whole arm: what its jobs may ask together, and who shares a job still."""

from pathlib import Path

import pytest

from gauger.errors import UserError
from gauger.execute import Cache
from gauger.spec import Surface
from gauger.study.load import open_study, plan_loaded
from gauger.study.plan_forecast import forecast
from gauger.study.shared_budgets import share_of

STUDY = Path(__file__).with_name("tiny.yaml")
LABEL = "{kind: text-distill, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 40, steps: 8, batch: 16}"
FEWER = LABEL.replace("40", "20")
SCORED = "{kind: on-policy-distill, seeds: reference, forms: [quiz], steps: 4, batch: 16, prompts: 50}"
JUDGED = (
    "{kind: preference, judge: teacher, seeds: benchmark-train, forms: [quiz], prompts: 20, steps: 2, batch: 16,"
    " candidates: 2}"
)
MIXED = (
    "{kind: mixture, steps: 8, batch: 16, sources: [{source: web},"
    " {source: teacher, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 30},"
    " {source: self, strategy: label, seeds: benchmark-train, forms: [quiz], samples: 10}]}"
)
CAP = "teacher.surface.max_queries=30"


def planned(stages: str, *overrides: str):
    arms = f"arms={{label: {{stages: [{stages}]}}}}"
    return plan_loaded(open_study(STUDY, [arms, "verdict.arm=label", *overrides]))


def surfaces(plan, arm: str, replicate: int = 0) -> dict[str, Surface]:
    """What the teacher shows to each job behind an arm's records that asks it, by key."""
    (cell,) = [cell for cell in plan.cells if (cell.arm, cell.replicate) == (arm, replicate)]
    waiting, asking, seen = [cell.records], {}, set()
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        waiting += plan.jobs[key].inputs.values()
        for value in vars(plan.parameters[key]).values():
            if getattr(value, "name", None) == "teacher":
                asking[key] = value.surface
    return asking


@pytest.mark.parametrize(
    ("stages", "shares"),
    [
        (LABEL, [30]),
        (f"{LABEL}, {LABEL}", [15, 15]),
        (f"{LABEL}, {FEWER}", [10, 20]),
        (f"{LABEL}, {SCORED}", [30 * 40 // 104, 30 * 64 // 104]),
        (f"{LABEL}, {JUDGED}", [10, 20]),
        (MIXED, [30 // 4, 3 * 30 // 4]),
    ],
)
def test_what_asks_in_an_arm_divides_its_budget_by_samples(stages, shares):
    plan, _ = planned(stages, CAP)
    asked = surfaces(plan, "label")
    assert sorted(surface.max_queries for surface in asked.values()) == shares
    for control in ("matched", "placebo", "reference", "leak"):
        assert sum(surface.max_queries for surface in surfaces(plan, control).values()) <= 30
    assert surfaces(plan, "matched").keys() <= asked.keys(), "its rows are matched with those that the arm asked for"


def test_every_budget_is_divided_and_a_surface_without_one_stays_as_it_is():
    plan, _ = planned(f"{LABEL}, {FEWER}", "teacher.surface.max_tokens=100")
    assert sorted(surface.max_tokens for surface in surfaces(plan, "label").values()) == [33, 66]
    recipe = next(arm.recipe for arm in plan.arms if arm.name == "label")
    paid = [share_of(Surface(max_usd=0.6), stage, 60).max_usd for stage in recipe]
    assert paid == pytest.approx([0.4, 0.2])
    assert share_of(Surface(max_usd=0.6), recipe[0], 40).max_usd == 0.6
    alone, _ = planned(LABEL)
    free, _ = planned(f"{LABEL}, {FEWER}")
    assert surfaces(alone, "label").keys() < surfaces(free, "label").keys()


def test_cells_of_a_factorial_share_what_they_have_in_common():
    ingredients = f"{{a: {{stages: [{LABEL}]}}, b: {{stages: [{FEWER}]}}}}"
    plan, _ = planned(LABEL, CAP, f"factorial={{order: [a, b], ingredients: {ingredients}}}")
    whole = surfaces(plan, "a+b")
    assert sorted(surface.max_queries for surface in whole.values()) == [10, 20]
    assert surfaces(plan, "a").keys() < whole.keys()
    assert surfaces(plan, "b").keys() < whole.keys()


def test_a_budget_that_leaves_a_stage_nothing_is_refused():
    with pytest.raises(UserError, match="max_queries: expected a budget with something for every stage that asks"):
        planned(f"{LABEL}, {LABEL}", "teacher.surface.max_queries=1")


def test_the_plan_says_what_can_be_spent_at_most(tmp_path):
    plan, world = planned(f"{LABEL}, {LABEL}", CAP)
    most = forecast(plan, world, Cache(tmp_path), 1)
    assert (most.queries_most, most.usd_most) == (30, None), "one corpus for both replicates, shared by the controls"
    free = forecast(*planned(LABEL), Cache(tmp_path), 1)
    assert (free.queries_most, free.usd_most) == (None, None)
