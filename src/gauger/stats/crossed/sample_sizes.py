"""Counts what contrasts rest on: items, clusters and replicates; says why a contrast cannot be estimated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gauger.stats.crossed.contrast_rows import ContrastRows, totals
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import BoolArray, IntArray

NO_SCORES = "no scored rows"
ONE_CLUSTER = "fewer than two items"


def why_undefined(components: Components, rows: ContrastRows) -> NDArray[np.object_]:
    """Say why contrasts cannot be estimated; None where they can.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    rows : ContrastRows
        C contrasts of cell means; a cell is touched where it has a weight.

    Returns
    -------
    object array, (C,)
        None where it can be estimated; else `NO_SCORES` or, where a touched cell has fewer than two clusters,
        `ONE_CLUSTER`. A contrast of weights 0 alone has no scores.
    """
    reasons = np.full(len(rows), None, dtype=object)
    reasons[rows.any(components.n_clusters.ravel()[rows.cells] < 2)] = ONE_CLUSTER
    reasons[rows.any(components.n_items.ravel()[rows.cells] == 0)] = NO_SCORES
    reasons[np.diff(rows.starts) == 0] = NO_SCORES
    return reasons


def count_items(components: Components, rows: ContrastRows) -> IntArray:
    """Count the items of the benchmarks touched, each in the touched arm that has most of them.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    rows : ContrastRows
        C contrasts of cell means; a cell is touched where it has a weight.

    Returns
    -------
    int array, (C,)
        0 for a contrast that touches nothing.
    """
    return _sum_over_benchmarks(rows, components.n_items)


def count_clusters(components: Components, rows: ContrastRows) -> IntArray:
    """Count the distinct clusters of the benchmarks touched; one that appears in several counts once.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    rows : ContrastRows
        C contrasts of cell means; a cell is touched where it has a weight.

    Returns
    -------
    int array, (C,)
        Equal to `count_items` where every item is its own cluster and benchmarks share none.
    """
    counts = _sum_over_benchmarks(rows, components.n_clusters)
    if all(len(block) == 1 for block in components.blocks):
        return counts
    touched = np.zeros((len(rows), rows.shape[1]), dtype=bool)
    touched[rows.row, rows.benchmark] = True
    for block in components.blocks:
        if len(block) > 1:
            # Benchmarks of one block share clusters, which the sum above has counted once per benchmark.
            counts -= _repeated(components, touched, block)
    return counts


def _sum_over_benchmarks(rows: ContrastRows, per_cell: IntArray) -> IntArray:
    whose, _, largest = rows.largest(per_cell.ravel()[rows.cells].astype(float))
    return totals(whose, largest, len(rows)).astype(np.int64)


def _repeated(components: Components, touched: NDArray[np.bool_], block: tuple[int, ...]) -> IntArray:
    """(C,): how many times more than once the clusters of a block are counted."""
    patterns, number = np.unique(touched[:, block], axis=0, return_inverse=True)
    repeats = np.zeros(len(patterns), dtype=np.int64)
    for row, pattern in enumerate(patterns):
        ids = [components.clusters[b] for b, wanted in zip(block, pattern, strict=True) if wanted]
        repeats[row] = sum(map(len, ids)) - len(np.unique(np.concatenate(ids))) if ids else 0
    return repeats[number.ravel()]


def smallest_replication(components: Components, rows: ContrastRows) -> IntArray:
    """Find the smallest number of replicates among the replicated cells touched; 1 if none.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    rows : ContrastRows
        C contrasts of cell means; a cell is touched where it has a weight.

    Returns
    -------
    int array, (C,)
        At least 1. Fixed models and arms trained once do not lower it.
    """
    number = components.n_replicates.ravel()[rows.cells]
    smallest = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(smallest, rows.row[number > 1], number[number > 1])
    return np.where(smallest < np.iinfo(np.int64).max, smallest, 1)


def training_unknown(components: Components, rows: ContrastRows) -> BoolArray:
    """Tell whether a contrast touches an arm trained once while no replicated arm tells anything to borrow.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    rows : ContrastRows
        C contrasts of cell means; a cell is touched where it has a weight.

    Returns
    -------
    bool array, (C,)
        Where True the interval holds item noise alone. Replicated arms that are at a bound, or answered alike, tell
        nothing.
    """
    return np.asarray(rows.any(components.trained_once[rows.arm]) & ~components.tells_of_training.any())
