"""Picks which job is next, and what a failure blocks: bookkeeping over the DAG, without processes or files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heappop, heappush

from gauger.errors import GaugerError
from gauger.execute.job import Job

ResourceClass = tuple[tuple[str, float], ...]
"""What a job asks of a machine, as something to look up by; jobs of one class find room in the same places."""


def resource_class(resources: Mapping[str, float]) -> ResourceClass:
    """Return the class of jobs that ask for these resources (`job.RESOURCES` -> amount), whatever their order."""
    return tuple(sorted(resources.items()))


class JobSchedule:
    """Hands out jobs whose inputs are there, the one with the longest road behind it first.

    Longest critical path first: a job's priority is its own cost plus the largest priority among the jobs that read
    its result, so a long chain starts before many short ones and does not run alone at the end.

    Ready jobs wait in one queue for each resource class. Where the first of a queue finds no room, no other of it does:
    handing out a job costs the same however many wait (two heap steps and one question for each class).

    Parameters
    ----------
    jobs : sequence of Job
        In any order, one per key (`unique`).
    done : collection of str
        Keys whose results are already there.
    """

    def __init__(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        self._jobs = {job.key: job for job in jobs}
        self._readers: dict[str, list[str]] = {key: [] for key in self._jobs}
        for job in jobs:
            for key in set(job.inputs.values()):
                self._reader_list(key, job).append(job.key)
        self.priority = self._priorities()
        self._ranked = sorted(jobs, key=lambda job: -self.priority[job.key])  # ties keep the order of the plan
        self._rank = {job.key: rank for rank, job in enumerate(self._ranked)}
        self._open = {key for key in self._jobs if key not in done}
        self._waits = {key: self._open.intersection(self._jobs[key].inputs.values()) for key in self._open}
        self._queues: dict[ResourceClass, list[int]] = {}
        for key, waits in self._waits.items():
            if not waits:
                self._enqueue(key)

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

    def _enqueue(self, key: str) -> None:
        queue = self._queues.setdefault(resource_class(self._jobs[key].resources), [])
        heappush(queue, self._rank[key])

    def next(
        self, has_room: Callable[[Job], bool] = lambda _: True, allows: Callable[[Job], bool] = lambda _: True
    ) -> Job | None:
        """Take the most urgent job that may start and that there is room for; None where there is none.

        Parameters
        ----------
        has_room : callable
            Whether a job can be started now; its answer is the same for all jobs of one resource class.
        allows : callable
            Whether a job may be started at all. A job that is refused stays among those `left` and is not asked for
            again: a limit that was reached stays reached.
        """
        open_queues = {need: queue for need, queue in self._queues.items() if queue}
        while open_queues:
            need = min(open_queues, key=lambda name: open_queues[name][0])
            job = self._ranked[open_queues[need][0]]
            allowed = allows(job)
            if allowed and not has_room(job):
                del open_queues[need]
                continue
            heappop(open_queues[need])
            if allowed:
                return job
            if not open_queues[need]:
                del open_queues[need]
        return None

    def take_class(self, job: Job) -> list[Job]:
        """Take every ready job that asks for the same resources as `job`, the most urgent first."""
        queue = self._queues.pop(resource_class(job.resources), [])
        return [self._ranked[rank] for rank in sorted(queue)]

    def put_back(self, job: Job) -> None:
        """Return a job that was taken and not done (its worker died)."""
        self._enqueue(job.key)

    @property
    def has_ready(self) -> bool:
        """Whether the inputs of any job are there that may still start."""
        return any(self._queues.values())

    @property
    def heads(self) -> list[Job]:
        """Return the most urgent ready job of each resource class, the most urgent of them first."""
        return [self._ranked[rank] for rank in sorted(queue[0] for queue in self._queues.values() if queue)]

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
                    self._enqueue(key)

    def fail(self, job: Job) -> list[Job]:
        """Note a failure; returns the jobs that can now never run, nearest first."""
        self._open.discard(job.key)
        blocked: list[Job] = []
        reached = deque([job.key])
        while reached:
            for key in self._readers[reached.popleft()]:
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
