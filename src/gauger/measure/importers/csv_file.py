"""CSV as text columns, and the exact line of a fault: Polars reads, the standard library finds what Polars refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from gauger.errors import InputError, Place

_BROKEN = "The line is broken or the file truncated: repair it, or delete the line."


def read_csv(path: Path) -> pl.DataFrame:
    """Read every column as text; an empty field is NULL.

    Raises
    ------
    InputError
        Naming file and line: not UTF-8, a row with more or fewer fields than the header, a quote that never closes, a
        column named twice, an empty file.
    """
    try:
        table = pl.read_csv(path, infer_schema=False, null_values=[""])
    except (pl.exceptions.PolarsError, OSError) as fault:
        _check_rows(path)
        raise InputError("a CSV file", str(fault).splitlines()[0][:120], Place(str(path))) from None
    _check_header(path)
    # Polars fills a row that breaks off with NULL: where the last column has one, the fields are counted again.
    if table.is_empty() or table[table.columns[-1]].null_count():
        _check_rows(path)
    return _without_blank_end(table)


def _without_blank_end(table: pl.DataFrame) -> pl.DataFrame:
    """Drop the rows that blank lines at the end of the file became."""
    filled = table.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return table.head(int(filled[-1]) + 1 if len(filled) else 0)


def line_of_csv_row(path: Path, row: int) -> int:
    """Return the 1-based line on which a 0-based row of `read_csv` begins."""
    last_line = 0
    for number, (line, fields) in enumerate(_rows(path), start=-1):
        if number == row:
            return last_line + 1 if len(fields) else line
        last_line = line
    raise IndexError(row)


def _check_header(path: Path) -> list[str]:
    """Return the column names; raise where there are none or one stands twice."""
    _, header = next(_rows(path), (1, []))
    if not header:
        raise InputError("a header line with column names", "an empty file", Place(str(path), 1))
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError("each column once", f"{twice[0]!r} twice", Place(str(path), 1))
    return header


def _check_rows(path: Path) -> None:
    """Raise on the first row that does not fit the header."""
    header = _check_header(path)
    for line, fields in _rows(path):
        if len(fields) != len(header):
            given = f"{len(fields)}" if fields else "an empty line"
            raise InputError(f"{len(header)} fields as in the header", given, Place(str(path), line), _BROKEN)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which the row ends, fields); blank lines at the end are passed over."""
    reader = csv.reader(_lines(path), strict=True)
    pending: list[tuple[int, list[str]]] = []
    try:
        for fields in reader:
            pending.append((reader.line_num, fields))
            if fields:
                yield from pending
                pending.clear()
    except csv.Error as fault:
        raise InputError("a CSV row", str(fault), Place(str(path), reader.line_num), _BROKEN) from None


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as fault:
                byte = f"byte 0x{raw[fault.start]:02x} at position {fault.start + 1}"
                hint = "Save the file as UTF-8."
                raise InputError("UTF-8 text", byte, Place(str(path), number), hint) from None
