"""Holds covariances of cell means in the form in which they arise, so that K cells need no K x K numbers.

Items tie together the arms of one benchmark, and two benchmarks only where these share clusters: blocks of arms x arms
(`BlockCovariance`). What is expected of training noise depends on the kind of pair of arms and on the two benchmarks:
one table benchmarks x benchmarks for each kind (`KindCovariance`). Cells are numbered ``a * B + b``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.crossed.panel import FloatArray, IntArray


@dataclass(frozen=True)
class BlockCovariance:
    """A covariance of A x B cells that is 0 between benchmarks without common clusters."""

    own: FloatArray
    """(B, A, A): within each benchmark."""
    pairs: tuple[tuple[int, int], ...] = ()
    """Benchmarks that share clusters, each pair once."""
    cross: tuple[FloatArray, ...] = ()
    """(A, A) of each pair: arms on its first benchmark x arms on its second."""

    @property
    def shape(self) -> tuple[int, int]:
        """A arms, B benchmarks."""
        return self.own.shape[1], self.own.shape[0]

    def at(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return the entries of pairs of cells."""
        n = self.shape[1]
        a, b, c, d = first // n, first % n, second // n, second % n
        covariance = np.where(b == d, self.own[b, a, c], 0.0)
        for (left, other), block in zip(self.pairs, self.cross, strict=True):
            covariance = np.where((b == left) & (d == other), block[a, c], covariance)
            covariance = np.where((b == other) & (d == left), block[c, a], covariance)
        return np.asarray(covariance)

    def times(self, values: FloatArray) -> FloatArray:
        """Return its product with (K, q)."""
        n_arms, n = self.shape
        by_benchmark = values.reshape(n_arms, n, -1).transpose(1, 0, 2)
        product = self.own @ by_benchmark
        for (left, other), block in zip(self.pairs, self.cross, strict=True):
            product[left] += block @ by_benchmark[other]
            product[other] += block.T @ by_benchmark[left]
        return np.asarray(product.transpose(1, 0, 2).reshape(len(values), -1))

    def diagonal(self) -> FloatArray:
        """(A, B): variances."""
        return np.asarray(np.diagonal(self.own, axis1=1, axis2=2).T)

    def table(self, kind: FloatArray, lever: FloatArray) -> FloatArray:
        """(B, B): sums over the pairs of arms of a kind (A, A; 0 or 1) of entries times the levers (A, B) of both."""
        n = self.shape[1]
        moved = lever.T[:, :, None] * self.own * lever.T[:, None, :]
        table = np.diag((moved * kind).sum(axis=(1, 2)))
        for (left, other), block in zip(self.pairs, self.cross, strict=True):
            table[left, other] = float((kind * block * np.outer(lever[:, left], lever[:, other])).sum())
            table[other, left] = float((kind.T * block * np.outer(lever[:, left], lever[:, other])).sum())
        return table.reshape(n, n)

    def of(self, arms: IntArray) -> BlockCovariance:
        """Return that of some arms."""
        square = np.ix_(arms, arms)
        return BlockCovariance(
            self.own[:, arms[:, None], arms], self.pairs, tuple(block[square] for block in self.cross)
        )

    def minus(self, other: BlockCovariance) -> BlockCovariance:
        """Subtract a covariance over the same pairs of benchmarks."""
        cross = tuple(mine - two for mine, two in zip(self.cross, other.cross, strict=True))
        return BlockCovariance(self.own - other.own, self.pairs, cross)

    def with_diagonal(self, variances: FloatArray) -> BlockCovariance:
        """Return it with other variances (A, B)."""
        own = self.own.copy()
        every = np.arange(self.shape[0])
        own[:, every, every] = variances.T
        return replace(self, own=own)

    def written_out(self) -> FloatArray:
        """(K, K): all entries."""
        return self.times(np.eye(self.shape[0] * self.shape[1]))


@dataclass(frozen=True)
class KindCovariance:
    """A covariance ``lever_i lever_j t[k, b, d]`` of cells (a, b) and (c, d), k the kind of the pair of arms (a, c)."""

    lever: FloatArray
    """(A, B)"""
    kinds: IntArray
    """(A, A): 0 for an arm with itself, from 1 on by kinship, -1 for arms that share no replicate (covariance 0)."""
    tables: FloatArray
    """(kinds, B, B)"""

    def at(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return the entries of pairs of cells."""
        n = self.lever.shape[1]
        flat = self.lever.ravel()
        kind = self.kinds[first // n, second // n]
        value = flat[first] * flat[second] * self.tables[kind, first % n, second % n]
        return np.asarray(np.where(kind >= 0, value, 0.0))

    def times(self, values: FloatArray) -> FloatArray:
        """Return its product with (K, q)."""
        lever = self.lever[:, :, None]
        moved = values.reshape(*self.lever.shape, -1) * lever
        product = self.tables[0] @ moved
        for kind in range(1, len(self.tables)):
            related = (self.kinds == kind).astype(float)
            if related.any():
                product += self.tables[kind] @ np.tensordot(related, moved, axes=1)
        return np.asarray((product * lever).reshape(len(values), -1))

    def diagonal(self) -> FloatArray:
        """(A, B): variances."""
        return np.asarray(self.lever**2 * np.diag(self.tables[0]))

    def of(self, arms: IntArray) -> KindCovariance:
        """Return that of some arms."""
        return KindCovariance(self.lever[arms], self.kinds[np.ix_(arms, arms)], self.tables)

    def written_out(self) -> FloatArray:
        """(K, K): all entries."""
        return self.times(np.eye(self.lever.size))
