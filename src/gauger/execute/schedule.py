"""Picks which job is next, and what a failure blocks: bookkeeping over the DAG, without processes or files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from gauger.errors import GaugerError
from gauger.execute.job import Job

ResourceClass = tuple[tuple[str, float], ...]
"""What a job asks of a machine, as something to look up by; jobs of one class find room in the same places."""


def resource_class(resources: Mapping[str, float]) -> ResourceClass:
    """Return the class of jobs that ask for these resources (`job.RESOURCES` -> amount), whatever their order."""
    return tuple(sorted(resources.items()))


class _ReadyRanks:
    """A set of ranks of which the smallest is at hand: a byte for every rank, and where to look from.

    Faster than a heap where ranks are handed out about in their order, and no slower with more of them waiting.
    """

    def __init__(self, n_ranks: int) -> None:
        self._marks, self.first, self._n_ready = bytearray(n_ranks), n_ranks, 0

    def __bool__(self) -> bool:
        return self._n_ready > 0

    def add(self, rank: int) -> None:
        """Put a rank in that is not there."""
        self._marks[rank] = 1
        self._n_ready += 1
        self.first = min(self.first, rank)

    def take_first(self) -> int:
        """Take the smallest rank out, and find the next one."""
        rank = self.first
        self._marks[rank] = 0
        self._n_ready -= 1
        self.first = self._marks.find(1, rank + 1) if self._n_ready else len(self._marks)
        return rank


class JobSchedule:
    """Hands out jobs whose inputs are there, the one with the longest road behind it first.

    Longest critical path first: a job's priority is its own cost plus the largest priority among the jobs that read
    its result, so a long chain starts before many short ones and does not run alone at the end.

    Ready jobs wait in one queue for each resource class. Where the first of a queue finds no room, no other of it does:
    handing out a job costs the same however many wait (a mark set, a mark found and one question for each class).

    Parameters
    ----------
    jobs : sequence of Job
        In any order, one per key (`unique`).
    done : collection of str
        Keys whose results are already there.
    """

    def __init__(self, jobs: Sequence[Job], done: Collection[str]) -> None:
        self._jobs = {job.key: job for job in jobs}
        self.priority = self._priorities(self._readers_by_key())
        # From here on a job is its rank: what is looked up at every step are lists, not tables of addresses.
        self._ranked = sorted(jobs, key=lambda job: -self.priority[job.key])  # ties keep the order of the plan
        self._rank = {job.key: rank for rank, job in enumerate(self._ranked)}
        self._readers: list[list[int]] = [[] for _ in self._ranked]
        self._n_awaited = [0] * len(self._ranked)
        self._is_open = bytearray(job.key not in done for job in self._ranked)
        self._queues: dict[ResourceClass, _ReadyRanks] = {}
        self._queue_of = [self._queue(job) for job in self._ranked]
        for job in jobs:
            self._enter(job)

    def _queue(self, job: Job) -> _ReadyRanks:
        need = resource_class(job.resources)
        if need not in self._queues:
            self._queues[need] = _ReadyRanks(len(self._ranked))
        return self._queues[need]

    def _enter(self, job: Job) -> None:
        """Note whose results a job waits for; it is ready where it waits for none."""
        rank, inputs = self._rank[job.key], {self._rank[key] for key in job.inputs.values()}
        for place in inputs:
            self._readers[place].append(rank)
        self._n_awaited[rank] = sum(self._is_open[place] for place in inputs)
        if self._is_open[rank] and not self._n_awaited[rank]:
            self._queue_of[rank].add(rank)

    def _readers_by_key(self) -> dict[str, list[str]]:
        readers: dict[str, list[str]] = {key: [] for key in self._jobs}
        for job in self._jobs.values():
            for key in set(job.inputs.values()):
                if key not in readers:
                    raise GaugerError(f"{job.name} reads the result of {key[:12]}, which is not in the plan")
                readers[key].append(job.key)
        return readers

    def _priorities(self, readers: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """Cost of the dearest chain that starts at each job, itself included."""
        unread = {key: len(reading) for key, reading in readers.items()}
        priority = {key: job.cost for key, job in self._jobs.items()}
        ends = [key for key, n_unread in unread.items() if not n_unread]
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
            need = min(open_queues, key=lambda name: open_queues[name].first)
            job = self._ranked[open_queues[need].first]
            allowed = allows(job)
            if allowed and not has_room(job):
                del open_queues[need]
                continue
            open_queues[need].take_first()
            if allowed:
                return job
            if not open_queues[need]:
                del open_queues[need]
        return None

    def take_class(self, job: Job) -> list[Job]:
        """Take every ready job that asks for the same resources as `job`, the most urgent first."""
        queue, taken = self._queues.get(resource_class(job.resources)), []
        while queue:
            taken.append(self._ranked[queue.take_first()])
        return taken

    def put_back(self, job: Job) -> None:
        """Return a job that was taken and not done (its worker died)."""
        rank = self._rank[job.key]
        self._queue_of[rank].add(rank)

    @property
    def has_ready(self) -> bool:
        """Whether the inputs of any job are there that may still start."""
        return any(self._queues.values())

    @property
    def heads(self) -> list[Job]:
        """Return the most urgent ready job of each resource class, the most urgent of them first."""
        return [self._ranked[rank] for rank in sorted(queue.first for queue in self._queues.values() if queue)]

    @property
    def left(self) -> list[Job]:
        """Jobs not finished, failed or blocked: running, ready or waiting."""
        return [job for key, job in self._jobs.items() if self._is_open[self._rank[key]]]

    def finish(self, job: Job) -> None:
        """Note a result; its readers may become ready."""
        rank = self._rank[job.key]
        if not self._is_open[rank]:
            return
        self._is_open[rank] = False
        for reader in self._readers[rank]:
            self._n_awaited[reader] -= 1
            if not self._n_awaited[reader] and self._is_open[reader]:
                self._queue_of[reader].add(reader)

    def fail(self, job: Job) -> list[Job]:
        """Note a failure; returns the jobs that can now never run, nearest first."""
        reached = deque([self._rank[job.key]])
        self._is_open[reached[0]] = False
        blocked: list[Job] = []
        while reached:
            for rank in self._readers[reached.popleft()]:
                if self._is_open[rank]:
                    self._is_open[rank] = False
                    blocked.append(self._ranked[rank])
                    reached.append(rank)
        return blocked


def unique(jobs: Iterable[Job]) -> list[Job]:
    """Keep one job per key, the first: arms that ask for the same work share it."""
    first: dict[str, Job] = {}
    for job in jobs:
        first.setdefault(job.key, job)
    return list(first.values())
