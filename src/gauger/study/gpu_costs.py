"""Estimates what the jobs of a plan take of GPUs: hours, and memory of those that our own engine does.

Hours. Training takes 6 P T floating-point operations, writing 2 P T (Kaplan et al. 2020, section 2.1), P weights and T
tokens; the first at `TRAINING_FLOPS` a second, the second, which waits for memory, at `WRITING_FLOPS`. Every row and
every answer is taken to be as long as it may be. Not counted: evaluators of others, and answers of the base.

Memory in bytes, for the engine of transformers. Trained whole: 16 P (weights, gradient and both moments of AdamW in
float32). With an adapter, or only asked: 2 P on a GPU, 4 P on a CPU. Activations of M tokens that go through together:
34 M D L on a GPU, twice that in float32 (Korthikanti et al. 2022, equation 2, without what attention would keep).
Keys and values of what is asked: 2 L D_kv numbers a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gauger.errors import UserError
from gauger.execute import Job, memory_gb, visible_gpus
from gauger.jobs import AskTeacher, MeasureModel, TrainExternal, Trains
from gauger.spec import Lora, SpecPart
from gauger.store import read_json
from gauger.study.costs import Costs

TRAINING_FLOPS = 1.25e14
"""40 % of the 312 TFLOP/s of an A100 in bfloat16."""
WRITING_FLOPS = 2.5e13
"""8 % of it: batches of hundreds of answers behind a server."""
GPU_ASSUMPTION = (
    "A100 at 40 % in training and 8 % in writing, answers as long as they may be; evaluators and what the base writes "
    "are not in it"
)
TOGETHER = 64
"""Answers that are written together in our own process."""
MICRO_TOKENS = 1024
"""Tokens of our own engine that go through the model together in training."""
OVERHEAD_BYTES = 1 << 30
"""What PyTorch and CUDA take by themselves."""
_ACTIVATION_BYTES = 34
_GB = 1e9


def gpu_hours(costs: Costs) -> float | None:
    """Return the hours of one GPU for a whole plan; None where models are trained from scratch and small.

    Parameters
    ----------
    costs : Costs
        Of the plan.
    """
    if costs.plan.study.student.from_scratch is not None:
        return None
    return sum(_seconds(costs, job) for job in costs.plan.jobs.values()) / 3600


def _seconds(costs: Costs, job: Job) -> float:
    record = costs.plan.parameters[job.key]
    longest = costs.row_tokens + costs.plan.study.decoding.max_new_tokens
    weights = costs.parameters(job)
    if isinstance(record, Trains):
        return 6 * weights * record.steps * record.batch * longest / TRAINING_FLOPS
    return 2 * weights * _answers(costs, record) * longest / WRITING_FLOPS


def _answers(costs: Costs, record: SpecPart) -> int:
    """Return how many answers a job has a model at hand write."""
    asked = getattr(record, "asked", None)
    if asked is None or asked.engine is None:
        return 0
    if isinstance(record, MeasureModel):
        return record.samples * sum(len(costs.world.benchmark(name).items) for name in record.benchmarks)
    return record.samples if isinstance(record, AskTeacher) else 0


def largest_job_gb(costs: Costs) -> float | None:
    """Return the memory of the largest job that our own engine does, in gigabytes; None where nobody knows.

    Parameters
    ----------
    costs : Costs
        Of the plan.
    """
    known = [gb for job in costs.plan.jobs.values() if (gb := job_gb(costs, job)) is not None]
    return max(known, default=None)


def job_gb(costs: Costs, job: Job) -> float | None:
    """Return the memory of one job in gigabytes; None where no model of transformers is loaded in its process.

    Parameters
    ----------
    costs : Costs
        Of the plan.
    job : Job
        One of it.
    """
    record = costs.plan.parameters[job.key]
    asked = getattr(record, "asked", None)
    loads = isinstance(record, Trains) or (asked is not None and asked.engine is not None and asked.serving is None)
    maker = costs.maker(job)
    place = getattr(maker, "place", None)
    if not loads or isinstance(record, TrainExternal) or place is None:
        return None
    described = _described(Path(place))
    if described is None:
        return None
    weights, small = costs.parameters(job), 2 if visible_gpus() else 4
    if isinstance(record, Trains):
        return (weights * _bytes_each(record.adapter, small) + _activations(described, small) + OVERHEAD_BYTES) / _GB
    tokens = TOGETHER * (costs.row_tokens + costs.plan.study.decoding.max_new_tokens)
    return (weights * small + tokens * _key_value_bytes(described, small) + OVERHEAD_BYTES) / _GB


def _bytes_each(adapter: Lora | None, small: int) -> int:
    return 16 if adapter is None else small


def _activations(described: Mapping[str, Any], small: int) -> float:
    size = int(described["hidden_size"]) * int(described["num_hidden_layers"])
    return float(_ACTIVATION_BYTES * MICRO_TOKENS * size * small / 2)


def _key_value_bytes(described: Mapping[str, Any], small: int) -> float:
    heads = int(described.get("num_attention_heads", 1))
    shared = int(described.get("num_key_value_heads", heads)) / heads
    return float(2 * int(described["num_hidden_layers"]) * int(described["hidden_size"]) * shared * small)


def _described(checkpoint: Path) -> Mapping[str, Any] | None:
    path = checkpoint / "config.json"
    config: Any = read_json(path) if path.is_file() else None
    return config if isinstance(config, dict) and {"hidden_size", "num_hidden_layers"} <= config.keys() else None


def require_memory(costs: Costs) -> None:
    """Refuse a plan with a job of our own engine that this machine has no memory for.

    Parameters
    ----------
    costs : Costs
        Of the plan.

    Raises
    ------
    UserError
        Naming the job, what it takes and what there is.
    """
    there = memory_gb(len(visible_gpus()))
    for job in costs.plan.jobs.values():
        wanted = job_gb(costs, job)
        if there is not None and wanted is not None and wanted > there:
            hint = "Train an adapter (student.lora), or have a program share the model among GPUs (kind: external)."
            given = f"about {wanted:.1f} GB for {job.name}"
            raise UserError(f"jobs that fit into the {there:.1f} GB of this machine", given, hint=hint)
