"""JSON Lines: chosen fields of every line at full speed, and the exact line of a fault.

The fast path hands the file to Polars, which is strict but names no line. Whatever it refuses is read once more by the
standard library, line by line: that either names the fault, or accepts what only the fast path cannot hold (NaN,
booleans as scores, a byte order mark).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place

Fields = Mapping[str, pl.DataType]

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_fields(path: Path, fields: Fields) -> pl.DataFrame:
    """Read the named fields of every line; blank lines are passed over, absent fields are NULL.

    Parameters
    ----------
    path : Path
        A file with one JSON object per line, UTF-8.
    fields : mapping of str to pl.DataType
        String, Float64 or List(String) columns. Numbers in a String column become their text.

    Raises
    ------
    InputError
        Naming file and line: truncated or malformed JSON, not UTF-8, not an object, a value of another type.
    """
    try:
        return pl.scan_ndjson(path, schema=dict(fields)).collect()
    except (pl.exceptions.PolarsError, OSError):
        return _read_slowly(path, fields)


def first_object(path: Path) -> dict[str, Any]:
    """Return the first line's object; an empty file is an error."""
    for _, value in objects(path):
        return value
    raise InputError("at least one line of JSON", "an empty file", Place(str(path)))


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (1-based line, object) of every line that is not blank."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.strip():
                yield number, _object(line, Place(str(path), number))


def line_of_row(path: Path, row: int) -> int:
    """Return the 1-based line that holds a 0-based row of `read_fields`."""
    with path.open("rb") as file:
        seen = -1
        for number, raw in enumerate(file, start=1):
            seen += bool(raw.strip())
            if seen == row:
                return number
    raise IndexError(row)


def _object(line: bytes, where: Place) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(line, where))
    except json.JSONDecodeError as fault:
        raise InputError("a JSON object", _fault(line, fault), where, _hint(line)) from None
    except RecursionError:
        raise InputError("a JSON object", "one nested too deeply", where) from None
    if not isinstance(value, dict):
        raise InputError("a JSON object", f"a JSON {type(value).__name__}", where)
    return value


def _decoded(line: bytes, where: Place) -> str:
    if line.startswith(_UTF16):
        raise InputError("UTF-8 text", "UTF-16", where, "Convert the file to UTF-8.")
    try:
        return line.decode()
    except UnicodeDecodeError as fault:
        byte = f"byte 0x{line[fault.start]:02x} at position {fault.start + 1}"
        raise InputError("UTF-8 text", byte, where, "Convert the file to UTF-8.") from None


def _fault(line: bytes, fault: json.JSONDecodeError) -> str:
    if not line.endswith(b"\n"):
        return f"a line that breaks off after {len(line)} bytes"
    return f"{fault.msg[0].lower()}{fault.msg[1:]} at column {fault.colno}"


def _hint(line: bytes) -> str:
    if not line.endswith(b"\n"):
        return "The log is truncated: copy it again, or delete its last line to compare what is left."
    return "Delete the line to compare what is left."


def _read_slowly(path: Path, fields: Fields) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in fields}
    for number, value in objects(path):
        for name, kind in fields.items():
            columns[name].append(_as(kind, value.get(name), Place(str(path), number, name)))
    return pl.DataFrame(columns, schema=dict(fields))


def _as(kind: pl.DataType, value: Any, where: Place) -> Any:
    """Return a value as the column holds it, or say what stands there instead."""
    if value is None:
        return None
    if kind == pl.Float64():
        return _number(value, where)
    if kind == pl.String():
        return value if isinstance(value, str) else json.dumps(value)
    if not isinstance(value, list):
        raise InputError("a list", type(value).__name__, where)
    return [entry if isinstance(entry, str) else json.dumps(entry) for entry in value]


def _number(value: Any, where: Place) -> float:
    if not isinstance(value, (bool, int, float)):
        raise InputError("a number", repr(value)[:40], where)
    try:
        return float(value)
    except OverflowError:
        return math.inf
