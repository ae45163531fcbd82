"""Tells items of one question apart by what means the same in every log: never by their rank in a log that lacks some.

Several items may share their text: pictures that are asked the same, tasks in a sandbox under one prompt. Their place
among the items of a log depends on which of them the log holds, so that the first of one side is not the first of
another; their id and target do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gauger.measure.importers.log import Log

_ASKED = "question"
_MOVED = 0.5
"""Where more than this share of the questions that stand once in every log have another place there, places are
counts."""


def question_names(logs: Sequence[pl.DataFrame]) -> list[pl.Series]:
    """Return what names the item of every row, alike in all logs: its question, with its place where that repeats.

    Parameters
    ----------
    logs : sequence of pl.DataFrame
        Columns question and position, neither NULL: rows of one benchmark in each of its logs.

    Returns
    -------
    list of pl.Series
        One per log. A question that repeats in any log has "#" and the position after it in all of them. Where
        positions are but counts (questions that stand once have moved), items of a question that every log holds
        equally often are numbered instead: all stand on every side, and the mean of their differences does not hang on
        which is set against which.

    Notes
    -----
    Tested in tests/measure/importers/test_match.py.
    """
    if all(rows[_ASKED].n_unique() == rows["position"].n_unique() for rows in logs):
        return [rows[_ASKED] for rows in logs]
    items = [rows.select(_ASKED, "position").unique() for rows in logs]
    counts = pl.concat([part.group_by(_ASKED).len() for part in items]).group_by(_ASKED)
    even = (pl.col("len").n_unique() == 1) & (pl.len() == len(logs))
    known = counts.agg(repeats=pl.col("len").max() > 1, even=even)
    counted = _are_counts(items, known)
    named = []
    for rows in logs:
        told = rows.select(_ASKED, "position").join(known, on=_ASKED, how="left", maintain_order="left")
        place = pl.when(pl.col("even") & counted).then(_nth().cast(pl.String)).otherwise("position")
        name = pl.when("repeats").then(pl.format("{}#{}", _ASKED, place)).otherwise(_ASKED)
        named.append(told.select(name.alias(_ASKED)).to_series())
    return named


def places_of_questions(log: Log) -> dict[str, int]:
    """Return where in its file each item of a log first stands, by every name that `question_names` may give it."""
    asked = pl.col(_ASKED)
    names = (asked, pl.format("{}#{}", asked, _nth()), pl.format("{}#{}", asked, "position"))
    places: dict[str, int] = {}
    for name in names:
        first = log.rows.select(name.alias("name"), "row").unique("name", keep="first")
        places |= dict(first.iter_rows())
    return places


def _nth() -> pl.Expr:
    return pl.col("position").rank("dense").over(_ASKED)


def _are_counts(items: Sequence[pl.DataFrame], known: pl.DataFrame) -> bool:
    """Tell whether questions that stand once in every log stand at other places there."""
    once = known.filter(pl.col("even") & ~pl.col("repeats"))
    places = pl.concat(items).join(once, on=_ASKED, how="semi").group_by(_ASKED).agg(pl.col("position").n_unique())
    return not places.is_empty() and float((places["position"] > 1).mean()) > _MOVED  # type: ignore[arg-type]
