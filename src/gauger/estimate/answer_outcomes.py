"""Counts what became of the answers, and averages scores by item difficulty, beside the estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from gauger.errors import InputError
from gauger.estimate.results import tidy
from gauger.records import Outcome


def count_outcomes(table: pl.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Count answers per arm, benchmark and outcome: rows for `Document.outcomes`, sorted by arm and benchmark."""
    counts = [(pl.col("outcome") == str(outcome)).sum().alias(str(outcome)) for outcome in Outcome]
    rows = table.group_by("arm", "benchmark").agg(counts).sort("arm", "benchmark")
    return tuple(rows.iter_rows(named=True))


def scores_by_difficulty(table: pl.DataFrame, difficulty: pl.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Average scores per arm, benchmark and difficulty level: rows for `Document.difficulty`.

    Every item counts once: an item's score is averaged over its samples and replicates first.

    Parameters
    ----------
    table : pl.DataFrame
        Checked records (`table.complete_table`).
    difficulty : pl.DataFrame
        Columns benchmark, item, difficulty (a number or a word); items absent here are left out.
    """
    for column in ("benchmark", "item", "difficulty"):
        if column not in difficulty.columns:
            raise InputError(f"a difficulty table with a column {column!r}", f"columns {', '.join(difficulty.columns)}")
    levels = difficulty.select(pl.col("benchmark", "item").cast(pl.String), "difficulty").drop_nulls()
    if levels.select(pl.struct("benchmark", "item").is_duplicated().any()).item():
        raise InputError("one difficulty per benchmark and item", "several")
    by_item = (
        table.filter("counted")
        .sort("replicate", "sample", "score")
        .group_by("arm", "benchmark", "item")
        .agg(pl.col("score").mean())
    )
    rows = (
        by_item.join(levels, on=["benchmark", "item"])
        .sort("arm", "benchmark", "difficulty", "item")
        .group_by("arm", "benchmark", "difficulty", maintain_order=True)
        .agg(pl.col("score").mean(), n_items=pl.len())
    )
    return tuple({**row, "score": tidy(row["score"])} for row in rows.iter_rows(named=True))
