"""Reads corpora of any size: pieces of files that several processes can read side by side, and the texts in each.

1. Formats: JSON Lines (also packed by gzip), JSON arrays, Parquet, plain text; told by what a file holds.
2. Of a folder `corpus_folders` says which files are read, and which are left out.
3. A text is every string of a record, joined; of plain text, stretches of some 64 KiB. Texts that are longer are cut
   where a word ends, and the parts overlap, so that nothing hides on a cut.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from gauger.audit.corpus_folders import CorpusFolder, files_of_folder, told_of
from gauger.errors import InputError, Place
from gauger.store import read_as_parquet

JSON_LINES, PARQUET, TEXT, ARRAY = "JSON Lines", "Parquet", "text", "JSON array"
SHARD_BYTES = 8 << 20
_ROWS = 20_000
_TEXT_BYTES = 64 << 10
_PART, _OVERLAP = 200_000, 4_000
"""Characters of a part of a long text, and of what two parts share."""
_OF_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Binary)
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Shard:
    """A piece of a file: bytes from `start` to `stop`, of Parquet rows."""

    source: str
    """What the user calls the corpus."""
    path: str
    kind: str
    start: int
    stop: int
    packed: bool = False

    @property
    def n_bytes(self) -> int:
        """How much there is to read, in bytes of the file; of Parquet unknown and 0."""
        return 0 if self.kind == PARQUET else self.stop - self.start


@dataclass(frozen=True)
class CorpusText:
    """One text of a corpus, or a part of a long one."""

    row: int
    """0-based number of the record within its shard."""
    text: str


def shards_of(source: str, path: Path, left_out: list[str] | None = None) -> list[Shard]:
    """Divide a corpus into pieces.

    Parameters
    ----------
    source : str
        What the user calls the corpus.
    path : Path
        A file or a folder.
    left_out : list of str, optional
        Is told what of a folder is not read.

    Raises
    ------
    InputError
        Nothing there, an empty folder, or a file of no kind that is read.
    """
    if not path.exists():
        raise InputError("a corpus", "no such file or folder", Place(str(path)))
    folder = files_of_folder(path) if path.is_dir() else CorpusFolder((path,))
    if left_out is not None and folder.left_out:
        left_out.append(told_of(path, folder.left_out))
    return [shard for file in folder.files for shard in _file_shards(source, file)]


def _file_shards(source: str, path: Path) -> list[Shard]:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(_GZIP):
        with gzip.open(path) as packed:
            kind = _kind(packed.read(4096), path)
        if kind == PARQUET:
            raise InputError("a corpus", "Parquet packed by gzip", Place(str(path)), "Unpack it first.")
        return [Shard(source, str(path), kind, 0, size, packed=True)]
    kind = _kind(start, path)
    if kind == ARRAY:
        return [Shard(source, str(path), kind, 0, size)]
    stop, step = (_parquet_rows(path), _ROWS) if kind == PARQUET else (size, SHARD_BYTES)
    return [Shard(source, str(path), kind, a, min(a + step, stop)) for a in range(0, stop, step)]


def _kind(start: bytes, path: Path) -> str:
    if start.startswith(b"PAR1"):
        return PARQUET
    bare = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare[:1] == b"{":
        return ARRAY if bare.splitlines()[0].strip() == b"{" else JSON_LINES  # one object over several lines
    if bare[:1] == b"[" and bare[1:].lstrip()[:1] in (b"{", b'"', b"]"):
        return ARRAY
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise InputError("a corpus", "a Git LFS pointer, not the file", Place(str(path)), "Fetch it: git lfs pull")
    if b"\0" in start or start.startswith((b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh")):
        hint = "Read are JSON Lines, Parquet, text, and JSON Lines or text packed by gzip; unpack others first."
        raise InputError("a corpus", "bytes of another kind", Place(str(path)), hint)
    return TEXT


def _parquet_rows(path: Path) -> int:
    with read_as_parquet(path):
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def texts_in(shard: Shard) -> Iterator[CorpusText]:
    """Yield the texts of a piece, long ones in parts.

    Raises
    ------
    InputError
        A line that is not JSON, with its number; bytes that are not UTF-8 are replaced.
    """
    for row, text in enumerate(_TEXTS[shard.kind](shard)):
        if len(text) <= _PART:
            yield CorpusText(row, text)
        else:
            yield from (CorpusText(row, part) for part in _parts(text))


def _parts(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        stop = start + _PART
        if stop < len(text):
            space = text.rfind(" ", stop - _OVERLAP // 2, stop)
            stop = space if space > 0 else stop
        yield text[start:stop]
        if stop >= len(text):
            return
        start = stop - _OVERLAP


def _lines(shard: Shard) -> Iterator[bytes]:
    """Yield the lines that begin within a piece."""
    with _opened(shard) as file:
        at = shard.start
        if at:
            file.seek(at - 1)
            at += len(file.readline()) - 1
        while shard.packed or at < shard.stop:
            line = file.readline()
            if not line:
                return
            at += len(line)
            yield line


def _opened(shard: Shard) -> BinaryIO:
    return gzip.open(shard.path) if shard.packed else Path(shard.path).open("rb")  # type: ignore[return-value]


def _json_lines(shard: Shard) -> Iterator[str]:
    for line in _lines(shard):
        if not line.strip():
            yield ""
            continue
        try:
            yield strings_in(json.loads(line.decode("utf-8-sig", "replace")))
        except (ValueError, RecursionError) as fault:
            raise _broken(shard, line, fault) from None


def _broken(shard: Shard, line: bytes, fault: Exception) -> InputError:
    number = None
    if not shard.packed:
        whole = Path(shard.path).read_bytes()
        number = whole.count(b"\n", 0, max(whole.find(line, shard.start), 0)) + 1
    given = str(fault) if isinstance(fault, ValueError) else "one nested too deeply"
    return InputError("a line of JSON", given, Place(shard.path, number), "Repair the line, or delete it.")


def _array(shard: Shard) -> Iterator[str]:
    with _opened(shard) as file:
        try:
            values = json.loads(file.read().decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError) as fault:
            raise InputError("a JSON array or object", str(fault)[:80], Place(shard.path)) from None
    yield from (strings_in(value) for value in (values if isinstance(values, list) else [values]))


def _parquet(shard: Shard) -> Iterator[str]:
    frame = pl.scan_parquet(shard.path).slice(shard.start, shard.stop - shard.start)
    with read_as_parquet(Path(shard.path)):
        schema = frame.collect_schema()
    names = [name for name, kind in schema.items() if isinstance(kind, _OF_TEXTS) or kind.is_nested()]
    if not names:
        raise InputError("a column with texts", f"columns {', '.join(schema)}"[:120], Place(shard.path))
    plain = all(not schema[name].is_nested() and schema[name] != pl.Binary for name in names)
    with read_as_parquet(Path(shard.path)):
        rows = (
            frame.select(names)
            .with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
            .collect(engine="streaming")
        )
    for row in rows.iter_rows():
        yield "\n".join(text for text in row if text) if plain else strings_in(list(row))


def _text(shard: Shard) -> Iterator[str]:
    stretch: list[bytes] = []
    size = 0
    last = b""
    for line in _lines(shard):
        stretch.append(line)
        size += len(line)
        if size >= _TEXT_BYTES:
            yield b"".join([last, *stretch]).decode("utf-8", "replace")
            last, stretch, size = b"".join(stretch)[-_OVERLAP:], [], 0
    if stretch:
        yield b"".join([last, *stretch]).decode("utf-8", "replace")


def strings_in(value: Any) -> str:
    """Return all texts of a JSON value, one a line, in the order in which they stand."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):  # a writer that declared no encoding; images and the like hold zeros
        return "" if b"\0" in value else value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return "\n".join(filter(None, map(strings_in, value.values())))
    if isinstance(value, list):
        return "\n".join(filter(None, map(strings_in, value)))
    return ""


_TEXTS = {JSON_LINES: _json_lines, PARQUET: _parquet, TEXT: _text, ARRAY: _array}


def total_bytes(shards: Sequence[Shard]) -> int:
    """Return the size of the files that pieces are of."""
    return sum(Path(path).stat().st_size for path in {shard.path for shard in shards})
