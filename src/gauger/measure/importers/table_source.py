"""Reads any table as text columns or typed ones, with the place of each row: CSV, TSV, semicolons, Parquet, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.contents import Contents, NoLogError
from gauger.measure.importers.csv_file import line_of_csv_row, read_csv
from gauger.measure.importers.json_lines import line_of_row
from gauger.store import read_as_parquet, read_json_lines

SEPARATORS = (",", "\t", ";")
_ENDINGS = (".csv", ".tsv", ".tab")


@dataclass(frozen=True)
class TableSource:
    """A table as it stands in a file."""

    frame: pl.DataFrame
    locate: Callable[[int], Place]
    """Place of a 0-based row."""
    header: Place
    """Place of the column names."""
    benchmark: str | None = None
    """Name of the one benchmark, where the format does not give it a column."""


def is_text_table(contents: Contents, names: Sequence[str]) -> bool:
    """Tell whether a file looks like CSV: by its ending, or by a column name among the wanted ones."""
    if contents.is_json or contents.is_parquet or contents.is_zip or b"\0" in contents.start:
        return False
    if contents.plain.suffix in _ENDINGS:
        return True
    header = contents.start.split(b"\n", 1)[0].decode(errors="replace")
    cells = {cell.strip(' "\r').lower() for cell in header.split(separator(header))}
    return len(cells) > 1 and bool(cells & set(names))


def separator(header: str) -> str:
    """Return what stands between the cells of a header: whatever occurs in it most often."""
    return max(SEPARATORS, key=header.count)


def is_wandb_table(contents: Contents) -> bool:
    """Tell whether a file is a table as W&B saves it: `{"columns": [...], "data": [[...]]}`."""
    value = contents.document
    return isinstance(value, dict) and isinstance(value.get("columns"), list) and isinstance(value.get("data"), list)


def read_source(contents: Contents) -> TableSource:
    """Read a table, whatever its format.

    Raises
    ------
    InputError
        With file and line (row for Parquet and arrays): a broken row, a value of a kind that no cell holds.
    """
    path, plain = contents.path, contents.plain
    if contents.is_parquet:
        return TableSource(
            _parquet(path, plain), lambda row: Place(str(path), key=f"row {row + 1}"), Place(str(path), 1)
        )
    if not contents.is_json:
        mark = separator(contents.start.split(b"\n", 1)[0].decode(errors="replace"))
        frame = read_csv(plain, mark)
        return TableSource(frame, lambda row: Place(str(path), line_of_csv_row(plain, row, mark)), Place(str(path), 1))
    if is_wandb_table(contents):
        return _wandb(contents)
    if contents.is_array:
        rows = contents.value
        return TableSource(_frame(path, rows), lambda row: Place(str(path), key=f"element {row + 1}"), Place(str(path)))
    lines = [line for _, line in read_json_lines(plain)]
    return TableSource(_frame(path, lines), lambda row: Place(str(path), line_of_row(plain, row)), Place(str(path), 1))


def _parquet(path: Path, plain: Path) -> pl.DataFrame:
    with read_as_parquet(path):
        return pl.read_parquet(plain)


def _wandb(contents: Contents) -> TableSource:
    columns, data = contents.value["columns"], contents.value["data"]
    where = Place(str(contents.path))
    for number, row in enumerate(data, start=1):
        if not isinstance(row, list) or len(row) != len(columns):
            raise InputError(f"{len(columns)} values", repr(row)[:40], Place(where.file, key=f"row {number}"))
    rows = [dict(zip(map(str, columns), row, strict=True)) for row in data]
    name = contents.path.name.split(".")[0]
    return TableSource(_frame(contents.path, rows), lambda row: Place(where.file, key=f"row {row + 1}"), where, name)


def _frame(path: Path, rows: Sequence[Any]) -> pl.DataFrame:
    """Return objects as columns: numbers, booleans and text as text, so that one reader checks them all."""
    wrong = next((k for k, row in enumerate(rows) if not isinstance(row, dict)), None)
    if wrong is not None:
        raise NoLogError("a table of objects", f"a JSON {type(rows[wrong]).__name__}", Place(str(path), wrong + 1))
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [_text(row.get(name)) for row in rows] for name in names}
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String()))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
