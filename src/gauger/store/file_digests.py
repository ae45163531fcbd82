"""Digests files of any size, and keeps the digests of large ones: a checkpoint is read once, not at every plan.

A kept digest is trusted where the file has the size, inode and times (of content and of inode) that it had, and was
left alone for `SETTLED_S` before it was read: a change after that leaves another time of its inode, also where the time
of its content was set back. What cannot be kept is read again.

A digest costs a read of the file, and about a second of one core for each GB (`hashlib`, SHA-256 of OpenSSL).
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from gauger.errors import DamagedError
from gauger.store.atomic import read_json, write_json

LARGE_BYTES = 16 << 20
"""From this size on digests are kept."""
SETTLED_S = 5.0
"""How long a file was left alone before it is read, for its digest to be kept: coarser than any file system's times."""
SCHEMA = "gauger.file-digests/1"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits.

    Kept below `$XDG_CACHE_HOME/gauger` (`~/.cache/gauger`) for files from 16 MiB on; to remove that is safe.

    Raises
    ------
    OSError
        Where it cannot be read.
    """
    path = path.resolve()
    state, began = _state(path), time.time()
    if state[0] < LARGE_BYTES:
        return _sha256(path)
    kept = _kept().get(str(path))
    if isinstance(kept, list) and kept[:-1] == state:
        return str(kept[-1])
    digest = _sha256(path)
    if _state(path) == state and max(state[1], state[2]) < (began - SETTLED_S) * 1e9:
        _keep(path, [*state, digest])
    return digest


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _place() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gauger" / "digests.json"


def _kept() -> dict[str, Any]:
    """Read what was kept; nothing where that is gone, damaged or of another schema."""
    try:
        stored = read_json(_place())
    except (OSError, RuntimeError, DamagedError):  # no home at all is a RuntimeError
        return {}
    files = stored.get("files") if isinstance(stored, dict) and stored.get("schema") == SCHEMA else None
    return files if isinstance(files, dict) else {}


def _keep(path: Path, entry: list[Any]) -> None:
    """Keep a digest, and forget files that are gone; where nothing can be written there, the file is read again."""
    others = {name: kept for name, kept in _kept().items() if Path(name).exists()}
    with suppress(OSError, RuntimeError):
        _place().parent.mkdir(parents=True, exist_ok=True)
        write_json(_place(), {"schema": SCHEMA, "files": {**others, str(path): entry}})
