"""Starts worker processes for the driver: spawns them, sends a job, hears an answer or a death."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from gauger.execute.executor import ONE_THREAD, Event
from gauger.execute.job import Job

PATIENCE_S = 5.0
"""How long a worker may take to leave after its pipe was closed, before it is killed."""


@dataclass
class Worker:
    """One worker process."""

    process: subprocess.Popen[bytes]
    log: Path
    """Everything that its jobs print."""
    job: Job | None = None
    """What it is doing."""
    heard: bytes = b""
    """The part of a line read so far."""

    @property
    def stdin(self) -> IO[bytes]:
        """Where requests go."""
        return cast("IO[bytes]", self.process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """Where replies come from."""
        return cast("IO[bytes]", self.process.stdout)


@dataclass
class Pool:
    """Up to `size` workers, spawned when there is work for them; all of them end with the ``with`` block.

    Parameters
    ----------
    size : int
        Largest number of processes.
    logs : Path
        Directory for one log per worker.
    environment : mapping, optional
        Added to the workers' environment, over `ONE_THREAD`.
    """

    size: int
    logs: Path
    environment: Mapping[str, str] | None = None
    workers: list[Worker] = field(default_factory=list)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    spawned: int = 0

    def __enter__(self) -> Pool:
        self.logs.mkdir(parents=True, exist_ok=True)
        for log in self.logs.glob("worker-*.log"):
            log.unlink()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def has_room(self, job: Job) -> bool:  # noqa: ARG002 - one job is as good as another to a process
        """Whether a job can be started now."""
        return len(self.workers) < self.size or any(worker.job is None for worker in self.workers)

    @property
    def running(self) -> list[Job]:
        """Jobs that workers are doing."""
        return [worker.job for worker in self.workers if worker.job is not None]

    def start(self, job: Job, request: Mapping[str, Any]) -> None:
        """Give a job to an idle worker, or to a new one.

        Keys are sorted on the way: the order of `params` is no part of a job's address, so the job must not see it.
        """
        idle = [worker for worker in self.workers if worker.job is None]
        worker = idle[0] if idle else self._spawn()
        worker.job = job
        with suppress(BrokenPipeError):  # it died; `wait` hears of it and hands the job back
            worker.stdin.write(json.dumps(request, sort_keys=True).encode() + b"\n")
            worker.stdin.flush()

    def wait(self, timeout_s: float) -> list[Event]:
        """Collect replies and deaths; returns an empty list after `timeout_s` without any."""
        events: list[Event] = []
        for ready, _ in self.selector.select(timeout_s):
            events += self._hear(ready.data)
        return events

    def out_of_place(self, job: Job) -> str:  # noqa: ARG002
        """Never: an idle pool has room for any job."""
        return ""

    def stop(self) -> None:
        """End all workers: close their pipes, and kill those that do not leave."""
        for worker in self.workers:
            with suppress(BrokenPipeError):
                worker.stdin.close()
        for worker in self.workers:
            self._bury(worker)
        self.workers.clear()
        self.selector.close()

    def _spawn(self) -> Worker:
        self.spawned += 1
        log = self.logs / f"worker-{self.spawned}.log"
        environment = {**os.environ, **ONE_THREAD, **(self.environment or {})}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gauger.execute.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=environment,
                process_group=0,  # Ctrl-C on the terminal is for the driver
            )
        worker = Worker(process, log)
        self.workers.append(worker)
        self.selector.register(worker.stdout, selectors.EVENT_READ, worker)
        return worker

    def _hear(self, worker: Worker) -> list[Event]:
        chunk = os.read(worker.stdout.fileno(), 1 << 16)
        if not chunk:
            return [self._lose(worker)]
        *lines, worker.heard = (worker.heard + chunk).split(b"\n")
        events = []
        for line in lines:
            events.append(Event(worker.job, json.loads(line)))
            worker.job = None
        return events

    def _lose(self, worker: Worker) -> Event:
        self.selector.unregister(worker.stdout)
        self.workers.remove(worker)
        with suppress(BrokenPipeError):
            worker.stdin.close()
        return Event(worker.job, None, death=_describe_exit(self._bury(worker)), log_tail=_tail(worker.log))

    def _bury(self, worker: Worker) -> int:
        try:
            code = worker.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            code = worker.process.wait()
        worker.stdout.close()
        return code


def _describe_exit(code: int) -> str:
    if code == -signal.SIGKILL:
        return "its worker was killed (SIGKILL: from outside, or for want of memory)"
    if code < 0:
        return f"its worker died of {signal.Signals(-code).name}"
    return f"its worker ended with exit code {code}"


def _tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
