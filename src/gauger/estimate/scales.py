"""Puts contrasts of points on other scales, and says whether a conclusion stands on more than one.

Points compare benchmarks of different difficulty as if a point meant the same on both, which it does not: with one and
the same lift of every item an easy benchmark gains less than one of middling difficulty. So that *memorised* or *bound*
be stated, the interval must exclude its null in points and in item logits (`stats.item_logits`); each test has the
rule's level, and a statement that needs both needs no correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.cell_means import Case, Cells, MissingCell, Target, Weights
from gauger.estimate.logit_scale import LogitScale
from gauger.estimate.wanted import CellSampling, Linearised, Planned
from gauger.records import ArmKind, Estimate, Reason, Role, Scale, SetKind
from gauger.stats import MOST_SPREAD

RESCALED = ("memorisation", "carryover", "benchmark_bound_share")
"""Estimands that compare benchmarks of different difficulty."""
NULLS = {"memorisation": 0.0, "benchmark_bound_share": 0.0}
"""Estimand -> the value that its statement must exclude from below."""
STATEMENTS = {"memorisation": "memorised", "benchmark_bound_share": "bound to the benchmark"}


def plan_rescaled(planned: Sequence[Planned]) -> list[Planned]:
    """Plan every estimate that compares benchmarks of different difficulty once more: in item logits, and in lead."""
    chosen = [entry for entry in planned if entry.estimand in RESCALED and entry.numerator is not None]
    in_lead = [share for entry in chosen if (share := in_share_of_lead(entry)) is not None]
    return [in_logits(entry) for entry in chosen] + in_lead


def in_logits(entry: Planned) -> Planned:
    """Put a planned contrast or ratio of means on the scale of item logits.

    ``theta = sum w eta`` with the weights of points; its derivatives ``w d eta / d mean`` are what its variance rests
    on, and what the estimated spread of difficulty leaves uncertain is added.
    """
    if entry.numerator is None:
        return replace(entry, scale=Scale.LOGIT)
    scale = entry.case.cells.logits
    used = (entry.numerator != 0) | (False if entry.denominator is None else entry.denominator != 0)
    if not np.isfinite(scale.eta[used]).all():
        return replace(entry, numerator=None, denominator=None, reason=Reason.NOT_ESTIMABLE, scale=Scale.LOGIT)
    top, n = _moved(scale, entry.numerator)
    if entry.denominator is None:
        bottom, d, ratio = None, None, 0.0
    else:
        bottom, d = _moved(scale, entry.denominator)
        ratio = n / d if d != 0 else 0.0
    leaning = entry.numerator - (0.0 if entry.denominator is None else ratio * entry.denominator)
    return replace(
        entry,
        numerator=top,
        denominator=bottom,
        linearised=Linearised(n, d),
        sampling=_of_spread(scale, leaning, entry.case.cells),
        scale=Scale.LOGIT,
        note=_spread_note(scale, used, entry.case.cells) + _logit_of_mean(entry),
    )


def _moved(scale: LogitScale, weights: Weights) -> tuple[Weights, float]:
    used = weights != 0
    moved = np.where(used, weights * np.nan_to_num(scale.slope), 0.0)
    return moved, float(weights[used] @ scale.eta[used])


def _of_spread(scale: LogitScale, weights: Weights, cells: Cells) -> CellSampling | None:
    """Say what the estimated spreads leave uncertain of a contrast."""
    by_benchmark = np.where(weights != 0, weights * np.nan_to_num(scale.by_spread), 0.0).sum(axis=0)
    used = np.flatnonzero((weights != 0).any(axis=0))
    variance = float(sum(by_benchmark[b] ** 2 * scale.spreads[b].variance for b in used))
    if variance == 0:
        return None
    return CellSampling(variance, max(min(len(cells.cube.items[b]) for b in used) - 1, 1))


def _spread_note(scale: LogitScale, used: NDArray[np.bool_], cells: Cells) -> str:
    """Name the spread that the scale rests on, and what it cannot know."""
    touched = np.flatnonzero(used.any(axis=0))
    spreads = ", ".join(f"{cells.cube.benchmarks[b]} {_spread(scale.spreads[b].sd)}" for b in touched)
    common = not all(scale.spreads[b].within_arms for b in touched)
    what = "Item difficulty common to the arms" if common else "Item difficulty"
    return (
        f"{what} spreads by (logits): {spreads}. Where items discriminate unequally this scale is not uniform either."
    )


def _spread(sd: float) -> str:
    return f"{sd:.1f}" if sd < MOST_SPREAD - 0.05 else f"{MOST_SPREAD:.0f} or more"


def _logit_of_mean(entry: Planned) -> str:
    """Say what the plain logit of the mean scores gives, for comparison: it is bent by the spread of difficulty."""
    means = entry.case.cells.cube.means
    with np.errstate(divide="ignore", invalid="ignore"):
        logit = np.log(means) - np.log1p(-means)
    weights = [w for w in (entry.numerator, entry.denominator) if w is not None]
    if not all(np.isfinite(logit[w != 0]).all() for w in weights):
        return ""
    logits = [float(w[w != 0] @ logit[w != 0]) for w in weights]
    if logits[-1] == 0 and len(logits) > 1:
        return ""
    value = logits[0] if len(logits) == 1 else logits[0] / logits[1]
    if entry.complement:
        value = 1 - value
    shown = f"{value:+.2f}" if len(logits) == 1 else f"{100 * value:.0f} %"
    return f" On the logit of the mean score: {shown}."


def in_share_of_lead(entry: Planned) -> Planned | None:
    """Put memorisation on the scale of the teacher's lead: gap recovered on targeted minus on parallel benchmarks.

    None for other estimands, and where there is no teacher, no such benchmark or no lead. Shown, never decisive.
    """
    case = entry.case
    teacher = case.of_kind(ArmKind.TEACHER)
    if entry.estimand != "memorisation" or entry.numerator is None or teacher is None:
        return None
    try:
        parts = [_share(case, teacher, target) for target in (case.target, case.twin(Role.PARALLEL))]
    except MissingCell:
        return None
    if any(part is None for part in parts):
        return None
    (first, high), (second, low) = parts  # type: ignore[misc]
    return replace(entry, numerator=first - second, linearised=Linearised(high - low), scale=Scale.LEAD)


def _share(case: Case, teacher: str, target: Target) -> tuple[Weights, float] | None:
    """Return the derivatives and the value of (arm - control) / (teacher - control)."""
    uplift = case.mean(case.arm.name, target) - case.mean(case.control, target)
    lead = case.mean(teacher, target) - case.mean(case.control, target)
    means = case.cells.cube.means
    above, below = (float(w[w != 0] @ means[w != 0]) for w in (uplift, lead))
    if not np.isfinite([above, below]).all() or below <= 0:
        return None
    return (uplift - above / below * lead) / below, above / below


def state_scales(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """Write into the note of every memorisation and bound share what both scales together allow to be said."""
    logits = {_key(estimate): estimate for estimate in estimates if estimate.scale == Scale.LOGIT}
    return tuple(
        replace(estimate, note=" ".join(filter(None, [statement(estimate, logits.get(_key(estimate))), estimate.note])))
        if estimate.estimand in NULLS and estimate.scale == Scale.POINTS and estimate.value is not None
        else estimate
        for estimate in estimates
    )


def scale_warnings(estimates: Sequence[Estimate]) -> list[str]:
    """Warn of every statement about an average that one scale alone would make."""
    logits = {_key(estimate): estimate for estimate in estimates if estimate.scale == Scale.LOGIT}
    warnings = []
    for estimate in estimates:
        if (
            estimate.estimand in NULLS
            and estimate.scale == Scale.POINTS
            and estimate.value is not None
            and estimate.benchmark is None
        ):
            stated = statement(estimate, logits.get(_key(estimate)))
            if stated.startswith("Depends"):
                name = estimate.estimand.replace("_", " ")
                warnings.append(f"{estimate.arm}, {name}: {stated[0].lower()}{stated[1:].rstrip('.')}")
    return warnings


def _key(estimate: Estimate) -> tuple[object, ...]:
    return (estimate.estimand, estimate.arm, estimate.control, estimate.benchmark, estimate.over)


def excludes_null(estimate: Estimate | None) -> bool:
    """Tell whether an estimate's interval lies wholly above the null of its statement."""
    if estimate is None or estimate.value is None or estimate.low is None:
        return False
    return estimate.kind in (SetKind.INTERVAL, SetKind.ABOVE) and estimate.low > NULLS[estimate.estimand]


def statement(points: Estimate, logit: Estimate | None) -> str:
    """Say what points and item logits together show: it is so, it depends on the scale, or it is not shown.

    The statement is made only where both intervals exclude the null. A statement that needs both tests needs no
    correction: where it is false on either scale, that scale's own test errs at no more than its rate.

    Parameters
    ----------
    points : Estimate
        Memorisation or bound share in points, with a value.
    logit : Estimate or None
        The same in item logits; None, or without a value: points alone never make the statement.

    Returns
    -------
    str
        One sentence. It names both numbers where one scale alone would have made the statement.

    Notes
    -----
    docs/methods.md, section 15. Wording is tested in tests/estimate/test_scales.py; false statements are in
    validation/verdict.
    """
    what = STATEMENTS[points.estimand]
    both = excludes_null(points), excludes_null(logit)
    if logit is None or logit.value is None:
        return "Only in points: in item logits it has no value." if both[0] else f"Not shown to be {what}."
    if all(both):
        return f"{what.capitalize()}: in points and in item logits."
    if any(both):
        share = points.estimand == "benchmark_bound_share"
        factor, unit = (100, " %") if share else (1, " item logits")
        in_logits = f"{factor * logit.value:+.{0 if share else 2}f}{unit}{_ends(logit, factor, 0 if share else 2)}"
        on = " in item logits" if share else ""
        ours = (
            f"{100 * points.value:+.1f} {'%' if share else 'points'}{_ends(points, 100, 1)}"
            if points.value is not None
            else ""
        )
        return f"Depends on the scale: {ours} in points, but {in_logits}{on}; so it is not called {what}."
    return f"Not shown to be {what}."


def _ends(estimate: Estimate, factor: float, digits: int) -> str:
    if estimate.low is None or estimate.high is None or estimate.kind != SetKind.INTERVAL:
        return ""
    return f" ({factor * estimate.low:+.{digits}f} to {factor * estimate.high:+.{digits}f})"
