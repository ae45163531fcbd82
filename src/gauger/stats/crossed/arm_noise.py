"""Estimates how noisy each arm's training is beside that of the others, from all benchmarks that it was measured on.

A contrast's own replicates tell little of one arm: R - 1 degrees of freedom. The same replicates were measured on every
benchmark, and an arm whose seeds lie far apart shows it on most of them. So what the pooled variance expects of an arm
is first multiplied by what the arm shows of itself everywhere, drawn towards 1 as far as arms are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.moderate import trust_in_prior
from gauger.stats.crossed.panel import FloatArray, IntArray
from gauger.stats.crossed.prior_spread import ReplicateVariances

LEAST_STRAY = 4.0
"""Least variance of the log net variance between arms that is reckoned with, whatever the arms at hand show: a factor
of 7.4 either way. One arm that is twice as noisy (four times the variance) among eight makes it .19, and would be
pulled almost to the others; with this much it is covered nearly as well as they are (93 % of its own scores with three
replicates; with a variance of 1, 92 %), and where all arms are alike intervals are 3 to 5 % wider
(validation/calibrate)."""
LEAST_STRAY_OF_TWO = 1.0
"""The same where arms were trained twice, a factor of 2.7: one degree of freedom shows so little that more trust in it
buys one point of coverage of the noisy arm (90 to 91 %) for intervals of equal arms that are 17 % wider."""


@dataclass(frozen=True)
class ArmNoise:
    """What each arm's replicates show of its training noise, over all benchmarks."""

    ratio: FloatArray
    """(A,): mean over benchmarks of the shown variance over what the pooled one expects; 1 where nothing is shown."""
    df: FloatArray
    """(A,): degrees of freedom of that; 0 where nothing is shown."""

    def factor(self, share: FloatArray, prior_df: FloatArray, df: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what the expected variance of C contrasts is multiplied by, and what the product is known from.

        With x and n the arms' ratio and degrees of freedom, averaged with the contrast's shares, and d0 the prior's,
        the factor is ``(d0 + n x) / (d0 + n)``, the posterior mean of Smyth (2004). The contrast's own replicates are
        among what the arm shows, so that beside these the product counts for ``d0 + n - d`` degrees of freedom.

        Parameters
        ----------
        share : (C, n) array
            Share of each contrast's expected variance that lies with each of these arms.
        prior_df, df : (C,) arrays
            d0, inf allowed, and d, the degrees of freedom of the contrast's own replicates in this group.
        """
        own = np.maximum(share @ self.df, df)
        lean = trust_in_prior(prior_df, own)
        return lean + (1 - lean) * (share @ self.ratio), prior_df + own - df

    def of(self, arms: IntArray) -> ArmNoise:
        """Return that of some arms, (n,) indices."""
        return ArmNoise(self.ratio[arms], self.df[arms])


def least_stray(df: FloatArray) -> FloatArray:
    """Return the least variance between arms that is reckoned with.

    Parameters
    ----------
    df : (C,) array
        Degrees of freedom of contrasts' own replicates, R - 1; 0 where nothing was replicated.
    """
    return np.where(df < 2, LEAST_STRAY_OF_TWO, LEAST_STRAY)


def arm_noise(cells: ReplicateVariances, same_arm: float, *, one_benchmark: bool) -> ArmNoise:
    """Average what every arm shows over its benchmarks.

    B benchmarks whose replicate means correlate by r count for ``B / (1 + (B - 1) r^2)`` independent ones, for one
    where that cannot be seen (`one_benchmark`).

    Parameters
    ----------
    cells : ReplicateVariances
        (A, B) sample variances, and what is expected of them.
    same_arm : float
        r.
    one_benchmark : bool
        Whether there are too few replicates to see r.
    """
    seen = cells.df > 0
    count = seen.sum(axis=1)
    shown = np.divide(cells.gross, cells.expected, out=np.ones_like(cells.gross), where=cells.expected > 0)
    ratio = np.where(seen, shown, 0.0).sum(axis=1) / np.maximum(count, 1)
    independent = count / (1 + np.maximum(count - 1, 0) * same_arm**2)
    independent = np.minimum(count, 1) if one_benchmark else np.where(count > 0, np.maximum(independent, 1.0), 0.0)
    return ArmNoise(np.where(count > 0, ratio, 1.0), cells.df.max(axis=1, initial=0.0) * independent)
