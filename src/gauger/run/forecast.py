"""What a plan will cost and what it could find, before anything runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from gauger.run.cache import Cache, State
from gauger.run.plan import SAMPLED, Plan
from gauger.run.schedule import Schedule
from gauger.spec import ModelSize
from gauger.stats.power import DesignComponents, smallest_detectable
from gauger.worlds.atlas import Atlas
from gauger.worlds.atlas.world import CONTEXT

ROWS_PER_SECOND = 4500.0
"""Training rows per second and core of a model of `REFERENCE_PARAMETERS`, measured on the quickstart."""
REFERENCE_PARAMETERS = 130_000
ASSUMED = DesignComponents(item=0.15, replicate=0.0008, residual=0.15)
"""Components of an uplift on one benchmark that the forecast assumes: items as of two scores near one half, paired runs
that differ by a standard deviation of 2.8 points. A pilot run tells the true ones."""


@dataclass(frozen=True)
class Forecast:
    """A plan in numbers."""

    study: str
    arms: list[dict[str, Any]]
    """name, kind, stages, steps, matched."""
    replicates: int
    jobs: dict[str, int]
    """Kind -> jobs."""
    jobs_total: int
    jobs_shared: int
    """Jobs saved because arms share them."""
    jobs_done: int
    """Jobs whose results the directory holds already."""
    training_tokens: int
    training_flops: float
    """6 x parameters x tokens."""
    teacher_queries: int
    """Requests to the teacher, at least (filters cost more)."""
    usd: float
    """Money; the embedded world's teacher costs none."""
    minutes: float
    """Expected wall time of what is left, on `workers` cores."""
    workers: int
    smallest_detectable_uplift: float
    """On one benchmark, with power 0.8 at the study's level, 0-1 scale."""
    assumption: str
    """What the smallest detectable uplift assumes."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `gauger plan --json` prints."""
        return {"schema": "gauger.plan/1", **asdict(self)}


def forecast(plan: Plan, atlas: Atlas, cache: Cache, workers: int) -> Forecast:
    """Forecast a plan, given what a directory holds already."""
    jobs = list(plan.jobs.values())
    done = {job.key: cache.path(job.key) for job in jobs if cache.inspect(job.key).state is State.DONE}
    tokens = {job.key: _tokens(job.params, atlas) for job in jobs if job.kind in ("pretrain", "train")}
    flops = sum(6.0 * _parameters(plan, job.arm, atlas) * tokens[job.key] for job in jobs if job.key in tokens)
    left = [job for job in jobs if job.key not in done]
    study = plan.study
    smallest_benchmark = min(len(atlas.benchmark(name).items) for name in study.benchmarks)
    return Forecast(
        study=study.study,
        arms=[
            {
                "name": arm.name,
                "kind": str(arm.kind),
                "stages": [stage.kind for stage in arm.recipe],
                "steps": sum(stage.steps for stage in arm.recipe),
                "matched": arm.matched,
            }
            for arm in plan.arms
        ],
        replicates=study.replicates,
        jobs=dict(sorted(Counter(job.kind for job in jobs).items())),
        jobs_total=len(jobs),
        jobs_shared=plan.requested - len(jobs),
        jobs_done=len(done),
        training_tokens=sum(tokens.values()),
        training_flops=flops,
        teacher_queries=sum(_queries(job.params) for job in jobs if job.kind == "ask-teacher"),
        usd=0.0,
        minutes=_minutes(left, Schedule(jobs, done), workers, plan, atlas),
        workers=workers,
        smallest_detectable_uplift=smallest_detectable(
            ASSUMED, smallest_benchmark, study.replicates, level=study.estimation.level
        )
        if study.replicates > 1
        else smallest_detectable(DesignComponents(item=0.3, replicate=0.0), smallest_benchmark, 1),
        assumption=f"{smallest_benchmark} items, paired replicates that differ by 2.8 points (standard deviation), "
        "items near one half; a run's own records tell better",
    )


def _tokens(params: Any, atlas: Atlas) -> int:
    mean = sum(len(text.words) + 2 for text in atlas.web) / max(1, len(atlas.web))
    return round(params["steps"] * params["batch"] * mean)


def _queries(params: Any) -> int:
    writes_prompts = params["strategy"] in SAMPLED and params["strategy"] != "textbook"
    samples: int = params["samples"]
    return samples * (2 if writes_prompts else 1)


def _parameters(plan: Plan, arm: str, atlas: Atlas) -> int:
    size: ModelSize = plan.study.teacher.model if arm == "teacher" else plan.study.student.model
    blocks = size.layers * (12 * size.width**2 + 2 * size.width)
    return blocks + size.width * (len(atlas.language) + CONTEXT + 1)


def _minutes(left: list[Any], schedule: Schedule, workers: int, plan: Plan, atlas: Atlas) -> float:
    if not left:
        return 0.0
    scale = _parameters(plan, "", atlas) / REFERENCE_PARAMETERS
    work = sum(job.cost for job in left) / workers
    longest = max(schedule.priority[job.key] for job in left)
    seconds: float = max(work, longest) * scale / ROWS_PER_SECOND
    return ceil(seconds / 6) / 10
