"""Forecasts what a plan will cost and what it could find, before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from gauger.execute import Cache, Job, JobSchedule, State
from gauger.spec import Arm, Study, switched_off
from gauger.stats import DesignComponents, share_not_excluded, smallest_detectable
from gauger.study.costs import Costs
from gauger.study.gpu_costs import GPU_ASSUMPTION, gpu_hours, memory_by_kind, memory_here_gb, program_memory
from gauger.study.plan import Plan
from gauger.study.scale_forecast import why_no_curves
from gauger.worlds import World

ASSUMED = DesignComponents(item=0.15, replicate=0.0008, residual=0.15)
"""Components of an uplift on one benchmark that the forecast assumes: items as of two scores near one half, paired runs
that differ by a standard deviation of 2.8 points. A pilot run tells the true ones."""
ASSUMED_UNREPLICATED = DesignComponents(item=ASSUMED.item + ASSUMED.residual, replicate=0.0)
"""With one replicate the interval covers items alone."""


@dataclass(frozen=True)
class PlanForecast:
    """A plan in numbers."""

    study: str
    arms: list[dict[str, Any]]
    """name, kind, stages, steps, matched."""
    switched_off: dict[str, str]
    """Controls that the study switched off -> the reason it gave."""
    replicates: int
    jobs: dict[str, int]
    """Kind -> jobs."""
    jobs_total: int
    jobs_shared: int
    """Jobs saved because arms share them."""
    jobs_done: int
    """Jobs whose results the directory holds already."""
    training_tokens: int
    """Of all training jobs, done or not."""
    training_flops: float
    """6 x parameters x tokens."""
    teacher_queries: int
    """Requests to the teacher by all jobs, at least (filters cost more)."""
    measuring_queries: int
    """Those among them that measure a teacher behind an interface: no arm's budget is on them, that in money apart."""
    queries_most: int | None
    """Requests that the arms may make at most, by the surface's budget; None where it has none."""
    usd_most: float | None
    """Money that may be spent at most, measuring included, by the surface's budget; None where it has none."""
    usd: float
    """Money for that many requests if every answer is as long as it may be; the embedded world's teacher costs none."""
    usd_least: float
    """The same if every answer is one token."""
    minutes: float
    """Expected wall time of what is left, on `workers` cores."""
    workers: int
    gpu_hours: float | None
    """Of a GPU at `gpu_assumption`, for all jobs, done or not; None where models are so small that none is used."""
    gpu_assumption: str
    largest_job_gb: float | None
    """Memory of the largest job that our own engine does; None where nobody knows: models of the embedded world are
    small, and programs of others have their own."""
    memory_gb: dict[str, float]
    """Kind of job -> memory of the largest of that kind that our own engine does, largest first."""
    program_gb: dict[str, float]
    """Kind of job -> memory on each of its GPUs of the largest training of that kind by a program of others, largest
    first; programs of which nobody knows are left out."""
    memory_here_gb: float | None
    """What a job has on this machine, of a GPU where there is one; None where nobody knows."""
    smallest_detectable_uplift: float
    """On one benchmark, with power 0.8 at the study's level, 0-1 scale."""
    assumption: str
    """What the smallest detectable uplift assumes."""
    share_of_seeds_not_excluded: float
    """Share of training seeds that could behave otherwise although all replicates behave alike (at 95 %)."""
    no_curves: str | None
    """Why no law can be fitted to the cells of the study's scale; None where one can, or there is no scale."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `gauger plan --json` prints."""
        return {"schema": "gauger.plan/1", **asdict(self)}


def forecast(plan: Plan, world: World, cache: Cache, workers: int) -> PlanForecast:
    """Forecast a plan, given what a directory holds already."""
    costs = Costs(plan, world)
    study, jobs = plan.study, list(plan.jobs.values())
    done = {job.key for job in jobs if cache.glance(job.key).state is State.DONE}
    tokens = {job.key: costs.tokens(job) for job in jobs if costs.trains(job)}
    n_items = min(len(world.benchmark(name).items) for name in study.benchmarks)
    asked = [job for job in jobs if costs.asks(job)]
    detectable, assumption = _detectable(study, n_items)
    memory = memory_by_kind(costs)
    return PlanForecast(
        study=study.study,
        arms=[_arm(arm) for arm in plan.arms],
        switched_off=switched_off(study),
        replicates=study.replicates,
        jobs=dict(sorted(Counter(job.kind for job in jobs).items())),
        jobs_total=len(jobs),
        jobs_shared=plan.requested - len(jobs),
        jobs_done=len(done),
        training_tokens=sum(tokens.values()),
        training_flops=sum(costs.flops(plan.jobs[key]) for key in tokens),
        teacher_queries=sum(costs.queries(job) for job in asked),
        measuring_queries=sum(costs.queries(job) for job in asked if costs.measures_elsewhere(job)),
        queries_most=None if (queries := costs.most(jobs, "max_queries")) is None else int(queries),
        usd_most=costs.most(jobs, "max_usd"),
        usd=sum(costs.usd(job) for job in asked),
        usd_least=sum(costs.usd_least(job) for job in asked),
        minutes=_minutes(jobs, done, workers, {job.key: costs.seconds_per_row(job) for job in jobs}),
        workers=workers,
        gpu_hours=gpu_hours(costs),
        gpu_assumption=GPU_ASSUMPTION,
        largest_job_gb=max(memory.values(), default=None),
        memory_gb=memory,
        program_gb=program_memory(costs),
        memory_here_gb=memory_here_gb(),
        smallest_detectable_uplift=detectable,
        assumption=assumption,
        share_of_seeds_not_excluded=share_not_excluded(study.replicates),
        no_curves=why_no_curves(plan, costs),
    )


def _arm(arm: Arm) -> dict[str, Any]:
    return {
        "name": arm.name,
        "kind": str(arm.kind),
        "stages": [stage.kind for stage in arm.recipe],
        "steps": sum(stage.steps for stage in arm.recipe),
        "matched": arm.matched,
    }


def _detectable(study: Study, n_items: int) -> tuple[float, str]:
    """Return the smallest detectable uplift on a benchmark of that many items, and what it assumes."""
    replicates, level = study.replicates, study.estimation.level
    if replicates == 1:
        smallest = smallest_detectable(ASSUMED_UNREPLICATED, n_items, 1, level=level)
        return (
            smallest,
            f"{n_items} items near one half; with one replicate the interval covers items alone: no verdict",
        )
    smallest = smallest_detectable(ASSUMED, n_items, replicates, level=level)
    return smallest, (
        f"{n_items} items near one half, {replicates} paired replicates that differ by 2.8 points "
        "(standard deviation); a run's own records tell better"
    )


def _minutes(jobs: Sequence[Job], done: Collection[str], workers: int, scale: Mapping[str, float]) -> float:
    """Return max(work left / workers, longest chain left), rounded up to a tenth; `scale`: seconds per row."""
    timed = [replace(job, cost=0.0 if job.key in done else job.cost * scale[job.key]) for job in jobs]
    work = sum(job.cost for job in timed) / workers
    longest = max(JobSchedule(timed, done).priority.values(), default=0.0)
    return ceil(max(work, longest) / 6) / 10
