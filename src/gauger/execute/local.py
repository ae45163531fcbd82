"""Runs jobs on this machine: worker processes, one job each at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gauger.execute.cache import Cache
from gauger.execute.driver import TRIES, Rules, drive
from gauger.execute.job import Job
from gauger.execute.limits import SpentLimits
from gauger.execute.pool import Pool
from gauger.execute.progress import RunProgress
from gauger.execute.result import RunResult


def run_jobs(
    jobs: Sequence[Job],
    cache: Cache,
    *,
    workers: int,
    registry: Mapping[str, str],
    progress: RunProgress | None = None,
    environment: Mapping[str, str] | None = None,
) -> RunResult:
    """Run every job whose result is not there yet in processes of this machine, and say what became of each.

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
    pool = Pool(workers or cores(), cache.root / "logs", environment)
    return drive(jobs, cache, pool, Rules(registry, TRIES, SpentLimits()), progress or RunProgress())


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
