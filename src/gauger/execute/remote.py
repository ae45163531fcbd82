"""Carries results to and from a URL, between machines that share no disk.

Layout: ``URL/KEY/`` with the same files as in a local cache. `done.json` is written last and lists sizes and SHA-256
of the others; whoever reads a result checks them. An upload that was cut off therefore leaves nothing that could be
taken for a result, and two uploads of one key write the same bytes.

Any file system of fsspec serves: ``s3://``, ``gs://``, ``sftp://``, ``file://``; each needs its own package.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from gauger.errors import DamagedError, GaugerError, MissingExtraError, UserError
from gauger.execute.cache import MANIFEST, Cache, Entry, State, read_manifest


class StoreError(GaugerError):
    """The store at a URL did not do what it was asked; the message says what it answered."""


class RemoteStore:
    """Results at a URL.

    Parameters
    ----------
    url : str
        As fsspec reads it; a plain path is a directory of this machine.

    Raises
    ------
    MissingExtraError
        Where fsspec is not installed.
    UserError
        Where the URL's protocol is unknown or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]
        except ModuleNotFoundError:
            raise MissingExtraError("keeping results at a URL", "ray") from None
        try:
            resolved = url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise UserError("the URL of a file system that fsspec knows", f"{url} ({error})") from error
        self.files: Any = resolved[0]
        self.url, self.root = url, str(resolved[1]).rstrip("/")

    def has(self, key: str) -> bool:
        """Whether the result of `key` is there as a whole (by its `done.json`; `fetch` verifies)."""
        with self._asked():
            return bool(self.files.exists(self._place(key, MANIFEST)))

    def send(self, key: str, directory: Path) -> None:
        """Upload a result, `done.json` last; nothing happens where it is there already."""
        if self.has(key):
            return
        names = [*read_manifest(directory, key)["files"], MANIFEST]
        with self._asked():
            for folder in sorted({str(PurePosixPath(self._place(key, name)).parent) for name in names}):
                self.files.makedirs(folder, exist_ok=True)
            for name in names:
                self.files.put_file(str(directory / name), self._place(key, name))

    def fetch(self, key: str, cache: Cache) -> Path:
        """Bring a result into a cache, unless it is there, and return where it stands.

        Raises
        ------
        DamagedError
            Where the store does not have it, or has it damaged; a damaged one is removed from the store.
        """
        here = Cache.look_up(cache, key)  # on this disk alone, even where the cache is a mirror of this store
        if here.state is State.DONE:
            return here.path
        if not self.has(key):
            raise DamagedError(f"{self.url} does not have it")
        out = cache.begin(key)
        try:
            self._download(key, out)
            return cache.adopt(key, out)
        except DamagedError:
            self.remove(key)
            raise
        finally:
            shutil.rmtree(out, ignore_errors=True)

    def remove(self, key: str) -> None:
        """Take a result out of the store, `done.json` first."""
        with self._asked():
            if self.files.exists(self._place(key, MANIFEST)):
                self.files.rm_file(self._place(key, MANIFEST))
            self.files.rm(f"{self.root}/{key}", recursive=True)

    def _download(self, key: str, out: Path) -> None:
        with self._asked():
            self.files.get_file(self._place(key, MANIFEST), str(out / MANIFEST))
        for name in read_manifest(out, key)["files"]:
            target = out / _inside(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._asked():
                try:
                    self.files.get_file(self._place(key, name), str(target))
                except FileNotFoundError as error:
                    raise DamagedError(f"{name} is missing") from error

    def _place(self, key: str, name: str) -> str:
        return f"{self.root}/{key}/{name}"

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Give what file systems of all makes raise one name."""
        try:
            yield
        except GaugerError:
            raise
        except Exception as error:
            raise StoreError(f"{self.url}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class MirroredCache(Cache):
    """A cache whose results are shared with other machines through a store.

    What the store has and the directory has not is downloaded when it is looked up; what workers need is uploaded
    first.
    """

    store: RemoteStore | None = None

    def look_up(self, key: str, *, read: Collection[str] | None = None) -> Entry:
        """Verify a result here, or bring it here; a damaged one in the store counts as absent."""
        entry = super().look_up(key, read=read)
        if entry.state is State.DONE or not self._store.has(key):
            return entry
        try:
            self.receive(key)
        except DamagedError as error:
            if self.on_damaged:
                self.on_damaged(key, f"in {self._store.url}: {error}")
            return entry
        return self.inspect(key)

    def receive(self, key: str) -> Path:
        """Bring a worker's result here."""
        return self._store.fetch(key, self)

    def publish(self, key: str) -> None:
        """Upload a result that was computed here before the store was used."""
        self._store.send(key, self.path(key))

    @property
    def _store(self) -> RemoteStore:
        if self.store is None:
            raise GaugerError("a mirrored cache needs its store")
        return self.store


def _inside(name: str) -> PurePosixPath:
    """Refuse a file name of a downloaded list that would lead out of the result's directory."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise DamagedError(f"{MANIFEST} names a file outside the result: {name}")
    return path
