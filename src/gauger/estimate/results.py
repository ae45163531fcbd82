"""A batch of contrasts as the estimates of the contract: intervals, simultaneous intervals, counts, reasons, notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.contrasts import Batch, is_zero
from gauger.estimate.verdict_inputs import Judged, judged, undefined_reason
from gauger.estimate.wanted import Planned
from gauger.records import ArmKind, Estimate
from gauger.stats.random_effects.threads import one_thread
from gauger.stats.ratio import RatioSet
from gauger.stats.simultaneous import max_t
from gauger.stats.student import t_cdf

FAMILY_DRAWS = 2**14
"""Draws of a family's joint distribution: critical values to within 1 % (two standard errors), a study in a second."""
UNREPLICATED = "Covers item sampling alone: nothing was replicated."
"""Note of an interval without any training replicates in it."""


def collect_estimates(batch: Batch) -> tuple[Estimate, ...]:
    """Turn every planned estimate of a batch into its `Estimate`, in the order of the plan.

    Simultaneous intervals hold for a whole family at once: one estimand over all its arms and benchmarks.
    """
    pieces = [judged(batch, p) for p in range(len(batch.planned))]
    levels = _simultaneous_levels(batch, pieces)
    return tuple(
        _undefined(batch, p) if piece is None else _estimate(batch, p, piece, levels[p])
        for p, piece in enumerate(pieces)
    )


def collect_one(batch: Batch, p: int) -> Estimate:
    """Turn one planned estimate into its `Estimate`, without simultaneous interval."""
    piece = judged(batch, p)
    return _undefined(batch, p) if piece is None else _estimate(batch, p, piece, np.nan)


def _simultaneous_levels(batch: Batch, pieces: list[Judged | None]) -> NDArray[np.float64]:
    """Return (P,) the pointwise level at which each estimate's interval holds for its whole family; NaN if none.

    The family's max-t critical value is expressed as a level of each estimate's own t distribution, so that a ratio's
    Fieller set can be taken at it.
    """
    families: dict[str, list[int]] = defaultdict(list)
    for p, piece in enumerate(pieces):
        if piece is not None:
            families[batch.planned[p].estimand].append(p)
    levels = np.full(len(pieces), np.nan)
    for family in families.values():
        rows = [batch.judged_row(p) for p in family]
        covariance, df = batch.contrasts.covariance[np.ix_(rows, rows)], batch.contrasts.df[rows]
        levels[family] = _family_levels(covariance, df, batch.level)
    return levels


def _family_levels(covariance: NDArray[np.float64], df: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return the pointwise level of each member that makes the family hold at `level`."""
    se = np.sqrt(np.diag(covariance))
    if not (se > 0).any():
        return np.full(len(se), level)
    with one_thread():
        half = max_t(np.zeros(len(se)), covariance, df, level, FAMILY_DRAWS).high
    critical = np.divide(half, se, out=np.full(len(se), np.nan), where=se > 0)
    pointwise = 1 - 2 * t_cdf(-np.nan_to_num(critical), df)
    return np.where(np.isfinite(critical), np.maximum(pointwise, level), level)


def _estimate(batch: Batch, p: int, piece: Judged, simultaneous_level: float) -> Estimate:
    """Write down one defined estimate."""
    planned = batch.planned[p]
    interval = piece.interval(batch.level)
    together = piece.interval(simultaneous_level) if np.isfinite(simultaneous_level) else None
    bounded = together is not None and together.kind == "bounded"
    row = int(batch.numerator[p])
    return _named(
        planned,
        batch.level,
        value=tidy(piece.value),
        se=tidy(piece.se),
        df=tidy(piece.df) if np.isfinite(piece.df) else None,
        low=tidy(interval.low),
        high=tidy(interval.high),
        simultaneous_low=tidy(together.low) if together is not None and bounded else None,
        simultaneous_high=tidy(together.high) if together is not None and bounded else None,
        n_items=int(batch.contrasts.n_items[row]),
        n_clusters=int(batch.contrasts.n_clusters[row]),
        n_replicates=_replicates(batch, p),
        note=_note(planned, interval, together),
    )


def at_level(estimate: Estimate, piece: Judged | None, level: float) -> Estimate:
    """Return the estimate with its interval at another level; the simultaneous one is left out where that differs."""
    if piece is None or level == estimate.level:
        return replace(estimate, level=level)
    interval = piece.interval(level)
    estimate = replace(estimate, level=level, simultaneous_low=None, simultaneous_high=None)
    return replace(estimate, low=tidy(interval.low), high=tidy(interval.high))


def _undefined(batch: Batch, p: int) -> Estimate:
    """Write down one estimate that has a reason instead of a value."""
    return _named(batch.planned[p], batch.level, reason=undefined_reason(batch, p))


def _named(planned: Planned, level: float, **numbers: float | int | str | None) -> Estimate:
    """Fill in what the estimate is about."""
    case = planned.case
    where = {"benchmark": case.target.benchmark, "role": case.target.role, "over": case.target.over}
    return Estimate(planned.estimand, case.arm.name, case.control, level=level, **where, **numbers)  # type: ignore[arg-type]


def tidy(number: float | None) -> float | None:
    """Round to ten significant digits and rounding dust to 0, so that the order of additions never shows."""
    if number is None:
        return None
    assert np.isfinite(number), "an undefined number must never be stored"  # noqa: S101 - our own invariant
    return 0.0 if is_zero(number) else float(f"{number:.10g}")


def _replicates(batch: Batch, p: int) -> int:
    """Count the replicates of the arm; of an ingredient, which is no arm, the fewest of the cells that it rests on."""
    planned = batch.planned[p]
    if planned.case.arm.name in planned.case.cells.cube.arms:
        return replicates_of(planned, planned.case.arm.name)
    return int(batch.contrasts.n_replicates[batch.numerator[p]])


def replicates_of(planned: Planned, arm: str) -> int:
    """Count the training replicates of an arm that have records."""
    cube = planned.case.cells.cube
    return int((cube.panel.replicates[cube.arms.index(arm)] >= 0).sum())


def _note(planned: Planned, interval: RatioSet, together: RatioSet | None) -> str | None:
    """Say what a reader must know of the intervals, in words."""
    notes = [] if interval.kind == "bounded" else [interval.text]
    if not notes and together is not None and together.kind != "bounded":
        notes.append("No bounded interval holds for the whole family at once.")
    notes += _replication_notes(planned)
    if planned.note is not None:
        notes.append(planned.note)
    if planned.sampling is not None and planned.sampling.variance > 0:
        size = "" if planned.is_ratio else f", {planned.sampling.variance**0.5:.2g},"
        notes.append(f"The cells that were run are a sample; the standard error of that{size} is in the interval.")
    return " ".join(notes) or None


def _replication_notes(planned: Planned) -> Iterable[str]:
    """Say which training variation the interval does not cover."""
    cells = planned.case.cells
    assert planned.numerator is not None  # noqa: S101 - a defined estimate has weights
    touched = (planned.numerator != 0).any(axis=1)
    if planned.denominator is not None:
        touched |= (planned.denominator != 0).any(axis=1)
    infos = [arm for arm, used in zip(cells.design.arms, touched, strict=True) if used]
    counts = [replicates_of(planned, arm.name) for arm in infos]
    single = [
        arm.name
        for arm, count in zip(infos, counts, strict=True)
        if count == 1 and arm.kind not in (ArmKind.BASE, ArmKind.TEACHER)
    ]
    if max(counts, default=0) <= 1:
        return [UNREPLICATED]
    return [f"Takes the single training run of {', '.join(single)} as it is."] if single else []
