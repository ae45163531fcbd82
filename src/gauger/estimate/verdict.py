"""The verdict: major, minor, undetermined or invalid, against a threshold that was fixed before the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gauger.estimate.cell_means import Case, Cells
from gauger.estimate.contrasts import Batch
from gauger.estimate.design import Design, VerdictRule
from gauger.estimate.estimands import find_estimand
from gauger.estimate.results import at_level, tidy
from gauger.estimate.settle import settling_addition
from gauger.estimate.verdict_inputs import Judged, judged
from gauger.estimate.wanted import Planned, plan_one
from gauger.records import AssayCheck, Estimate, Verdict


def plan_verdict(cells: Cells, rule: VerdictRule) -> Planned:
    """Plan the one estimate that the rule judges: the average over the benchmarks of its role."""
    estimand = find_estimand(rule.estimand)
    arm = next(arm for arm in cells.design.arms if arm.name == rule.arm)
    control = estimand.control(cells.design, arm) if estimand.control else None
    return plan_one(rule.estimand, estimand, Case(cells, arm, control, cells.average(rule.role)))


def judge_study(
    batch: Batch, p: int, estimate: Estimate, design: Design, assay: Sequence[AssayCheck]
) -> Verdict | None:
    """Judge planned estimate p by the design's rule; None where the design has none.

    Major if the lower end of the interval lies above the threshold tau, minor if the upper end lies below, else
    undetermined. For a ratio n / d the interval is Fieller's, which is the test of the linear contrast n - tau d, and
    `probability_major` is P(n - tau d > 0) under the estimator's t distribution: above (1 + level) / 2 exactly where
    the outcome is major. A failed assay check makes it invalid, whatever the estimate.
    """
    rule = design.rule
    if rule is None:
        return None
    piece = judged(batch, p)
    stated = _stated(rule, estimate.control)
    estimate = at_level(estimate, piece, rule.level)
    probability = _probability(piece, rule.threshold)
    failed = [check for check in assay if check.passed is False]
    if failed:
        why = " ".join(f"The {check.name} check failed. {check.detail}" for check in failed)
        return Verdict(stated, "invalid", probability, why, estimate)
    if piece is None:
        return Verdict(stated, "undetermined", None, f"The estimate is undefined: {estimate.reason}.", estimate)
    if piece.denominator <= 0:
        return Verdict(stated, "undetermined", None, "There is no lead to recover: it is not above zero.", estimate)
    outcome = decide(piece, rule.threshold, rule.level)
    settled = None
    if outcome == "undetermined":
        settled = settling_addition(batch, p, piece, rule.threshold, rule.level)
    return Verdict(stated, outcome, probability, settled, estimate)


def decide(piece: Judged, threshold: float, level: float) -> str:
    """Return major, minor or undetermined by the interval at a level."""
    interval = piece.interval(level)
    if interval.kind != "bounded" or piece.denominator <= 0:
        return "undetermined"
    assert interval.low is not None  # noqa: S101 - a bounded set has both ends
    assert interval.high is not None  # noqa: S101
    if interval.low > threshold:
        return "major"
    return "minor" if interval.high < threshold else "undetermined"


def _probability(piece: Judged | None, threshold: float) -> float | None:
    """Return P(theta > threshold), to ten digits; None where it means nothing."""
    if piece is None or piece.denominator <= 0:
        return None
    return tidy(piece.probability_above(threshold))


def _stated(rule: VerdictRule, control: str | None) -> dict[str, Any]:
    """Return the rule as the report and `estimates.json` state it."""
    return {**asdict(rule), "control": control}
