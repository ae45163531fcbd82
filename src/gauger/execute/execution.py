"""Chooses where and how far a plan is run, as `gauger run` offers it. It never changes what is computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gauger.errors import UserError, nearest
from gauger.execute.cache import Cache
from gauger.execute.devices import visible_gpus
from gauger.execute.driver import TRIES, Rules, drive
from gauger.execute.executor import Executor
from gauger.execute.job import RESOURCES, Job
from gauger.execute.limits import RunLimits, SpentLimits
from gauger.execute.local import cores
from gauger.execute.pool import Pool
from gauger.execute.progress import RunProgress
from gauger.execute.result import RunResult

Where = Literal["local", "ray"]
ALL_KINDS = "all"
"""In `Execution.needs`: jobs of every kind."""


@dataclass(frozen=True)
class Execution:
    """Where and how far to run."""

    on: Where = "local"
    workers: int = 0
    """Jobs at once; 0 is one per GPU, and where there are none one per core (of the machine, or of the cluster)."""
    tries: int = TRIES
    """How many workers may be lost with one job before it is given up."""
    limits: RunLimits = field(default_factory=RunLimits)
    ray_address: str | None = None
    """Of a running cluster ("auto", "host:port"); None starts one on this machine."""
    store: str | None = None
    """URL through which results travel where the nodes see no common directory."""
    needs: Mapping[str, Mapping[str, float]] | None = None
    """Kind of job (or `ALL_KINDS`) -> some of `job.RESOURCES` -> amount: what a node must have for it."""

    def __post_init__(self) -> None:
        given = {"--ray-address": self.ray_address, "--store": self.store, "--need": self.needs}
        for option, value in given.items():
            if value and self.on != "ray":
                raise UserError(f"--on ray together with {option}", f"--on {self.on}")


def execute(
    jobs: Sequence[Job],
    cache: Cache,
    execution: Execution,
    registry: Mapping[str, str],
    flops_of: Mapping[str, float],
    progress: RunProgress,
    *,
    read: Collection[str] | None = None,
) -> RunResult:
    """Run a study's jobs where `execution` says.

    Parameters
    ----------
    registry : mapping
        Kind of job -> "module:function" that does it.
    flops_of : mapping
        Key -> training FLOPs of a job, for the limit.
    read : collection of str, optional
        Names of the files that the caller will read of the results; None: all. What was there before is verified so
        far (`driver`).

    Raises
    ------
    MissingExtraError
        Where Ray is wanted and not installed.
    UserError
        Where the cluster or the store cannot be reached, or another process works in the same directory.
    Interrupted
        On a signal.
    """
    rules = Rules(registry, execution.tries, SpentLimits(execution.limits, flops_of), read)
    if execution.on == "ray":
        from gauger.execute.ray import RayPool
        from gauger.execute.remote import MirroredCache, RemoteStore

        if execution.store:
            cache = MirroredCache(cache.root, cache.on_damaged, RemoteStore(execution.store))
        jobs = [_with_needs(job, execution.needs or {}) for job in jobs]
        executor: Executor = RayPool(execution.workers, execution.ray_address, execution.store)
    else:
        gpus = visible_gpus()
        executor = Pool(execution.workers or len(gpus) or cores(), cache.root / "logs", gpus=gpus)
    return drive(jobs, cache, executor, rules, progress)


def _with_needs(job: Job, needs: Mapping[str, Mapping[str, float]]) -> Job:
    """Add what the user says that jobs of a kind need to what the job itself declares."""
    return replace(job, resources={**job.resources, **needs.get(ALL_KINDS, {}), **needs.get(job.kind, {})})


def read_needs(settings: Sequence[str], kinds: Collection[str]) -> dict[str, dict[str, float]]:
    """Read ``KIND.WHAT=NUMBER`` settings ("train.gpus=1", "all.memory_gb=4").

    Raises
    ------
    UserError
        Where a setting reads otherwise, or names an unknown kind or resource.
    """
    needs: dict[str, dict[str, float]] = {}
    for setting in settings:
        kind, what, amount = _read_need(setting, kinds)
        needs.setdefault(kind, {})[what] = amount
    return needs


def _read_need(setting: str, kinds: Collection[str]) -> tuple[str, str, float]:
    name, _, number = setting.partition("=")
    kind, _, what = name.rpartition(".")
    if kind not in (*kinds, ALL_KINDS):
        raise UserError("a kind of job in --need", kind or setting, hint=nearest(kind, (*kinds, ALL_KINDS)))
    if what not in RESOURCES:
        raise UserError("a resource in --need", what, hint=nearest(what, RESOURCES))
    try:
        amount = float(number)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise UserError(f"a number from 0 up after --need {name}=", number or "nothing")
    return kind, what, amount
