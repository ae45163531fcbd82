"""Estimates and intervals of any linear contrasts of cell means: θ = Σ w[a,b] μ[a,b]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.stats.crossed import Components, crossed_components
from gauger.stats.panel import FloatArray, IntArray, Panel
from gauger.stats.replicate_prior import ReplicatePrior, replicate_prior
from gauger.stats.student import t_quantile

NO_SCORES = "no scored rows"
ONE_CLUSTER = "fewer than two items"


@dataclass(frozen=True)
class Contrasts:
    """C estimates with their intervals; arrays hold NaN where `undefined` gives a reason."""

    value: FloatArray
    """(C,): estimate, on the scale of the scores."""
    se: FloatArray
    """(C,): standard error."""
    df: FloatArray
    """(C,): Satterthwaite degrees of freedom."""
    low: FloatArray
    """(C,): lower end of the interval."""
    high: FloatArray
    """(C,): upper end of the interval."""
    covariance: FloatArray
    """(C, C): joint covariance of the estimates; its diagonal is se squared."""
    item_variance: FloatArray
    """(C,): part of the items; contains the shared residual."""
    replicate_variance: FloatArray
    """(C,): part of the training replicates, moderated if asked for; contains the shared residual."""
    shared_variance: FloatArray
    """(C,): item × replicate residual contained in both."""
    n_items: IntArray
    """(C,): items of the benchmarks that the contrast touches."""
    n_clusters: IntArray
    """(C,): clusters of these items."""
    n_replicates: IntArray
    """(C,): smallest number of replicates among the touched arms that have more than one; 1 where none has, and
    then the interval covers item sampling alone."""
    undefined: NDArray[np.object_]
    """(C,): None, or the reason why the contrast cannot be estimated."""


def estimate_contrasts(
    panel: Panel, weights_CAB: FloatArray, *, moderated: bool = True, level: float = 0.95
) -> Contrasts:
    """Estimate linear contrasts of cell means with crossed, moderated variances."""
    components = crossed_components(panel)
    weights = np.asarray(weights_CAB, dtype=float)
    flat = weights.reshape(len(weights), -1)
    prior = replicate_prior(components) if moderated else None
    undefined = _undefined(components, weights)
    value = flat @ np.nan_to_num(components.mean.ravel())
    item = flat @ components.item @ flat.T
    shared = flat @ components.shared @ flat.T
    replicate, replicate_df = _replicate_part(components, prior, flat)
    joint = item + replicate - shared
    parts = np.stack([np.diag(item), np.diag(replicate), np.diag(shared)])
    variance = np.maximum(parts[0] + parts[1] - parts[2], np.maximum(parts[0], parts[1]))
    used = (weights != 0).any(axis=1)
    n_clusters = used @ components.n_clusters.max(axis=0)
    item_df = np.maximum(n_clusters - used.sum(axis=1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = variance**2 / (parts[0] ** 2 / item_df + parts[1] ** 2 / replicate_df)
        scale = np.sqrt(variance / np.diag(joint))
    df = np.where(variance > 0, df, item_df)
    scale = np.where(np.isfinite(scale), scale, 0.0)
    se = np.sqrt(variance)
    bad = undefined != None  # noqa: E711
    half = t_quantile((1 + level) / 2, df) * se
    return Contrasts(
        value=np.where(bad, np.nan, value),
        se=np.where(bad, np.nan, se),
        df=np.where(bad, np.nan, df),
        low=np.where(bad, np.nan, value - half),
        high=np.where(bad, np.nan, value + half),
        covariance=np.where(bad[:, None] | bad[None, :], np.nan, joint * np.outer(scale, scale)),
        item_variance=np.where(bad, np.nan, parts[0]),
        replicate_variance=np.where(bad, np.nan, parts[1]),
        shared_variance=np.where(bad, np.nan, parts[2]),
        n_items=used @ components.n_items.max(axis=0),
        n_clusters=n_clusters,
        n_replicates=_smallest_replication(components, weights),
        undefined=undefined,
    )


def _undefined(components: Components, weights: FloatArray) -> NDArray[np.object_]:
    """(C,): None or the reason."""
    touched = weights != 0
    reasons = np.full(len(weights), None, dtype=object)
    reasons[(touched & (components.n_clusters < 2)).any(axis=(1, 2))] = ONE_CLUSTER
    reasons[(touched & (components.n_items == 0)).any(axis=(1, 2))] = NO_SCORES
    reasons[~touched.any(axis=(1, 2))] = NO_SCORES
    return reasons


def _smallest_replication(components: Components, weights: FloatArray) -> IntArray:
    """(C,): smallest number of replicates among the replicated arms touched; 1 if none."""
    touched = (weights != 0).any(axis=2) & (components.n_replicates > 1)
    smallest = np.where(touched, components.n_replicates, np.iinfo(np.int64).max).min(axis=1)
    return np.where(touched.any(axis=1), smallest, 1)


def _replicate_part(
    components: Components, prior: ReplicatePrior | None, flat: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Replicate covariance of the contrasts (C, C) and degrees of freedom (C,)."""
    n_benchmarks = components.mean.shape[1]
    rows = np.repeat(components.n_replicates, n_benchmarks)
    touched = (flat != 0) & (rows > 1)
    smallest = np.where(touched, rows, np.iinfo(np.int64).max).min(axis=1)
    raw_df = np.where(touched.any(axis=1), smallest - 1, np.inf).astype(float)
    raw = flat @ components.replicate @ flat.T
    if prior is None or prior.df == 0:
        return raw, raw_df
    assumed = flat @ prior.covariance @ flat.T
    if np.isinf(prior.df):
        return assumed, np.full(len(flat), max(prior.pooled_df, 1.0))
    share = prior.df / (prior.df + raw_df)
    share = np.sqrt(np.outer(share, share))
    df = 1 / (1 / (prior.df + raw_df) + np.diag(share) ** 2 / prior.pooled_df)
    return share * assumed + (1 - share) * raw, df
