"""Turns a batch of contrasts into estimates of the contract: intervals, simultaneous ones, counts, reasons, notes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.contrasts import PlannedBatch, is_zero
from gauger.estimate.design import FIXED
from gauger.estimate.no_variation import nothing_varied
from gauger.estimate.packed_weights import packed
from gauger.estimate.verdict_inputs import JudgedContrast, judged, undefined_reason
from gauger.estimate.wanted import Planned
from gauger.records import Estimate, SetKind
from gauger.stats import LARGE, Contrasts, RatioSet, critical_values, max_t, one_thread, t_cdf

FAMILY_DRAWS = 2**14
"""Draws of a family's joint distribution: critical values to within 1 % (two standard errors), a study in a second."""
UNREPLICATED = "Covers item sampling alone: nothing was replicated."
"""Note of an interval without any training replicates in it."""
SET_KINDS = {
    "bounded": SetKind.INTERVAL,
    "outside": SetKind.OUTSIDE,
    "unbounded above": SetKind.ABOVE,
    "unbounded below": SetKind.BELOW,
    "whole line": SetKind.EVERYTHING,
}
"""Kind of a ratio's set (`stats.ratio`) -> the kind that the contract names."""
_UNBOUNDED = {
    "outside": "Everything outside the two ends: the denominator may be zero or of either sign.",
    "unbounded above": "Without an upper end: the denominator may be zero.",
    "unbounded below": "Without a lower end: the denominator may be zero.",
    "whole line": "No ratio is ruled out: the denominator may well be zero.",
}


def collect_estimates(batch: PlannedBatch, n: int | None = None) -> tuple[Estimate, ...]:
    """Turn planned estimates of a batch into `Estimate`s, in the order of the plan.

    Simultaneous intervals hold for a whole family at once: one estimand on one scale, over all its arms and benchmarks.
    Their critical value is the quantile of max |t| under the family's joint covariance (docs/methods.md, section 7).

    Parameters
    ----------
    batch : Batch
        P planned estimates with their contrasts.
    n : int, optional
        How many of them, from the first on; None: all. What is left out belongs to no family.

    Returns
    -------
    tuple of Estimate
        One per entry. An undefined one has a reason and no number. One in which nothing varied gets the bound of what
        so few items can hide instead of a t interval; a ratio then gets none.

    Notes
    -----
    Coverage of the intervals is in validation/estimands and validation/calibrate.
    """
    pieces = [judged(batch, p) for p in range(len(batch.planned) if n is None else n)]
    levels = _simultaneous_levels(batch, pieces)
    return tuple(
        _undefined(batch, p) if piece is None else _estimate(batch, p, piece, levels[p])
        for p, piece in enumerate(pieces)
    )


def collect_one(batch: PlannedBatch, p: int, level: float) -> Estimate:
    """Turn one planned estimate into its `Estimate` at a level of its own, without simultaneous interval.

    Parameters
    ----------
    batch : Batch
        The estimated contrasts.
    p : int
        Position of the estimate in the plan.
    level : float
        Two-sided level, between 0.5 and 1. Ends, kind of set, note and what so few items can hide are all of this
        level, whatever the batch's is.

    Returns
    -------
    Estimate
        With a reason instead of numbers where it is undefined.
    """
    batch = replace(batch, level=level)
    piece = judged(batch, p)
    return _undefined(batch, p) if piece is None else _estimate(batch, p, piece, np.nan)


def _simultaneous_levels(batch: PlannedBatch, pieces: list[JudgedContrast | None]) -> NDArray[np.float64]:
    """Return (P,) the pointwise level at which each estimate's interval holds for its whole family; NaN if none.

    The family's max-t critical value is expressed as a level of each estimate's own t distribution, so that a ratio's
    Fieller set can be taken at it.
    """
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    for p, piece in enumerate(pieces):
        if piece is not None:
            families[batch.planned[p].estimand, batch.planned[p].scale].append(p)
    levels = np.full(len(pieces), np.nan)
    for family in families.values():
        levels[family] = _family_levels(batch.contrasts, np.array([batch.judged_row(p) for p in family]), batch.level)
    return levels


def _correlations(
    contrasts: Contrasts, members: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the correlations of some members of a family with some others, each with itself exactly 1."""
    correlation = contrasts.joint.correlations(members[first], members[second])
    correlation[members[first][:, None] == members[second]] = 1.0
    return correlation


def _family_levels(contrasts: Contrasts, rows: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """Return the pointwise level of each member that makes the family hold at `level`."""
    se, df = contrasts.se[rows], contrasts.df[rows]
    critical = np.full(len(rows), np.nan)
    if not (se > 0).any():
        return np.full(len(se), level)
    with one_thread():
        if len(rows) <= LARGE:
            half = max_t(np.zeros(len(se)), contrasts.joint.among(rows), df, level, FAMILY_DRAWS).high
            critical = np.divide(half, se, out=critical, where=se > 0)
        else:
            varies = rows[se > 0]
            among = partial(_correlations, contrasts, varies)
            critical[se > 0] = critical_values(among, df[se > 0], level, FAMILY_DRAWS)
    pointwise = 1 - 2 * t_cdf(-np.nan_to_num(critical), df)
    # Never below the plain level: the critical value is simulated, and could fall short of it by chance.
    return np.where(np.isfinite(critical), np.maximum(pointwise, level), level)


def _estimate(batch: PlannedBatch, p: int, piece: JudgedContrast, simultaneous_level: float) -> Estimate:
    """Write down one defined estimate."""
    planned = batch.planned[p]
    row = int(batch.numerator[p])
    counts = {
        "n_items": int(batch.contrasts.n_items[row]),
        "n_clusters": int(batch.contrasts.n_clusters[row]),
        "n_replicates": _replicates(batch, p),
    }
    rounded = partial(tidy, unit=batch.unit(p))
    if piece.is_constant:
        bounds = nothing_varied(batch, p, piece.value)
        ends: dict[str, Any] = {end: rounded(bounds[end]) for end in ("low", "high") if end in bounds}
        return _named(planned, batch.level, value=rounded(piece.value), **counts, **{**bounds, **ends})
    interval = piece.interval(batch.level)
    together = piece.interval(simultaneous_level) if np.isfinite(simultaneous_level) else None
    bounded = together is not None and together.kind == "bounded"
    return _named(
        planned,
        batch.level,
        value=rounded(piece.value),
        se=rounded(piece.se),
        df=tidy(piece.df) if np.isfinite(piece.df) else None,
        low=rounded(interval.low),
        high=rounded(interval.high),
        kind=str(SET_KINDS[interval.kind]),
        simultaneous_low=rounded(together.low) if together is not None and bounded else None,
        simultaneous_high=rounded(together.high) if together is not None and bounded else None,
        **counts,
        note=_note(batch, p, interval, together),
    )


def _undefined(batch: PlannedBatch, p: int) -> Estimate:
    """Write down one estimate that has a reason instead of a value."""
    return _named(batch.planned[p], batch.level, reason=undefined_reason(batch, p), kind=str(SetKind.NONE))


def _named(planned: Planned, level: float, **numbers: float | int | str | None) -> Estimate:
    """Fill in what the estimate is about."""
    case = planned.case
    where = {"benchmark": case.target.benchmark, "role": case.target.role, "over": case.target.over}
    given: dict[str, Any] = {"level": level, "scale": str(planned.scale), **where, **numbers}
    return Estimate(planned.estimand, case.arm.name, case.control, **given)


def tidy(number: float | None, unit: float = 1.0) -> float | None:
    """Round to ten significant digits and rounding dust to 0, so that the order of additions never shows.

    Parameters
    ----------
    number : float or None
        None stays None.
    unit : float
        What a difference of scores of 1 is in it: dust is what lies below 1e-12 of that.
    """
    if number is None:
        return None
    assert np.isfinite(number), "an undefined number must never be stored"  # noqa: S101 - our own invariant
    return 0.0 if is_zero(number, unit) else float(f"{number:.10g}")


def _replicates(batch: PlannedBatch, p: int) -> int:
    """Count the replicates of the arm; of an ingredient, which is no arm, the fewest of the cells that it rests on."""
    planned = batch.planned[p]
    if planned.case.arm.name in planned.case.cells.cube.arms:
        return replicates_of(planned, planned.case.arm.name)
    return int(batch.contrasts.n_replicates[batch.numerator[p]])


def replicates_of(planned: Planned, arm: str) -> int:
    """Count the training replicates of an arm that the estimate rests on: the fewest of the benchmarks that it weighs.

    Parameters
    ----------
    planned : Planned
        Any estimate of the study: it leads to the scores.
    arm : str
        Name of an arm of the study.

    Returns
    -------
    int
        0 where the arm has no scored row.

    Raises
    ------
    ValueError
        The study has no such arm.
    """
    cube = planned.case.cells.cube
    a, n = cube.arms.index(arm), len(cube.benchmarks)
    weights = [packed(planned, name) for name in ("numerator", "denominator")]
    cells = np.unique(np.concatenate([row.cells for row in weights if row is not None]))
    runs = [cube.runs[a, b] for b in cells[cells // n == a] % n]
    return int(min(runs) if runs else (cube.panel.replicates[a] >= 0).sum())


def _note(batch: PlannedBatch, p: int, interval: RatioSet, together: RatioSet | None) -> str | None:
    """Say what a reader must know of the intervals, in words."""
    planned = batch.planned[p]
    notes = [] if interval.kind == "bounded" else [_UNBOUNDED[interval.kind]]
    if not notes and together is not None and together.kind != "bounded":
        notes.append("No bounded interval holds for the whole family at once.")
    notes += _replication_notes(batch, p)
    if planned.note is not None:
        notes.append(planned.note)
    if planned.sampling is not None and planned.linearised is None and planned.sampling.variance > 0:
        size = "" if planned.is_ratio else f", {planned.sampling.variance**0.5:.2g},"
        notes.append(f"The cells that were run are a sample; the standard error of that{size} is in the interval.")
    return " ".join(notes) or None


def _replication_notes(batch: PlannedBatch, p: int) -> list[str]:
    """Say which training variation the interval does not cover, and which it borrows."""
    planned = batch.planned[p]
    cells = planned.case.cells
    weights = [packed(planned, name) for name in ("numerator", "denominator")]
    touched = np.unique(np.concatenate([row.arms for row in weights if row is not None]))
    used = [cells.design.arms[a] for a in touched]
    counts = {arm.name: replicates_of(planned, arm.name) for arm in used if arm.kind not in FIXED}
    if batch.contrasts.training_unknown[batch.numerator[p]] or not counts:
        return [UNREPLICATED]
    single = [name for name, count in counts.items() if count == 1]
    trained = (cells.cube.panel.replicates >= 0).sum(axis=1)
    once, scored = ([name for name in single if (trained[cells.cube.arms.index(name)] > 1) == n] for n in (False, True))
    return [
        f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} {what}; it is taken for twice as noisy as the "
        "replicated arms."
        for names, what in ((once, "trained once"), (scored, "scored here for one training alone"))
        if names
    ]
