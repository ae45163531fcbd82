"""Picks which job is next, and what a failure blocks: bookkeeping over the DAG, without processes or files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from heapq import heapify, heappop, heappush

from gauger.errors import GaugerError
from gauger.execute.job import Job


class JobSchedule:
    """Hands out jobs whose inputs are there, the one with the longest road behind it first.

    Longest critical path first: a job's priority is its own cost plus the largest priority among the jobs that read
    its result, so a long chain starts before many short ones and does not run alone at the end.

    Parameters
    ----------
    jobs : sequence of Job
        In any order, one per key (`unique`).
    done : collection of str
        Keys whose results are already there.
    """

    def __init__(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        self._jobs = {job.key: job for job in jobs}
        self._order = {job.key: index for index, job in enumerate(jobs)}
        self._readers: dict[str, list[str]] = {key: [] for key in self._jobs}
        for job in jobs:
            for key in set(job.inputs.values()):
                self._reader_list(key, job).append(job.key)
        self.priority = self._priorities()
        self._open = {key for key in self._jobs if key not in done}
        self._waits = {key: self._open.intersection(self._jobs[key].inputs.values()) for key in self._open}
        self._ready = [self._ranked(key) for key, waits in self._waits.items() if not waits]
        heapify(self._ready)

    def _reader_list(self, key: str, job: Job) -> list[str]:
        if key not in self._readers:
            raise GaugerError(f"{job.name} reads the result of {key[:12]}, which is not in the plan")
        return self._readers[key]

    def _priorities(self) -> dict[str, float]:
        """Cost of the dearest chain that starts at each job, itself included."""
        unread = {key: len(readers) for key, readers in self._readers.items()}
        priority = {key: job.cost for key, job in self._jobs.items()}
        ends = [key for key, count in unread.items() if not count]
        settled = 0
        while ends:
            reader = ends.pop()
            settled += 1
            for key in set(self._jobs[reader].inputs.values()):
                priority[key] = max(priority[key], self._jobs[key].cost + priority[reader])
                unread[key] -= 1
                if not unread[key]:
                    ends.append(key)
        if settled < len(self._jobs):
            raise GaugerError("the plan has a cycle: a job would wait for its own result")
        return priority

    def _ranked(self, key: str) -> tuple[float, int, str]:
        return (-self.priority[key], self._order[key], key)

    def next(self, may_start: Callable[[Job], bool] = lambda _: True) -> Job | None:
        """Take the most urgent job that can start now and that `may_start` lets pass; None where there is none."""
        passed_over = []
        found = None
        while self._ready and found is None:
            ranked = heappop(self._ready)
            if may_start(self._jobs[ranked[2]]):
                found = self._jobs[ranked[2]]
            else:
                passed_over.append(ranked)
        for ranked in passed_over:
            heappush(self._ready, ranked)
        return found

    def take(self, job: Job) -> None:
        """Take a ready job out of turn."""
        self._ready.remove(self._ranked(job.key))
        heapify(self._ready)

    def put_back(self, job: Job) -> None:
        """Return a job that was taken and not done (its worker died)."""
        heappush(self._ready, self._ranked(job.key))

    @property
    def has_ready(self) -> bool:
        """Whether the inputs of any job are there."""
        return bool(self._ready)

    @property
    def ready(self) -> list[Job]:
        """Jobs whose inputs are there, the most urgent first."""
        return [self._jobs[key] for _, _, key in sorted(self._ready)]

    @property
    def left(self) -> list[Job]:
        """Jobs not finished, failed or blocked: running, ready or waiting."""
        return [job for key, job in self._jobs.items() if key in self._open]

    def finish(self, job: Job) -> None:
        """Note a result; its readers may become ready."""
        self._open.discard(job.key)
        for key in self._readers[job.key]:
            waits = self._waits.get(key)
            if waits and job.key in waits:
                waits.discard(job.key)
                if not waits and key in self._open:
                    heappush(self._ready, self._ranked(key))

    def fail(self, job: Job) -> list[Job]:
        """Note a failure; returns the jobs that can now never run, nearest first."""
        self._open.discard(job.key)
        blocked: list[Job] = []
        reached = [job.key]
        while reached:
            for key in self._readers[reached.pop(0)]:
                if key in self._open:
                    self._open.discard(key)
                    blocked.append(self._jobs[key])
                    reached.append(key)
        return blocked


def unique(jobs: Iterable[Job]) -> list[Job]:
    """Keep one job per key, the first: arms that ask for the same work share it."""
    first: dict[str, Job] = {}
    for job in jobs:
        first.setdefault(job.key, job)
    return list(first.values())
