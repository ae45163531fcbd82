"""Keeps results by content address: whole or absent, verified before they are read.

Layout below the root: ``entries/KEY/`` (the files of a result and `done.json`, their sizes and SHA-256),
``partial/`` (results being written), ``damaged/`` (entries that failed verification, kept for inspection),
``dropped/`` (what is being deleted), ``unfinished/KEY/`` (how far a killed job came, for those that go on from there).

`done.json` is the completion marker. It is written last, and a result gets its place in ``entries/`` by one rename, so
a kill at any moment leaves either a whole result or none. Files are forced to disk before that; the rename is not, and
a power cut may lose the last results (they are computed again), never leave a wrong one (the checksum tells).

To hash a file costs as much as to read it. So a result that is only asked about (`glance`: is it there?) is judged by
the sizes of its files and their times: a file whose content or inode was not last changed before `done.json` (a time
set back leaves that trace) is hashed, others are not. Whatever is read, is hashed first (`look_up`, `inspect`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from gauger.errors import DamagedError, JobError
from gauger.store import document_bytes, fsync_path, read_json

MANIFEST, UNFINISHED = "done.json", "unfinished"
SCHEMA = "gauger.result/1"


class State(StrEnum):
    """What became of an entry."""

    DONE = "done"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Entry:
    """One result as it stands on disk."""

    state: State
    path: Path
    reason: str = ""
    """What is wrong, where damaged."""
    seconds: float | None = None
    """How long the job took when it was run."""


@dataclass(frozen=True)
class Cache:
    """A directory of results by content address.

    Parameters
    ----------
    root : Path
        Made on the first write.
    on_damaged : callable
        Told ``(key, reason)`` of every entry that `get` sets aside.
    """

    root: Path
    on_damaged: Callable[[str, str], None] | None = None

    def path(self, key: str) -> Path:
        """Say where the result of `key` stands, or would stand."""
        return self.root / "entries" / key

    def inspect(self, key: str, *, read: Collection[str] | None = None) -> Entry:
        """Verify an entry (names, sizes, SHA-256) without changing anything.

        Parameters
        ----------
        read : collection of str, optional
            Names of the files that are going to be read; the others are hashed only where size or time tells that they
            were touched. None: all of them are.
        """
        path = self.path(key)
        if not path.is_dir():
            return Entry(State.MISSING, path)
        try:
            manifest = read_manifest(path, key)
            _verify(path, manifest["files"], read)
        except DamagedError as error:
            return Entry(State.DAMAGED, path, reason=str(error))
        return Entry(State.DONE, path, seconds=manifest.get("seconds"))

    def get(self, key: str) -> Path | None:
        """Return the directory of a verified result, or None where it has to be computed.

        A damaged entry is moved to ``damaged/``, reported through `on_damaged` and counts as absent.
        """
        entry = self.look_up(key)
        return entry.path if entry.state is State.DONE else None

    def look_up(self, key: str, *, read: Collection[str] | None = None) -> Entry:
        """Verify an entry as `get` does, those files that will be `read` (None: all), and return what was found."""
        entry = self.inspect(key, read=read)
        if entry.state is State.DONE and read is None:
            with suppress(PermissionError):  # of another user: it is hashed again the next time
                os.utime(entry.path / MANIFEST)  # every file of it has just been hashed, of a copied result too
        if entry.state is State.DAMAGED:
            self._set_aside(entry, key)
        return entry

    def glance(self, key: str) -> Entry:
        """Tell whether a result is there, by sizes and times, without changing anything; for what will not be read."""
        return self.inspect(key, read=())

    def begin(self, key: str) -> Path:
        """Make a fresh directory for a result in the making; no other process, on whatever machine, has the same."""
        path = self.root / "partial" / f"{key}.{uuid4().hex}"
        path.mkdir(parents=True)
        return path

    def commit(self, key: str, directory: Path, seconds: float | None = None) -> Path:
        """Turn a filled directory into the result of `key`, in one step.

        Where a result already stands (another process was faster), it stays and `directory` is dropped.

        Parameters
        ----------
        directory : Path
            On the same file system as the root; it is gone afterwards.
        seconds : float, optional
            How long the job took; kept for estimates of time left, no part of the result.
        """
        files = {name: _describe(directory / name) for name in sorted(_file_names(directory))}
        manifest = directory / MANIFEST
        manifest.write_bytes(document_bytes({"schema": SCHEMA, "key": key, "seconds": seconds, "files": files}))
        fsync_path(manifest)
        return self._put_in_place(key, directory)

    def adopt(self, key: str, directory: Path) -> Path:
        """Turn a copy of another cache's result, `done.json` included, into the result of `key`.

        Raises
        ------
        DamagedError
            Where the copy does not match its `done.json`.
        """
        files = read_manifest(directory, key)["files"]
        _verify(directory, files)
        for name in (*files, MANIFEST):
            fsync_path(directory / name)
        return self._put_in_place(key, directory)

    def receive(self, key: str) -> Path:
        """Return the result that a worker reports to have committed.

        Raises
        ------
        DamagedError
            Where it is not there.
        """
        return self.path(key)

    def publish(self, key: str) -> None:
        """Make a result readable to the workers; in a directory that they see, it is."""

    def _put_in_place(self, key: str, directory: Path) -> Path:
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            directory.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            shutil.rmtree(directory)
        return target

    def discard(self, key: str) -> None:
        """Remove a result, of one behind a link the link; nothing happens where there is none."""
        path = self.path(key)
        if path.is_symlink():
            path.unlink()
        shutil.rmtree(path, ignore_errors=True)

    def sweep(self) -> None:
        """Drop what killed processes left half written; only for a driver that holds the lock."""
        self._drop(self.root / "partial")
        shutil.rmtree(self.root / "dropped", ignore_errors=True)

    def abandon(self, key: str) -> None:
        """Drop what a job that failed or died left half written."""
        for path in (self.root / "partial").glob(f"{key}.*"):
            self._drop(path)

    def in_progress(self) -> set[str]:
        """Keys of results being written now (or left behind by a kill, until the next `sweep`)."""
        partial = self.root / "partial"
        return {path.name.split(".")[0] for path in partial.iterdir()} if partial.is_dir() else set()

    def damaged(self) -> list[str]:
        """Names of the entries set aside so far."""
        folder = self.root / "damaged"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def _drop(self, path: Path) -> None:
        """Delete a directory that a lost worker may still be writing to.

        Renamed first, it is out of that worker's reach as a whole: no half of it can be committed as a result.
        """
        away = self.root / "dropped" / uuid4().hex
        away.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            path.rename(away)
        shutil.rmtree(away, ignore_errors=True)

    def _set_aside(self, entry: Entry, key: str) -> None:
        target = self.root / "damaged" / f"{key}.{time.time_ns()}"
        target.parent.mkdir(parents=True, exist_ok=True)
        entry.path.rename(target)
        if self.on_damaged:
            self.on_damaged(key, entry.reason)


def _file_names(directory: Path) -> Iterator[str]:
    """Relative names of all files below a directory; links and devices are refused."""
    for path in directory.rglob("*"):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise JobError(f"a result holds plain files and folders only; {name} is neither")
        if path.is_file():
            yield name


def _describe(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file that has been forced to disk."""
    fsync_path(path)
    return {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(path: Path, key: str) -> dict[str, Any]:
    """Read the `done.json` of a result.

    Raises
    ------
    DamagedError
        Where it is missing, unreadable or of something else.
    """
    try:
        manifest = read_json(path / MANIFEST)
    except FileNotFoundError as error:
        raise DamagedError(f"{MANIFEST} is missing") from error
    except DamagedError as error:
        raise DamagedError(f"{MANIFEST} is unreadable") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA or manifest.get("key") != key:
        raise DamagedError(f"{MANIFEST} does not describe this result")
    if not isinstance(manifest.get("files"), dict):
        raise DamagedError(f"{MANIFEST} lists no files")
    return manifest


def _verify(path: Path, files: Mapping[str, Any], read: Collection[str] | None = None) -> None:
    sealed = (path / MANIFEST).stat().st_mtime_ns
    for name, described in files.items():
        file = path / name
        if not file.is_file():
            raise DamagedError(f"{name} is missing")
        status = file.stat()
        if not isinstance(described, dict) or status.st_size != described.get("bytes"):
            raise DamagedError(f"{name} has the wrong size")
        trusted = read is not None and name not in read and max(status.st_mtime_ns, status.st_ctime_ns) < sealed
        if not trusted and _sha256(file) != described.get("sha256"):
            raise DamagedError(f"{name} does not match its checksum")
