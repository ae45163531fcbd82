"""An evaluator's log, read by its importer, as the records of the items that were asked: with both readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from gauger.errors import DamagedError
from gauger.measure.answers import METRIC, SCHEMA
from gauger.measure.extraction import FLEXIBLE, STRICT
from gauger.measure.importers.log import Log, Measure
from gauger.worlds.language.items import TextBenchmark, TextItem

LEFT_OUT = ("tokens_in", "tokens_out", "said")
"""Columns of `language.SCHEMA` that the importers do not read from logs."""


def read_records(
    log: Log, benchmark: TextBenchmark, item_of: Callable[[str], TextItem], measures: Mapping[str, Measure]
) -> pl.DataFrame:
    """Return the records of one log.

    Parameters
    ----------
    log : Log
        As its importer read it.
    benchmark : TextBenchmark
        What was asked.
    item_of : callable
        From a row's label to its item.
    measures : mapping
        Reading (strict, flexible) -> the measure that it is in the log.

    Raises
    ------
    DamagedError
        Where the log does not hold every item and sample under both readings.
    """
    strict = _of_measure(log, measures[STRICT])
    other = _of_measure(log, measures[FLEXIBLE])
    both = strict.join(other, on=["label", "sample"], how="inner", suffix="_flexible", maintain_order="left")
    asked = {item_of(label).id for label in both["label"]}
    if both.height != strict.height or asked != {item.id for item in benchmark.items}:
        raise DamagedError(f"{log.file} does not hold every item of {benchmark.name} under both readings")
    items = [item_of(label) for label in both["label"]]
    columns: dict[str, pl.Expr | pl.Series] = {
        "benchmark": pl.lit(benchmark.name),
        "item": pl.Series([item.id for item in items], dtype=pl.String),
        "cluster": pl.Series([item.cluster for item in items], dtype=pl.String),
        "flexible_outcome": pl.col("outcome_flexible"),
        "flexible_score": pl.col("score_flexible"),
        **{name: pl.lit(None, SCHEMA[name]) for name in LEFT_OUT},
    }
    return both.with_columns(**columns).select(*SCHEMA)


def _of_measure(log: Log, measure: Measure) -> pl.DataFrame:
    if measure not in log.measures:
        raise DamagedError(f"{log.file} holds no scores of {METRIC}, {measure}")
    return log.scores(measure).select("label", "sample", "outcome", "score")
