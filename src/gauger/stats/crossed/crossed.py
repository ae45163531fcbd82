"""Computes crossed components: how much each item and each training replicate moved each cell mean.

Items (or clusters of items) and training replicates are crossed and both are samples, so the variance of a cell mean,
and of any contrast of cell means, is

    item part  +  replicate part  -  shared residual,

where the item part is the spread of the items' influences on the estimate, the replicate part that of the replicates'
influences, and the residual (item × replicate), which both contain, is counted once. Because each part is a covariance
over cells, every linear contrast follows from it; none is written out whole (`cell_covariance`). Cells are numbered
``a * B + b`` (K = A B).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gauger.stats.crossed.benchmark_parts import BenchmarkParts, benchmark_parts
from gauger.stats.crossed.cell_covariance import BlockCovariance
from gauger.stats.crossed.panel import ABSENT, BoolArray, FloatArray, IntArray, Panel

_ROUNDING = 1e-24
"""Variance as a share of the squared mean and the items' spread below which means of equal scores differ by rounding:
the mean of three times 0.7 is not 0.7."""


@dataclass(frozen=True)
class Components:
    """Cell means and the three covariance parts of their estimates; K = A × B cells."""

    mean: FloatArray
    """(A, B): mean over items of the mean over replicates; NaN where nothing was scored."""
    item: BlockCovariance
    """Spread of the items' (clusters') influences; contains the shared residual."""
    shared: BlockCovariance
    """The item × replicate residual that the item and the replicate part both contain. Zero with one replicate."""
    deviations: FloatArray
    """(P, K): each replicate's influence on each cell mean; P distinct replicate ids. The covariance of the replicate
    part, which contains the shared residual too, is ``deviations' deviations``; zero for arms with one replicate."""
    holders: BoolArray
    """(P, A): which arm holds which replicate."""
    sensitivity: FloatArray
    """(A, B): how far a cell mean moves when all its items shift by one logit, ``mean p (1 - p)``; 0 at the bounds."""
    farthest: FloatArray
    """(B,): largest distance of one answer's score from its arm's mean."""
    n_replicates: IntArray
    """(A, B): training replicates of each cell with at least one score."""
    n_items: IntArray
    """(A, B): items with at least one score."""
    n_clusters: IntArray
    """(A, B): clusters with at least one score."""
    clusters: tuple[IntArray, ...]
    """Per benchmark, (U_b,): ids of its clusters."""
    cluster_sizes: tuple[IntArray, ...]
    """Per benchmark, (A, U_b): items of each cluster with at least one score."""
    blocks: tuple[tuple[int, ...], ...]
    """Benchmarks that share clusters stand in one block, every other one alone."""
    kinship: IntArray
    """(A, A): `Panel.kinship`, 0 where none was given."""
    trained_once: BoolArray
    """(A,): arms marked in `Panel.trained_once` that do have a single replicate."""

    def shown_covariance(self) -> FloatArray:
        """(K, K): replicate part as the influences show it, written out; for few cells."""
        return np.asarray(self.deviations.T @ self.deviations)

    @property
    def shown_variance(self) -> FloatArray:
        """(A, B): its diagonal."""
        return np.asarray((self.deviations**2).sum(axis=0).reshape(self.mean.shape))

    @property
    def rests_on_one_run(self) -> BoolArray:
        """(A, B): cells of which one training run was scored that stands for others; fixed models have none."""
        others = self.trained_once | (self.n_replicates > 1).any(axis=1)
        return np.asarray((self.n_replicates == 1) & others[:, None])

    @property
    def tells_of_training(self) -> BoolArray:
        """(A, B): replicated cells in which training noise could show: off the bounds, and not answered alike."""
        rounding = _ROUNDING * (self.mean**2 + self.item.diagonal())
        varied = self.shown_variance + self.shared.diagonal() > rounding
        return np.asarray((self.n_replicates > 1) & (self.sensitivity > 0) & varied)


def crossed_components(panel: Panel) -> Components:
    """Split the variance of all cell means into item, replicate and shared parts.

    For cell (a, b) with item means ``ybar_i`` over the R_i replicates that answered item i, the estimate is
    ``mean_i(ybar_i)`` and

    - item influence of cluster u: ``sum_{i in u} (ybar_i - mean) / I``, divided by ``sqrt(1 - I_u / I)`` (Bell and
      McCaffrey's adjustment, which is G / (G - 1) for G clusters of one size);
    - replicate influence of r: ``sum_i (y_ri - ybar_i) / (R_i I)``, scaled to the variance it stands for (R / (R - 1)
      when nothing is missing);
    - residual of (r, u): what is left of that sum within cluster u after the replicate's mean shift, scaled by both.

    Influences are summed over every benchmark in which a cluster appears and over every arm that shares a replicate.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    Components
        Cells without any score have mean NaN and influences 0; a benchmark with a single cluster has no item part
        (callers must check `n_clusters`).

    References
    ----------
    Cameron, Gelbach and Miller (2011), J. Bus. Econ. Stat. 29, 238-249 (two-way clustering); Owen (2007), Ann. Appl.
    Stat. 1, 386-411 (crossed influences); Bell and McCaffrey (2002), Surv. Methodol. 28, 169-181.
    Proven in validation/crossed/; equal to lme4 on balanced data (tests/golden/crossed.json).
    """
    present = _present_rows(panel)
    parts = [benchmark_parts(scores, units, present) for scores, units in zip(panel.scores, panel.units, strict=True)]
    row_of = _row_of_replicate(panel.replicates, present)
    sharing = _sharing(parts)
    blocks = _blocks(len(parts), sharing)
    deviations = _deviations(parts, row_of)
    return Components(
        mean=np.stack([part.mean for part in parts], axis=1),
        item=_item_covariance(parts, sharing),
        shared=_shared_covariance(parts, row_of, sharing),
        deviations=deviations,
        holders=row_of != ABSENT,
        sensitivity=np.stack([part.sensitivity for part in parts], axis=1),
        farthest=np.array([part.farthest for part in parts]),
        n_replicates=np.stack([part.n_replicates for part in parts], axis=1),
        n_items=np.stack([part.n_items for part in parts], axis=1),
        n_clusters=np.stack([part.n_clusters for part in parts], axis=1),
        clusters=tuple(part.clusters for part in parts),
        cluster_sizes=tuple(part.cluster_sizes for part in parts),
        blocks=blocks,
        kinship=np.zeros((panel.n_arms, panel.n_arms), dtype=np.int64) if panel.kinship is None else panel.kinship,
        trained_once=_trained_once(panel, present),
    )


@dataclass(frozen=True)
class _Sharing:
    """Two benchmarks with common clusters."""

    first: int
    second: int
    rows_first: IntArray
    """Where the common clusters stand in the first benchmark, and in the second."""
    rows_second: IntArray


def _present_rows(panel: Panel) -> BoolArray:
    """(A, R): rows with an id and at least one score."""
    scored = np.any([np.isfinite(scores).any(axis=2) for scores in panel.scores], axis=0)
    return np.asarray((panel.replicates != ABSENT) & scored)


def _trained_once(panel: Panel, present: BoolArray) -> BoolArray:
    """(A,): arms with one replicate that stands for others."""
    marked = np.zeros(panel.n_arms, dtype=bool) if panel.trained_once is None else panel.trained_once
    return np.asarray(marked & (present.sum(axis=1) == 1))


def _row_of_replicate(replicates: IntArray, present: BoolArray) -> IntArray:
    """(P, A): in which row an arm holds each distinct replicate; -1 where it does not."""
    distinct, number = np.unique(replicates[present], return_inverse=True)
    row_of = np.full((len(distinct), len(replicates)), ABSENT, dtype=np.int64)
    arms, rows = np.nonzero(present)
    row_of[number, arms] = rows
    return row_of


def _sharing(parts: list[BenchmarkParts]) -> list[_Sharing]:
    """List the pairs of benchmarks that share clusters."""
    everything = np.concatenate([part.clusters for part in parts])
    if len(np.unique(everything)) == len(everything):
        return []
    pairs = []
    for first, second in combinations(range(len(parts)), 2):
        clusters, other = parts[first].clusters, parts[second].clusters
        common, here, there = np.intersect1d(clusters, other, assume_unique=True, return_indices=True)
        if len(common):
            pairs.append(_Sharing(first, second, here, there))
    return pairs


def _blocks(n_benchmarks: int, sharing: list[_Sharing]) -> tuple[tuple[int, ...], ...]:
    """Group the benchmarks that share clusters, directly or through others."""
    label = list(range(n_benchmarks))
    for pair in sharing:
        kept, other = label[pair.first], label[pair.second]
        label = [kept if name == other else name for name in label]
    return tuple(tuple(b for b in range(n_benchmarks) if label[b] == name) for name in sorted(set(label)))


def _deviations(parts: list[BenchmarkParts], row_of: IntArray) -> FloatArray:
    """(P, K): replicate influences laid out over global replicates and cells."""
    laid = np.zeros((*row_of.shape, len(parts)))
    ids, arms = np.nonzero(row_of != ABSENT)
    for b, part in enumerate(parts):
        laid[ids, arms, b] = part.deviation[arms, row_of[ids, arms]]
    return laid.reshape(len(row_of), -1)


def _item_covariance(parts: list[BenchmarkParts], sharing: list[_Sharing]) -> BlockCovariance:
    """Cluster influences summed over every benchmark in which a cluster appears."""
    own = np.stack([part.influence.T @ part.influence for part in parts])
    cross = tuple(
        parts[pair.first].influence[pair.rows_first].T @ parts[pair.second].influence[pair.rows_second]
        for pair in sharing
    )
    return BlockCovariance(own, tuple((pair.first, pair.second) for pair in sharing), cross)


def _shared_covariance(parts: list[BenchmarkParts], row_of: IntArray, sharing: list[_Sharing]) -> BlockCovariance:
    """Residuals of one (replicate, cluster) pair, summed over all cells that contain the pair."""
    n_arms, n_benchmarks = row_of.shape[1], len(parts)
    own = np.zeros((n_benchmarks, n_arms, n_arms))
    cross = tuple(np.zeros((n_arms, n_arms)) for _ in sharing)
    for rows in _by_holders(row_of):
        arms = np.flatnonzero(rows[0] != ABSENT)
        square = np.ix_(arms, arms)
        residuals = [part.residual[arms, rows[:, arms]] for part in parts]
        for b, residual in enumerate(residuals):
            own[b][square] += _products(residual, residual)
        for pair, block in zip(sharing, cross, strict=True):
            residual_first, other = residuals[pair.first], residuals[pair.second]
            block[square] += _products(residual_first[:, :, pair.rows_first], other[:, :, pair.rows_second])
    return BlockCovariance(own, tuple((pair.first, pair.second) for pair in sharing), cross)


def _by_holders(row_of: IntArray) -> list[IntArray]:
    """Split the (P, A) rows into sets of replicates that the same arms hold."""
    patterns, number = np.unique(row_of != ABSENT, axis=0, return_inverse=True)
    return [row_of[number.ravel() == pattern] for pattern in range(len(patterns))]


def _products(first: FloatArray, other: FloatArray) -> FloatArray:
    """Sum over replicates and clusters of (P, n, U) arrays: (n, n)."""
    n_arms = first.shape[1]
    return first.swapaxes(0, 1).reshape(n_arms, -1) @ other.swapaxes(0, 1).reshape(n_arms, -1).T
