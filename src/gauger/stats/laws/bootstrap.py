"""Refits laws under random weights: how far the parameters, and everything that follows from them, would move.

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
from gauger.stats.laws.points import FloatArray, Points
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
    """Draw exponential weights of mean 1, one per point or, where points have groups, one per group.

    Parameters
    ----------
    points : Points
        n points; reads `group`.
    count : int
        B, number of draws.
    rng : numpy.random.Generator
        Draws the weights.
    grouped : bool
        False gives every point a weight of its own even where points have groups.

    Returns
    -------
    float array, (count, n)
        > 0. Points of one group, whose errors are not independent, have one weight: fewer units, wider intervals.
    """
    if points.group is None or not grouped:
        return rng.exponential(1.0, (count, len(points)))
    _, codes = np.unique(points.group, return_inverse=True)
    return np.asarray(rng.exponential(1.0, (count, int(codes.max()) + 1))[:, codes])


def count_units(fitted: LawFit) -> float:
    """How many independent units the points are: groups where there are groups, else points by their weight."""
    return float(count_units_of(fitted.points, fitted.weights[None])[0])


def count_units_of(points: Points, weights: FloatArray) -> FloatArray:
    """Count the independent units of K fits with weights (K, n): groups if there are groups, else points by weight."""
    if points.group is None:
        return np.asarray(weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1))
    return np.array([float(len(np.unique(points.group[row > 0]))) for row in weights])


def draw(fitted: LawFit, weights: FloatArray) -> Draws:
    """Refit a law under (B, n) random weights, from its best fit on.

    Parameters
    ----------
    fitted : LawFit
        Best fit of the law.
    weights : float array, (B, n)
        From `unit_weights`; they multiply the fit's own.

    Returns
    -------
    Draws
        Refits that ran out of steps are kept, and counted in `failed`: look at it before trusting quantiles.

    Not for few units per parameter or parameters at bounds: `intervals.why_profile` says when. Proven in
    validation/laws.
    """
    starts = np.tile(fitted.theta, (len(weights), 1))
    minima = minimise(fitted.problem, starts, fitted.weights * weights, steps=300)
    return Draws(minima.theta, weights, count_units(fitted), float(1.0 - minima.converged.mean()))


def wider_tail(level: float, n_units: float, n_parameters: int) -> float:
    """Compute the tail probability at which quantiles of the draws are taken, smaller than (1 - level)/2.

    Quantiles of draws know nothing of the t distribution: they are taken where a normal quantile equals that of t with
    n - P degrees of freedom (Hesterberg 2015, The American Statistician 69, 371-386, section 5.3, without his factor
    sqrt(n/(n - P)): refits of Huber's loss under exponential weights do not spread too little; see validation/laws).

    Parameters
    ----------
    level : float
        Coverage, 0-1.
    n_units : float
        n, independent units (`count_units`).
    n_parameters : int
        P; at least one degree of freedom is left.

    Returns
    -------
    float
        Probability, between 0 and (1 - level) / 2.
    """
    return float(ndtr(-t_quantile(0.5 + level / 2.0, max(n_units - n_parameters, 1.0))))


def interval(values: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Take quantiles of draws at tail and 1 - tail.

    Parameters
    ----------
    values : float array, (B, ...)
        Draws of anything, B >= 1.
    tail : float
        Probability of each tail (`wider_tail`).

    Returns
    -------
    low, high : float arrays, (...)
        In the unit of the draws; NaN where a draw is NaN.
    """
    low, high = np.quantile(values, [tail, 1.0 - tail], axis=0)
    return low, high
