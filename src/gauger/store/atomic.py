"""Writes files that are wholly there or not there: temporary file beside the target, fsync, rename."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauger.errors import DamagedError, GaugerError
from gauger.store.canonical import document_bytes
from gauger.store.json_text import parse_json

if TYPE_CHECKING:
    import polars as pl


def fsync_path(path: Path) -> None:
    """Force a file or a directory (its names) to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)


def write_with(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file, then put it in the place of `path` in one step.

    A reader sees the old content or the new one, never a part. If `write` raises, `path` is untouched and nothing
    is left behind. Missing parent directories are made.
    """
    temporary = staged(path, write)
    try:
        put_in_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_path(path.parent)
    return path


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a filled temporary file to its target; what goes wrong is reported for the target."""
    try:
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def refuse_folder(path: Path) -> None:
    """Refuse to write a file where a folder stands, before anything is written.

    Raises
    ------
    IsADirectoryError
        Naming it.
    """
    if path.is_dir() and not path.is_symlink():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def staged(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, force it to disk, and return it; on errors nothing is left.

    A full disk is reported for the file that was to be written, not for the temporary one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_umask())
        fsync_path(temporary)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return temporary


def _umask() -> int:
    """Return the file mode mask of this process, which the system only tells while it is being set."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_bytes(path: Path, content: bytes) -> Path:
    """Write bytes in one step."""
    return write_with(path, lambda temporary: temporary.write_bytes(content))


def write_text(path: Path, text: str) -> Path:
    """Write text in one step, as UTF-8 with the newlines it has."""
    return write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: object) -> Path:
    """Write a value as readable JSON in one step; NaN and infinities are refused (`canonical.NotJSONError`)."""
    return write_bytes(path, document_bytes(value))


def read_json(path: Path) -> Any:
    """Read JSON that Gauger wrote.

    Raises
    ------
    DamagedError
        Where the file is not JSON. A missing file is `FileNotFoundError`.
    """
    try:
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise DamagedError(f"{path} is not the JSON that was written there: {error}") from error


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a table that Gauger wrote.

    Raises
    ------
    DamagedError
        Where the file is no Parquet. A missing file is `FileNotFoundError`.
    """
    import polars as pl

    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DamagedError(f"{path} is not the table that was written there: {str(error)[:80]}") from error


def write_parquet(path: Path, frame: pl.DataFrame) -> Path:
    """Write a table in one step; NaN is refused (see `parquet_bytes`)."""
    refuse_nan(path.name, frame)
    return write_with(path, lambda temporary: frame.write_parquet(temporary, compression="zstd"))


def parquet_bytes(name: str, frame: pl.DataFrame) -> bytes:
    """Return a table as the bytes of a Parquet file; `name` is the file's in messages.

    Raises
    ------
    GaugerError
        Where a column holds NaN: undefined is NULL in stored data, and a NaN would be averaged silently.
    """
    import io

    refuse_nan(name, frame)
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()


def refuse_nan(name: str, frame: pl.DataFrame) -> None:
    """Refuse a table in which a column holds NaN; `name` is the file's in messages."""
    import polars.selectors as cs

    floats = frame.select(cs.float())
    spoiled = [column for column in floats.columns if floats[column].is_nan().any()]
    if spoiled:
        raise GaugerError(f"{name}: NaN in column {', '.join(spoiled)}; undefined is NULL in stored data")
