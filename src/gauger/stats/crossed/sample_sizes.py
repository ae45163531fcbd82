"""Counts what contrasts rest on: items, clusters and replicates; says why a contrast cannot be estimated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import BoolArray, FloatArray, IntArray

NO_SCORES = "no scored rows"
ONE_CLUSTER = "fewer than two items"


def why_undefined(components: Components, weights: FloatArray) -> NDArray[np.object_]:
    """Say why contrasts with weights (C, A, B) cannot be estimated; None where they can.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    weights : float array, (C, A, B)
        Weights of C contrasts of cell means; a cell is touched where its weight is not 0.

    Returns
    -------
    object array, (C,)
        None where it can be estimated; else `NO_SCORES` or, where a touched cell has fewer than two clusters,
        `ONE_CLUSTER`. A contrast of weights 0 alone has no scores.
    """
    touched = weights != 0
    reasons = np.full(len(weights), None, dtype=object)
    reasons[(touched & (components.n_clusters < 2)).any(axis=(1, 2))] = ONE_CLUSTER
    reasons[(touched & (components.n_items == 0)).any(axis=(1, 2))] = NO_SCORES
    reasons[~touched.any(axis=(1, 2))] = NO_SCORES
    return reasons


def count_items(components: Components, weights: FloatArray) -> IntArray:
    """Count the items of the benchmarks touched, each in the touched arm that has most of them.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    weights : float array, (C, A, B)
        Weights of C contrasts of cell means; a cell is touched where its weight is not 0.

    Returns
    -------
    int array, (C,)
        0 for a contrast that touches nothing.
    """
    return _sum_over_benchmarks(weights, components.n_items)


def count_clusters(components: Components, weights: FloatArray) -> IntArray:
    """Count the distinct clusters of the benchmarks touched; one that appears in several counts once.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    weights : float array, (C, A, B)
        Weights of C contrasts of cell means; a cell is touched where its weight is not 0.

    Returns
    -------
    int array, (C,)
        Equal to `count_items` where every item is its own cluster and benchmarks share none.
    """
    counts = _sum_over_benchmarks(weights, components.n_clusters)
    touched = (weights != 0).any(axis=1)
    for block in components.blocks:
        if len(block) > 1:
            # Benchmarks of one block share clusters, which the sum above has counted once per benchmark.
            counts -= _repeated(components, touched, block)
    return counts


def _sum_over_benchmarks(weights: FloatArray, per_cell: IntArray) -> IntArray:
    return np.asarray(np.where(weights != 0, per_cell, 0).max(axis=1).sum(axis=1))


def _repeated(components: Components, touched: NDArray[np.bool_], block: tuple[int, ...]) -> IntArray:
    """(C,): how many times more than once the clusters of a block are counted."""
    patterns, number = np.unique(touched[:, block], axis=0, return_inverse=True)
    repeats = np.zeros(len(patterns), dtype=np.int64)
    for row, pattern in enumerate(patterns):
        ids = [components.clusters[b] for b, wanted in zip(block, pattern, strict=True) if wanted]
        repeats[row] = sum(map(len, ids)) - len(np.unique(np.concatenate(ids))) if ids else 0
    return repeats[number.ravel()]


def smallest_replication(components: Components, weights: FloatArray) -> IntArray:
    """Find the smallest number of replicates among the replicated cells touched; 1 if none.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    weights : float array, (C, A, B)
        Weights of C contrasts of cell means; a cell is touched where its weight is not 0.

    Returns
    -------
    int array, (C,)
        At least 1. Fixed models and arms trained once do not lower it.
    """
    replicated = (weights != 0) & (components.n_replicates > 1)
    smallest = np.where(replicated, components.n_replicates, np.iinfo(np.int64).max).min(axis=(1, 2))
    return np.asarray(np.where(replicated.any(axis=(1, 2)), smallest, 1))


def training_unknown(components: Components, weights: FloatArray) -> BoolArray:
    """Tell whether a contrast touches an arm trained once while no arm is replicated to borrow from.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    weights : float array, (C, A, B)
        Weights of C contrasts of cell means; a cell is touched where its weight is not 0.

    Returns
    -------
    bool array, (C,)
        Where True the interval holds item noise alone.
    """
    touched = ((weights != 0) & components.trained_once[:, None]).any(axis=(1, 2))
    return np.asarray(touched & ~(components.n_replicates > 1).any())
