"""Opens DuckDB views over the Parquet files of a run directory: ask any question of a run in SQL.

>>> from gauger.store.views import connect                                                    # doctest: +SKIP
>>> connect("runs/quickstart").sql("SELECT arm, avg(score) FROM records GROUP BY arm").pl()   # doctest: +SKIP
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import InputError, Place
from gauger.store.directory import RunDirectory

if TYPE_CHECKING:
    import duckdb


def connect(directory: str | Path) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database with the views `records`, `ledger` and `corpora` of a run, as far as they exist.

    Nothing is copied; the files are read when a view is asked. The connection loads no extensions from anywhere. What
    was asked for an arm is `ledger JOIN corpora USING (corpus)`.

    Raises
    ------
    InputError
        Where the directory holds neither table.
    """
    run = RunDirectory(Path(directory))
    tables = {"records": run.records, "ledger": run.ledger, "corpora": run.corpora}
    present = {name: path for name, path in tables.items() if path.is_file()}
    if not present:
        raise InputError("a run directory with records or a ledger", "neither", Place(str(directory)))
    return open_tables(present)


def open_tables(files: Mapping[str, Path]) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database with one view per Parquet file, by name."""
    import duckdb

    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "1"}
    )
    for name, path in files.items():
        connection.read_parquet(_without_wildcards(path)).create_view(name)
    return connection


def _without_wildcards(path: Path) -> str:
    """Spell a path such that DuckDB takes it for one file, whatever characters its name has."""
    return re.sub(r"[\[*?]", lambda match: f"[{match[0]}]", str(path.absolute()))
