"""What every importer returns: one evaluation of one model on one benchmark, with each way it was scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from gauger.records import Outcome

ROWS: Mapping[str, pl.DataType] = {
    "row": pl.Int64(),
    "document": pl.String(),
    "position": pl.String(),
    "label": pl.String(),
    "sample": pl.Int64(),
    "cluster": pl.String(),
    "prompt": pl.String(),
    "filter": pl.String(),
    "metric": pl.String(),
    "outcome": pl.String(),
    "score": pl.Float64(),
}
"""One row per item, sample and measure.

row        0-based row of the file, to find the line of a fault
document   item id from the content of the document; NULL where the log gives no hash of it
position   item id from the log's own id and the hash of the target
label      how a message names the item ("doc 17")
prompt     hash of what the model was shown; NULL where unknown
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
class Log:
    """One evaluation of one model on one benchmark."""

    file: str
    """Path as errors name it."""
    format: str
    """lm-eval, inspect or table."""
    benchmark: str
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
    """Logs with the same value come from the same trained model; different values are different replicates."""
    model: str | None = None
    """Name of the model as the log gives it."""
    date: str = ""
    """Orders evaluations that nothing else orders."""
    replicate: int | None = None
    """Replicate number where the log states one (a records table); None where files are only counted."""
    role: str | None = None
    """Role of the benchmark where the log states one."""

    def scores(self, measure: Measure) -> pl.DataFrame:
        """Return the rows of one measure."""
        return self.rows.filter((pl.col("filter") == measure.filter) & (pl.col("metric") == measure.metric))


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
    named = ", ".join(rows[:limit]) + (", ..." if len(rows) > limit else "")
    noun = what if len(rows) != 1 else what.removesuffix("s")
    return f"{len(rows)} {noun} ({named})"
