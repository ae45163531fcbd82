"""What replicate noise should look like: the prior that moderated intervals shrink towards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed import Components
from gauger.stats.moderate import fit_variance_prior
from gauger.stats.panel import FloatArray


@dataclass(frozen=True)
class ReplicatePrior:
    """Prior covariance of the replicate part over cells, and how much it counts."""

    covariance: FloatArray
    """(K, K)"""
    df: float
    """d0; 0 = nothing to borrow."""
    pooled_df: float
    """Degrees of freedom that the prior itself was estimated from."""


def replicate_prior(components: Components) -> ReplicatePrior:
    """Pool the net replicate variance over cells (thin version: one common value)."""
    n_benchmarks = components.mean.shape[1]
    rows = np.repeat(components.n_replicates, n_benchmarks)
    gross, noise = np.diag(components.replicate) * rows, np.diag(components.shared) * rows
    df = np.where((gross > 0) | (noise > 0), rows - 1, 0).astype(float)
    used = df > 0
    if used.sum() < 2:
        return ReplicatePrior(components.replicate, 0.0, 0.0)
    net = max(float((df * (gross - noise))[used].sum() / df[used].sum()), 0.0)
    expected = noise + net
    prior = fit_variance_prior((gross / np.where(used, expected, 1.0))[used], df[used])
    root = np.sqrt(np.where(used, net / np.maximum(rows, 1), 0.0))
    shared_ids = _correlation(components, net)
    covariance = components.shared + np.outer(root, root) * shared_ids
    return ReplicatePrior(covariance, prior.df, float(df.sum()))


def _correlation(components: Components, net: float) -> FloatArray:
    """(K, K): net correlation of the replicate effects, one value per kind of pair of cells."""
    n_arms, n_benchmarks = components.mean.shape
    touches = (components.deviations != 0).astype(float)
    linked = touches.T @ touches > 0
    arm = np.repeat(np.arange(n_arms), n_benchmarks)
    bench = np.tile(np.arange(n_benchmarks), n_arms)
    same_arm, same_bench = arm[:, None] == arm, bench[:, None] == bench
    rows = np.repeat(components.n_replicates, n_benchmarks).astype(float)
    excess = (components.replicate - components.shared) * np.sqrt(np.outer(rows, rows))
    correlation = np.eye(len(rows))
    for kind in (same_arm & ~same_bench, ~same_arm & same_bench, ~same_arm & ~same_bench):
        pairs = kind & linked
        if pairs.any() and net > 0:
            correlation[pairs] = np.clip(excess[pairs].mean() / net, 0.0, 1.0)
    return correlation
