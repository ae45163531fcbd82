"""Shares each step among processes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from torch import Tensor


class Processes(Protocol):
    """The processes that share each step; each takes every `count`-th micro-batch from `index` on."""

    @property
    def index(self) -> int:
        """Number of the running process, from 0."""
        ...

    @property
    def count(self) -> int:
        """Number of processes."""
        ...

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of the value over all processes."""
        ...

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which losses are computed (mixed precision where the device has it)."""
        ...

    def wait(self) -> None:
        """Wait until every process is here."""
        ...


class Alone:
    """One process."""

    index, count = 0, 1

    def sum(self, value: Tensor) -> Tensor:
        """Return the value."""
        return value

    def autocast(self) -> AbstractContextManager[None]:
        """Return a context that changes nothing."""
        return nullcontext()

    def wait(self) -> None:
        """Go on."""
