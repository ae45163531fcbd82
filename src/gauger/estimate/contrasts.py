"""Estimates all planned contrasts at once, in one pass over the scores.

A ratio n / d is judged through the linear contrast n - theta d, evaluated at the estimate (its *tangent*): its variance
and its degrees of freedom are what Fieller's set needs, and its joint covariance with the other ratios of the family is
what simultaneous intervals need. theta follows from the cell means alone, so that the tangents are estimated together
with everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.cell_means import Cells, Weights
from gauger.estimate.packed_weights import CellWeights, packed
from gauger.estimate.wanted import Planned
from gauger.stats import ContrastRows, Contrasts, estimate_contrasts, one_thread

ROUNDING = 1e-12
"""Differences of scores, each with weight 1, that lie below this are sums of rounding errors."""


@dataclass(frozen=True)
class PlannedBatch:
    """P planned estimates with the contrasts that they rest on."""

    planned: Sequence[Planned]
    contrasts: Contrasts
    """One row per different numerator, denominator or tangent."""
    numerator: NDArray[np.int64]
    """(P,): row of each planned estimate, or of its numerator; -1 where it has no weights."""
    denominator: NDArray[np.int64]
    """(P,): row of the denominator; -1 where there is none."""
    tangent: NDArray[np.int64]
    """(P,): row of the contrast n - theta d; -1 where the estimate is no ratio, or its denominator is 0."""
    level: float
    """Level of the intervals."""
    means: Weights
    """(A, B): the cell means that the values are taken at."""
    units: NDArray[np.float64]
    """Of each row the largest weight of a cell mean, whatever its sign: what a difference of scores of 1 is there."""

    def unit(self, p: int) -> float:
        """Return the largest weight of planned estimate p; of a ratio, its numerator's over its denominator's.

        Rounding is of this size times 1e-16: points per teraflop may be smaller than what is rounding in points.
        """
        unit = float(self.units[self.numerator[p]])
        return unit if self.denominator[p] < 0 else unit / float(self.units[self.denominator[p]])

    @cached_property
    def of_ratio(self) -> NDArray[np.float64]:
        """(P,): covariance of numerator and denominator; 0 where there is no denominator."""
        covariances = np.zeros(len(self.planned))
        ratios = np.flatnonzero((self.numerator >= 0) & (self.denominator >= 0))
        if len(ratios):
            covariances[ratios] = self.contrasts.joint.pairs(self.numerator[ratios], self.denominator[ratios])
        return covariances

    def judged_row(self, p: int) -> int:
        """Return the row whose variance planned estimate p rests on: its own, or its tangent's."""
        return int(self.tangent[p] if self.planned[p].is_ratio else self.numerator[p])


def run_batch(cells: Cells, planned: Sequence[Planned]) -> PlannedBatch:
    """Estimate every contrast that the plan needs.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    planned : sequence of Planned
        What to estimate, P entries.
    """
    stack = _Stack({}, [])
    rows = [
        (
            stack.row(packed(entry, "numerator")),
            stack.row(packed(entry, "denominator")),
            stack.row(_tangent(entry, cells.cube.means)),
        )
        for entry in planned
    ]
    numerator, denominator, tangent = np.array(rows, dtype=np.int64).reshape(len(planned), 3).T
    units = np.array([weights.largest for weights in stack.weights])
    estimated, level = _estimate(cells, stack.weights), cells.design.level
    return PlannedBatch(planned, estimated, numerator, denominator, tangent, level, cells.cube.means, units)


def is_zero(difference: float, unit: float = 1.0) -> bool:
    """Tell whether a difference of scores is 0 but for the rounding of its sum; `unit` is the largest weight in it."""
    return bool(abs(difference) <= ROUNDING * unit)


@dataclass(frozen=True)
class _Stack:
    """Different weights, each entered once."""

    rows: dict[bytes, int]
    weights: list[CellWeights]

    def row(self, weights: CellWeights | None) -> int:
        """Return the row of these weights, entering them where they are new; -1 for none."""
        if weights is None:
            return -1
        key = weights.key()
        if key not in self.rows:
            self.rows[key] = len(self.weights)
            self.weights.append(weights)
        return self.rows[key]


def _tangent(entry: Planned, means: Weights) -> CellWeights | None:
    """Return the weights of n - theta d at theta = n / d; None for a contrast, or where d is 0 (or unknown)."""
    numerator, denominator = entry.numerator, entry.denominator
    if numerator is None or denominator is None:
        return None
    n, d = values_of(entry, means)
    if is_zero(d, float(np.abs(denominator).max(initial=0.0))) or not np.isfinite([n, d]).all():
        return None
    return CellWeights.of(numerator - (n / d) * denominator)


def values_of(entry: Planned, means: Weights) -> tuple[float, float]:
    """Return the numerator's and the denominator's value at these cell means.

    Parameters
    ----------
    entry : Planned
        A planned estimate with weights. On another scale than points its own values are returned: its weights are
        derivatives there, and their sum with the means is no value.
    means : float array, (A, B)
        Cell means, scores in [0, 1]; NaN where nothing was scored.

    Returns
    -------
    tuple of float
        Numerator and denominator; the latter is 1 where there is none. NaN where a mean with weight is missing.
    """
    if entry.linearised is not None:
        return entry.linearised.numerator, 1.0 if entry.linearised.denominator is None else entry.linearised.denominator
    numerator, denominator = packed(entry, "numerator"), packed(entry, "denominator")
    assert numerator is not None  # noqa: S101 - entries without weights have no value
    return numerator.at(means), 1.0 if denominator is None else denominator.at(means)


def _estimate(cells: Cells, stack: list[CellWeights]) -> Contrasts:
    """Hand the weights to the engine."""
    if not stack:
        nothing: dict[str, Any] = {field.name: np.empty(0) for field in fields(Contrasts)}
        return Contrasts(**nothing)
    design = cells.design
    with one_thread():
        return estimate_contrasts(cells.cube.panel, _rows(stack), moderated=design.moderated, level=design.level)


def _rows(stack: list[CellWeights]) -> ContrastRows:
    """Lay the weights of all contrasts end to end."""
    starts = np.cumsum([0, *(len(weights.cells) for weights in stack)])
    cells, values = (np.concatenate(parts) for parts in zip(*((w.cells, w.values) for w in stack), strict=True))
    n_arms, n_benchmarks = stack[0].shape
    return ContrastRows(starts, cells, values, (n_arms, n_benchmarks))
