"""Ask a model every item of a benchmark, greedily, and compare its answer with the only right one, word by word."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gauger.elicit.twin_teacher import Answer, Request, Teacher
from gauger.records import Outcome
from gauger.worlds.benchmarks import Benchmark, Item

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "benchmark": pl.String,
    "item": pl.String,
    "cluster": pl.String,
    "sample": pl.Int64,
    "outcome": pl.String,
    "score": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
}
"""Columns of the records of one model; the run adds study, arm, replicate and role."""


def measure(model: Teacher, benchmarks: Sequence[Benchmark], max_new_tokens: int) -> pl.DataFrame:
    """Return one row per item.

    An answer that comes to an end is `scored`: 1 where it equals the right one, else 0. One that never ends is
    `truncated` where `max_new_tokens` leaves no room for the right answer, else `unparsed` (the model rambles: there is
    no answer to compare); neither has a score.
    """
    asked = [(benchmark, item) for benchmark in benchmarks for item in benchmark.items]
    answers = model.complete([item.prompt for _, item in asked], Request(max_new_tokens))
    rows = [
        _row(benchmark, item, answer, max_new_tokens) for (benchmark, item), answer in zip(asked, answers, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(benchmark: Benchmark, item: Item, answer: Answer, max_new_tokens: int) -> tuple[object, ...]:
    outcome, score = Outcome.SCORED, float(answer.words == item.answer)
    if not answer.ended:
        outcome = Outcome.TRUNCATED if max_new_tokens <= len(item.answer) else Outcome.UNPARSED
    known = score if outcome is Outcome.SCORED else None
    return (benchmark.name, item.id, item.cluster, 0, str(outcome), known, answer.tokens_in, answer.tokens_out)
