"""Reads from a run directory how its run stands: done, running, left, failed, damaged. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gauger.errors import DamagedError, InputError, Place
from gauger.execute.cache import Cache, State
from gauger.execute.counts import RunTally
from gauger.execute.driver import PLAN_SCHEMA
from gauger.execute.job import Job
from gauger.execute.local import cores
from gauger.execute.schedule import JobSchedule
from gauger.store import JobFailure, RunDirectory, holder, read_failures, read_json


@dataclass
class Status:
    """One run at one moment; every job of the plan stands in exactly one of the lists."""

    done: list[Job] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)
    left: list[Job] = field(default_factory=list)
    """Ready or waiting."""
    failed: list[tuple[Job, JobFailure]] = field(default_factory=list)
    blocked: list[Job] = field(default_factory=list)
    """Wait for a job that failed."""
    damaged: list[tuple[Job, str]] = field(default_factory=list)
    """The stored result fails verification, with what is wrong; the next run computes it again."""
    set_aside: list[str] = field(default_factory=list)
    """Damaged results that earlier runs found and replaced, by name of their folder under ``jobs/damaged``."""
    driver: int | None = None
    """Process id of the run that is going on; None where there is none."""
    seconds_left: float | None = None
    """Expected time for all that is left, on all cores; None while unknown."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that ``gauger status --json`` prints."""
        return {
            "schema": "gauger.status/1",
            "driver": self.driver,
            "seconds_left": self.seconds_left,
            "done": len(self.done),
            "running": [_describe(job) for job in self.running],
            "left": [_describe(job) for job in self.left],
            "failed": [_describe(job, _what(failure)) for job, failure in self.failed],
            "blocked": [_describe(job) for job in self.blocked],
            "damaged": [_describe(job, {"reason": reason}) for job, reason in self.damaged],
            "set_aside": self.set_aside,
        }


def _describe(job: Job, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    labels = ("key", "kind", "name", "arm", "replicate", "stage")
    return {label: getattr(job, label) for label in labels} | dict(more or {})


def _what(failure: JobFailure) -> dict[str, str]:
    return {"boundary": failure.boundary, "reason": failure.reason, "detail": failure.detail}


def read_status(directory: Path) -> Status:
    """Find out how the run in a directory stands; stored results are judged by size and time (`Cache.glance`).

    Raises
    ------
    InputError
        Where no run has begun there.
    """
    root = RunDirectory(directory).jobs
    jobs, cache = read_plan(directory), Cache(root)
    running = holder(root / "lock")
    status = Status(driver=running.pid if running else None, set_aside=cache.damaged())
    failures = {failure.key: failure for failure in read_failures(root / "failures")}
    in_progress = cache.in_progress() if running else set()
    tally, schedule = RunTally(), JobSchedule(jobs, ())
    tally.begin(jobs, cores(), schedule.priority)
    for job in jobs:
        _sort_in(job, status, cache, failures, in_progress, tally)
    blocked = {other.key for job, _ in status.failed for other in schedule.fail(job)}
    status.blocked = [job for job in status.left if job.key in blocked]
    status.left = [job for job in status.left if job.key not in blocked]
    for job in status.blocked:
        tally.block(job)
    status.seconds_left = tally.seconds_left()
    return status


def _sort_in(
    job: Job, status: Status, cache: Cache, failures: Mapping[str, JobFailure], in_progress: set[str], tally: RunTally
) -> None:
    entry = cache.glance(job.key)
    if entry.state is State.DONE:
        status.done.append(job)
        tally.reuse(job, entry.seconds)
    elif job.key in in_progress:
        status.running.append(job)
    elif entry.state is State.DAMAGED:
        status.damaged.append((job, entry.reason))
    elif job.key in failures:
        status.failed.append((job, failures[job.key]))
        tally.fail(job)
    else:
        status.left.append(job)


def read_plan(directory: Path) -> list[Job]:
    """Read the plan of the last run in a directory.

    Raises
    ------
    InputError
        Where no run has begun there, or its plan is unreadable.
    """
    path = RunDirectory(directory).jobs / "jobs.json"
    try:
        value = read_json(path)
    except FileNotFoundError:
        raise InputError("a directory in which a run has begun", "none", Place(str(directory))) from None
    except NotADirectoryError:
        raise InputError("a directory in which a run has begun", "a file", Place(str(directory))) from None
    except DamagedError as error:
        raise InputError(str(error)) from error
    if not isinstance(value, dict) or value.get("schema") != PLAN_SCHEMA:
        raise InputError(f"a plan of schema {PLAN_SCHEMA}", "something else", Place(str(path)))
    return [Job(**job) for job in value["jobs"]]
