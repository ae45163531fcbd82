"""Crossed components: how much each item and each training replicate moved each cell mean.

Items (or clusters of items) and training replicates are crossed and both are samples, so the variance of a cell mean,
and of any contrast of cell means, is

    item part  +  replicate part  -  shared residual,

where the item part is the spread of the items' influences on the estimate, the replicate part that of the replicates'
influences, and the residual (item × replicate), which both contain, is counted once. Because each part is a covariance
matrix over cells, every linear contrast follows by one matrix product. Cells are numbered ``a * B + b`` (K = A B).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.panel import ABSENT, BoolArray, FloatArray, IntArray, Panel


@dataclass(frozen=True)
class Components:
    """Cell means and the three covariance parts of their estimates; K = A × B cells."""

    mean: FloatArray
    """(A, B): mean over items of the mean over replicates; NaN where nothing was scored."""
    item: FloatArray
    """(K, K): spread of the items' (clusters') influences; contains the shared residual."""
    replicate: FloatArray
    """(K, K): spread of the replicates' influences; contains the shared residual. Zero for arms with one replicate."""
    shared: FloatArray
    """(K, K): the item × replicate residual that `item` and `replicate` both contain. Zero with one replicate."""
    influences: tuple[FloatArray, ...]
    """Per benchmark, (U_b, A): each cluster's influence on each arm's cell mean."""
    deviations: FloatArray
    """(P, K): each replicate's influence on each cell mean; P distinct replicate ids."""
    n_replicates: IntArray
    """(A,): training replicates of each arm with at least one score."""
    n_items: IntArray
    """(A, B): items with at least one score."""
    n_clusters: IntArray
    """(A, B): clusters with at least one score."""
    clusters: tuple[IntArray, ...]
    """Per benchmark, (U_b,): the global id of each row of `influences`."""


@dataclass(frozen=True)
class _Benchmark:
    """One benchmark's part: everything is per arm, over its U clusters."""

    mean: FloatArray
    """(A,)"""
    influence: FloatArray
    """(U, A)"""
    deviation: FloatArray
    """(A, R)"""
    residual: FloatArray
    """(A, R, U)"""
    n_items: IntArray
    """(A,)"""
    n_clusters: IntArray
    """(A,)"""
    clusters: IntArray
    """(U,)"""


def crossed_components(panel: Panel) -> Components:
    """Split the variance of all cell means into item, replicate and shared parts.

    For cell (a, b) with item means ``ybar_i`` over the R_i replicates that answered item i, the estimate is
    ``mean_i(ybar_i)`` and

    - item influence of cluster u: ``sum_{i in u} (ybar_i - mean) / I``, divided by ``sqrt(1 - I_u / I)`` (Bell and
      McCaffrey's adjustment, which is G / (G - 1) for G clusters of one size);
    - replicate influence of r: ``sum_i (y_ri - ybar_i) / (R_i I)``, scaled to the variance it stands for (R / (R - 1)
      when nothing is missing);
    - residual of (r, u): what is left of that sum within cluster u after the replicate's mean shift.

    Influences are summed over every benchmark in which a cluster appears and over every arm that shares a replicate.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    Components

    References
    ----------
    Cameron, Gelbach and Miller (2011), J. Bus. Econ. Stat. 29, 238-249 (two-way clustering); Owen (2007), Ann. Appl.
    Stat. 1, 386-411 (crossed influences); Bell and McCaffrey (2002), Surv. Methodol. 28, 169-181.
    Proven in validation/crossed/; agrees with lme4 on balanced data (tests/golden).
    """
    present = _present_rows(panel)
    parts = [_benchmark(scores, units, present) for scores, units in zip(panel.scores, panel.units, strict=True)]
    ids, rows_of_id = _replicate_ids(panel.replicates, present)
    n_cells = panel.n_arms * panel.n_benchmarks
    deviations = _deviations(parts, ids)
    return Components(
        mean=np.stack([part.mean for part in parts], axis=1),
        item=_item_covariance(parts),
        replicate=deviations.T @ deviations,
        shared=_shared_covariance(parts, rows_of_id, n_cells),
        influences=tuple(part.influence for part in parts),
        deviations=deviations,
        n_replicates=present.sum(axis=1),
        n_items=np.stack([part.n_items for part in parts], axis=1),
        n_clusters=np.stack([part.n_clusters for part in parts], axis=1),
        clusters=tuple(part.clusters for part in parts),
    )


def _present_rows(panel: Panel) -> BoolArray:
    """(A, R): rows with an id and at least one score."""
    scored = np.any([np.isfinite(scores).any(axis=2) for scores in panel.scores], axis=0)
    return np.asarray((panel.replicates != ABSENT) & scored)


def _replicate_ids(replicates: IntArray, present: BoolArray) -> tuple[IntArray, list[tuple[IntArray, IntArray]]]:
    """Number the distinct replicates 0..P-1 ((A, R), -1 absent) and list the (arm, row) pairs that hold each."""
    distinct, inverse = np.unique(replicates[present], return_inverse=True)
    ids = np.full(replicates.shape, ABSENT, dtype=np.int64)
    ids[present] = inverse
    arms, rows = np.nonzero(present)
    order = np.argsort(ids[arms, rows], kind="stable")
    ends = np.cumsum(np.bincount(inverse, minlength=len(distinct)))[:-1]
    return ids, list(zip(np.split(arms[order], ends), np.split(rows[order], ends), strict=True))


def _benchmark(scores: FloatArray, units: IntArray, present: BoolArray) -> _Benchmark:
    """Decompose one benchmark's (A, R, I) scores."""
    observed = np.isfinite(scores) & present[:, :, None]
    answers = observed.sum(axis=1)
    items = (answers > 0).sum(axis=1)
    filled = np.where(observed, scores, 0.0)
    item_mean = filled.sum(axis=1) / np.maximum(answers, 1)
    share = 1.0 / np.maximum(items, 1)
    mean = np.where(items > 0, item_mean.sum(axis=1) * share, np.nan)
    clusters, member = np.unique(units, return_inverse=True)
    centred = np.where(answers > 0, item_mean - np.nan_to_num(mean)[:, None], 0.0)
    size = _by_cluster((answers > 0).astype(float), member, len(clusters)) * share[:, None]
    adjust = 1.0 / np.sqrt(np.maximum(1.0 - size, 1e-12))
    deviation, residual = _replicate_parts(filled, item_mean, observed, answers)
    return _Benchmark(
        mean=mean,
        influence=(_by_cluster(centred, member, len(clusters)) * share[:, None] * adjust).T,
        deviation=deviation,
        residual=_by_cluster(residual, member, len(clusters)) * adjust[:, None, :],
        n_items=items,
        n_clusters=(size > 0).sum(axis=1),
        clusters=clusters,
    )


def _by_cluster(values: FloatArray, member: IntArray, n_clusters: int) -> FloatArray:
    """Sum the last axis within clusters; `member` numbers the cluster of each item."""
    if n_clusters == values.shape[-1]:
        return values[..., np.argsort(member)]
    order = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[order], np.arange(n_clusters))
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def _replicate_parts(
    filled: FloatArray, item_mean: FloatArray, observed: BoolArray, answers: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Replicate influences (A, R) and item-level residuals (A, R, I), scaled to the variance they stand for."""
    items = np.maximum((answers > 0).sum(axis=1), 1)
    weight = observed / (np.maximum(answers, 1) * items[:, None])[:, None, :]
    off = np.where(observed, filled - item_mean[:, None, :], 0.0)
    influence = (weight * off).sum(axis=2)
    total = weight.sum(axis=2)
    shift = influence / np.where(total > 0, total, 1.0)
    residual = weight * (off - shift[:, :, None])
    scale = np.sqrt(_replicate_inflation(weight, items))
    return influence * scale[:, None], residual * scale[:, None, None]


def _replicate_inflation(weight: FloatArray, items: IntArray) -> FloatArray:
    """(A,): variance that replicates give to the mean over what their centred influences show; R / (R - 1) if full.

    An influence is ``G rho`` with ``G = diag(k) - M``, k_r the weight of replicate r and
    ``M_rs = I sum_i w_ri w_si``; replicates of variance tau give the mean ``tau sum k^2`` and the influences
    ``tau tr(G G')``.
    """
    k = weight.sum(axis=2)
    overlap = np.einsum("ari,asi->ars", weight, weight) * items[:, None, None]
    g = k[:, :, None] * np.eye(k.shape[1]) - overlap
    shown = (g**2).sum(axis=(1, 2))
    stands_for = (k**2).sum(axis=1)
    return np.where(shown > 1e-12 * stands_for, stands_for / np.maximum(shown, 1e-300), 0.0)


def _deviations(parts: list[_Benchmark], ids: IntArray) -> FloatArray:
    """(P, K): replicate influences laid out over global replicates and cells."""
    n_arms, n_benchmarks = ids.shape[0], len(parts)
    arms, rows = np.nonzero(ids >= 0)
    laid = np.zeros((int(ids.max(initial=-1)) + 1, n_arms, n_benchmarks))
    for b, part in enumerate(parts):
        laid[ids[arms, rows], arms, b] = part.deviation[arms, rows]
    return laid.reshape(len(laid), n_arms * n_benchmarks)


def _shared_clusters(parts: list[_Benchmark]) -> list[tuple[int, int, IntArray, IntArray]]:
    """Benchmark pairs b < b' that share clusters, with the rows of the shared ones in each."""
    everything = np.concatenate([part.clusters for part in parts])
    if len(np.unique(everything)) == len(everything):
        return []
    found = []
    for b, part in enumerate(parts):
        for other in range(b + 1, len(parts)):
            common, here, there = np.intersect1d(part.clusters, parts[other].clusters, True, return_indices=True)
            if len(common):
                found.append((b, other, here, there))
    return found


def _item_covariance(parts: list[_Benchmark]) -> FloatArray:
    """(K, K): cluster influences summed over every benchmark in which a cluster appears."""
    n_arms, n_benchmarks = len(parts[0].mean), len(parts)
    covariance = np.zeros((n_arms, n_benchmarks, n_arms, n_benchmarks))
    for b, part in enumerate(parts):
        covariance[:, b, :, b] = part.influence.T @ part.influence
    for b, other, here, there in _shared_clusters(parts):
        block = parts[b].influence[here].T @ parts[other].influence[there]
        covariance[:, b, :, other] = block
        covariance[:, other, :, b] = block.T
    return covariance.reshape(n_arms * n_benchmarks, -1)


def _shared_covariance(
    parts: list[_Benchmark], rows_of_id: list[tuple[IntArray, IntArray]], n_cells: int
) -> FloatArray:
    """(K, K): residuals of one (replicate, cluster) pair, summed over all cells that contain the pair."""
    n_benchmarks = len(parts)
    covariance = np.zeros((n_cells // n_benchmarks, n_benchmarks, n_cells // n_benchmarks, n_benchmarks))
    pairs = _shared_clusters(parts)
    for arms, rows in rows_of_id:
        for b, part in enumerate(parts):
            residual = part.residual[arms, rows]
            covariance[arms[:, None], b, arms[None, :], b] += residual @ residual.T
        for b, other, here, there in pairs:
            block = parts[b].residual[arms, rows][:, here] @ parts[other].residual[arms, rows][:, there].T
            covariance[arms[:, None], b, arms[None, :], other] += block
            covariance[arms[:, None], other, arms[None, :], b] += block.T
    return covariance.reshape(n_cells, n_cells)
