"""Lists the items on which two arms differ: which the distilled arm wins, and which it loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from gauger.measure import Matched
from gauger.records import Outcome

SHOWN = 5
"""How many items of each direction the document names."""


def item_table(
    matched: Mapping[str, Matched], arms: Sequence[str], records: pl.DataFrame, *, unparsed_wrong: bool
) -> pl.DataFrame:
    """Return one row per benchmark and item, with each arm's score as it was estimated from, over replicates.

    Parameters
    ----------
    matched : mapping of benchmark -> Matched
    arms : sequence of str
        Columns, in this order; NULL where an arm has no score.
    records : pl.DataFrame
        Contract columns, items by their numbers: what was estimated from, its samples reduced where that was asked.
    unparsed_wrong : bool
        An answer that could not be extracted counts as 0; else it is none.

    Returns
    -------
    pl.DataFrame
        benchmark, item (as the first arm's log names it), group, then a column per arm named "score ARM".
    """
    parts = []
    for benchmark in matched.values():
        own = _counted(records.filter(pl.col("benchmark") == benchmark.benchmark), unparsed_wrong)
        means = {f"score {arm}": _means(own.filter(pl.col("arm") == arm), benchmark.items["item"]) for arm in arms}
        named = benchmark.items.select(
            pl.lit(benchmark.benchmark).alias("benchmark"), pl.col("label").alias("item"), "group"
        )
        parts.append(named.with_columns(**means))
    return pl.concat(parts)


def _counted(records: pl.DataFrame, unparsed_wrong: bool) -> pl.DataFrame:
    outcomes = [str(Outcome.SCORED), *([str(Outcome.UNPARSED)] if unparsed_wrong else [])]
    return records.filter(pl.col("outcome").is_in(outcomes))


def _means(counted: pl.DataFrame, items: pl.Series) -> pl.Series:
    """Return (I,) an arm's mean score of each item: over samples, then over replicates; NULL where it has none."""
    numbers = counted["item"].cast(pl.Int64).to_numpy()
    place = np.searchsorted(items.cast(pl.Int64).to_numpy(), numbers)
    score = counted["score"].fill_null(0.0).to_numpy()
    replicate = counted["replicate"].rank("dense").to_numpy().astype(np.int64) - 1
    cell = replicate * len(items) + place
    n_cells = len(items) * (int(replicate.max(initial=0)) + 1)
    count = np.bincount(cell, minlength=n_cells)
    total = np.bincount(cell, weights=score, minlength=n_cells)
    of_replicate = np.divide(total, count, out=np.zeros(n_cells), where=count > 0).reshape(-1, len(items))
    seen = (count > 0).reshape(-1, len(items)).sum(axis=0)
    mean = np.divide(of_replicate.sum(axis=0), seen, out=np.full(len(items), np.nan), where=seen > 0)
    return pl.Series(mean, nan_to_null=True)


def flips(table: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Count and name the items that an arm wins and loses against another, per benchmark.

    Parameters
    ----------
    table : pl.DataFrame
        Of `item_table`.
    pairs : sequence of (arm, control)

    Returns
    -------
    list of dict
        benchmark, arm, control, won, lost, same (numbers of items), and the first few of each by name, those with the
        largest difference first.
    """
    rows = []
    for arm, control in pairs:
        with_change = table.with_columns(change=pl.col(f"score {arm}") - pl.col(f"score {control}"))
        for (benchmark,), part in with_change.group_by("benchmark", maintain_order=True):
            change = part.filter(pl.col("change").is_not_null())
            won = change.filter(pl.col("change") > 0).sort("change", descending=True, maintain_order=True)
            lost = change.filter(pl.col("change") < 0).sort("change", maintain_order=True)
            rows.append(
                {
                    "benchmark": benchmark,
                    "arm": arm,
                    "control": control,
                    "won": won.height,
                    "lost": lost.height,
                    "same": change.height - won.height - lost.height,
                    "items_won": won["item"].head(SHOWN).to_list(),
                    "items_lost": lost["item"].head(SHOWN).to_list(),
                }
            )
    return rows
