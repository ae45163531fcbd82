"""Drives a plan to its end: which job next, what became of each; *where* jobs run is the executor's business.

How failures are treated:

1. An error inside a job is kept as data (`store.failures`); what depends on it is blocked; everything else goes on.
2. A job whose worker is lost (killed, out of memory, its machine gone) is tried again by another worker; one that has
   lost `tries` workers is given up and named, as a failure.
3. A stored result that fails verification is set aside, reported and computed again. What a job of this run will read
   is hashed before any job starts, and so is what the caller will read of the results (`Rules.read`); of all others
   sizes and times are looked at (`Cache.glance`), so that going on with a large run does not read it all again.
4. A signal (Ctrl-C, SIGTERM, hang-up) ends the workers and raises `Interrupted`; the next call continues from what is
   done. Nothing else can be lost than the jobs that were running.
5. A limit that is reached (`limits`) keeps further jobs from starting; those running are finished, and the result says
   what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gauger.errors import DamagedError, GaugerError
from gauger.execute.cache import Cache, State
from gauger.execute.executor import Event, Executor
from gauger.execute.interrupt import signals_raise
from gauger.execute.job import Job
from gauger.execute.limits import SpentLimits
from gauger.execute.progress import RunProgress, count
from gauger.execute.result import RunResult
from gauger.execute.schedule import JobSchedule, unique
from gauger.store import JobFailure, clear_failures, locked, plain, write_failure, write_json

PLAN_SCHEMA = "gauger.jobs/1"
"""Schema of `jobs.json`, the plan as the last run had it; `status` reads it."""
TICK_S = 0.5
"""How often the display is brought up to date while nothing happens."""
TRIES = 3
"""How many workers may be lost with one job before it is given up."""


@dataclass
class Rules:
    """How a plan is driven."""

    registry: Mapping[str, str]
    """Kind -> "module:function"."""
    tries: int = TRIES
    """How many workers may be lost with one job before it is given up."""
    budget: SpentLimits = field(default_factory=SpentLimits)
    read: Collection[str] | None = None
    """Names of the files that the caller reads of results; None: all of them."""


def drive(jobs: Sequence[Job], cache: Cache, executor: Executor, rules: Rules, progress: RunProgress) -> RunResult:
    """Run every job whose result is not there yet, and say what became of each.

    Parameters
    ----------
    jobs : sequence of Job
        The whole plan in any order; jobs that share a key are run once.
    cache : Cache
        Where results stand; its root also gets `jobs.json`, `failures/` and the lock.
    executor : Executor
        Where jobs run; it is entered and left here.
    rules : Rules
    progress : Progress
        The display.

    Raises
    ------
    UserError
        Where another process works on the same cache.
    Interrupted
        On SIGINT, SIGTERM or SIGHUP.
    """
    driver = _Driver(unique(jobs), cache, rules, progress)
    with locked(cache.root / "lock"), signals_raise():
        driver.prepare()
        with executor:
            driver.work(executor)
    return driver.result


class _Driver:
    """The state of one call of `drive`."""

    def __init__(self, jobs: list[Job], cache: Cache, rules: Rules, progress: RunProgress) -> None:
        unknown = sorted({job.kind for job in jobs} - set(rules.registry))
        if unknown:
            raise GaugerError(f"no function is registered for jobs of kind {', '.join(unknown)}")
        self.jobs, self.rules, self.progress = jobs, rules, progress
        self.cache = replace(cache, on_damaged=self._note_damage)
        self._told_of_damage = cache.on_damaged
        self.by_key = {job.key: job for job in jobs}
        self.failures = cache.root / "failures"
        self.lost: dict[str, int] = {}
        self.reused: dict[str, float | None] = {}
        self.result = RunResult()

    def prepare(self) -> None:
        """Clear what killed runs left, store the plan, and find out which results are there."""
        self.cache.sweep()
        clear_failures(self.failures)
        write_json(self.cache.root / "jobs.json", {"schema": PLAN_SCHEMA, "jobs": [job.to_dict() for job in self.jobs]})
        waiting = [job for job in self.jobs if not self._reuse(job, self.rules.read)]
        hashed: set[str] = set()
        while waiting:
            inputs = [self.by_key[key] for key in waiting.pop().inputs.values() if key not in hashed]
            hashed.update(job.key for job in inputs)
            waiting += [job for job in inputs if job.key in self.reused and not self._reuse(job, None)]
        self.result.cached = set(self.reused)
        self.schedule = JobSchedule(self.jobs, self.result.done)

    def _reuse(self, job: Job, read: Collection[str] | None) -> bool:
        """Keep a job's stored result, the files that will be read being verified; returns whether it is there."""
        entry = self.cache.look_up(job.key, read=read)
        if entry.state is State.DONE:
            self._keep(job, entry.path, entry.seconds)
            self.reused[job.key] = entry.seconds
        else:
            self.result.done.pop(job.key, None)
            self.result.seconds.pop(job.key, None)
            self.reused.pop(job.key, None)
        return entry.state is State.DONE

    def work(self, executor: Executor) -> None:
        """Hand out jobs and take in results until none can run."""
        self.progress.begin(self.jobs, executor.size, self.schedule.priority, self.reused)
        try:
            while self._start_what_can(executor) or self._hope(executor):
                events = executor.wait(TICK_S)
                for event in events:
                    self._take(event)
                if not events:
                    self.progress.show()
            self._note_left()
        finally:
            self.progress.end()

    def _start_what_can(self, executor: Executor) -> bool:
        """Start jobs while there is room; returns whether any is running."""
        while job := self.schedule.next(executor.has_room, self.rules.budget.allows):
            executor.start(job, self._request(job))
            self.rules.budget.start(job)
            self.progress.started(job)
        return bool(executor.running)

    def _hope(self, executor: Executor) -> bool:
        """Give up the ready jobs that have no place anywhere; returns whether it is worth waiting for the others."""
        for head in self.schedule.heads:
            if reason := executor.out_of_place(head):
                for job in self.schedule.take_class(head):
                    if self.rules.budget.allows(job):
                        self._fail(job, "cluster", ("NoPlace", reason, ""))
        return self.schedule.has_ready

    def _request(self, job: Job) -> dict[str, object]:
        for key in job.inputs.values():
            self.cache.publish(key)
        return {
            "key": job.key,
            "name": job.name,
            "function": self.rules.registry[job.kind],
            "params": plain(job.params),
            "inputs": {role: str(self.result.done[key]) for role, key in job.inputs.items()},
            "root": str(self.cache.root),
        }

    def _take(self, event: Event) -> None:
        job, reply = event.job, event.reply
        if job is None:
            return  # an idle worker was lost: nothing is lost with it, and the next job gets a new one
        if reply is None:
            self._take_loss(job, event)
        elif reply["error"] is None:
            self._take_result(job, reply["seconds"])
        else:
            self._fail(job, "job", (reply["error"], reply["message"], reply["traceback"]))

    def _take_result(self, job: Job, seconds: float) -> None:
        try:
            path = self.cache.receive(job.key)
        except DamagedError as error:
            self._take_loss(job, Event(job, None, death=f"its result did not arrive: {error}"))
            return
        self.schedule.finish(job)
        self._keep(job, path, seconds)
        self.progress.finished(job, seconds)

    def _take_loss(self, job: Job, event: Event) -> None:
        self.cache.abandon(job.key)
        self.lost[job.key] = self.lost.get(job.key, 0) + 1
        if self.lost[job.key] < self.rules.tries:
            self.progress.retried(job, event.death)
            self.schedule.put_back(job)
        else:
            reason = f"{event.death}; given up after {count(self.rules.tries, 'try', 'tries')}"
            self._fail(job, "worker", ("WorkerDied", reason, event.log_tail))

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

    def _note_left(self) -> None:
        self.result.left = self.schedule.left
        if self.result.left:
            self.result.stopped = self.rules.budget.reached
            left = count(len(self.result.left), "job")
            self.progress.note(
                f"stopped: {self.result.stopped} was reached; {left} left: {_first_names(self.result.left)}"
            )

    def _note_damage(self, key: str, reason: str) -> None:
        job = self.by_key[key]
        self.result.damaged.append((job, reason))
        self.progress.damaged(job, reason)
        if self._told_of_damage:
            self._told_of_damage(key, reason)


def _first_names(jobs: Sequence[Job], shown: int = 3) -> str:
    more = f" and {len(jobs) - shown} more" if len(jobs) > shown else ""
    return ", ".join(job.name for job in jobs[:shown]) + more
