"""Estimates the item part of contrasts: what the choice of items adds, how well it is known, what rare items hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import FloatArray

RARE_ITEMS = 2.0
"""How many items of a rare kind the item part is worth at least; z^2 / 2, as many as Agresti and Coull (1998) add."""


@dataclass(frozen=True)
class ItemPart:
    """Item part of C contrasts."""

    variance: FloatArray
    """(C,): spread of the clusters' influences; contains the shared residual."""
    df: FloatArray
    """(C,): its degrees of freedom."""
    least: FloatArray
    """(C,): what the item part is not taken below: the variance that a few rare items would give."""


def item_part(components: Components, weights: FloatArray) -> ItemPart:
    """Return the variance that items give to contrasts with weights (C, A, B).

    - Degrees of freedom by Satterthwaite over blocks of benchmarks: ``(sum V_k)^2 / sum V_k^2 / df_k``.
    - `least`: near a bound a few items decide the variance, and a sample that happens to hold none of them would claim
      certainty. In the spirit of Agresti and Coull's added observations it is held to what `RARE_ITEMS` items would
      give on which one arm is as far from its mean as the farthest answer seen, independently in each replicate:
      ``RARE_ITEMS sum_b max_a(w_ab^2 / R_ab) farthest_b^2 / (I_b G_b)``. Away from the bounds it does nothing.
      It is 0, and guards nothing, where no answer on the benchmark differs from its arm's mean.

    Parameters
    ----------
    components : Components
        Crossed components of the study's cells (`crossed_components`).
    weights : float array, (C, A, B)
        Weights of C contrasts of cell means.

    Returns
    -------
    ItemPart
        (C,) each, score scale squared. Where the variance is 0 the degrees of freedom are the smallest of any block.

    Proven in validation/crossed; rare items in tests/stats/test_small_parts.py.
    """
    variances = np.stack([_block_variance(components, weights, block) for block in components.blocks])
    variance = variances.sum(axis=0)
    spread = (variances**2 / components.block_df[:, None]).sum(axis=0)
    floor = float(components.block_df.min())
    df = np.divide(variance**2, spread, out=np.full_like(variance, floor), where=spread > 0)
    return ItemPart(variance, df, RARE_ITEMS * _rare_item(components, weights))


def _block_variance(components: Components, weights: FloatArray, block: tuple[int, ...]) -> FloatArray:
    """(C,): item variance that comes from a block of benchmarks."""
    n_arms, n_benchmarks = components.mean.shape
    cells = (np.arange(n_arms)[:, None] * n_benchmarks + np.array(block)).ravel()
    part = weights[:, :, block].reshape(len(weights), -1)
    return np.asarray(((part @ components.item[np.ix_(cells, cells)]) * part).sum(axis=1))


def _rare_item(components: Components, weights: FloatArray) -> FloatArray:
    """(C,): variance that one rare item gives."""
    per_arm = weights**2 / np.maximum(components.n_replicates, 1)
    size = np.maximum(components.n_items.max(axis=0) * components.n_clusters.max(axis=0), 1)
    return np.asarray(per_arm.max(axis=1) @ (components.farthest**2 / size))
