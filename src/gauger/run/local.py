"""Run jobs on this machine: worker processes, one job each at a time, results by content address.

How failures are treated:

1. An error inside a job is kept as data (`store.failures`); what depends on it is blocked; everything else goes on.
2. A worker that dies gets its job tried once more by a new worker; a second death is the job's failure.
3. A stored result that fails verification is set aside, reported and computed again.
4. A signal (Ctrl-C, SIGTERM, hang-up) ends the workers and raises `Interrupted`; the next call continues from what is
   done. Nothing else can be lost than the jobs that were running.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from gauger.errors import GaugerError
from gauger.run.cache import Cache, State
from gauger.run.job import Job
from gauger.run.pool import Event, Pool
from gauger.run.progress import Progress
from gauger.run.schedule import Schedule, unique
from gauger.store.atomic import write_json
from gauger.store.canonical import plain
from gauger.store.failures import JobFailure, clear_failures, write_failure
from gauger.store.lock import locked

PLAN_SCHEMA = "gauger.jobs/1"
"""Schema of `jobs.json`, the plan as the last run had it; `status` reads it."""
TICK_S = 0.5
"""How often the display is brought up to date while nothing happens."""
ATTEMPTS = 2
"""How many workers may die of one job before it counts as failed."""


class Interrupted(GaugerError):  # noqa: N818 - an event from outside, not an error of anybody's
    """A signal asked the run to stop; exits with 128 + signal, as shells expect."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(f"stopped by {signal.Signals(number).name}; the same command continues where it stopped")


@dataclass
class RunResult:
    """What became of every job."""

    done: dict[str, Path] = field(default_factory=dict)
    """Key -> directory of the result."""
    failed: list[tuple[Job, str]] = field(default_factory=list)
    """Jobs that failed, with the reason."""
    blocked: list[Job] = field(default_factory=list)
    """Jobs that could not run because one they depend on failed."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Key -> seconds the job took when it ran (now or earlier)."""
    cached: set[str] = field(default_factory=set)
    """Keys whose results were there before."""
    damaged: list[tuple[Job, str]] = field(default_factory=list)
    """Jobs whose stored result failed verification, with what was wrong; they were run again."""


def run_jobs(
    jobs: Sequence[Job],
    cache: Cache,
    *,
    workers: int,
    registry: Mapping[str, str],
    progress: Progress | None = None,
    environment: Mapping[str, str] | None = None,
) -> RunResult:
    """Run every job whose result is not there yet, and say what became of each.

    Parameters
    ----------
    jobs : sequence of Job
        The whole plan in any order; jobs that share a key are run once.
    cache : Cache
        Where results stand; its root also gets `jobs.json`, `failures/`, `logs/` and the lock.
    workers : int
        Number of single-threaded worker processes; 0 means one per core this process may use.
    registry : mapping
        Kind -> "module:function".
    progress : Progress, optional
        The display; silent by default.
    environment : mapping, optional
        Added to the workers' environment.

    Raises
    ------
    UserError
        Where another process works on the same cache.
    Interrupted
        On SIGINT, SIGTERM or SIGHUP.
    """
    driver = _Driver(unique(jobs), cache, workers or cores(), registry, progress or Progress())
    with locked(cache.root / "lock"), _signals_raise():
        try:
            driver.prepare()
            with Pool(driver.workers, cache.root / "logs", environment) as pool:
                driver.work(pool)
        finally:
            driver.progress.end()
    return driver.result


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Driver:
    """The state of one call of `run_jobs`."""

    def __init__(
        self, jobs: list[Job], cache: Cache, workers: int, registry: Mapping[str, str], progress: Progress
    ) -> None:
        unknown = sorted({job.kind for job in jobs} - set(registry))
        if unknown:
            raise GaugerError(f"no function is registered for jobs of kind {', '.join(unknown)}")
        self.jobs, self.workers, self.registry, self.progress = jobs, workers, registry, progress
        self.cache = replace(cache, on_damaged=self._note_damage)
        self._told_of_damage = cache.on_damaged
        self.by_key = {job.key: job for job in jobs}
        self.failures = cache.root / "failures"
        self.deaths: dict[str, int] = {}
        self.result = RunResult()

    def prepare(self) -> None:
        """Clear what killed runs left, store the plan, and find out which results are there."""
        self.cache.sweep()
        clear_failures(self.failures)
        write_json(self.cache.root / "jobs.json", {"schema": PLAN_SCHEMA, "jobs": [job.to_dict() for job in self.jobs]})
        reused: dict[str, float | None] = {}
        for job in self.jobs:
            entry = self.cache.look_up(job.key)
            if entry.state is State.DONE:
                self._keep(job, entry.path, entry.seconds)
                reused[job.key] = entry.seconds
        self.result.cached = set(reused)
        self.schedule = Schedule(self.jobs, self.result.done)
        self.progress.begin(self.jobs, self.workers, self.schedule.priority, reused)

    def work(self, pool: Pool) -> None:
        """Hand out jobs and take in results until none can run."""
        while self.schedule.has_ready or pool.running:
            while pool.has_room and (job := self.schedule.next()):
                pool.start(job, self._request(job))
                self.progress.started(job)
            events = pool.wait(TICK_S)
            for event in events:
                self._take(event)
            if not events:
                self.progress.show()

    def _request(self, job: Job) -> dict[str, object]:
        return {
            "key": job.key,
            "name": job.name,
            "function": self.registry[job.kind],
            "params": plain(job.params),
            "inputs": {role: str(self.result.done[key]) for role, key in job.inputs.items()},
            "root": str(self.cache.root),
        }

    def _take(self, event: Event) -> None:
        job, reply = event.job, event.reply
        if job is None:
            return  # an idle worker died: nothing is lost, and the next job gets a new one
        if reply is None:
            self._take_death(job, event)
        elif reply["error"] is None:
            self.schedule.finish(job)
            self._keep(job, self.cache.path(job.key), reply["seconds"])
            self.progress.finished(job, reply["seconds"])
        else:
            self._fail(job, "job", (reply["error"], reply["message"], reply["traceback"]))

    def _take_death(self, job: Job, event: Event) -> None:
        self.cache.abandon(job.key)
        self.deaths[job.key] = self.deaths.get(job.key, 0) + 1
        if self.deaths[job.key] < ATTEMPTS:
            self.progress.retried(job, event.death)
            self.schedule.put_back(job)
        else:
            self._fail(job, "worker", ("WorkerDied", f"{event.death}, {ATTEMPTS} times", event.log_tail))

    def _keep(self, job: Job, path: Path, seconds: float | None) -> None:
        self.result.done[job.key] = path
        if seconds is not None:
            self.result.seconds[job.key] = seconds

    def _fail(self, job: Job, boundary: str, what: tuple[str, str, str]) -> None:
        failure = JobFailure(job.key, job.name, job.arm, job.replicate, job.stage, boundary, *what)
        self.cache.abandon(job.key)
        write_failure(self.failures, failure)
        self.result.failed.append((job, failure.reason))
        self.progress.failed(job, failure.reason)
        for other in self.schedule.fail(job):
            self.result.blocked.append(other)
            self.progress.blocked(other, job)

    def _note_damage(self, key: str, reason: str) -> None:
        job = self.by_key[key]
        self.result.damaged.append((job, reason))
        self.progress.damaged(job, reason)
        if self._told_of_damage:
            self._told_of_damage(key, reason)


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into `Interrupted` inside the block.

    Signals that the process was told to ignore (``nohup``) stay ignored; in a side thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)  # a second Ctrl-C must not cut the clean-up short
        raise Interrupted(number)

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    numbers = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
