"""The cheapest addition that would be expected to settle an undetermined verdict.

The estimate is taken as it stands; what is asked is how many items or replicates bring the interval's half width below
its distance from the threshold. More items cost answers only, more replicates cost training, so items come first
wherever they alone are enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.estimate.contrasts import Batch
from gauger.estimate.verdict_inputs import Judged
from gauger.stats.power import DesignComponents, items_needed, replicates_needed

MOST_REPLICATES = 64
"""More training runs per arm than this are not proposed."""
MOST_ITEM_FACTOR = 20
"""Nor more items than this many times those at hand."""


@dataclass(frozen=True)
class _Sizes:
    """Variance components of the judged contrast, and the sizes they were measured at."""

    components: DesignComponents
    items: int
    replicates: int
    """1 where nothing was replicated."""


def settling_addition(batch: Batch, p: int, piece: Judged, threshold: float, level: float) -> str:
    """Say, in one sentence, which addition is expected to settle the verdict on planned estimate p.

    Parameters
    ----------
    batch, p, piece
        The judged estimate.
    threshold, level : float
        Of the verdict rule.
    """
    sizes = _sizes(batch, p)
    if sizes.replicates < 2:
        return "Replicates: nothing was replicated, so the noise of training is unknown."
    distance = abs(piece.numerator - threshold * piece.denominator)
    if distance == 0:
        return "Nothing: the estimate lies on the threshold itself."
    items, replicates = _needed(sizes, distance, level)
    if items is not None:
        more = f" (or {replicates} replicates per arm instead of {sizes.replicates})" if replicates else ""
        return f"About {items:,} items instead of {sizes.items:,}{more}."
    if replicates is not None:
        return f"About {replicates} replicates per arm instead of {sizes.replicates}; more items alone would not do."
    both = replicates_needed(sizes.components, 4 * sizes.items, distance, level=level, most=MOST_REPLICATES)
    if both is not None:
        return (
            f"About {both} replicates per arm instead of {sizes.replicates}, "
            f"with four times the items ({4 * sizes.items:,}); neither alone would do."
        )
    return (
        f"Neither {MOST_REPLICATES} replicates nor {MOST_ITEM_FACTOR} times the items: "
        "the estimate lies too close to the threshold."
    )


def _needed(sizes: _Sizes, distance: float, level: float) -> tuple[int | None, int | None]:
    """Return the items, and the replicates, that would each be enough alone; only additions count."""
    most = MOST_ITEM_FACTOR * sizes.items
    items = items_needed(sizes.components, sizes.replicates, distance, level=level, most=most)
    replicates = replicates_needed(sizes.components, sizes.items, distance, level=level, most=MOST_REPLICATES)
    return (
        items if items is None else max(items, sizes.items + 1),
        replicates if replicates is None else max(replicates, sizes.replicates + 1),
    )


def _sizes(batch: Batch, p: int) -> _Sizes:
    """Turn the contrast's variance components into components per item and per replicate."""
    contrasts, row = batch.contrasts, batch.judged_row(p)
    items, replicates = int(contrasts.n_items[row]), int(contrasts.n_replicates[row])
    shared = float(contrasts.shared_variance[row])
    item = max(float(contrasts.item_variance[row]), float(contrasts.least_item_variance[row])) - shared
    replicate = max(float(contrasts.replicate_variance[row]) - shared, 0.0)
    components = DesignComponents(
        item=max(item, 0.0) * items,
        replicate=replicate * replicates,
        residual=max(shared, 0.0) * items * replicates,
        replicate_df_each=float(np.clip(contrasts.df[row] / max(replicates - 1, 1), 1.0, 100.0)),
    )
    return _Sizes(components, items, replicates)
