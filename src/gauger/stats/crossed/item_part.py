"""Estimates the item part of contrasts: what the choice of items adds, how well it is known, what rare items hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.contrast_rows import ContrastRows, totals
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


def item_part(components: Components, rows: ContrastRows) -> ItemPart:
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
    rows : ContrastRows
        C contrasts of cell means.

    Returns
    -------
    ItemPart
        (C,) each, score scale squared. Where the variance is 0 the degrees of freedom are the smallest of any block.

    Proven in validation/crossed; rare items in tests/stats/test_small_parts.py.
    """
    label = np.empty(components.mean.shape[1], dtype=np.int64)
    for number, block in enumerate(components.blocks):
        label[list(block)] = number
    whose, of, parts = rows.parts(label[rows.benchmark], len(components.blocks))
    (of_block,) = parts.squares(components.item)
    variance = totals(whose, of_block, len(rows))
    spread = totals(whose, of_block**2 / components.block_df[of], len(rows))
    floor = float(components.block_df.min())
    df = np.divide(variance**2, spread, out=np.full_like(variance, floor), where=spread > 0)
    return ItemPart(variance, df, RARE_ITEMS * _rare_item(components, rows))


def _rare_item(components: Components, rows: ContrastRows) -> FloatArray:
    """(C,): variance that one rare item gives."""
    per_arm = rows.values**2 / np.maximum(components.n_replicates, 1).ravel()[rows.cells]
    size = np.maximum(components.n_items.max(axis=0) * components.n_clusters.max(axis=0), 1)
    whose, benchmark, largest = rows.largest(per_arm)
    return totals(whose, largest * (components.farthest**2 / size)[benchmark], len(rows))
