"""Proposes the next cells of a scale: those that tell most, per FLOP, of what distillation is worth further on.

The target is a student and a budget beyond the grid. What is to become small is the variance there of the difference
between each distilled curve and the control's, summed over the teachers: the control's curve counts once for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from gauger.errors import UserError
from gauger.estimate.scaling.fit import FitRequest, choose_laws, fit_laws
from gauger.estimate.scaling.study_points import CONTROL, ScalePoint, points_by_curve, to_points
from gauger.stats import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    Candidates,
    Chosen,
    Ensemble,
    Points,
    candidates_of,
    next_points,
)
from gauger.stats.laws import FloatArray

FURTHER = 2.0
"""The target, where none is given: so many times the parameters and tokens of the largest cell."""
OUTWARD = 2.0
"""Candidates reach so far beyond the grid's largest, as a factor."""


@dataclass(frozen=True)
class NextCell:
    """One cell to train."""

    curve: str
    n_params: float
    n_tokens: float
    budget: float
    """Factor on the declared arm's samples and steps."""
    flops: float
    """Of all its replicates."""
    known: bool
    """The cell is there already: these would be further replicates."""
    narrowing: float
    """Width of the interval at the target once this and all cells before it are there, as a share of today's."""


@dataclass(frozen=True)
class NextCells:
    """What is proposed, or why nothing is."""

    target_params: float
    target_tokens: float
    cells: tuple[NextCell, ...]
    flops: float
    reason: str | None = None


def propose_cells(
    points: Sequence[ScalePoint], budget: float, request: FitRequest, target: tuple[float, float] | None = None
) -> NextCells:
    """Propose cells within a budget.

    Parameters
    ----------
    points : sequence of ScalePoint
        Cells that were run; all of them are fitted, none is held out.
    budget : float
        Training FLOPs of all proposed cells and replicates.
    request : FitRequest
        How curves are fitted.
    target : (float, float), optional
        Parameters and tokens where the difference is wanted; None: twice those of the largest cell.

    Returns
    -------
    NextCells
        With a reason instead of cells where some curve cannot be fitted or the budget pays none.
    """
    largest = max(points, key=lambda point: point.flops)
    n_params, n_tokens = target or (FURTHER * largest.n_params, FURTHER * largest.n_tokens)
    by_curve = points_by_curve(points)
    try:
        fitted = {name: _fitted(cells, request) for name, cells in by_curve.items()}
    except UserError as error:
        return NextCells(n_params, n_tokens, (), 0.0, error.finding)
    grids = {name: _grid(cells) for name, cells in by_curve.items()}
    goal = Points(np.array([n_params]), np.array([n_tokens]))
    curves = [
        candidates_of(fitted[name], grid.points, goal, grid.flops, _stands_in(by_curve, name))
        for name, grid in grids.items()
    ]
    chosen = next_points(curves, budget)
    reason = None if chosen.choices else "the budget pays none of the cells that would tell something"
    return NextCells(n_params, n_tokens, tuple(_cells(chosen, grids, curves)), chosen.cost, reason)


def read_points(scaling: Mapping[str, Any]) -> list[ScalePoint]:
    """Read the cells back from a document's `scaling`."""
    derived = {"flops", "held_out"}
    return [ScalePoint(**{k: v for k, v in row.items() if k not in derived}) for row in scaling["points"]]


def _stands_in(by_curve: Mapping[str, Sequence[ScalePoint]], name: str) -> float:
    """Count the differences that a curve stands in: the control's in one for each teacher of its base."""
    if by_curve[name][0].curve != CONTROL:
        return 1.0
    teachers = [own for own, cells in by_curve.items() if own != name and cells[0].control_curve == name]
    return float(max(len(teachers), 1))


def _fitted(cells: Sequence[ScalePoint], request: FitRequest) -> Ensemble:
    points = to_points(cells)
    laws = choose_laws(points, request.law)
    return fit_laws(points, laws, request)


@dataclass(frozen=True)
class _Grid:
    """Candidates of one curve."""

    points: Points
    budgets: FloatArray
    flops: FloatArray
    known: tuple[bool, ...]


def _grid(cells: Sequence[ScalePoint]) -> _Grid:
    """Lay out every size x budget of the curve, those halfway between, and one step beyond the largest.

    Nothing smaller than what was run is a candidate. It would be cheap and, were the laws exact, tell much; but laws
    hold least at the smallest scale, and what they miss there is not in their noise.
    """
    sizes = _denser(sorted({float(cell.n_params) for cell in cells}))
    budgets = _denser(sorted({cell.budget for cell in cells}))
    per_budget = float(np.median([cell.n_tokens / cell.budget for cell in cells]))
    n_tokens_of = {(float(cell.n_params), cell.budget): cell.n_tokens for cell in cells}
    pairs = list(product(sizes, budgets))
    n_params = np.array([size for size, _ in pairs])
    n_tokens = np.array([n_tokens_of.get(pair, per_budget * pair[1]) for pair in pairs])
    replicates = max(cell.n_replicates for cell in cells)
    flops = FLOPS_PER_PARAMETER_AND_TOKEN * n_params * n_tokens * replicates
    known = tuple(pair in n_tokens_of for pair in pairs)
    return _Grid(Points(n_params, n_tokens), np.array([budget for _, budget in pairs]), flops, known)


def _denser(values: Sequence[float]) -> list[float]:
    """Add geometric middles and one step beyond the largest."""
    middles = [float(np.sqrt(a * b)) for a, b in pairwise(values)]
    return sorted([*values, *middles, OUTWARD * values[-1]])


def _cells(chosen: Chosen, grids: Mapping[str, _Grid], curves: Sequence[Candidates]) -> list[NextCell]:
    names = list(grids)
    cells = []
    for choice in chosen.choices:
        grid, i = grids[names[choice.curve]], choice.candidate
        cells.append(
            NextCell(
                curve=names[choice.curve],
                n_params=float(grid.points.n_params[i]),
                n_tokens=float(grid.points.n_tokens[i]),
                budget=float(grid.budgets[i]),
                flops=float(curves[choice.curve].cost[i]),
                known=grid.known[i],
                narrowing=float(np.sqrt(max(choice.variance, 0.0) / chosen.before)),
            )
        )
    return cells
