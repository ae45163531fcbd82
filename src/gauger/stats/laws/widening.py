"""Widens intervals to what the back-test justifies at the distance forecast.

The mixture's held-out errors e at distances d have claimed standard deviations c. What the laws miss is taken to grow
in proportion to distance, s (d + NEAR), so that e ~ (0, c^2 + s^2 (d + NEAR)^2); s solves

    sum_h k_h (e_h^2 / (c_h^2 + s^2 (d_h + NEAR)^2) - 1) = 0        (0 where the sum at s = 0 is not above 0),

Paule and Mandel's condition (1982, J. Res. Natl. Bur. Stand. 87, 377-385) with weights k_h for errors at a like
distance (`competition.kernel`). A prediction's variance c^2 becomes c^2 + s^2 (d + NEAR)^2: errors of cuts with few
points, whose claims were wide, do not count as misses, and what is missed does not shrink when points are added. s
rests on few independent cuts, so the quantile is that of t with Satterthwaite's degrees of freedom of the two parts.
Beyond the largest distance tested, where nothing supports the claim either, it grows by the square root of distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.backtest import Backtest
from gauger.stats.laws.competition import LEAST_CLAIM, NEAR, independent_cuts, kernel
from gauger.stats.laws.points import FloatArray
from gauger.stats.student import t_quantile

MOST_Z = 10.0
"""Held-out errors count for at most so many claimed standard deviations."""


@dataclass(frozen=True)
class HeldOutErrors:
    """What the back-test of a mixture of laws showed."""

    test: Backtest
    error: FloatArray
    """(H,): observed - predicted by the mixture."""
    claimed: FloatArray
    """(H,): standard deviation that the mixture claimed, the laws' disagreement included."""


def held_out(test: Backtest, weights: FloatArray) -> HeldOutErrors:
    """Mix the laws' held-out errors by their weights (M,)."""
    weight = weights[:, None]
    error = (weight * test.error).sum(axis=0)
    between = (weight * (test.error - error) ** 2).sum(axis=0)
    within = (weight * (test.spread**2 + test.noise**2)).sum(axis=0)
    return HeldOutErrors(test, error, np.sqrt(between + within))


def missed(seen: HeldOutErrors, distance: float, axes: FloatArray, without: int | None = None) -> tuple[float, float]:
    """Estimate what the laws miss at a distance: standard deviation, and the independent cuts it rests on.

    Parameters
    ----------
    seen : HeldOutErrors
    distance : float
        e-folds beyond the fitted points.
    axes : float array, (2,)
        The same in parameters and in tokens.
    without : int, optional
        Number of a cut whose errors are left out, to judge an interval by errors that it has not seen.

    Returns
    -------
    (float, float)
        In units of the errors, at least 0; number of cuts, at least 1. (0, 1) where nothing is left to judge by.
    """
    speaks = kernel(seen.test, axes) * (seen.test.cut != (-1 if without is None else without))
    if speaks.sum() <= 0.0:
        return 0.0, 1.0
    growth = seen.test.distance + NEAR
    squared = np.minimum(seen.error**2, (MOST_Z * seen.claimed) ** 2)

    def surplus(slope: float) -> float:
        expected = seen.claimed**2 + (slope * growth) ** 2
        # Points without noise: nothing is claimed and nothing missed, which is as it should be.
        ratio = np.divide(squared, expected, out=np.ones_like(squared), where=expected > 0.0)
        return float((speaks * (ratio - 1.0)).sum())

    cuts = max(independent_cuts(seen.test, speaks), 1.0)
    low, high = 0.0, float((np.sqrt(squared) / growth).max())
    if surplus(0.0) <= 0.0 or high == 0.0:
        return 0.0, cuts
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if surplus(middle) > 0.0 else (low, middle)
    return high * (distance + NEAR), cuts


@dataclass(frozen=True)
class Reach:
    """How far n predictions lie beyond the fitted points."""

    distance: FloatArray
    """(n,): e-folds, the most among parameters, tokens and compute (`backtest.beyond`)."""
    axes: FloatArray
    """(n, 2): in parameters and in tokens (`backtest.axes_beyond`)."""


def stretches(
    seen: HeldOutErrors | None,
    reach: Reach,
    claimed: FloatArray,
    level: float,
    freedom: float,
    without: int | None = None,
) -> FloatArray:
    """Compute the factor by which each interval is stretched.

    Parameters
    ----------
    seen : HeldOutErrors or None
        None: no back-test, and no stretch; extrapolation is then unguarded.
    reach : Reach
        Of n predictions.
    claimed : float array, (n,)
        Standard deviations that the mixture claims there.
    level : float
        Coverage, 0-1.
    freedom : float
        Degrees of freedom of the interval that is stretched; infinite where it is normal.
    without : int, optional
        As in `missed`.

    Returns
    -------
    float array, (n,)
        At least 1.

    Coverage: validation/laws.
    """
    out = np.ones(len(claimed))
    if seen is None:
        return out
    usual = float(t_quantile(0.5 + level / 2.0, freedom))
    tested = max(float(seen.test.distance.max()), NEAR)
    further = np.sqrt(np.maximum(reach.distance / tested, 1.0))
    for i, own in enumerate(np.maximum(claimed, LEAST_CLAIM) * further):
        extra, cuts = missed(seen, float(reach.distance[i]), reach.axes[i], without)
        if extra == 0.0:
            out[i] = further[i]
            continue
        total = own**2 + extra**2
        joint = total**2 / (own**4 / freedom + extra**4 / cuts)
        out[i] = further[i] * np.sqrt(total) / own * float(t_quantile(0.5 + level / 2.0, joint)) / usual
    return np.maximum(out, 1.0)
