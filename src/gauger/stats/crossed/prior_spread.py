"""Estimates how far true replicate variances stray from a common value, beyond chance in few-degree estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.crossed.panel import BoolArray, FloatArray

EXPECTED_STRAY = 0.15
"""Variance of the log net variance that is assumed before seeing any: a factor of 1.5 either way."""
EXPECTED_STRAY_WEIGHT = 4.0
"""How many degrees of freedom of evidence that assumption counts for; without it, two arms that happen to agree would
count as proof that all arms agree."""


@dataclass(frozen=True)
class Stray:
    """Variances of the log net replicate variance."""

    arms: float
    """Between arms on the same benchmark."""
    benchmarks: float
    """Between benchmarks, averaged over arms."""


@dataclass(frozen=True)
class ReplicateVariances:
    """Sample variances of replicate means, (A, B) each."""

    gross: FloatArray
    """Sample variance; contains the noise of the items."""
    expected: FloatArray
    """What a common net variance makes of it."""
    noise: FloatArray
    """The part of it that item noise alone makes."""
    df: FloatArray
    """Degrees of freedom; 0 where the cell tells nothing."""


def estimate_stray(cells: ReplicateVariances, same_arm: float, same_benchmark: float) -> Stray:
    """Estimate between-arm and between-benchmark stray from ratios x = gross / expected.

    The moments of ``x^(1/3)`` (Wilson and Hilferty) take the place of Smyth's logarithms: two replicates with equally
    many right answers have variance 0, whose logarithm would swamp all others. For ``x ~ sigma^2 chi2(d) / d`` the
    squared coefficient of variation of ``x^(1/3)`` is that of chi-square plus ``var(log sigma^2) / 9``. Only the net
    part can stray; where it is a share f of the expected variance, the ratio strays by ``f^2`` of its variance.

    Parameters
    ----------
    cells : ReplicateVariances
    same_arm, same_benchmark : float
        Mean correlation of replicate means between benchmarks of one arm, and between paired arms on one benchmark:
        related cells vary less among themselves than independent ones would.

    Returns
    -------
    Stray
        Never below 0, and drawn towards `EXPECTED_STRAY` as if that came from `EXPECTED_STRAY_WEIGHT` degrees of
        freedom. Planted stray is found again in tests/stats/test_moderate.py.
    """
    seen = cells.df > 0
    df = np.where(seen, cells.df, 1.0)
    ratio = np.divide(cells.gross, cells.expected, out=np.zeros_like(cells.gross), where=seen & (cells.expected > 0))
    root = np.cbrt(ratio) / cube_root_mean(df)
    root = root / root[seen].mean() if root[seen].any() else root
    count = seen.sum(axis=0)
    net = np.divide(cells.noise, cells.expected, out=np.ones_like(cells.noise), where=cells.expected > 0)
    share = _column_means(np.clip(1 - net, 0.0, 1.0), seen) ** 2
    means = _column_means(root, seen)
    squares = np.where(seen, (root - means) ** 2, 0.0).sum(axis=0)
    chance = _column_means(cube_root_excess(df), seen)
    free = np.maximum(count - 1, 0)
    thinning = 1 + (len(count) - 1) * same_arm**2
    excess = share * 9 * (squares - free * chance * (1 - same_benchmark**2))
    arms = _tempered(excess.sum() / thinning, (free * share**2).sum() / thinning)
    own = np.where(free > 0, squares / np.maximum(free, 1), chance) * (1 - same_arm**2) / np.maximum(count, 1)
    return Stray(arms, _between(means[count > 0], own[count > 0], share[count > 0]))


def _between(means: FloatArray, own: FloatArray, share: FloatArray) -> float:
    """Stray between benchmarks: spread of their means beyond what `own` (the variance of each mean) explains."""
    if len(means) < 2:
        return EXPECTED_STRAY
    typical = float(share.mean())
    excess = 9 * float(means.var(ddof=1) - own.mean())
    free = len(means) - 1
    return _tempered(free * typical * excess, free * typical**2)


def _tempered(moment: float, information: float) -> float:
    drawn = float(moment) + EXPECTED_STRAY_WEIGHT * EXPECTED_STRAY
    return max(drawn / (float(information) + EXPECTED_STRAY_WEIGHT), 0.0)


def _column_means(values: FloatArray, seen: BoolArray) -> FloatArray:
    return np.asarray(np.where(seen, values, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1))


def cube_root_mean(df: FloatArray) -> FloatArray:
    """E[x^(1/3)] of x ~ chi2(df) / df, from gamma functions."""
    half = np.asarray(df, dtype=float) / 2
    return np.asarray(np.exp(special.gammaln(half + 1 / 3) - special.gammaln(half) - np.log(half) / 3))


def cube_root_excess(df: FloatArray) -> FloatArray:
    """Squared coefficient of variation of x^(1/3), x ~ chi2(df) / df."""
    half = np.asarray(df, dtype=float) / 2
    log_ratio = special.gammaln(half + 2 / 3) + special.gammaln(half) - 2 * special.gammaln(half + 1 / 3)
    return np.asarray(np.expm1(log_ratio))
