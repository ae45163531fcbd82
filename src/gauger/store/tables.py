r"""Reads CSV (and TSV) and JSON Lines: the project's only reader of both, so that one file never has two meanings.

1. Text is UTF-8, with or without a byte order mark.
2. A line of CSV ends with \n, \r\n or \r, a line of JSON Lines with \n alone (a \r before it is white space). Other
   characters that Unicode calls line breaks (U+0085, U+2028, ...) are text, and a quoted cell may hold line ends.
3. Empty lines are skipped but counted. A line number is 1-based and names the line on which a row begins.
4. A row of CSV has as many cells as the header, names of columns differ, quotes close. Cells are kept as they stand;
   names of columns lose the white space around them.
5. A line of JSON Lines is one object. Of a key that stands twice the last value counts, as in Python's `json`.

Everything else is an `InputError` with file and line. Time is linear in the size of a file; JSON Lines are streamed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place
from gauger.store.json_text import NestedError, RepeatedKeyError, parse_json

CSV_FILE, JSON_LINES_FILE = "a CSV file", "a file of JSON Lines"
MARK = b"\xef\xbb\xbf"
"""The byte order mark in UTF-8."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE = "Save the file in UTF-8."
_BROKEN = "The line is broken or the file truncated: repair it, or delete the line."
_TWICE = "Keep one of them: programs differ in which they take."
_RAGGED = "A separator inside a cell needs quotes; where the file breaks off, copy it again."

# The csv module refuses cells above 128 KiB unless told otherwise; an answer of a model may well be longer.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class CsvTable:
    """A table whose header is read and whose rows are read once, as they are asked for."""

    source: str
    """The file's name in messages."""
    header: tuple[str, ...]
    """Names of the columns, all different."""
    header_line: int
    rows: Iterator[tuple[int, list[str]]]
    """(line on which the row begins, its cells: one per column)."""

    def place(self, line: int | None = None, column: str | None = None) -> Place:
        """Say where something stands."""
        return Place(self.source, line, column)


def read_csv(path: Path, wanted: str = CSV_FILE, separator: str | None = None) -> CsvTable:
    """Open a table; files ending in ``.tsv`` are separated by tabs, all others by commas.

    Parameters
    ----------
    path : Path
        The file.
    wanted : str
        What the file should be, for the message where it cannot be opened.
    separator : str, optional
        What stands between two cells, where the ending does not say it.

    Raises
    ------
    InputError
        Here for a file that cannot be read, is empty or names a column twice; with the rows for a row of another
        length, a quote that never closes, bytes that are not UTF-8, a NUL.
    """
    source = str(path)
    # The whole file: a caller may leave the table half read, and an open file would then stay open.
    return _table(_csv_lines(_text_lines(_whole(path, wanted), source)), source, separator or separator_of(path))


def separator_of(path: Path) -> str:
    """Return what stands between two cells of a file."""
    return "\t" if path.suffix == ".tsv" else ","


def parse_csv(text: str, source: str) -> CsvTable:
    """Read a table from its text; `source` is its name in messages. See `read_csv` for what is raised."""
    return _table(io.StringIO(text.removeprefix("\ufeff"), newline=""), source, ",")


def csv_text(rows: Iterable[Iterable[str]], end: str = "\n") -> str:
    r"""Write rows as CSV that this reader reads back; `end` ends a row.

    Python's writer, before 3.13, quotes a cell with \r only where rows end in one: so rows are written with both ends.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    lines = []
    for row in rows:
        out.seek(0)
        out.truncate()
        writer.writerow(row)
        lines.append(out.getvalue().removesuffix("\r\n") + end)
    return "".join(lines)


def read_json_lines(path: Path, wanted: str = JSON_LINES_FILE) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) of every line that is not blank.

    Raises
    ------
    InputError
        A file that cannot be read; a line that is not UTF-8, not JSON, nested too deeply, not an object, or one in
        which a key stands twice.
    """
    for number, raw in json_lines(path, wanted):
        yield number, json_object(raw, Place(str(path), number))


def json_lines(path: Path, wanted: str = JSON_LINES_FILE) -> Iterator[tuple[int, bytes]]:
    """Yield (line, bytes without a byte order mark) of every line that is not blank."""
    for number, raw in enumerate(_raw_lines(path, wanted), start=1):
        if raw.strip():
            yield number, raw


def json_object(raw: bytes, where: Place) -> dict[str, Any]:
    """Return the object of one line, or say what the line is instead (as `read_json_lines`)."""
    text = _decoded(raw, str(where.file), where.line or 1)
    try:
        value = parse_json(text)
    except RepeatedKeyError as fault:
        raise InputError("a JSON object with every key once", str(fault), where, _TWICE) from None
    except json.JSONDecodeError as fault:
        raise InputError("a JSON object", *_broken_json(raw, fault, where)) from None
    except NestedError:
        raise InputError("a JSON object", "one nested too deeply", where) from None
    except ValueError:  # more digits than Python turns into a whole number
        raise InputError("a JSON object", "a number with too many digits", where) from None
    if not isinstance(value, dict):
        raise InputError("a JSON object", f"a JSON {type(value).__name__}", where)
    return value


def read_text(path: Path, wanted: str = CSV_FILE) -> str:
    """Return the whole text of a table, line ends as they stand."""
    return "".join(_text_lines(_whole(path, wanted), str(path)))


def _whole(path: Path, wanted: str) -> bytes:
    with _readable(path, wanted):
        content = path.read_bytes()
    return content.removeprefix(MARK)


def _raw_lines(path: Path, wanted: str) -> Iterator[bytes]:
    r"""Yield what stands between one \n and the next, without a byte order mark at the start of the file."""
    with _readable(path, wanted), path.open("rb") as file:
        yield file.readline().removeprefix(MARK)
        yield from file


@contextmanager
def _readable(path: Path, wanted: str) -> Iterator[None]:
    """Turn the system's refusals into the user's mistakes."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(wanted, "no such file", Place(str(path))) from None
    except IsADirectoryError:
        raise InputError(wanted, "a folder", Place(str(path))) from None
    except OSError as error:
        raise InputError(f"{wanted} that can be read", str(error.strerror), Place(str(path))) from None


def _text_lines(content: bytes, source: str) -> Iterator[str]:
    for number, raw in enumerate(io.BytesIO(content), start=1):
        yield _decoded(raw, source, number)


def _decoded(raw: bytes, source: str, number: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as fault:
        byte = f"byte 0x{raw[fault.start]:02x} at position {fault.start + 1}"
        given = "UTF-16" if raw.startswith(_UTF16) else byte
        raise InputError("UTF-8 text", given, Place(source, number), _SAVE) from None


def _csv_lines(lines: Iterable[str]) -> Iterator[str]:
    r"""Divide lines at each \r that stands alone, as the csv module wants them."""
    for line in lines:
        if line.count("\r") > line.endswith("\r\n"):
            yield from io.StringIO(line, newline="")
        else:
            yield line


def _table(lines: Iterable[str], source: str, delimiter: str) -> CsvTable:
    rows = _csv_rows(lines, source, delimiter)
    line, cells = next((row for row in rows if not _is_blank(row[1])), (1, []))
    if not cells:
        raise InputError("a table with a header line", "an empty file", Place(source, 1))
    header = tuple(name.strip() for name in cells)
    seen: set[str] = set()
    for name in header:
        if name in seen:
            raise InputError("one column of each name", f"{name!r} twice", Place(source, line))
        seen.add(name)
    return CsvTable(source, header, line, _whole_rows(rows, source, len(header)))


def _csv_rows(lines: Iterable[str], source: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it begins, cells) of every row; an empty line is a row without cells."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any("\0" in cell for cell in cells):
                raise InputError("text", "a NUL byte", Place(source, line), _SAVE)
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as fault:
        raise InputError("a CSV row", str(fault), Place(source, line), _BROKEN) from None


def _whole_rows(rows: Iterable[tuple[int, list[str]]], source: str, n_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Pass on the rows that are not blank; refuse one with more or fewer cells than the header."""
    for line, cells in rows:
        if len(cells) == n_columns:
            yield line, cells
        elif not _is_blank(cells):
            wanted = f"{n_columns} cells, as in the header"
            raise InputError(wanted, str(len(cells)), Place(source, line), _RAGGED)


def _is_blank(cells: list[str]) -> bool:
    return not cells or (len(cells) == 1 and not cells[0].strip())


def _broken_json(raw: bytes, fault: json.JSONDecodeError, where: Place) -> tuple[str, Place, str]:
    """Return what was given, where, and what to do; a last line without its end was probably cut off."""
    given = f"{fault.msg[0].lower()}{fault.msg[1:]} at column {fault.colno}"
    if raw.endswith(b"\n"):
        return given, where, "Repair the line, or delete it."
    given = f"a line that breaks off after {len(raw)} bytes ({given})"
    return given, where, "The file is truncated: copy it again, or delete its last line."
