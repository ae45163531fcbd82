"""Turns samples into rows of a corpus' tables: the ledger, the texts that are trained on, and the seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import numpy as np
import polars as pl

from gauger.elicit.sample import Sample, Took
from gauger.elicit.strategies.seeds import Seed

LEDGER: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "prompt_hash": pl.String,
    "strategy": pl.String,
    "source": pl.String,
    "teacher": pl.String,
    "seed_ids": pl.List(pl.String),
    "parents": pl.List(pl.String),
    "queries": pl.Int64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "filters": pl.List(pl.String),
    "dropped": pl.String,
    "overlaps": pl.List(pl.String),
    "length": pl.Int64,
    "tokens_reasoning": pl.Int64,
    "tokens_cached": pl.Int64,
    "cost_usd": pl.Float64,
    "tokens_in_most": pl.Int64,
    "tokens_out_most": pl.Int64,
    "cost_most_usd": pl.Float64,
    "stated_usd": pl.Float64,
    "usage_problem": pl.String,
    "retries": pl.Int64,
    "paid_again": pl.Int64,
    "seconds": pl.Float64,
    "surface": pl.String,
    "template": pl.String,
    "terms": pl.String,
    "outcome": pl.String,
    "error": pl.String,
    "benchmark": pl.String,
    "split": pl.String,
    "generation": pl.Int64,
    "score": pl.Float64,
    "request": pl.String,
    "whole": pl.Boolean,
    "flags": pl.List(pl.String),
    "respelt": pl.List(pl.String),
}
"""Columns of `ledger.parquet`, of every kind of corpus; `length` is the text's own number of tokens, marks included."""
SEEDS = {"id": pl.String, "prompt": pl.String, "answer": pl.String, "benchmark": pl.String, "split": pl.String}
TEXTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "prompt": pl.String,
    "answer": pl.String,
    "whole": pl.Boolean,
}
_TOOK = tuple(field.name for field in fields(Took))
_DERIVED = ("id", "prompt_hash", "length")
_READ = {name: attrgetter(f"took.{name}" if name in _TOOK else name) for name in LEDGER if name not in _DERIVED}
"""Column of the ledger -> what reads it of a sample; `_DERIVED` are reckoned."""
_LISTS = tuple(name for name, kind in LEDGER.items() if kind == pl.List(pl.String))
Count = Callable[[Sequence[Sample]], Sequence[int]]
"""Samples -> the tokens of each, marks included."""


def ledger_table(samples: Sequence[Sample], count: Count) -> pl.DataFrame:
    """Return the ledger's rows of samples."""
    columns: dict[str, Sequence[object]] = {name: [*map(read, samples)] for name, read in _READ.items()}
    columns |= {"id": [sample.id for sample in samples], "prompt_hash": [sample.prompt_hash for sample in samples]}
    columns["length"] = count(samples)
    flat = [pl.Series(name, columns[name], kind) for name, kind in LEDGER.items() if name not in _LISTS]
    return pl.DataFrame(flat + [_lists(name, columns[name]) for name in _LISTS]).select(*LEDGER)


def _lists(name: str, values: Sequence[Any]) -> pl.Series:
    """Return a column of lists of texts; polars takes five times as long to make one of Python's lists."""
    row_of_part = np.repeat(np.arange(len(values)), [len(parts) for parts in values])
    parts = pl.Series(name, [part for parts in values for part in parts], pl.String)
    lists = pl.DataFrame({"row": row_of_part, name: parts}).group_by("row", maintain_order=True).agg(name)
    rows = pl.DataFrame({"row": np.arange(len(values))}).join(lists, on="row", how="left", maintain_order="left")
    return rows.select(pl.col(name).fill_null(pl.lit([], LEDGER[name])))[name]


def text_table(samples: Sequence[Sample], ids: pl.Series) -> pl.DataFrame:
    """Return what is trained on of samples that have these ids."""
    kept = [(key, s.prompt_text, s.answer, s.whole) for key, s in zip(ids, samples, strict=True) if s.dropped is None]
    return pl.DataFrame(kept, TEXTS, orient="row")


def seed_table(seeds: Iterable[Seed]) -> pl.DataFrame:
    """Return the rows of `seeds.parquet`."""
    return pl.DataFrame(list(_seed_rows(seeds)), SEEDS, orient="row")


def _seed_rows(seeds: Iterable[Seed]) -> Iterator[tuple[str | None, ...]]:
    """Yield a row per seed; of a prompt that was made of seeds, a row for each of those, whose text is not known."""
    for seed in seeds:
        for origin in seed.origins:
            own = origin == seed.id
            yield origin, seed.prompt if own else None, seed.answer if own else None, seed.benchmark, seed.split
