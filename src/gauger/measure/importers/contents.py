"""Looks at what a file is by its first bytes, whatever its name ends in, and unpacks what is only wrapped."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place
from gauger.store import NestedError, RepeatedKeyError, parse_json

HEAD_BYTES = 1 << 16
"""How much of a file is looked at before it is known what it is."""
FIRST_LINE_BYTES = 64 << 20
"""A first line longer than this is no line of a log."""
UNPACKED_BYTES = 8 << 30
RATIO = 1_000
"""A gzip file may unpack to this many times its size: real logs stay below a hundred."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class NoLogError(InputError):
    """A sound file that is no evaluation log: passed over in a folder, refused where it was named."""


@dataclass(frozen=True)
class Contents:
    """One file, opened far enough to know what it is."""

    path: Path
    """As the user named it: what messages say."""
    plain: Path
    """Where its unpacked bytes lie: the same file, or a copy that lives as long as the context."""
    start: bytes
    """The first bytes, without a byte order mark."""

    @property
    def is_parquet(self) -> bool:
        """Tell whether these are the first bytes of a Parquet file."""
        return self.start.startswith(b"PAR1")

    @property
    def is_zip(self) -> bool:
        """Tell whether these are the first bytes of a zip archive."""
        return self.start.startswith(b"PK\x03\x04")

    @property
    def is_array(self) -> bool:
        """Tell whether the file is one JSON array."""
        return self.start.lstrip()[:1] == b"["

    @property
    def is_json(self) -> bool:
        """Tell whether the file begins as JSON does."""
        return self.start.lstrip()[:1] in (b"{", b"[")

    @cached_property
    def first(self) -> dict[str, Any] | None:
        """The first object: of a JSON Lines file its first line's, of an array its first element; None if none."""
        if self.is_array:
            head = self.value[0] if isinstance(self.value, list) and self.value else None
            return head if isinstance(head, dict) else None
        if not self.is_json:
            return None
        with self.plain.open("rb") as file:
            line = next((raw for raw in iter(lambda: file.readline(FIRST_LINE_BYTES), b"") if raw.strip()), b"")
        try:
            value = parse_json(line.decode("utf-8-sig"))
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    @cached_property
    def value(self) -> Any:
        """The whole file as one JSON value.

        Raises
        ------
        InputError
            Broken JSON, with its line.
        """
        try:
            return parse_json(self.plain.read_bytes().decode("utf-8-sig"))
        except RepeatedKeyError as fault:
            wanted = "JSON with every key of an object once"
            raise InputError(wanted, str(fault), Place(str(self.path)), "Keep one of them.") from None
        except UnicodeDecodeError as fault:
            byte = f"byte 0x{fault.object[fault.start]:02x}"
            hint = "Convert the file to UTF-8."
            raise InputError("UTF-8 text", byte, Place(str(self.path)), hint) from None
        except json.JSONDecodeError as fault:
            hint = "The file is damaged or truncated: write it again."
            given = f"{fault.msg[0].lower()}{fault.msg[1:]} at column {fault.colno}"
            raise InputError("JSON", given, Place(str(self.path), fault.lineno), hint) from None
        except NestedError:
            raise InputError("JSON", "a value nested too deeply", Place(str(self.path))) from None

    @property
    def document(self) -> Any:
        """The whole file as one JSON value; None where it is something else, or broken."""
        if not self.is_json or (self.first is not None and not self.is_array and self._goes_on):
            return None
        try:
            return self.value
        except InputError:
            return None

    @cached_property
    def _goes_on(self) -> bool:
        """Tell whether something follows the first line."""
        with self.plain.open("rb") as file:
            lines = [raw for raw in iter(lambda: file.readline(FIRST_LINE_BYTES), b"") if raw.strip()][:2]
        return len(lines) > 1


@contextmanager
def opened(path: Path) -> Iterator[Contents]:
    """Look at a file; what gzip packed is unpacked into a copy that is removed at the end.

    Raises
    ------
    InputError
        Not readable, empty, a Git LFS pointer, packed in a way that is not read, or growing without bound.
    """
    if not os.access(path, os.R_OK):
        raise InputError("a file that may be read", "one whose permissions forbid it", Place(str(path)))
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    _refuse_wrapping(path, start)
    if not start.startswith(b"\x1f\x8b"):
        yield Contents(path, path, start.removeprefix(b"\xef\xbb\xbf"))
        return
    with tempfile.TemporaryDirectory(prefix="gauger-") as folder:
        plain = Path(folder) / path.name.removesuffix(".gz")
        _unpack(path, plain)
        with plain.open("rb") as file:
            start = file.read(HEAD_BYTES)
        _refuse_wrapping(path, start)
        yield Contents(path, plain, start.removeprefix(b"\xef\xbb\xbf"))


@contextmanager
def as_lines(contents: Contents) -> Iterator[Path]:
    """Write the elements of a JSON array as lines, so that one reader reads both; faults then name the element.

    Raises
    ------
    InputError
        Broken JSON, or a fault that the reader of the lines found, at the number of its element.
    """
    with tempfile.TemporaryDirectory(prefix="gauger-") as folder:
        lines = Path(folder) / "lines.jsonl"
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(element, ensure_ascii=False) + "\n" for element in contents.value)
        try:
            yield lines
        except InputError as fault:
            if fault.where.line is None:
                raise
            key = " ".join(filter(None, [f"element {fault.where.line}", fault.where.key]))
            raise InputError(fault.wanted, fault.given, Place(str(contents.path), key=key), fault.hint) from None


def _refuse_wrapping(path: Path, start: bytes) -> None:
    where, wanted = Place(str(path)), "an evaluation log"
    if not start.strip():
        hint = "The evaluation wrote nothing, or was not copied whole."
        raise NoLogError(wanted, "an empty file", Place(str(path), 1), hint)
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise InputError(wanted, "a Git LFS pointer, not the file", where, "Fetch it: git lfs pull")
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        raise InputError(wanted, "a file packed by zstandard", where, "Unpack it first: zstd -d FILE")
    if start.startswith((b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf", b"Rar!")):
        raise InputError(wanted, "a packed file", where, "Unpack it first.")
    if start.startswith(_UTF16):
        raise InputError("UTF-8 text", "UTF-16", Place(str(path), 1), "Convert the file to UTF-8.")


def _unpack(path: Path, plain: Path) -> None:
    """Unpack a gzip file piece by piece, under a limit."""
    packed, done = path.stat().st_size, 0
    try:
        with gzip.open(path) as source, plain.open("wb") as target:
            while piece := source.read(1 << 20):
                done += len(piece)
                if done > UNPACKED_BYTES or (done > 64 << 20 and done > RATIO * packed):
                    given = f"more than {done >> 20} MiB from {packed} bytes"
                    hint = "A log of this shape is not read: it may be a bomb."
                    raise InputError(
                        f"a file that unpacks to at most {RATIO} times its size", given, Place(str(path)), hint
                    )
                target.write(piece)
    except (OSError, EOFError, zlib.error) as fault:
        hint = "The file is damaged or truncated: copy it again."
        raise InputError("a gzip file", str(fault), Place(str(path)), hint) from None
