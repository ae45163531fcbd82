"""Reads the tables of `gauger.meta` and `gauger.fit`: every mistake is named by its file, line and column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from gauger.api.frames import FrameLike, is_frame, polars_of
from gauger.errors import InputError, Place, nearest
from gauger.stats import Points
from gauger.store import CsvTable, read_csv

EMPTY = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""Cells (in lower case) that hold no value."""
SCALE = ("n_params", "n_tokens")
OUTCOMES = ("loss", "accuracy")
ABOVE_ZERO = (*SCALE, "loss", "teacher_loss", "unique_tokens", "loss_se", "accuracy_se")
OPTIONAL = (
    "teacher_loss",
    "unique_tokens",
    "pretrained",
    "n_items",
    "loss_se",
    "accuracy_se",
    "weight",
    "group",
    "run",
)
LABELS = ("group", "run")
"""Columns that hold names, not numbers."""
SHARE = "share_"
"""How the columns of domain shares begin."""
LARGEST = 1e30
TableLike: TypeAlias = FrameLike | Path | str
"""A Polars or pandas DataFrame, or the path of a CSV file."""
FRAME = "DataFrame"
"""The name of a frame in messages."""


def open_table(source: TableLike) -> CsvTable:
    """Open a table from a file, or from a frame as if it had been written to one: row 1 is then its first row."""
    if not is_frame(source):
        return read_csv(Path(source))
    frame = polars_of(source)
    cells = frame.select(pl.all().cast(pl.String) if frame.is_empty() else [_texts(column) for column in frame]).rows()
    rows = ((number, ["" if cell is None else cell for cell in row]) for number, row in enumerate(cells, start=1))
    return CsvTable(FRAME, tuple(frame.columns), 0, rows)


def _texts(column: pl.Series) -> pl.Series:
    """Return a column as text; floats by `repr`, which reads back as the same number."""
    if column.dtype.is_nested() or column.dtype == pl.Object:
        raise InputError("a column of numbers or text", str(column.dtype), Place(FRAME, key=column.name))
    if column.dtype.is_float():
        return pl.Series(column.name, [None if value is None else repr(value) for value in column.to_list()], pl.String)
    return column.cast(pl.String)


@dataclass(frozen=True)
class CompleteRows:
    """The rows that have a value in every column that was asked for."""

    path: Path
    columns: dict[str, list[str]]
    """Column -> cells, stripped."""
    lines: list[int]
    """1-based line in the file of each row."""
    left_out: list[int]
    """Lines that had an empty cell in some asked column."""

    def place(self, row: int, column: str) -> Place:
        """Say where a cell stands."""
        return Place(str(self.path), self.lines[row], column)

    def numbers(self, column: str) -> list[float]:
        """Read a column as finite numbers."""
        return [self._number(row, column, cell) for row, cell in enumerate(self.columns[column])]

    def _number(self, row: int, column: str, cell: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            raise InputError("a number", repr(cell), self.place(row, column)) from None
        if not math.isfinite(value):
            raise InputError("a finite number", repr(cell), self.place(row, column))
        return value

    def left_out_text(self, why: str) -> list[str]:
        """Warn of the rows that were left out, if any; `why` says which cell was empty."""
        if not self.left_out:
            return []
        shown = ", ".join(str(line) for line in self.left_out[:10]) + (", …" if len(self.left_out) > 10 else "")
        return [f"{len(self.left_out)} rows left out for {why} (lines {shown})"]

    def is_numeric(self, column: str) -> bool:
        """Tell whether every cell of a column is a number: it then enters as one slope, else as categories."""
        return all(_is_number(cell) for cell in self.columns[column])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_rows(table: TableLike, wanted: Sequence[str], may_be_empty: Sequence[str] = ()) -> CompleteRows:
    """Read columns; rows with an empty cell in a wanted one are left out, and their lines kept.

    Parameters
    ----------
    table : DataFrame or path
    wanted : sequence of str
        Columns that a row needs a value in.
    may_be_empty : sequence of str
        Columns that are read where they hold something.
    """
    return _rows(open_table(table), wanted, may_be_empty)


def _rows(table: CsvTable, wanted: Sequence[str], may_be_empty: Sequence[str]) -> CompleteRows:
    index = {column: _find(column, table) for column in dict.fromkeys([*wanted, *may_be_empty])}
    columns: dict[str, list[str]] = {column: [] for column in index}
    lines, left_out = [], []
    for line, cells in table.rows:
        if not any(cell.strip() for cell in cells):
            continue
        values = {column: cells[at].strip() for column, at in index.items()}
        if any(values[column].lower() in EMPTY for column in wanted):
            left_out.append(line)
            continue
        lines.append(line)
        for column, value in values.items():
            columns[column].append("" if value.lower() in EMPTY else value)
    return CompleteRows(Path(table.source), columns, lines, left_out)


def _find(column: str, table: CsvTable) -> int:
    if column not in table.header:
        place = table.place(table.header_line)
        raise InputError("a column of the table", repr(column), place, hint=nearest(column, table.header))
    return table.header.index(column)


@dataclass(frozen=True)
class PointTable:
    """The points of a file and what its reader must know."""

    points: Points
    warnings: list[str]
    rows: CompleteRows
    """The cells that the points were read from, in their order."""
    header_line: int
    """1-based; 0 for a frame."""


def read_points(source: TableLike, *, outcome: bool = True) -> PointTable:
    """Read a table of trained models (or, without outcomes, of models to predict).

    Raises
    ------
    InputError
        A missing column, or a cell that is not a number or lies outside its range, with file, line and column.
    """
    table = open_table(source)
    known = [name for name in (*SCALE, *OUTCOMES, *OPTIONAL) if name in table.header]
    if outcome and not any(name in table.header for name in OUTCOMES):
        given = f"columns {', '.join(table.header)}"
        raise InputError("a column 'loss' or 'accuracy'", given, table.place(table.header_line))
    shares = [name for name in table.header if name.startswith(SHARE)]
    rows = _rows(table, [*SCALE, *shares], [name for name in known if name not in SCALE])
    if not rows.lines:
        raise InputError("at least one row with n_params and n_tokens", "none", Place(table.source))
    columns: dict[str, Any] = {name: _column(rows, name) for name in known if name not in LABELS}
    _check_rows(rows, columns, outcome)
    for name in LABELS:
        if name in known:
            labels = [label or f"\0{line}" for label, line in zip(rows.columns[name], rows.lines, strict=True)]
            columns[name] = np.unique(labels, return_inverse=True)[1]
    if shares:
        columns |= {"shares": _shares(rows, shares), "share_names": tuple(shares)}
    return PointTable(Points(**columns), _warnings(rows, table.header), rows, table.header_line)


def _column(rows: CompleteRows, name: str) -> Any:
    """Read a column; empty cells are NaN."""
    return np.array([_cell(rows, name, row, cell) for row, cell in enumerate(rows.columns[name])])


def _shares(rows: CompleteRows, names: Sequence[str]) -> Any:
    """Read the domain shares, (n, K); each row must sum to 1."""
    shares = np.stack([_column(rows, name) for name in names], axis=1)
    for row in np.flatnonzero(np.abs(shares.sum(axis=1) - 1.0) > 1e-3):
        given = f"{shares[row].sum():g}"
        raise InputError("shares of domains that sum to 1", given, rows.place(int(row), names[0]))
    return shares


def _cell(rows: CompleteRows, name: str, row: int, cell: str) -> float:
    if cell == "":
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        raise InputError("a number", repr(cell), rows.place(row, name)) from None
    wanted = _range(name)
    if not math.isfinite(value) or not wanted[1] <= value <= wanted[2] or (name in ABOVE_ZERO and value == 0.0):
        raise InputError(wanted[0], cell, rows.place(row, name))
    if name == "pretrained" and value not in (0.0, 1.0):
        raise InputError(wanted[0], cell, rows.place(row, name))
    return value


def _range(name: str) -> tuple[str, float, float]:
    if name.startswith(SHARE):
        return "a share between 0 and 1", 0.0, 1.0
    if name == "accuracy":
        return "an accuracy between 0 and 1", 0.0, 1.0
    if name == "pretrained":
        return "0 (from scratch) or 1", 0.0, 1.0
    if name == "n_items":
        return "a number of items of at least 1", 1.0, LARGEST
    if name in ABOVE_ZERO:
        return "a number above 0", 0.0, LARGEST
    return "a number of at least 0", 0.0, LARGEST


def _check_rows(rows: CompleteRows, columns: dict[str, Any], outcome: bool) -> None:
    """Refuse rows that contradict themselves; fill in empty optional cells."""
    if outcome:
        seen = [np.isfinite(columns[name]) for name in OUTCOMES if name in columns]
        if not np.any(seen):
            raise InputError("a loss or an accuracy in some row", "none", Place(str(rows.path)))
    fill = {"unique_tokens": columns["n_tokens"], "pretrained": 1.0, "weight": 1.0}
    for name, usual in fill.items():
        if name in columns:
            columns[name] = np.where(np.isfinite(columns[name]), columns[name], usual)
    if "unique_tokens" in columns:
        for row in np.flatnonzero(columns["unique_tokens"] > columns["n_tokens"] * (1.0 + 1e-9)):
            given = f"{columns['unique_tokens'][row]:g}"
            raise InputError("unique_tokens of at most n_tokens", given, rows.place(int(row), "unique_tokens"))
    if "weight" in columns and not (columns["weight"] > 0).any():
        raise InputError("a weight above 0 in some row", "none", Place(str(rows.path), key="weight"))
    for name in ("loss", "accuracy", "teacher_loss", "n_items", "loss_se", "accuracy_se"):
        if name in columns and not np.isfinite(columns[name]).any():
            del columns[name]


def _warnings(rows: CompleteRows, header: Sequence[str]) -> list[str]:
    warnings = rows.left_out_text("an empty n_params or n_tokens")
    everything = (*SCALE, *OUTCOMES, *OPTIONAL)
    for name in header:
        if name not in everything and (close := get_close_matches(name, everything, n=1, cutoff=0.8)):
            warnings.append(f"column {name!r} is not read; did you mean {close[0]!r}?")
    return warnings
