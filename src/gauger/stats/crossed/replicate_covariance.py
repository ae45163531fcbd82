"""Computes replicate covariances of contrasts where they are asked for: what is shown and what is expected, blended.

``covariance_ij = sum over groups of  s_i s_j E_ij + r_i r_j S_ij``, S what the group's replicates show, E what the
prior expects of it, s^2 the trust of each contrast in the prior and r^2 = 1 - s^2. Nothing of size contrasts x
contrasts is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gauger.stats.crossed.cell_covariance import BlockCovariance, KindCovariance
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.pairing import Group
from gauger.stats.crossed.panel import BoolArray, FloatArray, IntArray

COLUMNS = 256
"""Contrasts against which all others are computed at once."""


@dataclass(frozen=True)
class ShownPart:
    """What one group's replicates show of the n contrasts that weigh some of its cells."""

    touched: IntArray
    """(n,): these contrasts."""
    rows: ContrastRows
    """Their parts within the group."""
    influence: FloatArray
    """(n, P_g): influence of each replicate."""
    df: FloatArray
    """(n,): replicates less one; 0 where no replicated cell is weighed."""

    @property
    def variance(self) -> FloatArray:
        """(n,): as shown."""
        return np.asarray((self.influence**2).sum(axis=1))


def shown_by(group: Group, rows: ContrastRows) -> ShownPart:
    """Work out what a group's replicates show of contrasts."""
    touched, own = rows.within(group.arms)
    df = group.df.ravel()[own.cells]
    smallest = np.full(len(own), np.inf)
    np.minimum.at(smallest, own.row[df > 0], df[df > 0].astype(float))
    return ShownPart(touched, own, own.times(group.deviations.T), np.where(np.isfinite(smallest), smallest, 0.0))


@dataclass(frozen=True)
class ExpectedPart:
    """What the prior expects of one group's cells."""

    noise: BlockCovariance
    common: KindCovariance
    pooled: KindCovariance


@dataclass(frozen=True)
class Blend:
    """How n contrasts blend what is shown and what is expected, (n,) each."""

    towards: FloatArray
    """Weight of the common level of the prior; the pooled one has the rest."""
    once: FloatArray
    """Factor on what is expected net of item noise."""
    factor: FloatArray
    """Factor on all that is expected."""
    trust: FloatArray
    """Weight of what is expected; what is shown has the rest."""


@dataclass(frozen=True)
class GroupCovariance:
    """Covariance that one group gives to the contrasts that it touches."""

    shown: ShownPart
    expected: ExpectedPart | None = None
    """None: no prior."""
    blend: Blend | None = None

    def columns(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return (n, m) covariances of touched contrasts, by their place among these."""
        shared = self.shown.influence[first] @ self.shown.influence[second].T
        if self.expected is None or self.blend is None:
            return np.asarray(shared)
        own, others = self.shown.rows.take(first), self.shown.rows.take(second).written_out()
        parts = (self.expected.noise, self.expected.common, self.expected.pooled)
        noise, common, pooled = (own.times(part.times(others)) for part in parts)
        return self._blended((first[:, None], second[None, :]), (shared, noise, common, pooled))

    def pairs(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return (n,) covariances of pairs of touched contrasts, by their place among these."""
        shared = (self.shown.influence[first] * self.shown.influence[second]).sum(axis=1)
        if self.expected is None or self.blend is None:
            return np.asarray(shared)
        parts = (self.expected.noise, self.expected.common, self.expected.pooled)
        return self._blended((first, second), (shared, *self.shown.rows.products(first, second, *parts)))

    def _blended(self, at: tuple[IntArray, IntArray], values: tuple[FloatArray, ...]) -> FloatArray:
        """Blend by the geometric means of both contrasts' shares."""
        assert self.blend is not None  # noqa: S101 - asked of moderated groups alone
        shown, noise, common, pooled = values
        blend, (i, j) = self.blend, at
        level = _both(blend.towards, i, j) * common + _both(1 - blend.towards, i, j) * pooled
        expected = (noise + _both(blend.once, i, j) * level) * _both(blend.factor, i, j)
        return np.asarray(_both(blend.trust, i, j) * expected + _both(1 - blend.trust, i, j) * shown)


def _both(share: FloatArray, first: IntArray, second: IntArray) -> FloatArray:
    root = np.sqrt(share)
    return np.asarray(root[first] * root[second])


@dataclass(frozen=True)
class ReplicateCovariance:
    """Replicate covariance of C contrasts, computed where it is asked for."""

    n: int
    """C"""
    groups: tuple[GroupCovariance, ...]
    alive: BoolArray | None = None
    """(C,): contrasts whose variance is above 0; the others have no covariance. None: all."""

    def columns(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return (n, m) covariances of two sets of contrasts."""
        matrix = np.zeros((len(first), len(second)))
        for group, place in zip(self.groups, self._places, strict=True):
            rows, columns = np.flatnonzero(place[first] >= 0), np.flatnonzero(place[second] >= 0)
            for start in range(0, len(columns), COLUMNS):
                some = columns[start : start + COLUMNS]
                if len(rows):
                    matrix[np.ix_(rows, some)] += group.columns(place[first][rows], place[second][some])
        if self.alive is not None:
            matrix *= np.outer(self.alive[first], self.alive[second])
        return matrix

    def pairs(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return (n,) covariances of pairs of contrasts."""
        values = np.zeros(len(first))
        for group, place in zip(self.groups, self._places, strict=True):
            both = np.flatnonzero((place[first] >= 0) & (place[second] >= 0))
            if len(both):
                values[both] += group.pairs(place[first][both], place[second][both])
        return values if self.alive is None else values * self.alive[first] * self.alive[second]

    def variances(self) -> FloatArray:
        """Return (C,) the covariance of each contrast with itself."""
        every = np.arange(self.n)
        return self.pairs(every, every)

    @cached_property
    def _places(self) -> list[IntArray]:
        """Of each group, (C,) the place of every contrast among those that it touches; -1 where it does not."""
        places = [np.full(self.n, -1) for _ in self.groups]
        for group, place in zip(self.groups, places, strict=True):
            place[group.shown.touched] = np.arange(len(group.shown.touched))
        return places
