"""Reads CSV as text columns, and finds the line of a row: Polars where it cannot differ from the project's reader."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import polars as pl

from gauger.store import tables


def read_csv(path: Path, separator: str | None = None) -> pl.DataFrame:
    """Read every column as text; an empty field is NULL, an empty line no row.

    Parameters
    ----------
    path : Path
    separator : str, optional
        What stands between two cells; None: as the ending of the file's name says.

    Raises
    ------
    InputError
        Naming file and line, see `gauger.store.tables`.
    """
    table = tables.read_csv(path, separator=separator)
    quick = _read_quickly(path, table.header, separator or tables.separator_of(path))
    if quick is not None:
        return quick
    rows = [[cell or None for cell in cells] for _, cells in table.rows]
    return pl.DataFrame(rows, schema=dict.fromkeys(table.header, pl.String), orient="row")


def line_of_csv_row(path: Path, row: int, separator: str | None = None) -> int:
    """Return the 1-based line on which a 0-based row of `read_csv` begins."""
    for line, _ in islice(tables.read_csv(path, separator=separator).rows, row, None):
        return line
    raise IndexError(row)


def _read_quickly(path: Path, header: tuple[str, ...], separator: str) -> pl.DataFrame | None:
    """Read a file by Polars (ten times as fast), or return None where it might read another table than `tables` does.

    Quotes, NULs and single carriage returns are where the two readers differ. A row that breaks off and a blank line
    are NULL in the last column.
    """
    content = path.read_bytes()
    if b'"' in content or b"\0" in content or content.count(b"\r") != content.count(b"\r\n"):
        return None
    if not content.endswith(b"\n"):
        content += b"\n"  # without it Polars passes over an empty cell too many at the end of the file
    try:
        table = pl.read_csv(content, separator=separator, quote_char=None, infer_schema=False, null_values=[""])
    except pl.exceptions.PolarsError:
        return None
    if table.width != len(header) or table[table.columns[-1]].null_count():
        return None
    return table.rename(dict(zip(table.columns, header, strict=True)))
