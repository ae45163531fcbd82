"""Tells how well a pooled replicate covariance is known in the direction of one contrast.

Where arms are related more and less closely, some directions rest on many replicates and some on few: what the first
stage of a pipeline adds to the noise is seen once per replicate, however many arms were trained on from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.panel import BoolArray, FloatArray

AT_ONCE = 512
"""Contrasts whose weights are written out at once."""


@dataclass(frozen=True)
class CovarianceKind:
    """Pairs of cells that are expected to have one covariance: pairs of arms, on the same benchmark or on two."""

    arms: BoolArray
    """(A, A): which pairs of arms."""
    same: bool
    """On the same benchmark; else on different ones."""

    def times(self, values: FloatArray) -> FloatArray:
        """Return the mask (K, K) times values (A, B, ...), without writing the mask out."""
        same = np.tensordot(self.arms.astype(float), values, axes=1)
        return same if self.same else same.sum(axis=1, keepdims=True) - same


@dataclass(frozen=True)
class Directions:
    """The pooled covariance as a sum over kinds whose sizes are quadratic forms of what the replicates show."""

    kinds: tuple[CovarianceKind, ...]
    """n kinds of pairs; the first is each cell with itself."""
    spread: FloatArray
    """(n, n): half the covariance of the n sizes, times the replicates' degrees of freedom: ``tr(V_m S V_n S)``."""
    lever: FloatArray
    """(A, B): how far a cell mean moves when one replicate moves by a logit."""
    expected: FloatArray
    """(K, K): expected replicate covariance of cell means, item noise included."""
    df_each: float
    """Replicates less one."""

    def df(self, rows: ContrastRows) -> FloatArray:
        """Return (C,) degrees of freedom of the pooled variance of contrasts, at least 1.

        ``2 E(m)^2 / var(m)`` (Satterthwaite) with ``m(w) = noise + sum_n c_n w' P_n w`` and ``c_n = tr(V_n S)``, S the
        sample covariance of normal replicates. Drawn in tests/stats/test_directions.py.
        """
        every = np.arange(len(rows))
        parts = [self._df(rows.take(every[start : start + AT_ONCE])) for start in range(0, len(rows), AT_ONCE)]
        return np.concatenate([*parts, np.zeros(0)])

    def _df(self, rows: ContrastRows) -> FloatArray:
        flat = rows.written_out().T
        moved = flat.T.reshape(*self.lever.shape, -1) * self.lever[..., None]
        size = np.stack([(moved * kind.times(moved)).sum(axis=(0, 1)) for kind in self.kinds], axis=1)
        mean = np.maximum(((flat @ self.expected) * flat).sum(axis=1), 0.0)
        spread = ((size @ self.spread) * size).sum(axis=1)
        df = np.divide(self.df_each * mean**2, spread, out=np.full_like(mean, self.df_each), where=spread > 0)
        return np.asarray(np.maximum(df, 1.0))


def spread_of_sizes(kinds: tuple[CovarianceKind, ...], root: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return (n, n) ``tr(V_m S V_n S)`` with ``V_n = r (mask_n) r / (total weight of kind n)``.

    Parameters
    ----------
    kinds : n kinds
    root : (A, B, 2) array
        r, and the square root of each cell's weight.
    covariance : (K, K) array
        S, expected covariance of replicate means; its negative eigenvalues are set to 0.
    """
    r, weight = root[..., 0], root[..., 1]
    turned = r[..., None] * _possible(covariance).reshape(*r.shape, -1)
    moved = []
    for kind in kinds:
        total = float((weight * kind.times(weight[..., None])[..., 0]).sum())
        form = r[..., None] * kind.times(turned) / total if total > 0 else np.zeros_like(turned)
        moved.append(form.reshape(len(covariance), -1))
    return np.array([[float((matrix * other.T).sum()) for other in moved] for matrix in moved])


def _possible(covariance: FloatArray) -> FloatArray:
    """Set negative eigenvalues of a pooled covariance to 0."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)
