"""Compares two runs of one question: every estimand of one less that of the other, paired where seeds are shared.

theta_2 - theta_1 is a contrast of the cell means of both runs at once, so its variance is the crossed one of
everything else here: items that both runs asked and replicates that share a seed cancel as far as they move together.
A model that stands in both runs (an untouched base, a control that the change does not touch) is one arm, and cancels
wholly. Of two ratios with one denominator the difference is a ratio again, with Fieller's set; of two ratios with
different ones it is linearised (delta method), and undefined unless both denominators can be told from zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from gauger.estimate.cell_means import Case
from gauger.estimate.compare.joint_runs import ComparedRun, JointRuns
from gauger.estimate.contrasts import run_batch, values_of
from gauger.estimate.results import collect_estimates, tidy
from gauger.estimate.wanted import Linearised, Planned
from gauger.records import Estimate, Reason, SetKind
from gauger.stats import t_quantile

SUFFIX = "_difference"
"""What the name of a difference ends in: uplift_difference."""
SAME_MODELS = "The same trained models stand on both sides."
DELTA = "Difference of two ratios with denominators of their own: first order (delta method)."


@dataclass(frozen=True)
class RunDifferences:
    """What one run is beyond another."""

    estimates: tuple[Mapping[str, Any], ...]
    """Rows as in `estimates.json` with `run`, `against`, and the interval as if the runs had nothing in common
    (`unpaired_se`, `unpaired_low`, `unpaired_high`)."""
    judged: Mapping[str, Any] | None
    """The same of what the verdict rule judges; None where a run has no rule."""
    shared_arms: tuple[str, ...]
    """Arms that are the same models in both."""
    same_seeds: bool
    same_items: bool


def compare_runs(first: ComparedRun, second: ComparedRun) -> RunDifferences:
    """Estimate second - first for every estimand, arm and benchmark that both have.

    Parameters
    ----------
    first, second : ComparedRun
        With the same benchmarks; arms are the same where they have the same name.

    Returns
    -------
    RunDifferences
        Values on the 0-1 scale. Undefined where either side is; a difference of ratios with different denominators
        also where one of these may be zero.

    Notes
    -----
    Recomputed literally in tests/estimate/test_side_by_side.py.
    """
    joint = JointRuns.of(first, second)
    against, other = (joint.planned(side) for side in (0, 1))
    pairs = [(against[key], other[key]) for key in against if key in other]
    judged = None
    if first.design.rule is not None and second.design.rule is not None:
        pairs.append((joint.judged(0), joint.judged(1)))
        judged = len(pairs) - 1
    rows = _rows(joint, pairs)
    return RunDifferences(
        tuple(row for k, row in enumerate(rows) if k != judged),
        None if judged is None else rows[judged],
        joint.shared,
        joint.same_seeds,
        joint.same_items,
    )


def _rows(joint: JointRuns, pairs: Sequence[tuple[Planned, Planned]]) -> list[Mapping[str, Any]]:
    """Estimate every pair's own values and their difference, and put them into rows."""
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    own = [collect_estimates(run_batch(joint.cells, _on_joint(joint, plan))) for plan in sides]
    planned = [
        _difference(joint, *pair, ratios_known=all(side[k].kind == SetKind.INTERVAL for side in own))
        for k, pair in enumerate(pairs)
    ]
    known = [k for k, entry in enumerate(planned) if entry.numerator is None or entry.numerator.any()]
    differences = dict(zip(known, collect_estimates(run_batch(joint.cells, [planned[k] for k in known])), strict=True))
    return [
        _row(joint, differences.get(k) or _nothing(entry), entry, own[0][k], own[1][k])
        for k, entry in enumerate(planned)
    ]


def _on_joint(joint: JointRuns, plan: Sequence[Planned]) -> list[Planned]:
    return [replace(entry, case=replace(entry.case, cells=joint.cells)) for entry in plan]


def _difference(joint: JointRuns, against: Planned, other: Planned, *, ratios_known: bool) -> Planned:
    """Plan other - one."""
    case = Case(joint.cells, other.case.arm, other.case.control, other.case.target)
    name = f"{other.estimand}{SUFFIX}"
    reason = against.reason or other.reason
    if reason is not None or against.numerator is None or other.numerator is None:
        return Planned(name, case, None, None, reason)
    if against.denominator is None or other.denominator is None:
        return Planned(name, case, other.numerator - against.numerator, None)
    if np.array_equal(against.denominator, other.denominator):
        floor = other.least_denominator
        return Planned(name, case, other.numerator - against.numerator, other.denominator, least_denominator=floor)
    if not ratios_known:
        return Planned(name, case, None, None, Reason.DENOMINATOR_UNCERTAIN)
    (first, slope_first), (second, slope_second) = _ratio(joint, against), _ratio(joint, other)
    return Planned(name, case, slope_second - slope_first, None, note=DELTA, linearised=Linearised(second - first))


def _ratio(joint: JointRuns, planned: Planned) -> tuple[float, Any]:
    """Return a ratio and its derivative by every cell mean: (n' - theta d') / d."""
    assert planned.numerator is not None  # noqa: S101 - asked of defined ratios alone
    assert planned.denominator is not None  # noqa: S101
    n, d = values_of(planned, joint.cells.cube.means)
    return n / d, (planned.numerator - (n / d) * planned.denominator) / d


def _nothing(planned: Planned) -> Estimate:
    """Return the difference of two sides that are the same models: 0, for certain."""
    case, target = planned.case, planned.case.target
    return Estimate(
        planned.estimand, case.arm.name, case.control, target.benchmark, target.role, target.over,
        value=0.0, se=0.0, low=0.0, high=0.0, note=SAME_MODELS,
    )  # fmt: skip


def _row(
    joint: JointRuns, difference: Estimate, planned: Planned, against: Estimate, other: Estimate
) -> Mapping[str, Any]:
    """Return a row under the second run's own names, with both values and the interval that ignores what is shared."""
    first, second = joint.runs
    note = " ".join(filter(None, [planned.note if difference.value is not None else None, difference.note]))
    names = {"arm": difference.arm, "control": difference.control}
    own: dict[str, Any] = {name: joint.own_name(1, "arm", value) for name, value in names.items()}
    own["benchmark"] = joint.own_name(1, "benchmark", difference.benchmark)
    more = {"run": second.label, "against": first.label, "value_run": other.value, "value_against": against.value}
    return {**difference.to_dict(), **own, "note": note or None, **more, **unpaired(difference, against, other)}


def unpaired(difference: Estimate, against: Estimate, other: Estimate) -> dict[str, float | None]:
    """Return the interval of a difference as if the two sides had neither items, seeds nor models in common.

    se = sqrt(se_1^2 + se_2^2), degrees of freedom by Welch and Satterthwaite: what a reader of two reports would work
    out. It stands beside the paired interval to show what sharing is worth; it is no alternative to it.

    Parameters
    ----------
    difference : Estimate
        The difference.
    one, other : Estimate
        The two values.

    Returns
    -------
    dict
        unpaired_se, unpaired_low, unpaired_high; NULL where a side has no standard error.
    """
    nothing: dict[str, float | None] = dict.fromkeys(("unpaired_se", "unpaired_low", "unpaired_high"))
    if difference.value is None or against.se is None or other.se is None or not against.se + other.se:
        return nothing
    variances = against.se**2, other.se**2
    # A side without replicates or with many items has no finite df: its variance counts as known.
    known = sum(v**2 / df for v, df in zip(variances, (against.df, other.df), strict=True) if df is not None)
    df = sum(variances) ** 2 / known if known else np.inf
    se = sqrt(sum(variances))
    half = float(t_quantile((1 + difference.level) / 2, df)) * se
    return {
        "unpaired_se": tidy(se),
        "unpaired_low": tidy(difference.value - half),
        "unpaired_high": tidy(difference.value + half),
    }
