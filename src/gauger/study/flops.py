"""How many FLOPs each job of a plan trains."""

from __future__ import annotations

from gauger.study.costs import AtlasCosts, LanguageCosts
from gauger.study.jobs_of_study import Plan
from gauger.study.load import AnyWorld
from gauger.worlds.atlas import Atlas

FLOPS_PER_PARAMETER_AND_TOKEN = 6.0
"""Forward and backward pass of a dense decoder (Kaplan et al. 2020, section 2.1)."""


def training_flops(plan: Plan, world: AnyWorld) -> dict[str, float]:
    """Return the FLOPs of every training job of a plan, by key: 6 x parameters x tokens, repeats included."""
    costs = AtlasCosts(plan.study, world) if isinstance(world, Atlas) else LanguageCosts(plan.study, world)
    trains = [job for job in plan.jobs.values() if job.kind in costs.trains]
    return {job.key: FLOPS_PER_PARAMETER_AND_TOKEN * costs.parameters(job) * costs.tokens(job) for job in trains}
