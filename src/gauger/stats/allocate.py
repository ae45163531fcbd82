"""Divides replicates over arms so that one contrast becomes as precise as a budget allows.

With replicates paired by number, arms a and c have ``min(R_a, R_c)`` of them in common, so

    V(R) = item + sum_ac S[a, c] / max(R_a, R_c),

S the contrast-weighted covariance of one replicate. For independent arms and no shared costs the optimum is Neyman's,
``R_a ~ sqrt(S[a, a] / cost_a)``; here costs may be shared (a stage that several arms begin with is trained as often as
the arm with most replicates needs it), so the optimum is found by steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gauger.stats.crossed.panel import FloatArray, IntArray

ROUNDING, TINY = 1e-12, 1e-300
MOST_ARMS_IN_PAIRS = 8
"""With more arms, steps change one arm or all, not pairs."""


@dataclass(frozen=True)
class Spending:
    """One piece of work that replicates take: done once per replicate for all arms that begin with it."""

    cost: float
    """In any unit; that of the budget."""
    arms: tuple[int, ...]
    """Arms that need it."""


@dataclass(frozen=True)
class Division:
    """Replicates over arms."""

    replicates: IntArray
    """(A,): 0 for arms that the contrast does not touch, 1 for fixed models."""
    variance: float
    cost: float


def variance_of(covariance: FloatArray, replicates: IntArray, item: float = 0.0) -> float:
    """Return V(R), the variance of the contrast; arms with 0 replicates must have no covariance.

    Parameters
    ----------
    covariance : float array, (A, A)
        S, contrast-weighted covariance of one replicate; score scale squared. Zero rows for untouched arms.
    replicates : int array, (A,)
        Replicates of each arm, paired by number: two arms have the smaller number in common.
    item : float
        Part of the variance that replicates do not change, same unit.

    Returns
    -------
    float
        ``item + sum_ac S[a, c] / max(R_a, R_c)``. An arm with 0 replicates is counted as if it had 1.

    Checked against simulated replicates in tests/stats/test_allocate.py.
    """
    most = np.maximum.outer(replicates, replicates)
    return item + float((covariance / np.maximum(most, 1)).sum())


def cost_of(spendings: Sequence[Spending], replicates: IntArray) -> float:
    """Return the cost: every piece of work as often as the arm with most replicates needs it.

    Parameters
    ----------
    spendings : sequence of Spending
        Pieces of work, each with its cost per replicate and the arms that need it. None: the cost is 0.
    replicates : int array, (A,)
        Replicates of each arm.

    Returns
    -------
    float
        In the unit of `Spending.cost`. A piece that no arm needs costs nothing.
    """
    return float(
        sum(spending.cost * max((int(replicates[a]) for a in spending.arms), default=0) for spending in spendings)
    )


def divide(
    covariance: FloatArray,
    spendings: Sequence[Spending],
    budget: float,
    *,
    item: float = 0.0,
    least: int = 2,
    most: int = 64,
) -> Division | None:
    """Divide a budget over arms so that V(R) is smallest, in whole replicates.

    Starts from `least` replicates of every arm that has any variance and takes, again and again, the step that lowers
    the variance most per cost and can still be paid: one more replicate of one arm, of a pair of arms, or of all.
    Swaps follow until none helps: a replicate taken away, and what that frees spent anew. Within a few per cent of
    the best division of three arms by full search (tests/stats/test_allocate.py); not proven optimal.

    Parameters
    ----------
    covariance : (A, A) array
        S; rows of untouched arms and of fixed models are 0.
    spendings : sequence of Spending
    budget : float
    item : float
        Part of the variance that replicates do not change.
    least, most : int
        Bounds of the replicates of every arm; two are needed for any variance to be seen.

    Returns
    -------
    Division or None
        None where the budget does not pay even `least` replicates.
    """
    varies = np.diag(covariance) > 0
    replicates = np.where(varies, least, 0).astype(np.int64)
    if cost_of(spendings, replicates) > budget or not varies.any():
        return None
    problem = _Problem(covariance, spendings, budget, (least, most), _groups(np.flatnonzero(varies)))
    replicates = problem.filled(replicates)
    while (swapped := problem.swapped(replicates)) is not None:
        replicates = swapped
    return Division(replicates, variance_of(covariance, replicates, item), cost_of(spendings, replicates))


def divide_equally(
    covariance: FloatArray, spendings: Sequence[Spending], budget: float, *, item: float = 0.0, most: int = 64
) -> Division | None:
    """Give every arm as many replicates as the budget pays; None where it does not pay one.

    The plain plan that `divide` is compared with. Use `divide` to spend a budget: here arms that hardly vary cost as
    much as those that do.

    Parameters
    ----------
    covariance : float array, (A, A)
        S; arms with 0 on the diagonal get no replicates.
    spendings : sequence of Spending
        Pieces of work; see `cost_of`.
    budget : float
        In the unit of `Spending.cost`, > 0.
    item : float
        Part of the variance that replicates do not change.
    most : int
        Largest number of replicates of any arm; given to all where replicates cost nothing.

    Returns
    -------
    Division or None
        None where the budget does not pay one replicate of each, or no arm varies. One replicate is possible, and shows
        no variance; `divide` starts from two.
    """
    varies = np.diag(covariance) > 0
    each = cost_of(spendings, varies.astype(np.int64))
    n = min(int(budget / each * (1 + ROUNDING)), most) if each > 0 else most
    if n < 1 or not varies.any():
        return None
    replicates = np.where(varies, n, 0).astype(np.int64)
    return Division(replicates, variance_of(covariance, replicates, item), cost_of(spendings, replicates))


def _groups(arms: IntArray) -> list[list[int]]:
    """List the arms that a step may change together: one, two (of few arms), or all."""
    groups = [[int(a)] for a in arms]
    if len(arms) <= MOST_ARMS_IN_PAIRS:
        groups += [list(pair) for pair in combinations(map(int, arms), 2)]
    return [*groups, [int(a) for a in arms]]


@dataclass(frozen=True)
class _Problem:
    """What is to be divided, and the steps that are tried."""

    covariance: FloatArray
    spendings: Sequence[Spending]
    budget: float
    bounds: tuple[int, int]
    groups: list[list[int]]

    def filled(self, replicates: IntArray) -> IntArray:
        """Spend what is left: always the step that lowers the variance most per cost."""
        while (step := self._best_step(replicates)) is not None:
            replicates = step
        return replicates

    def swapped(self, replicates: IntArray) -> IntArray | None:
        """Take a replicate from some arms and spend anew what that frees; the best result, None if none helps."""
        # A swap must lower the variance by more than rounding, else two equal divisions would be swapped for ever.
        best, best_after = variance_of(self.covariance, replicates) * (1 - ROUNDING), None
        for group in self.groups:
            less = replicates.copy()
            less[group] -= 1
            if less[group].min() < self.bounds[0]:
                continue
            after = self.filled(less)
            variance = variance_of(self.covariance, after)
            if variance < best:
                best, best_after = variance, after
        return best_after

    def _best_step(self, replicates: IntArray) -> IntArray | None:
        before, paid = variance_of(self.covariance, replicates), cost_of(self.spendings, replicates)
        best, best_after = 0.0, None
        for group in self.groups:
            after = replicates.copy()
            after[group] += 1
            extra = cost_of(self.spendings, after) - paid
            gain = before - variance_of(self.covariance, after)
            if after.max() > self.bounds[1] or paid + extra > self.budget * (1 + ROUNDING) or gain <= ROUNDING * before:
                continue
            if gain / max(extra, TINY) > best:
                best, best_after = gain / max(extra, TINY), after
        return best_after
