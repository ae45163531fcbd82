"""Estimates the item part of contrasts: what the choice of items adds, how well it is known, what rare items hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.stats.crossed.contrast_rows import ContrastRows, totals
from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import FloatArray, IntArray

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

    - Degrees of freedom by Satterthwaite over blocks of benchmarks: ``(sum V_k)^2 / sum V_k^2 / df_k``, with
      ``df_k = (sum n^2)^2 / sum n^4 - 1`` over the sizes n of the clusters that the contrast rests on there: G - 1 for
      G of one size. Of the arms that it weighs on a benchmark that is the one with the fewest; items that only other
      arms answered, and benchmarks that it does not weigh, tell nothing of it.
    - `least`: near a bound a few items decide the variance, and a sample that happens to hold none of them would claim
      certainty. In the spirit of Agresti and Coull's added observations it is held to what `RARE_ITEMS` items would
      give on which one arm is as far from its mean as the farthest answer seen, independently in each replicate:
      ``RARE_ITEMS sum_b max_a(w_ab^2 / (R_ab I_ab G_ab)) farthest_b^2``. Away from the bounds it does nothing.
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
        (C,) each, score scale squared. Where the variance is 0 the degrees of freedom are the smallest of any block
        that is weighed; 1 where none is.

    Proven in validation/crossed; rare items in tests/stats/test_small_parts.py.
    """
    label = np.empty(components.mean.shape[1], dtype=np.int64)
    for number, block in enumerate(components.blocks):
        label[list(block)] = number
    whose, _, parts = rows.parts(label[rows.benchmark], len(components.blocks))
    (of_block,) = parts.squares(components.item)
    known = _cluster_df(components, parts)
    variance = totals(whose, of_block, len(rows))
    spread = totals(whose, of_block**2 / known, len(rows))
    fewest = np.full(len(rows), np.inf)
    np.minimum.at(fewest, whose, known)
    df = np.divide(variance**2, spread, out=np.where(np.isfinite(fewest), fewest, 1.0), where=spread > 0)
    return ItemPart(variance, df, RARE_ITEMS * _rare_item(components, rows))


def _cluster_df(components: Components, parts: ContrastRows) -> FloatArray:
    """(parts,): degrees of freedom of parts of contrasts, each within one block of benchmarks."""
    of_cell = np.stack([_degrees_of_freedom(sizes) for sizes in components.cluster_sizes], axis=1).ravel()
    of_entry = of_cell[parts.cells]
    whose, benchmark, fewest = parts.largest(-of_entry)
    df = -np.maximum.reduceat(fewest, np.unique(whose, return_index=True)[1]) if len(fewest) else np.zeros(0)
    several = np.bincount(whose, minlength=len(parts)) > 1
    if not several.any():
        return np.asarray(df)
    number = np.zeros((len(parts), parts.shape[1]))
    number[whose, benchmark] = -fewest
    kept = several[parts.row] & (of_entry == number[parts.row, parts.benchmark])
    known: dict[bytes, float] = {}
    for row in np.flatnonzero(several):
        own = slice(parts.starts[row], parts.starts[row + 1])
        cells = np.sort(parts.cells[own][kept[own]])
        key = cells.tobytes()
        if key not in known:
            known[key] = _together(components, cells)
        df[row] = known[key]
    return np.asarray(df)


def _together(components: Components, cells: IntArray) -> float:
    """Degrees of freedom of cells on benchmarks that share clusters; on each the arms given have equally many."""
    arm, benchmark = np.divmod(cells, components.mean.shape[1])
    touched = np.unique(benchmark)
    names = np.concatenate([components.clusters[b] for b in touched])
    sizes = np.concatenate([components.cluster_sizes[b][arm[benchmark == b]].max(axis=0) for b in touched])
    return float(_degrees_of_freedom(np.bincount(np.unique(names, return_inverse=True)[1], sizes)[None])[0])


def _degrees_of_freedom(sizes: NDArray[np.number]) -> FloatArray:
    """(n,): ``(sum n^2)^2 / sum n^4 - 1`` over cluster sizes (n, U); at least 1, also where there is none."""
    squares = np.asarray(sizes, dtype=float) ** 2
    total, fourth = squares.sum(axis=1), (squares**2).sum(axis=1)
    effective = np.divide(total**2, fourth, out=np.full_like(total, 2.0), where=fourth > 0)
    return np.asarray(np.maximum(effective - 1, 1.0))


def _rare_item(components: Components, rows: ContrastRows) -> FloatArray:
    """(C,): variance that one rare item gives."""
    size = components.n_replicates * components.n_items * components.n_clusters
    whose, benchmark, largest = rows.largest(rows.values**2 / np.maximum(size, 1).ravel()[rows.cells])
    return totals(whose, largest * (components.farthest**2)[benchmark], len(rows))
