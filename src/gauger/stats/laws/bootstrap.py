"""Refits under random weights: how far the parameters, and everything that follows from them, would move.

The fractional-random-weight bootstrap (Xu et al. 2020, The American Statistician 74, 345-358): every point, or every
group of points, is given an exponential weight of mean 1. It estimates what drawing cases with replacement estimates,
but no draw loses the largest model altogether, which few points in many parameters do not survive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from gauger.stats.laws.fit import LawFit
from gauger.stats.laws.minimise import minimise
from gauger.stats.laws.points import FloatArray, IntArray, Points
from gauger.stats.student import t_quantile


@dataclass(frozen=True)
class Draws:
    """B refits of one law."""

    theta: FloatArray
    """(B, P): inner parameters."""
    weights: FloatArray
    """(B, n): the weights they were fitted with, mean 1."""
    n_units: float
    """Units that were drawn: points by their weight, or groups."""
    failed: float
    """Share of refits that did not come to rest."""


def unit_weights(points: Points, count: int, rng: np.random.Generator, *, grouped: bool = True) -> FloatArray:
    """Exponential weights of mean 1, one per point or, where points have groups, one per group, (count, n)."""
    if points.group is None or not grouped:
        return rng.exponential(1.0, (count, len(points)))
    _, codes = np.unique(points.group, return_inverse=True)
    return np.asarray(rng.exponential(1.0, (count, int(codes.max()) + 1))[:, codes])


def count_units(fitted: LawFit) -> float:
    """How many independent units the points are: groups where there are groups, else points by their weight."""
    group: IntArray | None = fitted.points.group
    return fitted.effective_n if group is None else float(len(np.unique(group[fitted.weights > 0])))


def draw(fitted: LawFit, weights: FloatArray) -> Draws:
    """Refit a law under (B, n) random weights, from its best fit on."""
    starts = np.tile(fitted.theta, (len(weights), 1))
    found = minimise(fitted.problem, starts, fitted.weights * weights, steps=300)
    return Draws(found.theta, weights, count_units(fitted), float(1.0 - found.converged.mean()))


def wider_tail(level: float, n_units: float, n_parameters: int) -> float:
    """Tail probability at which quantiles of the draws are taken, smaller than (1 - level)/2.

    Quantiles of draws know nothing of the t distribution: they are taken where a normal quantile equals that of t with
    n - P degrees of freedom (Hesterberg 2015, The American Statistician 69, 371-386, section 5.3, without his factor
    sqrt(n/(n - P)): refits of Huber's loss under exponential weights do not spread too little; see validation/laws).
    """
    return float(ndtr(-t_quantile(0.5 + level / 2.0, max(n_units - n_parameters, 1.0))))


def interval(values: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of draws (B, ...) at tail and 1 - tail."""
    low, high = np.quantile(values, [tail, 1.0 - tail], axis=0)
    return low, high
