"""The field's habit: intervals over items alone, offered only as the comparison that shows why it is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.panel import FloatArray


@dataclass(frozen=True)
class ItemsOnly:
    """A mean difference with an interval that ignores training replicates, clusters and pairing of seeds."""

    value: float
    se: float
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
    difference = np.nanmean(treated, axis=0) - np.nanmean(control, axis=0)
    difference = difference[np.isfinite(difference)]
    value = float(difference.mean())
    se = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    half = float(special.ndtri((1 + level) / 2)) * se
    return ItemsOnly(value, se, value - half, value + half)


def bootstrap_items(
    treated: FloatArray, control: FloatArray, rng: np.random.Generator, draws: int = 1000, level: float = 0.95
) -> ItemsOnly:
    """Same comparison by the percentile bootstrap over items; the same warning holds."""
    difference = np.nanmean(treated, axis=0) - np.nanmean(control, axis=0)
    difference = difference[np.isfinite(difference)]
    means = difference[rng.integers(len(difference), size=(draws, len(difference)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return ItemsOnly(float(difference.mean()), float(means.std(ddof=1)), float(low), float(high))
