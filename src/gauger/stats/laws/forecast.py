"""Predicts without pretending to know the law: a weighted mixture, widened to what the back-test shows.

1. Every law is weighted by how well it predicted the larger points from the smaller (`backtest`).
2. The prediction is the mixture of the laws' random-weight draws, with the noise of one point.
3. Its interval is stretched until the held-out errors of the back-test would have fallen into theirs, at a like
   distance beyond the data; and further still beyond the largest distance that the back-test has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.backtest import Backtest, backtest, beyond
from gauger.stats.laws.bootstrap import Draws, draw, unit_weights, wider_tail
from gauger.stats.laws.fit import LawFit, Search, fit_law
from gauger.stats.laws.law import Law
from gauger.stats.laws.points import FloatArray, Points

PRIOR = 6.0
"""How many held-out points' worth of belief there is that the intervals need no stretching."""
KERNEL = 0.7
"""Width in log distance within which held-out errors speak for a prediction."""
NEAR = 0.3
"""e-folds that count as no distance."""


@dataclass(frozen=True)
class Ensemble:
    """Fitted laws with their weights: what a prediction is made of."""

    fits: tuple[LawFit, ...]
    draws: tuple[Draws, ...]
    weights: FloatArray
    """(M,): weights of the laws, summing to 1."""
    test: Backtest | None
    """None where there are too few points to hold any out."""
    seed: int


@dataclass(frozen=True)
class Forecast:
    """Predictions at n new points: log loss or accuracy."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    distance: FloatArray
    """(n,): e-folds beyond the fitted points."""
    stretch: FloatArray
    """(n,): factor by which the back-test stretched the interval."""


def fit_ensemble(points: Points, laws: Sequence[Law], n_draws: int = 1000, search: Search | None = None) -> Ensemble:
    """Fit every law, draw refits under the same random weights, and weigh the laws by the back-test.

    Parameters
    ----------
    points : Points
        Usable for every law (`fit.usable`).
    laws : sequence of Law
        At least one, all of one outcome (`registry.candidates`).
    n_draws : int
        Refits per law.
    search : Search, optional
        How hard the best fits are looked for; its seed fixes all draws.

    Returns
    -------
    Ensemble
        Equal weights, and intervals that are not stretched, where there are too few points to hold any out.

    Raises
    ------
    UserError
        A law has too few points or lacks a column.

    Coverage of its predictions: validation/laws.
    """
    search = search or Search()
    fits = tuple(fit_law(points, law, search) for law in laws)
    common = fits[0].points
    weights = unit_weights(common, n_draws, np.random.default_rng([search.seed, 1]))
    draws = tuple(draw(one, weights) for one in fits)
    test = backtest(common, laws, search)
    return Ensemble(fits, draws, law_weights(test, len(laws)), test, search.seed)


def law_weights(test: Backtest | None, n_laws: int) -> FloatArray:
    """Weigh the laws by their held-out scores; equally where nothing was held out.

    Each law's score is the mean log density of its held-out errors under a t distribution with 5 degrees of freedom
    whose scale is the standard deviation that the law itself claimed; a point held out by several cuts counts once. The
    weight is exp(score x points / 4): held-out points of one cut share its parameters' errors, so four count as one.

    Parameters
    ----------
    test : Backtest or None
        Held-out errors and claimed spreads of M laws.
    n_laws : int
        M.

    Returns
    -------
    float array, (M,)
        At least 0, summing to 1.

    Tested in tests/stats/laws/test_forecast.py; the idea is pseudo-Bayesian model averaging (Yao, Vehtari, Simpson
    and Gelman 2018, Bayesian Analysis 13, 917-1007).
    """
    if test is None or n_laws == 1:
        return np.full(n_laws, 1.0 / n_laws)
    scale = np.sqrt(test.spread**2 + test.noise**2)
    z = test.error / scale
    density = -np.log(scale) - 3.0 * np.log1p(z**2 / 5.0)
    points = np.unique(test.point)
    score = np.array([[one[test.point == p].mean() for p in points] for one in density]).mean(axis=1)
    weight = np.exp((score - score.max()) * len(points) / 4.0)
    return np.asarray(weight / weight.sum())


def predict(ensemble: Ensemble, points: Points, level: float = 0.95) -> Forecast:
    """Predict what one new model at each of the points would show, with its interval at the level.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted laws with their weights.
    points : Points
        n new points; their outcomes are not read, the columns that the laws need are.
    level : float
        Coverage, 0-1.

    Returns
    -------
    Forecast
        (n,) each: natural logarithm of the loss, or accuracy (not held inside 0-1). The interval holds one new model's
        outcome, its noise included, and always the prediction. For the expected curve use `curve_draws`.

    Coverage: validation/laws.
    """
    value, cloud, mass = _mixture(ensemble, points)
    first = ensemble.fits[0]
    n_parameters = max(len(one.theta) for one in ensemble.fits)
    tail = wider_tail(level, ensemble.draws[0].n_units, n_parameters)
    low, high = _weighted_quantiles(cloud, mass, tail)
    distance = beyond(points, first.points)
    stretch = stretches(ensemble, distance)
    low, high = value - stretch * (value - low), value + stretch * (high - value)
    return Forecast(value, np.minimum(low, value), np.maximum(high, value), distance, stretch)


def curve_draws(ensemble: Ensemble, points: Points, count: int) -> FloatArray:
    """Draw the expected outcome at points, without the noise of one point: log loss or accuracy.

    Each draw is one refit of one law, laws in proportion to their weights; deviations from the weighted mean are
    stretched as those of a prediction are.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted laws with their weights.
    points : Points
        n points.
    count : int
        Number of draws. The same count and seed give the same draws.

    Returns
    -------
    float array, (count, n)
        Natural logarithm of the loss, or accuracy. Draws at several points belong together, so differences along a
        curve can be taken row by row.
    """
    rng = np.random.default_rng([ensemble.seed, 5])
    which = rng.choice(len(ensemble.fits), count, p=ensemble.weights)
    means = np.stack([one.law.evaluate(one.theta[None], points)[0][0] for one in ensemble.fits])
    centre, drawn = ensemble.weights @ means, np.empty((count, len(points)))
    for m, (one, refits) in enumerate(zip(ensemble.fits, ensemble.draws, strict=True)):
        mine = np.flatnonzero(which == m)
        picked = refits.theta[rng.integers(0, len(refits.theta), len(mine))]
        drawn[mine] = one.law.evaluate(picked, points)[0]
    stretch = stretches(ensemble, beyond(points, ensemble.fits[0].points))
    return np.asarray(centre + stretch * (drawn - centre))


def _mixture(ensemble: Ensemble, points: Points) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted mean (n,), draws with noise (M * B, n), and the mass of each draw (M * B,)."""
    rng = np.random.default_rng([ensemble.seed, 2])
    means, clouds, masses = [], [], []
    for one, drawn, weight in zip(ensemble.fits, ensemble.draws, ensemble.weights, strict=True):
        means.append(one.law.evaluate(one.theta[None], points)[0][0])
        cloud = one.law.evaluate(drawn.theta, points)[0]
        clouds.append(cloud + rng.normal(0.0, one.noise, cloud.shape))
        masses.append(np.full(len(cloud), weight / len(cloud)))
    return ensemble.weights @ np.stack(means), np.concatenate(clouds), np.concatenate(masses)


def _weighted_quantiles(cloud: FloatArray, mass: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(cloud, axis=0)
    placed = np.take_along_axis(cloud, order, axis=0)
    below = np.cumsum(mass[order], axis=0) - 0.5 * mass[order]
    ends = [[np.interp(q, below[:, i], placed[:, i]) for i in range(cloud.shape[1])] for q in (tail, 1.0 - tail)]
    return np.array(ends[0]), np.array(ends[1])


def held_out(ensemble: Ensemble) -> tuple[FloatArray, FloatArray]:
    """Errors of the mixture in the back-test and the standard deviations that it claimed, (H,) each."""
    test, weight = ensemble.test, ensemble.weights[:, None]
    if test is None:
        return np.zeros(0), np.ones(0)
    error = (weight * test.error).sum(axis=0)
    between = (weight * (test.error - error) ** 2).sum(axis=0)
    within = (weight * (test.spread**2 + test.noise**2)).sum(axis=0)
    return error, np.sqrt(between + within)


def stretches(ensemble: Ensemble, distance: FloatArray, without: int | None = None) -> FloatArray:
    """Compute the factor by which each interval is stretched, from held-out errors at a like distance.

    Factor^2 = (PRIOR + sum K z^2) / (PRIOR + sum K): z the held-out errors in claimed standard deviations (z^2 at most
    100), K a normal kernel in log distance, a point held out by several cuts counting once. Beyond the largest distance
    tested it grows with the square root of distance.

    Parameters
    ----------
    ensemble : Ensemble
        Its back-test is what the factor rests on.
    distance : float array, (n,)
        e-folds beyond the fitted points (`beyond`).
    without : int, optional
        Number of a cut whose held-out errors are left out, to judge the factor by errors that it has not seen.

    Returns
    -------
    float array, (n,)
        At least 1; 1 everywhere without a back-test, where extrapolation is unguarded.
    """
    if ensemble.test is None:
        return np.ones(len(distance))
    error, claimed = held_out(ensemble)
    seen = ensemble.test.distance
    squared = np.minimum((error / claimed) ** 2, 100.0)
    reach = float(seen.max())
    at = np.minimum(distance, reach)
    apart = (np.log(at[:, None] + NEAR) - np.log(seen + NEAR)) / KERNEL
    kernel = np.exp(-0.5 * apart**2) / np.bincount(ensemble.test.point)[ensemble.test.point]
    kernel = kernel * (ensemble.test.cut != (-1 if without is None else without))
    factor = np.sqrt((PRIOR + kernel @ squared) / (PRIOR + kernel.sum(axis=1)))
    further = np.sqrt(np.maximum(distance, reach) / max(reach, NEAR)) if reach > 0 else np.ones(len(distance))
    return np.asarray(np.maximum(factor, 1.0) * np.maximum(further, 1.0))
