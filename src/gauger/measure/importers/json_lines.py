"""Reads JSON Lines: chosen fields of every line at full speed, and the exact line of a fault.

The fast path hands the file to Polars, which is strict but names no line. Whatever it refuses is read once more by
`gauger.store.tables`, line by line: that either names the fault, or accepts what only the fast path cannot hold (NaN,
booleans as scores, a byte order mark).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.store import MARK, json_lines, json_object, parse_json, read_json_lines

Fields = Mapping[str, pl.DataType]

Shorten = Callable[[pl.DataFrame], pl.DataFrame]

WHOLE_BYTES = 256 << 20
"""Files up to this size are read at once: a sixth less processor time than in pieces, for more memory."""
PIECE_BYTES = 16 << 20
_ESCAPED = re.compile(rb"\\u00(?!2[267bBfF]|3[c-eC-E]|5[cC]|60)[2-7][0-9a-fA-F]")
"""A character of ASCII written as its number, but for quotes, <, & and the like, which programs write so: the name of a
field may hide in it."""


def read_fields(path: Path, fields: Fields, shorten: Shorten | None = None) -> pl.DataFrame:
    """Read the named fields of every line; blank lines are passed over, absent fields are NULL.

    Parameters
    ----------
    path : Path
        A file with one JSON object per line, UTF-8.
    fields : mapping of str to pl.DataType
        String, Float64 or List(String) columns. Numbers in a String column become their text.
    shorten : callable, optional
        Applied to every piece of a large file before the next one is read, so that all of them fit into memory.

    Raises
    ------
    InputError
        Naming file and line: truncated or malformed JSON, not UTF-8, not an object, a key that stands twice in
        an object, a value of another type.
    """
    change = shorten or (lambda lines: lines)
    try:
        if path.stat().st_size <= WHOLE_BYTES:
            return change(_read_at_once(path.read_bytes(), fields))
        return pl.concat([change(_read_at_once(piece, fields)) for piece in _pieces(path)])
    except (pl.exceptions.PolarsError, ValueError, RecursionError, OSError):
        return change(_read_slowly(path, fields))


def _read_at_once(lines: bytes, fields: Fields) -> pl.DataFrame:
    """Read lines by Polars, which takes the first of two values; where a line may name a field twice, look."""
    frame = pl.read_ndjson(lines, schema=dict(fields))
    names = b"|".join(re.escape(name.encode()) for name in fields)
    if _n_keys(lines, names) > sum(frame.height - column.null_count() for column in frame) or _ESCAPED.search(lines):
        _refuse_repeated(lines, [re.compile(rb'"%s"\s*:' % re.escape(name.encode())) for name in fields])
    return frame


def _n_keys(lines: bytes, names: bytes) -> int:
    """Count how often any of the names stands as a key: one pass for all of them, in Polars' patterns."""
    text = pl.Series([lines]).cast(pl.String)
    return int(text.str.count_matches(rf'"(?:{names.decode()})"\s*:').item())


def _refuse_repeated(lines: bytes, keys: Sequence[re.Pattern[bytes]]) -> None:
    """Raise RepeatedKeyError where a key stands twice in one object, not only in one line: a nested one may have it."""
    for line in lines.split(b"\n"):
        if any(len(key.findall(line)) > 1 for key in keys) or _ESCAPED.search(line):
            parse_json(line.removeprefix(MARK))


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines, so that no more than one of them is in memory."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece + file.readline()


def chosen_objects(path: Path, rows: Container[int], last: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row, object) of some of the rows of `read_fields`, up to the last; the other lines are not parsed.

    For files that `read_fields` has read already: a fault in a line that is passed over is not seen here.
    """
    for row, (number, raw) in enumerate(json_lines(path)):
        if row in rows:
            yield row, json_object(raw, Place(str(path), number))
        if row >= last:
            return


def first_object(path: Path) -> dict[str, Any]:
    """Return the first line's object; an empty file is an error."""
    for _, value in read_json_lines(path):
        return value
    raise InputError("at least one line of JSON", "an empty file", Place(str(path)))


def line_of_row(path: Path, row: int) -> int:
    """Return the 1-based line that holds a 0-based row of `read_fields`."""
    for number, _ in islice(json_lines(path), row, None):
        return number
    raise IndexError(row)


def _read_slowly(path: Path, fields: Fields) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in fields}
    for number, value in read_json_lines(path):
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
        return _text(value, where)
    if not isinstance(value, list):
        raise InputError("a list", type(value).__name__, where)
    return [_text(entry, where) for entry in value]


def _text(value: Any, where: Place) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON may name half a surrogate pair, which no UTF-8 can hold
        raise InputError("text", f"half a surrogate pair in {ascii(text)[:60]}", where) from None
    return text


def _number(value: Any, where: Place) -> float:
    if not isinstance(value, (bool, int, float)):
        raise InputError("a number", repr(value)[:40], where)
    try:
        return float(value)
    except OverflowError:
        return math.inf
