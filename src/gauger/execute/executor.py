"""Defines what every place where jobs run offers to the driver: this machine's processes, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from gauger.execute.job import Job

ONE_THREAD: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
"""Environment of every worker, wherever it is: one thread per process (sums in one order, no fighting over cores),
fixed hashes. It is what makes results the same bytes on this machine and on a cluster."""

FEWER_WORKERS = "fewer workers at once (--workers) need less"
"""What to do where memory ran out."""


@dataclass(frozen=True)
class Event:
    """A reply of a worker to its job, or the loss of the worker (no reply)."""

    job: Job | None
    reply: Mapping[str, Any] | None
    death: str = ""
    """How the worker was lost, in words."""
    log_tail: str = ""
    """The last lines of a lost worker's log, where they can be had."""


class Executor(Protocol):
    """Runs jobs somewhere; everything it started ends with its ``with`` block."""

    @property
    def size(self) -> int:
        """How many jobs of one CPU it runs at once."""

    @property
    def running(self) -> Collection[Job]:
        """Jobs started and not yet heard of again."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...

    def has_room(self, job: Job) -> bool:
        """Whether this job can be started now; the answer depends on its resources alone."""

    def start(self, job: Job, request: Mapping[str, Any]) -> None:
        """Start a job; `request` is as `worker.answer` reads it."""

    def wait(self, timeout_s: float) -> list[Event]:
        """Collect what happened; returns an empty list after `timeout_s` without anything."""

    def out_of_place(self, job: Job) -> str:
        """Say why a job that found no room while nothing was running never will; "" while there is hope."""
