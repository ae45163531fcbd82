"""Takes one benchmark apart: what each item and each training replicate does to each arm's mean score.

Dimension letters: A arm, R replicate, I item, U cluster of items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.panel import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class BenchmarkParts:
    """Means of one benchmark and the influences on them, per arm."""

    mean: FloatArray
    """(A,): mean over items of the mean over replicates; NaN where nothing was scored."""
    influence: FloatArray
    """(U, A): influence of each cluster on the mean."""
    deviation: FloatArray
    """(A, R): influence of each replicate on the mean."""
    residual: FloatArray
    """(A, R, U): what a replicate's influence leaves unexplained within a cluster."""
    sensitivity: FloatArray
    """(A,): mean over items of p (1 - p), p the item's expected score: how far the mean moves per logit."""
    farthest: float
    """Largest distance of one answer's score from its arm's mean."""
    n_replicates: IntArray
    """(A,): replicates with at least one score."""
    n_items: IntArray
    """(A,): items with at least one score."""
    n_clusters: IntArray
    """(A,): clusters with at least one score."""
    clusters: IntArray
    """(U,): their ids, ascending."""
    cluster_sizes: IntArray
    """(A, U): items of each cluster with at least one score."""


@dataclass(frozen=True)
class _Scores:
    """One benchmark's scores, completed with what is needed again and again."""

    filled: FloatArray
    """(A, R, I): scores, 0 where missing."""
    observed: BoolArray
    """(A, R, I)"""
    answers: IntArray
    """(A, I): replicates that answered an item."""
    items: IntArray
    """(A,): items with an answer, at least 1 (so that it can divide)."""
    item_mean: FloatArray
    """(A, I): mean over the replicates that answered; 0 where none did."""
    off: FloatArray
    """(A, R, I): score less item mean, 0 where missing."""


def benchmark_parts(scores: FloatArray, units: IntArray, present: BoolArray) -> BenchmarkParts:
    """Take one benchmark apart; formulas in `crossed_components`.

    Parameters
    ----------
    scores : (A, R, I) array
        0-1 scale, NaN = missing.
    units : (I,) array
        Cluster id of each item.
    present : (A, R) array
        Rows that exist.
    """
    data = _complete(scores, present)
    answered = data.answers > 0
    n_items = answered.sum(axis=1)
    mean = np.where(n_items > 0, data.item_mean.sum(axis=1) / data.items, np.nan)
    clusters, member = np.unique(units, return_inverse=True)
    centred = np.where(answered, data.item_mean - np.nan_to_num(mean)[:, None], 0.0)
    sizes = _by_cluster(answered.astype(float), member, len(clusters))
    size = sizes / data.items[:, None]
    adjust = 1 / np.sqrt(np.maximum(1 - size, 1e-12))
    deviation, residual = _replicate_parts(data)
    return BenchmarkParts(
        mean=mean,
        influence=(_by_cluster(centred, member, len(clusters)) / data.items[:, None] * adjust).T,
        deviation=deviation,
        residual=_by_cluster(residual, member, len(clusters)) * adjust[:, None, :],
        sensitivity=_sensitivity(data),
        farthest=_farthest(data, mean),
        n_replicates=data.observed.any(axis=2).sum(axis=1),
        n_items=n_items,
        n_clusters=(size > 0).sum(axis=1),
        clusters=clusters,
        cluster_sizes=sizes.astype(np.int64),
    )


def _complete(scores: FloatArray, present: BoolArray) -> _Scores:
    observed = np.isfinite(scores) & present[:, :, None]
    filled = np.where(observed, scores, 0.0)
    answers = observed.sum(axis=1)
    item_mean = filled.sum(axis=1) / np.maximum(answers, 1)
    off = np.where(observed, filled - item_mean[:, None, :], 0.0)
    return _Scores(filled, observed, answers, np.maximum((answers > 0).sum(axis=1), 1), item_mean, off)


def _by_cluster(values: FloatArray, member: IntArray, n_clusters: int) -> FloatArray:
    """Sum the last axis within clusters; `member` numbers the cluster of each item."""
    order = np.argsort(member, kind="stable")
    if n_clusters == values.shape[-1]:
        return values[..., order]
    starts = np.searchsorted(member[order], np.arange(n_clusters))
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def _sensitivity(data: _Scores) -> FloatArray:
    """(A,): mean over items of p (1 - p); the noise that p (1 - p) loses when p is an average is added back."""
    noise = (data.off**2).sum(axis=1) / np.maximum(data.answers * (data.answers - 1), 1)
    spread = np.where(data.answers > 0, data.item_mean * (1 - data.item_mean) + noise, 0.0)
    return np.asarray(np.clip(spread.sum(axis=1) / data.items, 0.0, 0.25))


def _farthest(data: _Scores, mean: FloatArray) -> float:
    distance = np.abs(data.filled - np.nan_to_num(mean)[:, None, None])
    return float(distance.max(where=data.observed, initial=0.0))


def _replicate_parts(data: _Scores) -> tuple[FloatArray, FloatArray]:
    """Replicate influences (A, R) and item-level residuals (A, R, I), scaled to the variance they stand for."""
    weight = data.observed / (np.maximum(data.answers, 1) * data.items[:, None])[:, None, :]
    influence = (weight * data.off).sum(axis=2)
    total = weight.sum(axis=2)
    shift = influence / np.where(total > 0, total, 1.0)
    residual = weight * (data.off - shift[:, :, None])
    scale = np.sqrt(_inflation(weight, total, data.items))
    return influence * scale[:, None], residual * scale[:, None, None]


def _inflation(weight: FloatArray, total: FloatArray, items: IntArray) -> FloatArray:
    """(A,): variance that replicates give to the mean over what their centred influences show; R / (R - 1) if full.

    An influence is ``G rho`` with ``G = diag(k) - M``, k_r the weight of replicate r and
    ``M_rs = I sum_i w_ri w_si``; replicates of variance tau give the mean ``tau sum k^2`` and the influences
    ``tau tr(G G')``.
    """
    overlap = weight @ weight.transpose(0, 2, 1) * items[:, None, None]
    g = total[:, :, None] * np.eye(total.shape[1]) - overlap
    shown = (g**2).sum(axis=(1, 2))
    stands_for = (total**2).sum(axis=1)
    return np.where(shown > 1e-12 * stands_for, stands_for / np.where(shown > 0, shown, 1.0), 0.0)
