"""Computes joint covariances of contrasts where they are asked for: of a family, of pairs, of some against all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.cell_covariance import BlockCovariance
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.panel import FloatArray, IntArray
from gauger.stats.crossed.replicate_covariance import COLUMNS, ReplicateCovariance


@dataclass(frozen=True)
class JointCovariance:
    """Joint covariance of C contrasts: the correlation of their parts times both standard errors.

    Sampling may leave a sum of parts slightly indefinite, so correlations are held to ±1.
    """

    rows: ContrastRows
    net_item: BlockCovariance
    """Item part less the shared residual."""
    replicate: ReplicateCovariance
    size: FloatArray
    """(C,): standard deviation as the parts add up, before any is floored."""
    se: FloatArray
    """(C,): standard error; NaN where a contrast is undefined."""

    def among(self, which: IntArray) -> FloatArray:
        """Return the (n, n) covariance of some contrasts."""
        correlation = self.correlations(which, which)
        np.fill_diagonal(correlation, 1.0)
        return np.asarray(correlation * np.outer(self.se[which], self.se[which]))

    def correlations(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return the (n, m) correlations of two sets of contrasts."""
        columns = self.replicate.columns(first, second)
        own = self.rows.take(first)
        for start in range(0, len(second), COLUMNS):
            some = slice(start, start + COLUMNS)
            columns[:, some] += own.times(self.net_item.times(self.rows.take(second[some]).written_out()))
        return _held(columns, np.outer(self.size[first], self.size[second]))

    def pairs(self, first: IntArray, second: IntArray) -> FloatArray:
        """Return the (n,) covariances of pairs of contrasts."""
        (covariance,) = self.rows.products(first, second, self.net_item)
        covariance += self.replicate.pairs(first, second)
        correlation = _held(covariance, self.size[first] * self.size[second])
        correlation[first == second] = 1.0
        return np.asarray(correlation * self.se[first] * self.se[second])

    @property
    def written_out(self) -> FloatArray:
        """(C, C): the whole; for few contrasts."""
        return self.among(np.arange(len(self.rows)))


def _held(joint: FloatArray, product: FloatArray) -> FloatArray:
    """Return correlations within ±1; 0 where a standard deviation is."""
    return np.clip(np.divide(joint, product, out=np.zeros_like(joint), where=product > 0), -1.0, 1.0)
