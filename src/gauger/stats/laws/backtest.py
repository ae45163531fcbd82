"""Validates laws in the order of scale: fits the smaller, predicts the larger, and keeps how wrong each law was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.bootstrap import count_units_of, unit_weights
from gauger.stats.laws.fit import Search, problem_of, robust_scale
from gauger.stats.laws.floors import draw_integrated, integrate, plain
from gauger.stats.laws.law import Law
from gauger.stats.laws.minimise import minimise
from gauger.stats.laws.points import BoolArray, FloatArray, IntArray, Points
from gauger.stats.laws.windows import windows

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
    axes: FloatArray
    """(H, 2): how far in parameters and in tokens (`axes_beyond`)."""
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


def axes_beyond(points: Points, fitted: Points) -> FloatArray:
    """Measure how far points lie beyond those fitted in parameters and in tokens, e-folds, (n, 2); 0 inside.

    A larger model and a longer run are different extrapolations: errors in one say little of errors in the other.
    """
    excess = [getattr(points, axis) - getattr(fitted, axis).max() for axis in ("log_n", "log_d")]
    return np.asarray(np.maximum(np.stack(excess, axis=1), 0.0))


def below(points: Points, fitted: Points) -> FloatArray:
    """Measure how far points lie below those fitted: the most among parameters and tokens.

    No back-test looks that way: laws hold least at the smallest scale, and cuts predict larger points only.

    Parameters
    ----------
    points : Points
        n points.
    fitted : Points
        Points that the law was fitted to, at least one.

    Returns
    -------
    float array, (n,)
        e-folds under the smallest value fitted; 0 for a point with at least as many parameters and tokens.
    """
    short = [getattr(fitted, axis).min() - getattr(points, axis) for axis in ("log_n", "log_d")]
    return np.asarray(np.maximum(np.max(short, axis=0), 0.0))


def scale_cuts(points: Points, least: int) -> list[BoolArray]:
    """List masks of what each cut fits: the smallest points by compute, by parameters, by tokens; ties stay together.

    Parameters
    ----------
    points : Points
        n points; compute is 6 N D.
    least : int
        Fewest points that a cut may leave to fit.

    Returns
    -------
    list of bool arrays, (n,)
        Without repeats: at most `MOST_CUTS` by compute and half as many by either axis, spread evenly over those
        possible; empty where no cut leaves enough to fit and one to predict.
    """
    cuts: list[BoolArray] = []
    for axis, most in (("log_flops", MOST_CUTS), ("log_n", MOST_CUTS // 2), ("log_d", MOST_CUTS // 2)):
        # One compute reached by two products N D differs in its last digits: rounded, so that ties are ties.
        for cut in _axis_cuts(np.round(getattr(points, axis), 9), least, most):
            if not any((cut == other).all() for other in cuts):
                cuts.append(cut)
    return cuts


def _axis_cuts(scale: FloatArray, least: int, most: int) -> list[BoolArray]:
    levels = np.unique(scale)
    counts = np.array([(scale <= level).sum() for level in levels])
    enough = np.flatnonzero((counts >= max(least, LEAST_SHARE * len(scale))) & (counts < len(scale)))
    if len(enough) > most:
        enough = enough[np.unique(np.linspace(0, len(enough) - 1, most).round().astype(int))]
    return [scale <= levels[at] for at in enough]


def backtest(
    points: Points, laws: Sequence[Law], search: Search | None = None, *, prior: bool = True
) -> Backtest | None:
    """Predict the larger points from the smaller ones by every law; None where there are too few points to cut.

    Parameters
    ----------
    points : Points
        Usable for every law, which all have one outcome.
    laws : sequence of Law
    search : Search, optional
    prior : bool
        Whether floors are integrated over and beliefs count (`floors`), as in the forecast that is tested.
    """
    search = search or Search()
    cuts = scale_cuts(points, max(law.least_to_compete for law in laws))
    if not cuts:
        return None
    fitted = np.array(cuts, dtype=float)
    looks = [_one_law(points, law, fitted, search, prior=prior) for law in laws]
    held = [np.flatnonzero(~cut) for cut in cuts]
    where = np.concatenate([np.full(len(rows), k) for k, rows in enumerate(held)])
    rows = np.concatenate(held)
    distance = np.concatenate([beyond(points.take(~cut), points.take(cut)) for cut in cuts])
    axes = np.concatenate([axes_beyond(points.take(~cut), points.take(cut)) for cut in cuts])
    pick = (where, rows)
    error = np.stack([look.error[pick] for look in looks])
    spread = np.stack([look.spread[pick] for look in looks])
    noise = np.stack([look.noise[where] for look in looks])
    return Backtest(rows, where, distance, axes, error, spread, noise)


@dataclass(frozen=True)
class _CutFits:
    """One law over K cuts."""

    error: FloatArray
    """(K, n): observed - predicted."""
    spread: FloatArray
    """(K, n)."""
    noise: FloatArray
    """(K,)."""


def _one_law(points: Points, law: Law, fitted: FloatArray, search: Search, *, prior: bool) -> _CutFits:
    problem, own = problem_of(law, points, search.delta)
    rng = np.random.default_rng(search.seed)
    n_cuts = len(fitted)
    starts = np.concatenate([law.starts(points.take(cut > 0), rng, STARTS) for cut in fitted])
    minima = minimise(problem, starts, np.repeat(fitted * own, STARTS, axis=0), steps=100)
    objective = minima.objective.reshape(n_cuts, STARTS)
    best = minima.theta.reshape(n_cuts, STARTS, -1)[np.arange(n_cuts), objective.argmin(axis=1)]
    residuals = law.evaluate(best, points)[0] - problem.observed
    noise = np.array([robust_scale(r, w * own, best.shape[1]) for r, w in zip(residuals, fitted, strict=True)])
    weights = windows(law, points, fitted * own) if prior else fitted * own
    n_windows = len(weights) // n_cuts
    best = np.repeat(best, n_windows, axis=0)
    usual, units = float(np.median(noise)), count_units_of(points, weights)
    whole = integrate(problem, best, weights, units, usual) if prior else plain(problem, best, weights)
    drawn = draw_integrated(whole, unit_weights(points, DRAWS // n_windows, rng), rng, steps=60)
    cloud = law.evaluate(drawn.reshape(-1, drawn.shape[2]), points)[0].reshape(n_cuts, DRAWS, -1)
    mean = whole.mean(points).reshape(n_cuts, n_windows, -1).mean(axis=1)
    return _CutFits(problem.observed - mean, _spread(cloud), noise)


def _spread(drawn: FloatArray) -> FloatArray:
    """Robust standard deviation over draws (K, draws, n) -> (K, n)."""
    low, high = np.quantile(drawn, [0.1587, 0.8413], axis=1)
    return np.asarray(0.5 * (high - low))
