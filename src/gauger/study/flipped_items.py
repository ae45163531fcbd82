"""Lists the items on which the judged arm and its control differ most, with what was asked and the right answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gauger.estimate import largest_changes, won_and_lost
from gauger.records import Outcome
from gauger.worlds import Benchmark

MOST = 200
"""Items in all: what a document holds stays small."""
LONGEST = 400
"""Characters of a prompt or an answer that are kept."""


def flipped_items(
    records: pl.DataFrame, pair: tuple[str, str], benchmarks: Mapping[str, Benchmark], *, unparsed_wrong: bool
) -> dict[str, Any] | None:
    """Return the items that an arm wins and loses against its control, those with the largest change first.

    Parameters
    ----------
    records : pl.DataFrame
        Columns arm, benchmark, item, outcome, score.
    pair : (arm, control)
        Names of two arms.
    benchmarks : mapping of name -> Benchmark
        Where the prompts and right answers are.
    unparsed_wrong : bool
        Whether an answer that was not parsed counts as wrong; else it is left out.

    Returns
    -------
    dict or None
        ``arm``, ``control``, ``counts`` (benchmark, won, lost, same) and ``rows`` (benchmark, item, change, score_arm,
        score_control, difficulty, prompt, answer; at most 8 of each direction and benchmark, `MOST` in all). None
        where the two arms share no item.
    """
    table = _changes(records, pair, unparsed_wrong)
    if table.is_empty():
        return None
    counts, rows = [], []
    for name, benchmark in benchmarks.items():
        part = table.filter(pl.col("benchmark") == name)
        count, chosen = won_and_lost(part, name)
        counts.append(count)
        items = {item.id: item for item in benchmark.items}
        for row in chosen.iter_rows(named=True):
            asked = items[row["item"]]
            texts = {"prompt": asked.prompt[:LONGEST], "answer": asked.answer[:LONGEST]}
            rows.append({**row, "difficulty": asked.difficulty, **texts})
    return largest_changes(pair, counts, rows, MOST)


def _changes(records: pl.DataFrame, pair: tuple[str, str], unparsed_wrong: bool) -> pl.DataFrame:
    """Return one row per item that both arms have a score on, means over replicates and samples, by size of change."""
    kept = [str(Outcome.SCORED), *([str(Outcome.UNPARSED)] if unparsed_wrong else [])]
    counted = records.filter(pl.col("outcome").is_in(kept)).with_columns(pl.col("score").fill_null(0.0))
    means = [
        counted.filter(pl.col("arm") == arm).group_by("benchmark", "item").agg(pl.col("score").mean().alias(name))
        for arm, name in zip(pair, ("score_arm", "score_control"), strict=True)
    ]
    change = pl.col("score_arm") - pl.col("score_control")
    both = means[0].join(means[1], on=["benchmark", "item"]).with_columns(change=change.round(10))
    return both.sort(pl.col("change").abs(), "benchmark", "item", descending=[True, False, False])
