"""Adds up variance parts to an interval, with the degrees of freedom of a well-known and a little-known part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.crossed.panel import FloatArray
from gauger.stats.student import t_quantile

HOWE_SHARE = 0.25
"""Weight of Howe's squared half width against Satterthwaite's; see `half_width`."""
LEAST_REPLICATE_SHARE = 1 / 3
"""The replicate part is not taken below this share of the residual that it contains; see `combine`."""


@dataclass(frozen=True)
class Parts:
    """Variance parts of C contrasts, (C,) each, and what they are known from."""

    item: FloatArray
    """Item part, with the shared residual; lifted to its least value."""
    item_df: FloatArray
    replicate: FloatArray
    """Replicate part, with the shared residual; as estimated, at least 0."""
    replicate_df: FloatArray
    shared: FloatArray
    """The residual that both contain."""
    lent: FloatArray
    """What of it was filled in for arms trained once: their items' spread holds it already."""


@dataclass(frozen=True)
class Interval:
    """Variance and half width, (C,) each."""

    variance: FloatArray
    replicate: FloatArray
    """The replicate part as it went into the variance."""
    half: FloatArray
    df: FloatArray
    """Degrees of freedom with which the t distribution gives this half width."""


def combine(parts: Parts, level: float) -> Interval:
    """Add the parts up and find the half width.

    ``V = max(item - shared, 0) + max(replicate, (shared + 2 lent) / 3)``. Both parts contain the shared residual, so
    neither can truly lie below it. The item part is lifted to it. The replicate part, with few degrees of freedom,
    often falls below by chance: lifted all the way, intervals without any replicate noise would cover 98 to 99 %
    instead of 95 %; not lifted at all, two replicates that happen to agree would pretend to know more than one does.
    What was filled in for arms trained once is no estimate that chance could make small: it was taken off their items'
    part, and comes back whole, so that borrowing makes no interval narrower than their items do.

    Parameters
    ----------
    parts : Parts
        Variance parts of C contrasts, score scale squared.
    level : float
        Coverage, 0-1.

    Returns
    -------
    Interval
        Where the variance is 0 the half width is 0 and `df` is that of the item part.

    Coverage in validation/crossed and, for the worst mixtures of the two parts, tests/stats/test_interval.py.
    """
    net_item = np.maximum(parts.item - parts.shared, 0.0)
    least = parts.lent + (parts.shared - parts.lent) * LEAST_REPLICATE_SHARE
    replicate = np.maximum(parts.replicate, least)
    variance = net_item + replicate
    half = half_width(parts, variance, level)
    ratio = np.divide(half, np.sqrt(variance), out=np.full_like(half, 2.0), where=variance > 0)
    # The mixed half width belongs to no t distribution: report the df whose t quantile gives the same width.
    df = special.stdtridf((1 + level) / 2, ratio)
    return Interval(variance, replicate, half, np.where(variance > 0, df, parts.item_df))


def half_width(parts: Parts, variance: FloatArray, level: float) -> FloatArray:
    r"""Return the half width of the interval of a sum of two estimated variances.

    Satterthwaite: ``t(nu)^2 V`` with ``nu = V^2 / (V_I^2 / nu_I + V_R^2 / nu_R)``. Howe (1974): ``t(nu_I)^2 (V - V_R) +
    t(nu_R)^2 V_R``. With 1 or 2 degrees of freedom in V_R, Satterthwaite's can fall to 87 or 92 % coverage and Howe's
    rise to 99 or 98 %; the squared half widths are mixed 3 : 1, which keeps 92-98 % at 1 degree of freedom, 93.5-97 %
    at 2, and is either's from about 6 on (tests/stats/test_interval.py draws the worst cases).

    Parameters
    ----------
    parts : Parts
        Variance parts of C contrasts; degrees of freedom > 0, inf allowed.
    variance : float array, (C,)
        V, the combined variance (`combine`), score scale squared.
    level : float
        Coverage, 0-1.

    Returns
    -------
    float array, (C,)
        Half widths, score scale; 0 where both parts are 0.

    References
    ----------
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114; Howe (1974), J. Am. Stat. Assoc. 69, 789-794.
    """
    upper = (1 + level) / 2
    spread = parts.item**2 / parts.item_df + parts.replicate**2 / parts.replicate_df
    nu = np.divide(variance**2, spread, out=np.array(parts.item_df, dtype=float), where=spread > 0)
    satterthwaite = t_quantile(upper, nu) ** 2 * variance
    known = np.maximum(variance - parts.replicate, 0.0)
    howe = t_quantile(upper, parts.item_df) ** 2 * known + t_quantile(upper, parts.replicate_df) ** 2 * parts.replicate
    return np.asarray(np.sqrt((1 - HOWE_SHARE) * satterthwaite + HOWE_SHARE * howe))
