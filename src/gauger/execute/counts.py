"""Counts jobs and estimates the time left: what a progress display knows, without any display."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from gauger.execute.job import Job


@dataclass
class RunTally:
    """How far a run is, in jobs and in cost.

    Time left = max(work left / workers, longest chain left), with cost turned into seconds by the jobs of this
    plan that have run (now or earlier): seconds per unit of cost = Σ seconds / Σ cost. What running jobs have already
    used is taken off.
    """

    clock: Callable[[], float] = time.monotonic
    total: int = 0
    workers: int = 1
    done: int = 0
    cached: int = 0
    failed: int = 0
    blocked: int = 0
    cost_total: float = 0.0
    cost_settled: float = 0.0
    """Cost of jobs done, failed or blocked."""
    timed_cost: float = 0.0
    timed_seconds: float = 0.0
    priority: Mapping[str, float] = field(default_factory=dict)
    """Key -> cost of the dearest chain that starts there (`schedule.JobSchedule.priority`)."""
    unsettled: set[str] = field(default_factory=set)
    """Keys of jobs neither done nor failed nor blocked."""
    started: dict[str, tuple[Job, float]] = field(default_factory=dict)
    """Running jobs and when they started."""
    _chains: list[tuple[float, str]] = field(default_factory=list)
    """Heap of the chains that start at jobs neither settled nor running, the longest first; others may stand in it
    still, and are dropped when they come to the top: so a look costs the same however many jobs are left."""

    def begin(self, jobs: Sequence[Job], workers: int, priority: Mapping[str, float]) -> None:
        """Start counting a plan.

        Parameters
        ----------
        priority : mapping
            Key -> cost of the dearest chain that starts there (`schedule.JobSchedule.priority`).
        """
        self.total, self.workers, self.priority = len(jobs), max(1, workers), priority
        self.cost_total = sum(job.cost for job in jobs)
        self.unsettled = {job.key for job in jobs}
        self._chains = [(-priority[job.key], job.key) for job in jobs]
        heapify(self._chains)

    def start(self, job: Job) -> None:
        """Note that a job has been given to a worker."""
        self.started[job.key] = (job, self.clock())

    def stop(self, job: Job) -> None:
        """Note that a job's worker died and the job waits again."""
        self.started.pop(job.key, None)
        heappush(self._chains, (-self.priority[job.key], job.key))

    def reuse(self, job: Job, seconds: float | None) -> None:
        """Note a result that was there already."""
        self.cached += 1
        self._settle(job, seconds)
        self.done += 1

    def finish(self, job: Job, seconds: float | None) -> None:
        """Note a result just made."""
        self._settle(job, seconds)
        self.done += 1

    def fail(self, job: Job) -> None:
        """Note a failure."""
        self._settle(job, None)
        self.failed += 1

    def block(self, job: Job) -> None:
        """Note a job that can never run."""
        self._settle(job, None)
        self.blocked += 1

    def _settle(self, job: Job, seconds: float | None) -> None:
        self.started.pop(job.key, None)
        self.unsettled.discard(job.key)
        self.cost_settled += job.cost
        if seconds is not None:
            self.timed_cost += job.cost
            self.timed_seconds += seconds

    @property
    def settled(self) -> int:
        """Jobs done, failed or blocked."""
        return self.done + self.failed + self.blocked

    @property
    def share(self) -> float:
        """Share of the plan's cost that is settled, 0 to 1."""
        return self.cost_settled / self.cost_total if self.cost_total > 0 else 1.0

    def seconds_left(self) -> float | None:
        """Estimate the time left; None while no job has been timed."""
        if self.timed_cost <= 0 or self.timed_seconds <= 0:
            return None
        pace = self.timed_seconds / self.timed_cost
        used = {key: min(self.clock() - since, pace * job.cost) for key, (job, since) in self.started.items()}
        work = pace * (self.cost_total - self.cost_settled) - sum(used.values())
        running = max((pace * self.priority[key] - spent for key, spent in used.items()), default=0.0)
        return max(0.0, work / self.workers, running, pace * self._longest_waiting())

    def _longest_waiting(self) -> float:
        """Cost of the dearest chain that starts at a job neither settled nor running."""
        while self._chains and (self._chains[0][1] not in self.unsettled or self._chains[0][1] in self.started):
            heappop(self._chains)
        return -self._chains[0][0] if self._chains else 0.0


def in_words(seconds: float | None) -> str:
    """Say a duration as a person would: "40 s", "3 min", "1 h 20 min"; "time left unknown" for None."""
    if seconds is None:
        return "time left unknown"
    whole = max(1, round(seconds))
    if whole < 60:
        return f"about {whole} s left"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"about {minutes} min left"
    return f"about {minutes // 60} h {minutes % 60} min left"
