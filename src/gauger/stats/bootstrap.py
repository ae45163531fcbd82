"""Computes the field's habit, intervals over items alone: only as the comparison that shows why it is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.crossed.panel import FloatArray


@dataclass(frozen=True)
class ItemsOnly:
    """A mean difference with an interval that ignores training replicates, clusters and pairing of seeds."""

    value: float
    """Mean difference, on the scale of the scores."""
    se: float
    """Standard error over items; NaN with fewer than two common items, as are low and high."""
    low: float
    high: float


def items_only(treated: FloatArray, control: FloatArray, level: float = 0.95) -> ItemsOnly:
    """Compare two arms as most papers do: average the replicates away, then a normal interval over items.

    Parameters
    ----------
    treated, control : (R, I) arrays
        Scores of two arms on the same items; NaN = missing.
    level : float

    Returns
    -------
    ItemsOnly
        ``mean_i(d_i) ± z sd(d) / sqrt(I)`` with d_i the difference of item means.

    Notes
    -----
    Do not use it: its coverage falls towards zero as items grow, because training noise does not shrink with items
    (validation/crossed/).
    """
    difference = _differences(treated, control)
    if len(difference) < 2:
        return _too_few(difference)
    value = float(difference.mean())
    se = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    half = float(special.ndtri((1 + level) / 2)) * se
    return ItemsOnly(value, se, value - half, value + half)


def bootstrap_items(
    treated: FloatArray, control: FloatArray, rng: np.random.Generator, draws: int = 1000, level: float = 0.95
) -> ItemsOnly:
    """Make the same comparison by the percentile bootstrap over items; the same warning holds.

    Parameters
    ----------
    treated, control : (R, I) arrays
        Scores of two arms on the same items; NaN = missing.
    rng : numpy.random.Generator
    draws : int
        Resamples of the items.
    level : float
    """
    difference = _differences(treated, control)
    if len(difference) < 2:
        return _too_few(difference)
    means = difference[rng.integers(len(difference), size=(draws, len(difference)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return ItemsOnly(float(difference.mean()), float(means.std(ddof=1)), float(low), float(high))


def _differences(treated: FloatArray, control: FloatArray) -> FloatArray:
    """Differences of item means over the items that both arms answered."""
    difference = _item_means(treated) - _item_means(control)
    return np.asarray(difference[np.isfinite(difference)])


def _item_means(scores: FloatArray) -> FloatArray:
    answers = np.isfinite(scores).sum(axis=0)
    total = np.nansum(scores, axis=0)
    return np.asarray(np.divide(total, answers, out=np.full(len(total), np.nan), where=answers > 0))


def _too_few(difference: FloatArray) -> ItemsOnly:
    value = float(difference[0]) if len(difference) else np.nan
    return ItemsOnly(value, np.nan, np.nan, np.nan)
