"""Keeps a log whose entries are chained by hashes: one line of JSON each, which names the digest of the line before.

An entry that is changed, left out, moved or put in breaks the chain behind it. The last one has nothing behind it, and
somebody who may write the whole file can compute a new chain: what is to hold against its author needs a digest that
stands elsewhere (a published one, a signature).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gauger.errors import DamagedError
from gauger.store.atomic import write_bytes
from gauger.store.canonical import canonical_bytes
from gauger.store.json_text import parse_json

FIRST = "0" * 64
"""What the first entry names as the digest of the line before."""


def read_chain(path: Path) -> list[dict[str, Any]]:
    """Read a log and check its chain; a missing file has no entries.

    Raises
    ------
    DamagedError
        With the line at which the chain breaks.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    entries, before = [], FIRST
    for number, line in enumerate(_lines(path, content), start=1):
        entries.append(_entry(path, number, line, before))
        before = hashlib.sha256(line).hexdigest()
    return entries


def _lines(path: Path, content: bytes) -> list[bytes]:
    if content and not content.endswith(b"\n"):
        raise DamagedError(f"{path.name}: its last line breaks off")
    return content.split(b"\n")[:-1]


def _entry(path: Path, number: int, line: bytes, before: str) -> dict[str, Any]:
    try:
        value = parse_json(line)
    except ValueError:
        raise DamagedError(f"{path.name}:{number} is not the line of JSON that was written there") from None
    # Only the one spelling counts: else a line could be edited into another that reads the same.
    if not isinstance(value, dict) or canonical_bytes(value) != line:
        raise DamagedError(f"{path.name}:{number} is not the line of JSON that was written there")
    if value.get("number") != number or value.get("previous") != before:
        raise DamagedError(f"{path.name}:{number} does not follow from the line before it")
    return value


def append_entry(path: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Add an entry at the end of a log, in one step, and return it with its number and the digest before it.

    Raises
    ------
    DamagedError
        Where the log is broken: nothing is added to it.
    """
    entries = read_chain(path)
    old = path.read_bytes() if entries else b""
    before = hashlib.sha256(old.split(b"\n")[-2]).hexdigest() if entries else FIRST
    added = {**entry, "number": len(entries) + 1, "previous": before}
    write_bytes(path, old + canonical_bytes(added) + b"\n")
    return added
