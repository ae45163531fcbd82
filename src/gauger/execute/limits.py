"""Limits one call of a run: hours and training FLOPs, after which no job is started any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gauger.execute.job import Job


@dataclass(frozen=True)
class RunLimits:
    """What one call may use; None is no limit. Running jobs are finished: hours may be passed by the length of one."""

    hours: float | None = None
    """Wall-clock time, from the start of the call."""
    flops: float | None = None
    """Training FLOPs of the jobs that the call starts; results that are there already are free."""


@dataclass
class SpentLimits:
    """Keeps count against `RunLimits`.

    Parameters
    ----------
    limits : Limits
    flops_of : mapping
        Key -> training FLOPs of a job; jobs not named train nothing and cost none.
    """

    limits: RunLimits = field(default_factory=RunLimits)
    flops_of: Mapping[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    spent_flops: float = 0.0
    reached: str = ""
    """The limit that has kept a job from starting, in words; "" while none has."""

    def __post_init__(self) -> None:
        self._began = self.clock()

    def allows(self, job: Job) -> bool:
        """Whether a job may start; a job that trains nothing may, whatever FLOPs are left."""
        hours, flops = self.limits.hours, self.limits.flops
        cost = self.flops_of.get(job.key, 0.0)
        if hours is not None and self.clock() - self._began >= 3600 * hours:
            self.reached = f"the limit of {hours:g} hours"
            return False
        if flops is not None and cost > 0 and self.spent_flops + cost > flops:
            self.reached = f"the limit of {flops:g} training FLOPs"
            return False
        return True

    def start(self, job: Job) -> None:
        """Count a job that starts; one that starts again is counted again."""
        self.spent_flops += self.flops_of.get(job.key, 0.0)
