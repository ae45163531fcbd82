"""Drops and counts the same item said twice in one log; refuses it where it is said differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.log import counted

_NUMBER = "number among the rows"
"""What tells rows apart: an item that is measured in several ways has several of one place in the file."""


def without_repeats(
    rows: pl.DataFrame,
    key: Sequence[str],
    content: Sequence[str],
    name: Callable[[dict[str, object]], str],
    place: Callable[[int], Place],
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows without those that repeat an earlier one, and a sentence with their count.

    Parameters
    ----------
    rows : pl.DataFrame
        With a column `row`, the 0-based row of the file, which stays as it is.
    key : sequence of str
        Columns that name one measurement.
    content : sequence of str
        Columns in which two rows of one key must agree to be the same measurement.
    name : callable
        Words for a row ("doc 3").
    place : callable
        Where a row stands.

    Raises
    ------
    InputError
        Two rows of one key disagree; names the later one and where the earlier stands.
    """
    if not rows.select(pl.struct(key).is_duplicated().any()).item():
        return rows, []
    numbered = rows.with_row_index(_NUMBER)
    once = numbered.unique(subset=[*key, *content], keep="first", maintain_order=True)
    clash = once.filter(pl.struct(key).is_duplicated())
    if not clash.is_empty():
        raise _disagreement(clash, key, name, place)
    repeated = numbered.join(once, on=_NUMBER, how="anti", maintain_order="left").sort("row", _NUMBER)
    labels = [name(row) for row in repeated.iter_rows(named=True)]
    return once.drop(_NUMBER), [f"left out because an earlier row says the same: {counted(labels, 'repeated rows')}"]


def _disagreement(
    clash: pl.DataFrame,
    key: Sequence[str],
    name: Callable[[dict[str, object]], str],
    place: Callable[[int], Place],
) -> InputError:
    first = clash.row(0, named=True)
    same = clash.filter(pl.all_horizontal(pl.col(column).eq_missing(first[column]) for column in key)).sort("row")
    early, late = same["row"].head(2).to_list()
    return InputError(
        f"{name(first)} once",
        f"a second time, and not as at {str(place(early)).rpartition('/')[2]}",
        place(late),
        "Two evaluations in one file? Give each as a file of its own.",
    )
