"""Validates laws in the order of scale: fits the smaller, predicts the larger, and keeps how wrong each law was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.bootstrap import unit_weights
from gauger.stats.laws.fit import Search, problem_of, robust_scale
from gauger.stats.laws.law import Law
from gauger.stats.laws.minimise import minimise
from gauger.stats.laws.points import BoolArray, FloatArray, IntArray, Points

MOST_CUTS = 8
LEAST_SHARE = 0.35
"""No cut leaves fewer than this share of the points to fit."""
DRAWS = 60
STARTS = 40


@dataclass(frozen=True)
class Backtest:
    """H held-out predictions of M laws; a point appears once for every cut that it lies above."""

    point: IntArray
    """(H,): which point was predicted."""
    cut: IntArray
    """(H,): which cut it was held out from."""
    distance: FloatArray
    """(H,): how far beyond the fitted points it lies, in e-folds (`beyond`)."""
    error: FloatArray
    """(M, H): observed - predicted, log loss or accuracy."""
    spread: FloatArray
    """(M, H): standard deviation of the law's own prediction: parameters, by random-weight refits."""
    noise: FloatArray
    """(M, H): standard deviation of one point around the law, as the fitted points showed it."""


def beyond(points: Points, fitted: Points) -> FloatArray:
    """Measure how far points lie beyond those fitted: the most among parameters, tokens and compute.

    0 inside: a point with fewer parameters, tokens and FLOPs than the largest of each.

    Parameters
    ----------
    points : Points
        n points, new or held out.
    fitted : Points
        Points that the law was fitted to, at least one.

    Returns
    -------
    float array, (n,)
        e-folds: 1 is a factor of 2.718 in the axis that is exceeded most.
    """
    axes = ("log_n", "log_d", "log_flops")
    excess = [getattr(points, axis) - getattr(fitted, axis).max() for axis in axes]
    return np.asarray(np.maximum(np.max(excess, axis=0), 0.0))


def scale_cuts(points: Points, least: int) -> list[BoolArray]:
    """List masks of what each cut fits: the smallest points by compute, ever more of them; ties stay together.

    Parameters
    ----------
    points : Points
        n points; their scale is 6 N D.
    least : int
        Fewest points that a cut may leave to fit.

    Returns
    -------
    list of bool arrays, (n,)
        At most `MOST_CUTS`, spread evenly over those possible; empty where no cut leaves enough to fit and one to
        predict.
    """
    # One compute reached by two products N D differs in its last digits: rounded, so that ties are ties.
    scale = np.round(points.log_flops, 9)
    levels = np.unique(scale)
    counts = np.array([(scale <= level).sum() for level in levels])
    enough = np.flatnonzero((counts >= max(least, LEAST_SHARE * len(points))) & (counts < len(points)))
    if len(enough) > MOST_CUTS:
        enough = enough[np.unique(np.linspace(0, len(enough) - 1, MOST_CUTS).round().astype(int))]
    return [scale <= levels[at] for at in enough]


def backtest(points: Points, laws: Sequence[Law], search: Search | None = None) -> Backtest | None:
    """Predict the larger points from the smaller ones by every law; None where there are too few points to cut.

    Parameters
    ----------
    points : Points
        Usable for every law, which all have one outcome.
    laws : sequence of Law
    search : Search, optional
    """
    search = search or Search()
    cuts = scale_cuts(points, max(len(law.parameters) for law in laws) + 3)
    if not cuts:
        return None
    fitted = np.array(cuts, dtype=float)
    looks = [_one_law(points, law, fitted, search) for law in laws]
    held = [np.flatnonzero(~cut) for cut in cuts]
    where = np.concatenate([np.full(len(rows), k) for k, rows in enumerate(held)])
    rows = np.concatenate(held)
    distance = np.concatenate([beyond(points.take(~cut), points.take(cut)) for cut in cuts])
    pick = (where, rows)
    error, spread = (np.stack([look[which][pick] for look in looks]) for which in (0, 1))
    noise = np.stack([look[2][where] for look in looks])
    return Backtest(rows, where, distance, error, spread, noise)


def _one_law(points: Points, law: Law, fitted: FloatArray, search: Search) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Errors (K, n), spreads (K, n) and noise (K,) of one law over K cuts."""
    problem, own = problem_of(law, points, search.delta)
    rng = np.random.default_rng(search.seed)
    n_cuts = len(fitted)
    starts = np.concatenate([law.starts(points.take(cut > 0), rng, STARTS) for cut in fitted])
    found = minimise(problem, starts, np.repeat(fitted * own, STARTS, axis=0), steps=100)
    objective = found.objective.reshape(n_cuts, STARTS)
    best = found.theta.reshape(n_cuts, STARTS, -1)[np.arange(n_cuts), objective.argmin(axis=1)]
    value, _ = law.evaluate(best, points)
    random = unit_weights(points, DRAWS, rng)
    weights = (fitted * own)[:, None] * random[None]
    again = minimise(problem, np.repeat(best, DRAWS, axis=0), weights.reshape(n_cuts * DRAWS, -1), steps=60)
    drawn = law.evaluate(again.theta, points)[0].reshape(n_cuts, DRAWS, -1)
    residuals = value - problem.observed
    noise = np.array([robust_scale(r, w * own, best.shape[1]) for r, w in zip(residuals, fitted, strict=True)])
    return -residuals, _spread(drawn), noise


def _spread(drawn: FloatArray) -> FloatArray:
    """Robust standard deviation over draws (K, draws, n) -> (K, n)."""
    low, high = np.quantile(drawn, [0.1587, 0.8413], axis=1)
    return np.asarray(0.5 * (high - low))
