"""A file layer that fails: a full disk, a short write or a kill at any write, rename, sync or removal.

Every operation by which the project changes files passes through here. A fault is injected at the n-th of them. After a
kill nothing more happens: every later operation fails too, so that no clean-up runs, as none would.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FAULTS = ("full disk", "short write", "kill before", "kill after")


class KilledError(BaseException):
    """The process is gone."""


class FaultyFiles:
    """Counts operations, and lets one of them fail."""

    def __init__(self, fault: str = "", at: int = -1) -> None:
        self.fault, self.at, self.count, self.dead = fault, at, 0, False
        self.names: list[str] = []

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if self.dead:
                raise KilledError
            here, self.count = self.count, self.count + 1
            self.names.append(name)
            if here != self.at:
                return real(*arguments, **more)
            return self._fail(name, real, arguments, more)

        return call

    def _fail(self, name: str, real: Callable[..., Any], arguments: tuple[Any, ...], more: dict[str, Any]) -> Any:
        if self.fault.startswith("kill"):
            self.dead = True
            if self.fault == "kill after":
                real(*arguments, **more)
            raise KilledError
        if name == "write" and self.fault == "short write":
            path, content = Path(arguments[0]), arguments[1]
            with io.open(path, "wb") as file:  # noqa: UP020 - Path.open is what others may have wrapped
                file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))


@contextmanager
def faulty(files: FaultyFiles) -> Iterator[FaultyFiles]:
    """Send every change of a file through the layer for the length of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, attribute, name in (
            (Path, "write_bytes", "write"),
            (Path, "replace", "rename"),
            (Path, "rename", "rename"),
            (Path, "unlink", "remove"),
            (Path, "chmod", "chmod"),
            (os, "fsync", "sync"),
        ):
            patch.setattr(owner, attribute, files.wrap(name, getattr(owner, attribute)))
        yield files
