"""Holds contrasts of cell means by the few cells that each one weighs: memory grows with these, not with all cells.

Cells are numbered ``a * B + b`` (K = A B). Sums over the cells of a contrast, over its arms or its benchmarks, and over
pairs of cells of two contrasts are what every variance of a contrast is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from gauger.stats.crossed.panel import BoolArray, FloatArray, IntArray

MOST_PAIRS = 2**21
"""Pairs of cells written out at once."""


class CellMatrix(Protocol):
    """A (K, K) matrix over cells that is not written out."""

    def at(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return the entries of pairs of cells."""


@dataclass(frozen=True)
class ContrastRows:
    """C contrasts; contrast c has the N_c entries from ``starts[c]`` to ``starts[c + 1]``."""

    starts: IntArray
    """(C + 1,)"""
    cells: IntArray
    """(N,): cells with weight, numbered a * B + b."""
    values: FloatArray
    """(N,): their weights."""
    shape: tuple[int, int]
    """A arms, B benchmarks."""

    @classmethod
    def of(cls, weights: FloatArray) -> ContrastRows:
        """Take the cells with weight out of weights (C, A, B)."""
        flat = weights.reshape(len(weights), -1)
        rows, cells = np.nonzero(flat)
        starts = np.searchsorted(rows, np.arange(len(flat) + 1))
        return cls(starts, cells, flat[rows, cells], (weights.shape[1], weights.shape[2]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def row(self) -> IntArray:
        """(N,): which contrast an entry belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @property
    def arm(self) -> IntArray:
        """(N,): arm of each entry."""
        return self.cells // self.shape[1]

    @property
    def benchmark(self) -> IntArray:
        """(N,): benchmark of each entry."""
        return self.cells % self.shape[1]

    def take(self, rows: IntArray) -> ContrastRows:
        """Return some of the contrasts."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return ContrastRows(starts, self.cells[entries], self.values[entries], self.shape)

    def within(self, arms: IntArray) -> tuple[IntArray, ContrastRows]:
        """Return which contrasts weigh some of these arms, and of these contrasts the part that does.

        Cells are numbered anew over these n arms: ``place of the arm * B + b``.
        """
        place = np.full(self.shape[0], -1)
        place[arms] = np.arange(len(arms))
        kept = place[self.arm] >= 0
        touched, row = np.unique(self.row[kept], return_inverse=True)
        starts = np.searchsorted(row, np.arange(len(touched) + 1))
        cells = place[self.arm[kept]] * self.shape[1] + self.benchmark[kept]
        return touched, ContrastRows(starts, cells, self.values[kept], (len(arms), self.shape[1]))

    def sums(self, entries: FloatArray) -> FloatArray:
        """Sum (N,) or (N, q) numbers of the entries within each contrast: (C,) or (C, q)."""
        totals = np.zeros((len(self), *entries.shape[1:]))
        some = np.diff(self.starts) > 0
        if some.any():
            totals[some] = np.add.reduceat(entries, self.starts[:-1][some], axis=0)
        return totals

    def any(self, entries: BoolArray) -> BoolArray:
        """Tell which contrasts have an entry for which (N,) holds."""
        return np.asarray(np.bincount(self.row[entries], minlength=len(self)) > 0)

    def parts(self, label: IntArray, n_labels: int) -> tuple[IntArray, IntArray, ContrastRows]:
        """Split each contrast by a label (N,) of its entries, 0 to n_labels - 1.

        Returns
        -------
        tuple
            Of every part: which contrast it is of, its label, and the part as a contrast.
        """
        key = self.row * n_labels + label
        order = np.argsort(key, kind="stable")
        keys, first = np.unique(key[order], return_index=True)
        starts = np.append(first, len(key))
        split = ContrastRows(starts, self.cells[order], self.values[order], self.shape)
        return keys // n_labels, keys % n_labels, split

    def largest(self, values: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the largest of (N,) values by contrast and benchmark: three arrays."""
        key = self.row * self.shape[1] + self.benchmark
        order = np.argsort(key, kind="stable")
        keys, first = np.unique(key[order], return_index=True)
        peaks = np.maximum.reduceat(values[order], first) if len(keys) else np.zeros(0)
        return keys // self.shape[1], keys % self.shape[1], peaks

    def squares(self, *matrices: CellMatrix) -> list[FloatArray]:
        """Return ``w' M w`` of every contrast for each matrix M."""
        every = np.arange(len(self))
        return self.products(every, every, *matrices)

    def products(self, first: IntArray, second: IntArray, *matrices: CellMatrix) -> list[FloatArray]:
        """Return ``w_i' M w_j`` of pairs of contrasts (i, j) for each matrix M."""
        lengths = np.diff(self.starts)
        size = lengths[first] * lengths[second]
        products = [np.zeros(len(first)) for _ in matrices]
        for chunk in _chunks(size):
            self._add_products(first[chunk], second[chunk], [values[chunk] for values in products], matrices)
        return products

    def _add_products(
        self, first: IntArray, second: IntArray, products: list[FloatArray], matrices: Sequence[CellMatrix]
    ) -> None:
        lengths = np.diff(self.starts)
        size = lengths[first] * lengths[second]
        pair = np.repeat(np.arange(len(first)), size)
        place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        width = lengths[second][pair]
        s, t = self.starts[first][pair] + place // width, self.starts[second][pair] + place % width
        weight = self.values[s] * self.values[t]
        for values, matrix in zip(products, matrices, strict=True):
            values += totals(pair, weight * matrix.at(self.cells[s], self.cells[t]), len(first))

    def written_out(self) -> FloatArray:
        """(K, C): all weights, zeros too."""
        matrix = np.zeros((self.shape[0] * self.shape[1], len(self)))
        matrix[self.cells, self.row] = self.values
        return matrix

    def times(self, values: FloatArray) -> FloatArray:
        """Return (C, q) sums of weights times values (K, q)."""
        return self.sums(self.values[:, None] * values[self.cells])


def totals(label: IntArray, values: FloatArray, n: int) -> FloatArray:
    """Add up values by label, 0 to n - 1; 0 where a label has none."""
    return np.bincount(label, values, minlength=n).astype(float)


def _chunks(size: IntArray) -> list[slice]:
    """Cut pairs into runs of about `MOST_PAIRS` products each."""
    if not len(size):
        return []
    number = np.cumsum(size) // MOST_PAIRS
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    return [slice(*ends) for ends in zip(starts, [*starts[1:], len(size)], strict=True)]
