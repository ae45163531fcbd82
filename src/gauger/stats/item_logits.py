"""Turns mean scores into item logits: how much every item moved, where a benchmark's items differ in difficulty.

logit P(arm a answers item i of benchmark b) = eta[a, b] + sigma[b] z_i, with z_i standard normal: item difficulty is
random, as in `stats.irt`, and integrated out. A mean score m then stands for the eta with

    m = E expit(eta + sigma z),

and a lift of every item by lambda logits moves eta by exactly lambda, whatever the difficulty of the benchmark. Neither
points nor the logit of the mean do that: the first are squeezed at the bounds, the second is bent by the spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from gauger.stats.crossed.panel import FloatArray, IntArray

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(25)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
MOST_SPREAD = 6.0
"""Logits; a benchmark on which every item is always right or always wrong has no finite spread."""
STEPS = 6
_SHRINKS = 0.346
"""(16 sqrt(3) / (15 pi))^2: a logistic is nearly a normal distribution function of this scale."""


@dataclass(frozen=True)
class ItemSpread:
    """How far the items of one benchmark differ in difficulty."""

    sd: float
    """sigma, logits; NaN where no two rows of answers share items."""
    variance: float
    """Of the estimate `sd`."""
    within_arms: bool
    """Whether it rests on replicates of one arm, and so contains what is difficult for that arm alone; else it is what
    the arms have in common."""


@dataclass(frozen=True)
class ItemLogits:
    """Cell means of one benchmark as item logits; (A,) each, NaN where a mean is missing or at a bound."""

    eta: FloatArray
    slope: FloatArray
    """d eta / d mean."""
    by_spread: FloatArray
    """d eta / d sigma."""


def to_item_logits(mean: FloatArray, sd: float) -> ItemLogits:
    """Turn mean scores (A,) into item logits, given the spread of the items' difficulty.

    Slopes are ``1 / E p (1 - p)`` and ``-E[p (1 - p) z] / E p (1 - p)``.

    Parameters
    ----------
    mean : float array, (A,)
        Mean scores, 0-1; NaN = missing.
    sd : float
        sigma, spread of the items' difficulty, logits (`item_spread`); 0 gives plain logits.

    Returns
    -------
    ItemLogits
        NaN for a mean of 0 or 1, which has no logit, and throughout where `sd` is NaN.

    Not for items that discriminate unequally: a uniform lift is then not identified from means (docs/methods.md).
    Proven in validation/verdict/ and tests/stats/test_item_logits.py.
    """
    inside = np.isfinite(mean) & (mean > 0) & (mean < 1) & np.isfinite(sd)
    wanted = np.where(inside, mean, 0.5)
    spread = sd if np.isfinite(sd) else 0.0
    eta = _solve(wanted, np.full(wanted.shape, spread))
    p = expit(eta[:, None] + spread * _NODES)
    slope = 1 / ((p * (1 - p)) @ _WEIGHTS)
    by_spread = -((p * (1 - p) * _NODES) @ _WEIGHTS) * slope
    eta, slope, by_spread = (np.where(inside, values, np.nan) for values in (eta, slope, by_spread))
    return ItemLogits(eta, slope, by_spread)


def _solve(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Solve ``E expit(eta + sd z) = mean`` by Newton's method; arrays broadcast.

    It starts from the logit of the mean, stretched as a normal spread shrinks it; steps are held to two logits, as far
    out the slope is small.
    """
    logit = np.log(mean) - np.log1p(-mean)
    eta = logit * np.sqrt(1 + _SHRINKS * sd**2)
    for _ in range(STEPS):
        p = expit(eta[..., None] + sd[..., None] * _NODES)
        slope = (p * (1 - p)) @ _WEIGHTS
        eta = eta + np.clip((mean - p @ _WEIGHTS) / slope, -2.0, 2.0)
    return np.asarray(eta)


def item_spread(scores: FloatArray, units: IntArray) -> ItemSpread:
    """Estimate the spread of item difficulty from how alike independent rows of answers are.

    Two rows of answers to the same items share nothing but the items, so the covariance of their scores over items is
    that of the items' true scores: replicates of one arm give its variance ``E p^2 - m^2``. Summed over arms it is set
    equal to what the model gives at the arms' means, and solved for sigma. Without replicates, pairs of arms take their
    place, with ``E p p' - m m'``.

    Parameters
    ----------
    scores : (A, R, I) array
        0-1, NaN = missing.
    units : (I,) array
        Cluster of each item; the estimate's variance counts clusters.
    """
    moments = _within(scores)
    within = moments is not None
    if moments is None:
        moments = _between(scores)
    if moments is None or len(units) < 2:
        return ItemSpread(np.nan, np.nan, within_arms=False)
    first, second, per_item = moments
    sd, slope = _match(first, second, float(per_item.mean()))
    sums = np.bincount(np.unique(units, return_inverse=True)[1], per_item - per_item.mean())
    noise = float((sums**2).sum()) / len(per_item) ** 2
    return ItemSpread(sd, noise / max(slope, 1e-6) ** 2, within_arms=within)


def _centred(rows: FloatArray) -> FloatArray:
    """Take each row's mean over items off; 0 where missing."""
    known = np.isfinite(rows)
    mean = np.where(known, rows, 0.0).sum(axis=-1, keepdims=True) / np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.where(known, rows - mean, 0.0)


def _within(scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return means of arms, twice, and the (I,) summed products of their replicates; None without replicates."""
    known = np.isfinite(scores)
    rows = known.any(axis=2).sum(axis=1)
    arms = np.flatnonzero(rows > 1)
    answers = known[arms].sum(axis=1)
    arms, answers = arms[(answers > 1).any(axis=1)], answers[(answers > 1).any(axis=1)]
    if not len(arms):
        return None
    centred = _centred(scores[arms])
    products = centred.sum(axis=1) ** 2 - (centred**2).sum(axis=1)
    pairs = answers * (answers - 1)
    each = np.divide(products, pairs, out=np.zeros_like(products), where=pairs > 0)
    # Products of centred scores fall short of the covariance by (n - 1) / n.
    each *= pairs.shape[1] / np.maximum((pairs > 0).sum(axis=1, keepdims=True) - 1, 1)
    mean = _means(scores[arms])
    return mean, mean, each.sum(axis=0)


def _between(scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return means of pairs of arms, and the (I,) summed products of their scores; None without two arms."""
    arms = np.flatnonzero(np.isfinite(scores).any(axis=(1, 2)))
    if len(arms) < 2:
        return None
    rows = np.stack([scores[a][np.isfinite(scores[a]).any(axis=1)][0] for a in arms])
    mean, centred = _means(rows[:, None]), _centred(rows)
    first, second = np.triu_indices(len(arms), 1)
    per_item = (centred[first] * centred[second]).sum(axis=0) * rows.shape[1] / max(rows.shape[1] - 1, 1)
    return mean[first], mean[second], per_item


def _means(scores: FloatArray) -> FloatArray:
    known = np.isfinite(scores)
    return np.asarray(np.where(known, scores, 0.0).sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1))


def _match(first: FloatArray, second: FloatArray, wanted: float) -> tuple[float, float]:
    """Find the sigma at which the model gives the covariance that was found, and the slope of that covariance there.

    0 where the covariance is not above 0. Searched on a grid, and once more between its neighbours.
    """
    low, high = 0.0, MOST_SPREAD
    for _ in range(2):
        grid = np.linspace(low, high, 13)
        expected = _expected(first, second, grid)
        place = int(np.clip(np.searchsorted(expected, wanted), 1, len(grid) - 1))
        low, high = grid[place - 1], grid[place]
    slope = float((expected[place] - expected[place - 1]) / (high - low))
    return float(np.interp(wanted, expected[place - 1 : place + 1], (low, high))), slope


def _expected(first: FloatArray, second: FloatArray, sd: FloatArray) -> FloatArray:
    """Sum ``E p p' - m m'`` over pairs of means (n,), at each spread (S,)."""
    same = first is second
    probabilities = _probabilities(first, sd)
    other = probabilities if same else _probabilities(second, sd)
    return np.asarray(
        (((probabilities * other) @ _WEIGHTS) - (probabilities @ _WEIGHTS) * (other @ _WEIGHTS)).sum(axis=1)
    )


def _probabilities(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Return (S, n, nodes) probabilities at each spread and mean."""
    held = np.broadcast_to(np.clip(mean, 1e-6, 1 - 1e-6), (len(sd), len(mean)))
    spread = np.broadcast_to(sd[:, None], held.shape)
    return np.asarray(expit(_solve(held, spread)[..., None] + spread[..., None] * _NODES))
