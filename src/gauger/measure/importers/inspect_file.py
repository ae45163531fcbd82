"""Opens Inspect logs, `.eval` archives and `.json` files, without Inspect: one header, and samples one after another.

Each member of an archive is unpacked once, under a limit, and checked against its checksum while it is; sizes in the
directory of a stranger's archive are claims.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place
from gauger.measure.importers.archive import ArchiveLimits, Unpacked, unpacked_archive
from gauger.store import NestedError, RepeatedKeyError, parse_json

_SAMPLE = re.compile(r"samples/.+\.json")
_HEADERS = ("header.json", "_journal/start.json")
_DAMAGED = "The file is damaged, truncated or of another program: write it again."
ZSTANDARD = 93
"""Zip's number of the compression that newer versions of Inspect use."""


@dataclass(frozen=True)
class InspectFile:
    """One opened log."""

    header: Mapping[str, Any]
    """All of the log but its samples."""
    samples: Iterator[tuple[str, Mapping[str, Any]]]
    """(where it stands, sample), each read as it is asked for."""


@contextmanager
def open_inspect(path: Path, limits: ArchiveLimits | None = None) -> Iterator[InspectFile]:
    """Open a log of either format.

    Raises
    ------
    InputError
        Damaged, truncated, too large once unpacked, nested too deeply, or no Inspect log.
        Or samples packed by zstandard, and it is no longer installed.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04" or path.suffix == ".eval":
        with unpacked_archive(path, limits, _codec_errors(path)) as archive:
            yield InspectFile(_archive_header(path, archive), _archive_samples(path, archive))
        return
    value = _parsed(path, path.read_bytes(), "")
    samples = value.get("samples") or []
    if not isinstance(samples, list):
        raise InputError("an Inspect log", f"samples of type {type(samples).__name__}", Place(str(path)), _DAMAGED)
    yield InspectFile(_checked(path, value), _listed(path, samples))


def _codec_errors(path: Path) -> tuple[type[Exception], ...]:
    """Make zipfile read zstandard where the archive needs it; return what that raises on damaged bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            packed = any(member.compress_type == ZSTANDARD for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return ()
    if not packed:
        return ()
    try:
        import zipfile_zstd  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
        import zstandard
    except ImportError:
        hint = "Gauger installs both; put them back with: pip install zipfile-zstd"
        raise InputError("the packages zipfile-zstd and zstandard", "none", Place(str(path)), hint) from None
    return (zstandard.ZstdError,)


def _archive_header(path: Path, archive: Unpacked) -> Mapping[str, Any]:
    name = next((header for header in _HEADERS if header in archive.names), None)
    if name is None:
        held = ", ".join(archive.names[:3]) or "nothing"
        raise InputError("an Inspect log", f"an archive of {held}", Place(str(path)), _DAMAGED)
    return _checked(path, _parsed(path, archive.read(name), name))


def _archive_samples(path: Path, archive: Unpacked) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for position, name in enumerate(archive.names):
        content = archive.read_at(position)  # what is no sample is unpacked too: a damaged name must not hide one
        if _SAMPLE.fullmatch(name):
            yield name, _parsed(path, content, name)


def _listed(path: Path, samples: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, sample in enumerate(samples, start=1):
        if not isinstance(sample, dict):
            given = f"{type(sample).__name__} as sample {number}"
            raise InputError("an Inspect log", given, Place(str(path)), _DAMAGED)
        yield f"sample {number}", sample


def _parsed(path: Path, content: bytes, member: str) -> dict[str, Any]:
    """Parse one JSON object; a member of an archive is named in the place."""
    line = None
    try:
        value = parse_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        given = "bytes that are not UTF-8"
    except json.JSONDecodeError as fault:
        given, line = f"{fault.msg[0].lower()}{fault.msg[1:]} at column {fault.colno}", fault.lineno
    except NestedError:
        given = "a value nested too deeply"
    except RepeatedKeyError as fault:
        given = str(fault)
    else:
        if isinstance(value, dict):
            return value
        given = f"a JSON {type(value).__name__}"
    raise InputError("an Inspect log", given, Place(str(path), None if member else line, member or None), _DAMAGED)


def _checked(path: Path, header: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse JSON of another program."""
    spec = header.get("eval")
    if not isinstance(spec, dict) or not isinstance(spec.get("task"), str):
        keys = ", ".join(list(header)[:5]) or "nothing"
        raise InputError("an Inspect log", f"an object with {keys}", Place(str(path)), _DAMAGED)
    return header
