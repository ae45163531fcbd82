"""Reading the table of ``gauger meta``: any CSV, its mistakes named by file and line."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gauger.errors import InputError, Place, nearest

EMPTY = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""Cells (in lower case) that hold no value."""


@dataclass(frozen=True)
class Rows:
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

    def is_numeric(self, column: str) -> bool:
        """Tell whether every cell of a column is a number: it then enters as one slope, else as categories."""
        return all(_is_number(cell) for cell in self.columns[column])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_rows(path: Path, wanted: Sequence[str], may_be_empty: Sequence[str] = ()) -> Rows:
    """Read columns; rows with an empty cell in a wanted one are left out, and their lines kept."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("a CSV file", "no such file", Place(str(path))) from None
    except IsADirectoryError:
        raise InputError("a CSV file", "a folder", Place(str(path))) from None
    except UnicodeDecodeError:
        raise InputError("a CSV file in UTF-8", "other bytes", Place(str(path))) from None
    reader = csv.reader(text.splitlines(keepends=True), delimiter="\t" if path.suffix == ".tsv" else ",")
    header = [name.strip() for name in next(reader, [])]
    index = {column: _find(column, header, path) for column in dict.fromkeys([*wanted, *may_be_empty])}
    columns: dict[str, list[str]] = {column: [] for column in index}
    lines, left_out = [], []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(
                f"{len(header)} cells, as in the header", str(len(cells)), Place(str(path), reader.line_num)
            )
        values = {column: cells[at].strip() for column, at in index.items()}
        if any(values[column].lower() in EMPTY for column in wanted):
            left_out.append(reader.line_num)
            continue
        lines.append(reader.line_num)
        for column, value in values.items():
            columns[column].append("" if value.lower() in EMPTY else value)
    return Rows(path, columns, lines, left_out)


def _find(column: str, header: Sequence[str], path: Path) -> int:
    if not header:
        raise InputError("a table with a header line", "an empty file", Place(str(path)))
    if column not in header:
        raise InputError("a column of the table", repr(column), Place(str(path), 1), hint=nearest(column, header))
    if header.count(column) > 1:
        raise InputError("one column of each name", f"{column!r} {header.count(column)} times", Place(str(path), 1))
    return header.index(column)
