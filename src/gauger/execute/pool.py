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
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from gauger.execute.devices import VISIBLE
from gauger.execute.executor import FEWER_WORKERS, ONE_THREAD, Event
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
    gpus: tuple[str, ...] = ()
    """GPUs that it sees; all of them are its own as long as it has a job."""

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
    gpus : tuple of str
        GPUs of the machine, as `devices.visible_gpus` names them. Where there are any, a job gets as many as it asks
        for (`Job.resources`; one where it says nothing), no two running jobs share one, and its worker sees no other.
    """

    size: int
    logs: Path
    environment: Mapping[str, str] | None = None
    gpus: tuple[str, ...] = ()
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

    def has_room(self, job: Job) -> bool:
        """Whether a job can be started now."""
        return len(self.running) < self.size and self._wanted(job) <= len(self._free_gpus())

    def _wanted(self, job: Job) -> int:
        """Return how many GPUs a job gets; none where the machine has none."""
        return ceil(job.resources.get("gpus", 1)) if self.gpus else 0

    def _free_gpus(self) -> list[str]:
        """Name the GPUs that no running job has, those that idle workers see among them."""
        taken = {gpu for worker in self.workers if worker.job is not None for gpu in worker.gpus}
        return [gpu for gpu in self.gpus if gpu not in taken]

    @property
    def running(self) -> list[Job]:
        """Jobs that workers are doing."""
        return [worker.job for worker in self.workers if worker.job is not None]

    def start(self, job: Job, request: Mapping[str, Any]) -> None:
        """Give a job to an idle worker, or to a new one.

        Keys are sorted on the way: the order of `params` is no part of a job's address, so the job must not see it.
        """
        worker = self._worker_for(self._wanted(job))
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

    def _worker_for(self, n_gpus: int) -> Worker:
        """Return an idle worker that sees so many GPUs, or a new one; idle ones that see these or stand in its way end.

        A process cannot be shown other GPUs once it has looked at some, so that they belong to it for its life.
        """
        idle = [worker for worker in self.workers if worker.job is None]
        fits = next((worker for worker in idle if len(worker.gpus) == n_gpus), None)
        if fits is not None:
            return fits
        chosen = self._free_gpus()[:n_gpus]
        for worker in idle:
            if len(self.workers) >= self.size or not set(worker.gpus).isdisjoint(chosen):
                self._dismiss(worker)
        return self._spawn(tuple(chosen))

    def _dismiss(self, worker: Worker) -> None:
        """End an idle worker."""
        self.selector.unregister(worker.stdout)
        self.workers.remove(worker)
        with suppress(BrokenPipeError):
            worker.stdin.close()
        self._bury(worker)

    def out_of_place(self, job: Job) -> str:
        """Say why a job will never have room: it wants more GPUs than the machine has."""
        wanted, there = self._wanted(job), len(self.gpus)
        return f"it wants {wanted} GPUs, and this machine has {there}" if wanted > there else ""

    def stop(self) -> None:
        """End all workers: close their pipes, and kill those that do not leave."""
        for worker in self.workers:
            with suppress(BrokenPipeError):
                worker.stdin.close()
        for worker in self.workers:
            self._bury(worker)
        self.workers.clear()
        self.selector.close()

    def _spawn(self, gpus: tuple[str, ...] = ()) -> Worker:
        self.spawned += 1
        log = self.logs / f"worker-{self.spawned}.log"
        shown = {VISIBLE: ",".join(gpus)} if self.gpus else {}
        environment = {**os.environ, **ONE_THREAD, **(self.environment or {}), **shown}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-u", "-P", "-m", "gauger.execute.worker"],  # what a job printed outlives its worker
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=environment,
                process_group=0,  # Ctrl-C on the terminal is for the driver
            )
        worker = Worker(process, log, gpus=gpus)
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
        return f"its worker was killed (SIGKILL: from outside, or for want of memory; {FEWER_WORKERS})"
    if code < 0:
        return f"its worker died of {signal.Signals(-code).name}"
    return f"its worker ended with exit code {code}"


def _tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
