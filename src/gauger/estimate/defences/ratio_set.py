"""Finds every ratio of two best contrasts that is not rejected, as Fieller does for one of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import atan, pi, tan

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.defences.best import ContrastFamily, FloatArray, maximin
from gauger.records import SetKind

GRID = 721
"""Ratios that are tried, equally spaced in the angle arctan(ratio); ends between them are found by bisection."""
BISECTIONS = 40


@dataclass(frozen=True)
class BestRatio:
    """A set of ratios as the contract names it; both ends are None where the set has none."""

    kind: SetKind
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PairedRatio:
    """Numerators n and denominators d of one family, by pairs: (J, K) rows of it each."""

    family: ContrastFamily
    numerator: NDArray[np.int64]
    denominator: NDArray[np.int64]

    def ends(self, ratio: float, critical: float) -> tuple[FloatArray, FloatArray]:
        """Return (J, K) lower and upper ends of n - ratio d.

        Parameters
        ----------
        ratio : float
            Of the same unit as n / d.
        critical : float
            Standard errors that an interval reaches.
        """
        value, covariance = self.family.value, self.family.covariance
        n, d = self.numerator, self.denominator
        centre = value[n] - ratio * value[d]
        variance = covariance[n, n] - 2 * ratio * covariance[n, d] + ratio**2 * covariance[d, d]
        half = critical * np.sqrt(np.clip(variance, 0.0, None))
        return centre - half, centre + half

    def critical(self, ratio: float, level: float) -> float:
        """Return the standard errors by which intervals of all n - ratio d hold together.

        Parameters
        ----------
        ratio : float
            Where the pairs' correlations are taken.
        level : float
            Joint level.
        """
        n, d = self.numerator.ravel(), self.denominator.ravel()
        size = len(self.family.value)
        weights = np.zeros((len(n), size))
        np.add.at(weights, (np.arange(len(n)), n), 1.0)
        np.add.at(weights, (np.arange(len(n)), d), -ratio)
        covariance = weights @ self.family.covariance @ weights.T
        df = np.minimum(self.family.df[n], self.family.df[d])
        return float(ContrastFamily(weights @ self.family.value, covariance, df).critical(level).max())


def share_of_best(pairs: PairedRatio, value: float, level: float) -> BestRatio:
    """Return every rho for which max_k n_k = rho max_j d_j is not rejected; pairs are (K, J).

    For rho >= 0, ``max n - rho max d = max_k min_j (n_k - rho d_j)``; below 0 both are maxima of sums.

    Parameters
    ----------
    pairs : PairedRatio
        Numerators along the first axis, denominators along the second.
    value : float
        The estimated ratio.
    level : float
        Joint level.
    """
    return _not_rejected(pairs, value, level, lambda ends, ratio: maximin(ends) if ratio >= 0 else float(ends.max()))


def rate_of_best(pairs: PairedRatio, value: float, level: float) -> BestRatio:
    """Return every rho for which max_j min_k n_jk = rho d is not rejected: one denominator, the best of numerators.

    Parameters
    ----------
    pairs : PairedRatio
        Numerators (J, K) as differences theta_j - theta_k; the same denominator everywhere.
    value : float
        The estimated ratio.
    level : float
        Joint level.
    """
    return _not_rejected(pairs, value, level, lambda ends, _: maximin(ends))


def _not_rejected(
    pairs: PairedRatio, value: float, level: float, reduce: Callable[[FloatArray, float], float]
) -> BestRatio:
    # The critical value hardly moves with the ratio: the larger of those at the estimate and at 0 errs to the safe side
    critical = max(pairs.critical(value, level), pairs.critical(0.0, level))

    def kept(angle: float) -> bool:
        ratio = tan(angle)
        low, high = (reduce(ends, ratio) for ends in pairs.ends(ratio, critical))
        return low <= 0 <= high

    # Tried from the estimate on, once round the circle of directions: +infinity and -infinity are the same one.
    start = atan(value)
    steps = start + np.pi * np.arange(1, GRID) / GRID
    held = [kept(_wrapped(angle)) for angle in steps]
    if all(held):
        return BestRatio(SetKind.EVERYTHING)
    up = steps[held.index(False)]
    down = steps[len(held) - 1 - held[::-1].index(False)]
    high = tan(_wrapped(_edge(kept, up - np.pi / GRID, up)))
    low = tan(_wrapped(_edge(kept, down + np.pi / GRID, down)))
    kind = SetKind.INTERVAL if low <= high else SetKind.OUTSIDE
    return BestRatio(kind, *((low, high) if kind is SetKind.INTERVAL else (high, low)))


def _wrapped(angle: float) -> float:
    return (angle + pi / 2) % pi - pi / 2


def _edge(kept: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return the angle at which ratios begin to be rejected."""
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        if kept(_wrapped(middle)):
            inside = middle
        else:
            outside = middle
    return inside
