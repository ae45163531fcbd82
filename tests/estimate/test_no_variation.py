"""Students that answer as their teacher does, or alike throughout: verdict, interval and figure say the same."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.score_arrays import Cube, replicate_ids
from gauger.estimate.verdict import NO_VARIATION, judge_study, plan_judging
from gauger.records import ArmInfo
from gauger.report.conclusion import lines
from gauger.report.findings import verdict as finding
from gauger.stats.crossed.panel import Panel

N = 80
RULE = FixedRule(arm="distilled")
ARMS = (
    ArmInfo("distilled", "distilled", "", matched="control"),
    ArmInfo("control", "matched", ""),
    ArmInfo("teacher", "teacher", ""),
)


def design(threshold, estimand="gap_recovered"):
    return Design(arms=ARMS, roles={"b": "near"}, rule=replace(RULE, threshold=threshold, estimand=estimand))


def cells(student, control, teacher, own):
    """Scores (R, N) of the arms of one benchmark."""
    block = np.full((3, 2, N), np.nan)
    block[0], block[1], block[2, 0] = student, control, teacher
    seen = np.isfinite(block).all(axis=2)
    once = own.trained & (seen.sum(axis=1) == 1)
    panel = Panel((block,), (np.arange(N),), replicate_ids(seen, paired=True), trained_once=once)
    items = (tuple(f"{i:03d}" for i in range(N)),)
    names = tuple(arm.name for arm in ARMS)
    return Cells(Cube(panel, names, ("b",), ("near",), items, np.ones((3, 1), dtype=bool)), own)


def judged(scores, threshold, estimand="gap_recovered"):
    own = design(threshold, estimand)
    judging = plan_judging(held := cells(*scores, own), own.rule)
    batch = run_batch(held, judging.entries)
    return judge_study(batch, 0, judging, own)[0], batch


CONTROL = (np.random.default_rng(3).random((2, N)) < 0.3).astype(float)


@pytest.mark.parametrize("control", [CONTROL, CONTROL[[0, 0]]], ids=["trainings differ", "items alone differ"])
def test_a_student_like_its_teacher_has_the_interval_that_the_engine_gives_their_difference(control):
    """Covariances of n and d cancel in n - d and would give 100 to 100; the difference of the two arms has a floor."""
    verdict, batch = judged((np.ones((2, N)), control, np.ones(N)), 0.25)
    one, d = verdict.estimate, batch.contrasts.value[batch.denominator[0]]
    own = batch.contrasts.se[batch.judged_row(0)]
    assert own > 0.005
    assert one.se == pytest.approx(own / d, rel=1e-6)
    assert one.low < 1 - one.se < 1 < 1 + one.se < one.high
    assert one.kind == "interval"


@pytest.mark.parametrize(("threshold", "outcome"), [(0.25, "major"), (0.98, "undetermined"), (1.5, "minor")])
def test_verdict_and_figure_agree_about_a_student_like_its_teacher(threshold, outcome):
    verdict, _ = judged((np.ones((2, N)), CONTROL, np.ones(N)), threshold)
    words = {"major": "lies above", "undetermined": "is not told apart from", "minor": "lies below"}
    reached = {"minor": "not_powered"}  # without a reference arm minor is never said
    assert verdict.outcome == reached.get(outcome, outcome)
    assert words[outcome] in finding(asdict(verdict.estimate), verdict.rule, verdict.outcome)


@pytest.mark.parametrize(("estimand", "threshold"), [("uplift", 0.05), ("gap_recovered", 0.25)])
def test_where_nothing_varies_at_all_the_figure_claims_no_more_than_the_verdict(estimand, threshold):
    verdict, _ = judged((np.ones((2, N)), np.zeros((2, N)), np.ones(N)), threshold, estimand)
    one = verdict.estimate
    assert (verdict.outcome, verdict.probability_major, one.value, one.se) == ("undetermined", None, 1.0, None)
    assert verdict.settled_by == NO_VARIATION
    assert one.low == (pytest.approx(0.025 ** (1 / N)) if estimand == "uplift" else None)
    assert "is not told apart" in finding(asdict(one), verdict.rule, verdict.outcome)
    assert lines({**vars(verdict), "estimate": asdict(one)})[0].startswith("No answer varied")


def test_what_so_few_items_can_hide_is_of_the_rules_level():
    """The bound of Clopper and Pearson for none of N, by hand, at a level that is not the batch's."""
    own = replace(design(0.25, "uplift"), level=0.95)
    own = replace(own, rule=replace(own.rule, level=0.8))
    judging = plan_judging(held := cells(np.ones((2, N)), np.zeros((2, N)), np.ones(N), own), own.rule)
    estimate = judge_study(run_batch(held, judging.entries), 0, judging, own)[0].estimate
    assert estimate.level == 0.8
    assert estimate.low == pytest.approx(1 - (1 - 0.1 ** (1 / N)))
    assert f"hide {100 * (1 - 0.1 ** (1 / N)):.1f} %" in estimate.note
