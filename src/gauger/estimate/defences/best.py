"""Bounds the best of several contrasts: whichever it is, never chosen by its own luck.

The attacker that did best in a study did so partly by lucky seeds and items: the largest of eight equal estimates lies
above their common truth by 1.4 standard errors, and its own 95 % interval misses the truth far more often than in
5 %. What holds whoever is best follows from intervals that hold for all of them together: if low_k <= theta_k <= high_k
for every k, then max low_k <= max theta_k <= max high_k, and the like for a minimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.stats import max_t, one_thread

FloatArray = NDArray[np.float64]
DRAWS = 2**14
CLEARLY_BEHIND = 2.0
"""Standard errors of the difference by which an attacker lies behind the best estimate when it is no longer among those
that may be the best."""
SEED = 20261129


@dataclass(frozen=True)
class ContrastFamily:
    """C contrasts with what is known of their errors; undefined ones are left out before."""

    value: FloatArray
    """(C,)."""
    covariance: FloatArray
    """(C, C)."""
    df: FloatArray
    """(C,)."""

    @property
    def se(self) -> FloatArray:
        """(C,): standard errors."""
        return np.asarray(np.sqrt(np.clip(np.diag(self.covariance), 0.0, None)))

    def of(self, rows: NDArray[np.int64]) -> ContrastFamily:
        """Return some of them."""
        return ContrastFamily(self.value[rows], self.covariance[np.ix_(rows, rows)], self.df[rows])

    def critical(self, level: float) -> FloatArray:
        """(C,): how many standard errors each interval reaches so that all hold together; 0 where nothing varied.

        Parameters
        ----------
        level : float
            Joint level of all C intervals.
        """
        if not (self.se > 0).any():
            return np.zeros(len(self.value))
        with one_thread():
            return np.nan_to_num(max_t(self.value, self.covariance, self.df, level, DRAWS).critical)


@dataclass(frozen=True)
class BestContrast:
    """What is known of the best of a family."""

    value: float
    low: float
    high: float


def best_of(family: ContrastFamily, critical: FloatArray) -> BestContrast:
    """Bound max theta_k.

    ``low = max(value_k - c_k se_k)``, ``high = max(value_k + c_k se_k)``.

    Parameters
    ----------
    family : ContrastFamily
        C contrasts, one at least.
    critical : (C,) float array
        c_k of intervals that hold together (`ContrastFamily.critical`), also as members of a larger family.

    Returns
    -------
    BestContrast
        The value is the estimate without the luck of having been the largest (`without_luck`), held inside the ends.

    Notes
    -----
    Coverage, and that of the interval of whoever came out best, is in validation/defences.
    """
    half = critical * family.se
    low, high = float((family.value - half).max()), float((family.value + half).max())
    return BestContrast(float(np.clip(without_luck(family), low, high)), low, high)


def without_luck(family: ContrastFamily) -> float:
    """Estimate max theta_k so that it is as likely too small as too large where the contenders are equal.

    ``max(value_k - m se_k)`` over those that are not clearly behind, m the median of the largest of their standardised
    errors: 0 for one contender, so that a clear winner keeps its value. Half-median-unbiased estimation of the best of
    several (Chernozhukov, Lee and Rosen 2013, Econometrica 81, 667-737, section 3), with normal errors.

    Parameters
    ----------
    family : ContrastFamily
        C contrasts, one at least.
    """
    leader = int(np.argmax(family.value))
    contenders = family.of(np.flatnonzero(~_behind(family, leader)))
    return float((contenders.value - _median_of_largest(contenders) * contenders.se).max())


def _behind(family: ContrastFamily, leader: int) -> NDArray[np.bool_]:
    """(C,): whether a contrast lies clearly behind the leading one."""
    variance = np.diag(family.covariance)
    apart = variance[leader] + variance - 2 * family.covariance[leader]
    behind = family.value[leader] - family.value > CLEARLY_BEHIND * np.sqrt(np.clip(apart, 0.0, None))
    behind[leader] = False
    return np.asarray(behind)


def _median_of_largest(family: ContrastFamily) -> float:
    """Return the median of the largest standardised error of a family."""
    se = family.se
    if len(se) == 1 or not (se > 0).all():
        return 0.0
    values, vectors = np.linalg.eigh(family.covariance / np.outer(se, se))
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    drawn = np.random.default_rng(SEED).standard_normal((DRAWS, len(se))) @ root.T
    return max(float(np.median(drawn.max(axis=1))), 0.0)


def maximin(matrix_JK: FloatArray) -> float:
    """Return max over J of min over K: how far the best of the J lies above the best of the K, from all differences.

    Parameters
    ----------
    matrix_JK : (J, K) float array
        theta_j - theta_k, or one end of their intervals: ``max_j theta_j - max_k theta_k = max_j min_k (theta_j -
        theta_k)``, and ends that hold together bound it end by end.
    """
    return float(matrix_JK.min(axis=1).max())
