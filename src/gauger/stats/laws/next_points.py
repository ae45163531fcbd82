"""Chooses which points to train next, so that a prediction's interval narrows most for what they cost.

An observation y at a point x would be the curve there plus noise, y = f(x) + e, e ~ (0, s^2). Over the draws of the
fitted laws f(x) and the wanted f(t) have the covariance C, and after the observation the best linear prediction of
f(t) has the variance

    V' = V - C[t, x]^2 / (C[x, x] + s^2),

whatever y turns out to be (Bayes linear prediction; for one law that is linear in its parameters it is c-optimal
design: Chaloner and Verdinelli 1995, Statistical Science 10, 273-304). The draws are those of all laws that compete,
so a point is also worth something because it tells them apart. Points are taken one by one, each time the one with the
largest fall of V per cost. That rule can fill up with cheap points that say little, so points are also taken by their
fall of V alone, and whichever list ends lower is proposed (Khuller, Moss and Naor 1999, Information Processing Letters
70, 39-45, for why one of two such lists is never far from the best).

Dimension letters: B draws, n candidate points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.forecast import Ensemble, curve_draws
from gauger.stats.laws.points import FloatArray, Points

DRAWS = 2000
CLIPPED = 0.01
"""Draws beyond these quantiles are pulled in: a few refits that went astray would own every covariance."""
MOST = 12
"""Points that are proposed at most."""
LEAST = 0.02
"""A point that lowers the variance by a smaller share than this is not proposed."""


@dataclass(frozen=True)
class Candidates:
    """What could be trained next on one curve, and what the curve is wanted for."""

    covariance: FloatArray
    """(n + 1, n + 1): of the curve at the candidates and, last, at the target (log loss or accuracy)."""
    noise: float
    """Standard deviation of one observation about the curve."""
    cost: FloatArray
    """(n,): above 0, in the unit of the budget."""
    weight: float = 1.0
    """Of this curve's variance in what is to become small."""

    @property
    def variance(self) -> float:
        """Variance at the target."""
        return float(self.covariance[-1, -1])

    def observe(self, index: int) -> Candidates:
        """Return what is left once a candidate was observed."""
        column = self.covariance[:, index]
        total = self.covariance[index, index] + self.noise**2
        left = self.covariance - np.outer(column, column) / total if total > 0 else self.covariance
        return Candidates(left, self.noise, self.cost, self.weight)

    def falls(self) -> FloatArray:
        """(n,): by how much observing each candidate would lower the weighted variance at the target."""
        among = self.covariance[:-1, :-1]
        total = np.diag(among) + self.noise**2
        squared = self.covariance[-1, :-1] ** 2
        return self.weight * np.divide(squared, total, out=np.zeros_like(total), where=total > 0)


@dataclass(frozen=True)
class ProposedPoint:
    """One point that is proposed."""

    curve: int
    candidate: int
    variance: float
    """Weighted variance at the target once this and all points before it are observed."""


@dataclass(frozen=True)
class Chosen:
    """What is proposed, in order."""

    choices: tuple[ProposedPoint, ...]
    before: float
    """Weighted variance at the target now."""
    after: tuple[float, ...]
    """Variance of each curve at the target once all are observed."""
    cost: float


def candidates_of(
    ensemble: Ensemble, points: Points, target: Points, cost: FloatArray, weight: float = 1.0
) -> Candidates:
    """Take the covariance of a fitted curve at candidates and target from the draws of its laws.

    Parameters
    ----------
    ensemble : Ensemble
    points : Points
        n candidates.
    target : Points
        One point: where the prediction is wanted.
    cost : (n,) array
    weight : float
    """
    at = np.concatenate([curve_draws(ensemble, points, DRAWS), curve_draws(ensemble, target, DRAWS)], axis=1)
    low, high = np.quantile(at, [CLIPPED, 1 - CLIPPED], axis=0)
    noise = float(np.sqrt(ensemble.weights @ np.array([fit.noise**2 for fit in ensemble.fits])))
    return Candidates(np.cov(np.clip(at, low, high), rowvar=False), noise, cost, weight)


def next_points(curves: Sequence[Candidates], budget: float) -> Chosen:
    """Choose points over all curves within a budget; a point may be chosen more than once (further replicates).

    Parameters
    ----------
    curves : sequence of Candidates
        Curves with independent errors: the variance to be lowered is the weighted sum of theirs.
    budget : float

    Returns
    -------
    Chosen
        Without choices where the budget pays none.
    """
    lists = [_greedy(curves, budget, per_cost=per_cost) for per_cost in (True, False)]
    return min(lists, key=lambda chosen: chosen.choices[-1].variance if chosen.choices else chosen.before)


def _greedy(curves: Sequence[Candidates], budget: float, *, per_cost: bool) -> Chosen:
    left, spent = list(curves), 0.0
    choices: list[ProposedPoint] = []
    while len(choices) < MOST:
        best = _best(left, budget - spent, LEAST * _weighted(left), per_cost=per_cost)
        if best is None:
            break
        c, i = best
        left[c] = left[c].observe(i)
        spent += float(left[c].cost[i])
        choices.append(ProposedPoint(c, i, _weighted(left)))
    return Chosen(tuple(choices), _weighted(curves), tuple(curve.variance for curve in left), spent)


def _best(curves: Sequence[Candidates], purse: float, least: float, *, per_cost: bool) -> tuple[int, int] | None:
    """Find the affordable candidate that lowers the variance most, by cost or in all."""
    chosen, worth = None, 0.0
    for c, curve in enumerate(curves):
        fall = curve.falls()
        value = np.where((curve.cost <= purse) & (fall > least), fall / (curve.cost if per_cost else 1.0), 0.0)
        i = int(value.argmax()) if len(value) else 0
        if len(value) and value[i] > worth:
            chosen, worth = (c, i), float(value[i])
    return chosen


def _weighted(curves: Sequence[Candidates]) -> float:
    return sum(curve.weight * curve.variance for curve in curves)
