"""Writes and reads Parquet tables that need not fit into memory: rows come and go in pieces.

A table is one file, whose row groups have `GROUP_ROWS` rows each. Whoever writes more than that has the groups kept as
temporary files beside the target until the last row has come; so several tables can be filled in one pass over what
they are made of, and nothing is there before all of it is.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gauger.store.atomic import refuse_nan, write_with

if TYPE_CHECKING:
    import polars as pl

GROUP_ROWS = 2**16
"""Rows of a row group, and of a piece that is read."""
Schema = Mapping[str, "pl.DataType | type[pl.DataType]"]
"""Column -> type."""


class TableStream:
    """Takes the rows of one table as they come, and writes it when all have come.

    Used as a context: on leaving it, what was kept beside the target is removed. A table of at most `GROUP_ROWS` rows
    never leaves memory, and has the bytes that `write_parquet` gives it.

    Parameters
    ----------
    path : Path
        Where the table is going to stand; its folder is made.
    schema : mapping
        Column -> type; what is added has these columns in this order.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path, self.schema = path, schema
        self._held: list[pl.DataFrame] = []
        self._n_held = 0
        self._groups: list[Path] = []
        self._folder: Path | None = None

    def __enter__(self) -> TableStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Take some more rows.

        Raises
        ------
        GaugerError
            Where a column holds NaN (see `parquet_bytes`).
        """
        refuse_nan(self.path.name, rows)
        self._held.append(rows.select(*self.schema))
        self._n_held += len(rows)
        if self._n_held > GROUP_ROWS:
            held = self._together()
            whole = len(held) // GROUP_ROWS * GROUP_ROWS
            for start in range(0, whole, GROUP_ROWS):
                self._keep(held.slice(start, GROUP_ROWS))
            self._held, self._n_held = [held.slice(whole)], len(held) - whole

    def save(self, path: Path) -> None:
        """Write the table with all rows so far to a file; `store.staged` and `write_together` call it."""
        import polars as pl

        if not self._groups:
            self._together().write_parquet(path, compression="zstd")
            return
        if self._n_held:
            self._keep(self._together())
            self._held, self._n_held = [], 0
        pl.scan_ipc(self._groups).sink_parquet(path, compression="zstd", row_group_size=GROUP_ROWS)

    def _together(self) -> pl.DataFrame:
        import polars as pl

        return pl.concat([pl.DataFrame(schema=self.schema), *self._held], rechunk=True)

    def _keep(self, group: pl.DataFrame) -> None:
        if self._folder is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", suffix=".tmp", dir=self.path.parent))
        place = self._folder / f"{len(self._groups):06d}.arrow"
        group.write_ipc(place, compression="lz4")
        self._groups.append(place)


def write_pieces(path: Path, pieces: Iterable[pl.DataFrame]) -> Path:
    """Write a table of at least one piece in one step; all pieces have the columns of the first."""
    coming = iter(pieces)
    first = next(coming)
    with TableStream(path, first.schema) as table:
        table.add(first)
        for piece in coming:
            table.add(piece)
        return write_with(path, table.save)


def parquet_pieces(path: Path, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table in their order, `GROUP_ROWS` at a time; of an empty table, one piece without rows.

    Parameters
    ----------
    path : Path
        A Parquet file.
    columns : sequence of str, optional
        Those that are read; None: all.
    """
    import polars as pl

    table, start = pl.scan_parquet(path), 0
    if columns is not None:
        table = table.select(columns)
    while True:
        piece = table.slice(start, GROUP_ROWS).collect()
        if start == 0 or len(piece):
            yield piece
        if len(piece) < GROUP_ROWS:  # the last one: most tables have no other, and are not opened twice
            return
        start += GROUP_ROWS


def holds_rows(path: Path, pieces: Iterable[pl.DataFrame]) -> bool:
    """Tell whether a table holds the rows of some pieces, in their order and with their columns and types."""
    import polars as pl

    stored, at = parquet_pieces(path), 0
    held = next(stored)
    for piece in pieces:
        if piece.schema != held.schema:
            return False
        start = 0
        while start < len(piece):
            if at == len(held):
                held, at = next(stored, pl.DataFrame(schema=held.schema)), 0
                if held.is_empty():
                    return False
            n_rows = min(len(held) - at, len(piece) - start)
            if not held.slice(at, n_rows).equals(piece.slice(start, n_rows)):
                return False
            start, at = start + n_rows, at + n_rows
    return at == len(held) and next(stored, None) is None
