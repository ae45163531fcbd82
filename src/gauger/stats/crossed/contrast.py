"""Estimates and intervals of any linear contrasts of cell means: θ = Σ w[a,b] μ[a,b]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import Components, crossed_components
from gauger.stats.crossed.interval import Interval, Parts, combine
from gauger.stats.crossed.item_part import ItemPart, item_part
from gauger.stats.crossed.joint import JointCovariance
from gauger.stats.crossed.lone_runs import set_apart_lone_runs
from gauger.stats.crossed.panel import FloatArray, IntArray, Panel
from gauger.stats.crossed.replicate_part import ReplicatePart, replicate_part
from gauger.stats.crossed.sample_sizes import (
    count_clusters,
    count_items,
    smallest_replication,
    training_unknown,
    why_undefined,
)
from gauger.stats.crossed.trained_once import fill_in_trained_once


@dataclass(frozen=True)
class Contrasts:
    """C estimates with their intervals; arrays hold NaN where `undefined` gives a reason."""

    value: FloatArray
    """(C,): estimate, on the scale of the scores."""
    se: FloatArray
    """(C,): standard error."""
    df: FloatArray
    """(C,): degrees of freedom with which value ± t(df) se is the interval."""
    low: FloatArray
    """(C,): lower end of the interval."""
    high: FloatArray
    """(C,): upper end of the interval."""
    joint: JointCovariance
    """Joint covariance of the estimates, computed where it is asked for; of one with itself, se squared."""
    item_variance: FloatArray
    """(C,): part of the items; contains the shared residual."""
    replicate_variance: FloatArray
    """(C,): part of the training replicates, moderated if asked for; contains the shared residual."""
    shared_variance: FloatArray
    """(C,): item × replicate residual contained in both."""
    least_item_variance: FloatArray
    """(C,): what the item part counts for at least, because rare items may be missing from the sample. So
    se² = max(max(item, least) - shared, 0) + replicate."""
    n_items: IntArray
    """(C,): items of the benchmarks that the contrast touches."""
    n_clusters: IntArray
    """(C,): distinct clusters of these items."""
    n_replicates: IntArray
    """(C,): smallest number of replicates among the touched cells that have more than one; 1 where none has, and
    then the interval covers item sampling alone."""
    borrowed_variance: FloatArray
    """(C,): part of `replicate_variance` that is the net noise of arms trained once, borrowed from the others."""
    training_unknown: NDArray[np.bool_]
    """(C,): touches an arm trained once while no arm was replicated: the interval covers item sampling alone."""
    undefined: NDArray[np.object_]
    """(C,): None, or the reason why the contrast cannot be estimated."""


def estimate_contrasts(
    panel: Panel, weights_CAB: FloatArray | ContrastRows, *, moderated: bool = True, level: float = 0.95
) -> Contrasts:
    """Estimate linear contrasts of cell means with crossed, moderated variances.

    ``theta = sum w[a,b] mu[a,b]`` is estimated by the same sum of cell means (means over items of means over
    replicates). Its variance is ``item part + replicate part - shared residual`` (`crossed_components`), the replicate
    part moderated (`replicate_part`), the interval by t (`combine`).

    Parameters
    ----------
    panel : Panel
    weights_CAB : (C, A, B) array or ContrastRows
        One contrast per row; cells with weight 0 need no scores. Of many contrasts, rows hold the cells with weight
        alone, and nothing that is computed grows with contrasts x cells or contrasts x contrasts.
    moderated : bool
        Shrink replicate variances towards what all arms and benchmarks show together.
    level : float
        Confidence level of `low` and `high`, 0-1.

    Returns
    -------
    Contrasts
        Undefined (NaN and a reason) where a weighted cell has no scores or fewer than two clusters. An arm with
        a single replicate is a fixed model (inference is conditional on it), unless the panel marks it as trained once:
        then the noise of its training is borrowed from the replicated arms, at what they know of it. So it is on a
        benchmark on which only one run of a replicated arm was scored.

    Notes
    -----
    Arms that answer alike still get an interval (`item_part`, `least`), with one gap: on a benchmark where every
    answer of every arm equals that arm's mean (all right, all wrong) nothing at all has been seen to vary, and an
    interval over such benchmarks alone has width zero. Read it as "no variation was seen", not as certainty.

    Replicates of paired arms may be related and items are shared: both enter through the covariances, nothing needs to
    be declared beyond the ids in the panel. Do not use it for a statement about other benchmarks than the panel's own;
    that is what `random_effects` is for.

    Proven in validation/crossed/ (coverage) and tests/golden/crossed.json (lme4 on balanced data).
    """
    rows = weights_CAB if isinstance(weights_CAB, ContrastRows) else ContrastRows.of(np.asarray(weights_CAB, float))
    panel, rows = set_apart_lone_runs(panel, rows)
    components = fill_in_trained_once(crossed_components(panel))
    item = item_part(components, rows)
    replicate = replicate_part(components, rows, moderated=moderated)
    (shared,) = rows.squares(components.shared)
    parts = Parts(
        np.maximum(item.variance, item.least), item.df, replicate.variance, replicate.df, shared, replicate.lent
    )
    return _report(components, rows, (item, replicate, combine(parts, level)), shared)


def _report(
    components: Components, rows: ContrastRows, parts: tuple[ItemPart, ReplicatePart, Interval], shared: FloatArray
) -> Contrasts:
    item, replicate, interval = parts
    undefined = why_undefined(components, rows)
    missing = np.array([reason is not None for reason in undefined], dtype=bool)
    value = np.where(missing, np.nan, rows.sums(rows.values * np.nan_to_num(components.mean.ravel())[rows.cells]))
    se = np.where(missing, np.nan, np.sqrt(interval.variance))
    net_item = components.item.minus(components.shared)
    size = np.sqrt(np.maximum(rows.squares(net_item)[0] + replicate.covariance.variances(), 0.0))
    blank = np.where(missing, np.nan, 0.0)
    return Contrasts(
        value=value,
        se=se,
        df=interval.df + blank,
        low=value - interval.half,
        high=value + interval.half,
        joint=JointCovariance(rows, net_item, replicate.covariance, size, se),
        item_variance=item.variance + blank,
        replicate_variance=interval.replicate + blank,
        shared_variance=shared + blank,
        least_item_variance=item.least + blank,
        n_items=count_items(components, rows),
        n_clusters=count_clusters(components, rows),
        n_replicates=smallest_replication(components, rows),
        borrowed_variance=replicate.borrowed + blank,
        training_unknown=training_unknown(components, rows),
        undefined=undefined,
    )
