"""Turns what Polars says of a damaged Parquet file from outside into one message that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gauger.errors import InputError, Place


@contextmanager
def read_as_parquet(path: Path) -> Iterator[None]:
    """Let the block read a Parquet file, whole or in pieces.

    Parameters
    ----------
    path : Path
        As the user named it: what the message says.

    Raises
    ------
    InputError
        In the place of every error of Polars or of the system.
    """
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as fault:
        given = (str(fault).splitlines() or [type(fault).__name__])[0][:120]
        hint = "The file is damaged or of another format."
        raise InputError("a Parquet file", given, Place(str(path)), hint) from None
