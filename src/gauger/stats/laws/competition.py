"""Weighs competing laws by how well they predict the largest points from the smallest, at the distance forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauger.stats.laws.backtest import Backtest
from gauger.stats.laws.law import Law
from gauger.stats.laws.points import FloatArray

KERNEL = 0.7
"""Width in log distance within which held-out errors speak for a prediction."""
NEAR = 0.3
"""e-folds that count as no distance."""
LEAST_CLAIM = 1e-12
"""Standard deviation that a law claims at least."""
EVIDENCE = 0.5
"""How many independent extrapolations one cut is worth: cuts share most of their points."""


def kernel(test: Backtest, axes: FloatArray) -> FloatArray:
    """Say how much each held-out error speaks for a prediction, (H,).

    A normal kernel in the logarithms of both distances, in parameters and in tokens: errors about longer runs say
    little of larger models. A point that several cuts held out counts once. Distances beyond the largest tested of an
    axis are answered by those next to it.

    Parameters
    ----------
    test : Backtest
    axes : float array, (2,)
        How far the prediction lies beyond the fitted points in parameters and in tokens (`backtest.axes_beyond`).
    """
    at = np.minimum(axes, test.axes.max(axis=0))
    apart = ((np.log(at + NEAR) - np.log(test.axes + NEAR)) / KERNEL) ** 2
    nearest = apart.sum(axis=1)
    # Relative to the nearest error, so that it counts in full however far it is.
    return np.asarray(np.exp(-0.5 * (nearest - nearest.min())) / np.bincount(test.point)[test.point])


def independent_cuts(test: Backtest, weight: FloatArray) -> float:
    """Count the cuts that weights (H,) are spread over (Kish's effective number)."""
    per_cut = np.bincount(test.cut, weight)
    return float(per_cut.sum() ** 2 / max((per_cut**2).sum(), 1e-300))


def law_weights(test: Backtest | None, laws: Sequence[Law], axes: FloatArray | None = None) -> FloatArray:
    """Weigh the laws by their held-out scores at a distance; by their priors alone where nothing was held out.

    A law's score is the mean log density of its held-out errors under a t distribution with 5 degrees of freedom whose
    scale is the standard deviation that the law itself claimed, the mean over errors at a like distance (`kernel`). Its
    weight is prior x exp(score x cuts x `EVIDENCE`), cuts counted by `independent_cuts`: the errors of one cut are one
    extrapolation, however many points it holds out.

    Parameters
    ----------
    test : Backtest or None
        Held-out errors and claimed spreads of M laws.
    laws : sequence of Law
        M of them; their `prior` is what they weigh without data.
    axes : float array, (2,), optional
        e-folds beyond the points in parameters and in tokens; beyond the largest tested: as at that. None: the largest
        tested of both.

    Returns
    -------
    float array, (M,)
        At least 0, summing to 1.

    Tested in tests/stats/laws/test_forecast.py; the idea is pseudo-Bayesian model averaging (Yao, Vehtari, Simpson
    and Gelman 2018, Bayesian Analysis 13, 917-1007).
    """
    prior = np.array([law.prior for law in laws])
    if test is None or len(laws) == 1:
        return np.asarray(prior / prior.sum())
    # Points without noise: laws that miss nothing claim nothing, and neither is a reason to divide by 0.
    scale = np.maximum(np.sqrt(test.spread**2 + test.noise**2), LEAST_CLAIM)
    density = -np.log(scale) - 3.0 * np.log1p((test.error / scale) ** 2 / 5.0)
    speaks = kernel(test, np.full(2, np.inf) if axes is None else axes)
    score = density @ speaks / speaks.sum()
    weight = prior * np.exp((score - score.max()) * independent_cuts(test, speaks) * EVIDENCE)
    return np.asarray(weight / weight.sum())
