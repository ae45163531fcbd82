"""All planned estimates at once: one pass over the scores for the linear contrasts, one for the ratios.

A ratio N / D is judged through the linear contrast N - theta D, evaluated at the estimate: its variance and its
Satterthwaite degrees of freedom are what Fieller's set needs, and its joint covariance with the other ratios of the
family is what simultaneous intervals need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.cells import Cells, Weights
from gauger.estimate.plan import Planned
from gauger.stats.contrast import Contrasts, estimate_contrasts


ROUNDING = 1e-12
"""Differences of scores below this are sums of rounding errors."""


@dataclass(frozen=True)
class Batch:
    """Planned estimates with the contrasts that they rest on."""

    planned: Sequence[Planned]
    linear: Contrasts
    """One row per different numerator or denominator."""
    numerator: NDArray[np.int64]
    """(P,): row of `linear` of each planned estimate; -1 where it has no weights."""
    denominator: NDArray[np.int64]
    """(P,): row of the denominator; -1 where there is none."""
    tangent: Contrasts | None
    """One row per ratio: the contrast N - theta D at theta = N / D; None where no ratio was planned."""
    tangent_row: NDArray[np.int64]
    """(P,): row of `tangent`; -1 where the estimate is no ratio or its ratio does not exist."""
    level: float
    """Level of the intervals."""


def run_batch(cells: Cells, planned: Sequence[Planned]) -> Batch:
    """Estimate every contrast that the plan needs.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    planned : sequence of Planned
        What to estimate, P entries.
    """
    rows: dict[bytes, int] = {}
    stack: list[Weights] = []
    numerator = np.array([_row(entry.numerator, rows, stack) for entry in planned], dtype=np.int64)
    denominator = np.array([_row(entry.denominator, rows, stack) for entry in planned], dtype=np.int64)
    linear = _estimate(cells, stack)
    tangent_row = np.full(len(planned), -1, dtype=np.int64)
    tangents: list[Weights] = []
    for p, entry in enumerate(planned):
        n, d = numerator[p], denominator[p]
        if d < 0 or not np.isfinite([linear.value[n], linear.value[d]]).all() or is_zero(linear.value[d]):
            continue
        tangent_row[p] = len(tangents)
        theta = linear.value[n] / linear.value[d]
        assert entry.numerator is not None  # noqa: S101 - a row implies weights
        assert entry.denominator is not None  # noqa: S101
        tangents.append(entry.numerator - theta * entry.denominator)
    tangent = _estimate(cells, tangents) if tangents else None
    return Batch(planned, linear, numerator, denominator, tangent, tangent_row, cells.design.level)


def is_zero(difference: float) -> bool:
    """Tell whether a difference of scores is 0 but for the rounding of its sum."""
    return bool(abs(difference) < ROUNDING)


def _row(weights: Weights | None, rows: dict[bytes, int], stack: list[Weights]) -> int:
    """Return the row of these weights in the stack, entering them where they are new."""
    if weights is None:
        return -1
    key = weights.tobytes()
    if key not in rows:
        rows[key] = len(stack)
        stack.append(weights)
    return rows[key]


def _estimate(cells: Cells, stack: list[Weights]) -> Contrasts:
    """Hand the weights to the engine as one (C, A, B) array."""
    if not stack:
        nothing = {field.name: np.empty((0, 0) if field.name == "covariance" else 0) for field in fields(Contrasts)}
        return Contrasts(**nothing)
    design = cells.design
    return estimate_contrasts(cells.cube.panel, np.stack(stack), moderated=design.moderated, level=design.level)
