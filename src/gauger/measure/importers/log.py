"""Defines what every importer returns: one evaluation of one model on one benchmark, with each way it was scored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from gauger.records import Outcome

ROWS: Mapping[str, pl.DataType] = {
    "row": pl.Int64(),
    "document": pl.String(),
    "position": pl.String(),
    "id": pl.String(),
    "label": pl.String(),
    "sample": pl.Int64(),
    "cluster": pl.String(),
    "question": pl.String(),
    "prompt": pl.String(),
    "group": pl.String(),
    "filter": pl.String(),
    "metric": pl.String(),
    "outcome": pl.String(),
    "score": pl.Float64(),
}
"""One row per item, sample and measure.

row        0-based row of the file, to find the line of a fault
document   item id from the content of the document; NULL where the log gives no hash of it
position   item id from the log's own id and the hash of the target
id         the log's own id alone
label      how a message names the item ("doc 17")
question   hash of what was asked, whatever the order of the options; NULL where unknown
prompt     hash of what the model was shown, letter by letter; NULL where unknown
group      the item's sub-group, where the user asked for a column to group by
filter     the answer extraction ("strict-match"); empty where there is only one
metric     what was computed from the extracted answer ("exact_match")
score      0-1, or NULL with an outcome that says why
"""


@dataclass(frozen=True, order=True)
class Measure:
    """One way a log scores an output: the extraction of the answer, and the metric computed from it."""

    filter: str
    metric: str

    def __str__(self) -> str:
        return f"{self.metric}, {self.filter}" if self.filter and self.filter != "none" else self.metric


@dataclass(frozen=True)
class Wants:
    """What the user says of the files before they are read."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Column of the records table -> what a table calls it."""
    by: str | None = None
    """Column, field of the document or metadata to group items by."""
    study: str | None = None
    """Of a table with the records of several studies: the one that is meant."""


@dataclass(frozen=True)
class Log:
    """One evaluation of one model on one benchmark."""

    file: str
    """Path as errors name it."""
    format: str
    """lm-eval, inspect, table, or another name of `formats.FORMATS`."""
    benchmark: str
    """The task; with those of its arguments that tell it from another benchmark, once `identity` has seen to it."""
    rows: pl.DataFrame
    """Columns of `ROWS`."""
    measures: tuple[Measure, ...]
    """In the log's own order: the first is the primary one unless the user chooses another."""
    refused: Mapping[Measure, str] = field(default_factory=dict)
    """Measures that cannot be compared -> why (a score outside 0-1, a list instead of a number)."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What must be the same on both sides: name -> canonical text."""
    notes: tuple[str, ...] = ()
    """Counted exclusions and doubts that a reader must know of."""
    run: str = ""
    """Where the log names no model: logs with the same value come from the same trained model."""
    model: str | None = None
    """Name of the trained model as the log gives it, with adapter and revision; one name is one trained model."""
    shown: str = ""
    """Path as documents name it: from the folder that the user gave."""
    task: str = ""
    """The task alone, where `benchmark` holds arguments too."""
    task_id: str = ""
    """Identity of the evaluation where the log states one; a retry keeps it."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Arguments of the task: where one model's logs differ in them, they are different benchmarks."""
    defaults_left_out: bool = False
    """An argument that is not among them had its default; else its value is not known."""
    partial: str = ""
    """Why the log does not hold a whole evaluation ("limited to 5 items"); empty where nothing says so."""
    reducer: str = ""
    """How the log's own headline reduces several samples of an item ("max"); empty where it says nothing."""
    errors: frozenset[str] = frozenset()
    """Metrics of which lower is better."""
    doubtful: frozenset[str] = frozenset()
    """Metrics that are taken as scores although their names suggest an error, and nothing says which it is."""
    groups: tuple[str, ...] = ()
    """Groups of benchmarks that the log counts this one among, from the smallest outwards."""
    group_means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Group -> "METRIC,FILTER" -> the average that the harness reports."""
    date: str = ""
    """Orders evaluations that nothing else orders."""
    replicate: int | None = None
    """Replicate number where the log states one (a records table); None where files are only counted."""
    role: str | None = None
    """Role of the benchmark where the log states one."""
    holds_texts: bool = False
    """Whether its file can be asked for what was asked and answered (`formats.shown_answers`); a table in memory has no
    file."""

    @property
    def n_items(self) -> int:
        """How many items the log holds."""
        return int(self.rows["position"].n_unique())

    def scores(self, measure: Measure) -> pl.DataFrame:
        """Return the rows of one measure."""
        return self.rows.filter((pl.col("filter") == measure.filter) & (pl.col("metric") == measure.metric))


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def canonical_setting(value: Any) -> str:
    """Return a setting as text by which two logs are held against each other; an address in memory is none of it."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return _ADDRESS.sub("", text)


def score_problem(scores: pl.DataFrame, place: Callable[[int], str]) -> str | None:
    """Say why a measure's scores cannot be compared; None when they can.

    Parameters
    ----------
    scores : pl.DataFrame
        Rows of one measure; NaN must be NULL already.
    place : callable
        Words for a 0-based row of the file ("line 7").
    """
    outside = scores.filter((pl.col("score") < 0) | (pl.col("score") > 1))
    if outside.is_empty():
        return None
    worst = outside.row(0, named=True)
    return f"{worst['label']} ({place(worst['row'])}) has {worst['score']:g}, outside 0 to 1"


def failed_where_undefined(score: pl.Expr, outcome: pl.Expr | None = None) -> tuple[pl.Expr, pl.Expr]:
    """Turn NaN and infinite scores into NULL with the outcome `failed`; return (outcome, score)."""
    finite = pl.when(score.is_finite()).then(score)
    named = pl.lit(str(Outcome.SCORED)) if outcome is None else outcome
    return pl.when(finite.is_null()).then(pl.lit(str(Outcome.FAILED))).otherwise(named), finite


def counted(rows: Sequence[str], what: str, limit: int = 3) -> str:
    """Say how many, and name the first few: "12 items (doc 3, doc 9, doc 11, ...)"."""
    return counted_of(len(rows), rows[:limit], what)


def counted_of(number: int, first: Sequence[str], what: str) -> str:
    """Say how many, where only the first few are known by name."""
    named = ", ".join(first) + (", ..." if number > len(first) else "")
    noun = what if number != 1 else what.removesuffix("s")
    return f"{number} {noun} ({named})"
