"""Estimates what the jobs of a plan take of GPUs: hours, and memory of those that our own engine does.

Hours. Training takes 6 P T floating-point operations, writing 2 P T (Kaplan et al. 2020, section 2.1), P weights and T
tokens; the first at `TRAINING_FLOPS` a second, the second, which waits for memory, at `WRITING_FLOPS`. Every row and
every answer is taken to be as long as it may be. Not counted: evaluators of others, and answers of the base.

Memory in bytes, for the engine of transformers; `small` is 2 in bfloat16 and 4 in float32 (`computing.precision`; where
nobody chose, 2 on a GPU and 4 on a CPU), M the tokens that go through together: 1,024 (`tokens_together`), or one row.

    weights       trained whole 16 P (weights, gradient and both moments of AdamW in float32); with an adapter, or only
                  asked, small P; held in 4 bits (`quantise_base`) 0.52 (P - E) + small E, E of embeddings and head
    adapter       16 for each of its weights, rank (in + out) a matrix
    activations   17 small M D L (Korthikanti et al. 2022, equation 2, without what attention would keep); made again
                  (`checkpoint_activations`) small M D L of what enters the layers, and 17 small M D of one layer
    eager         2.5 small M S H more a layer that is kept, S = M packed and the longest row else (the same equation)
    asked         keys and values: 2 L D_kv numbers of `small` bytes a token
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gauger.errors import UserError
from gauger.execute import Job, memory_gb, visible_gpus
from gauger.jobs import AskTeacher, ByProgram, DrawTexts, MeasureModel, Trains
from gauger.spec import Computing, Lora, SpecPart
from gauger.study.checkpoints import described_checkpoint
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
_QUANTISED_BYTES = 0.52
"""4 bits and a share of constants, quantised themselves: 0.127 bits (Dettmers et al. 2023, section 3)."""
_PRECISIONS = {"float32": 4, "bfloat16": 2}
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
    return record.samples if isinstance(record, AskTeacher | DrawTexts) else 0


def memory_by_kind(costs: Costs) -> dict[str, float]:
    """Return the memory in gigabytes of the largest job of each kind; kinds of which nobody knows are left out.

    Parameters
    ----------
    costs : Costs
        Of the plan.

    Returns
    -------
    dict of str to float
        Largest first; empty where no model of transformers is loaded by our own engine.
    """
    largest: dict[str, float] = {}
    for job in costs.plan.jobs.values():
        if (gb := job_gb(costs, job)) is not None:
            largest[job.kind] = max(gb, largest.get(job.kind, 0.0))
    return dict(sorted(largest.items(), key=lambda item: -item[1]))


def memory_here_gb() -> float | None:
    """Return the memory in gigabytes that a job has on this machine; None where unknown."""
    return memory_gb(len(visible_gpus()))


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
    if not loads or isinstance(record, ByProgram) or place is None:
        return None
    described = _described(place)
    if described is None:
        return None
    weights, chosen = costs.parameters(job), _computing(record)
    small = _PRECISIONS[chosen.precision] if chosen.precision else 2 if visible_gpus() else 4
    longest = costs.row_tokens + costs.plan.study.decoding.max_new_tokens
    if isinstance(record, Trains):
        held = _weight_bytes(described, weights, record.adapter, chosen, small)
        return (
            held
            + _activations(described, max(chosen.tokens_together or MICRO_TOKENS, longest), longest, chosen, small)
            + OVERHEAD_BYTES
        ) / _GB
    tokens = TOGETHER * longest
    return (weights * small + tokens * _key_value_bytes(described, small) + OVERHEAD_BYTES) / _GB


def _computing(record: SpecPart) -> Computing:
    """Return how a job's model computes."""
    asked = getattr(record, "asked", None)
    return getattr(record, "computing", None) or getattr(asked, "computing", None) or Computing()


def _weight_bytes(
    described: Mapping[str, Any], weights: int, adapter: Lora | None, chosen: Computing, small: int
) -> float:
    """Return what weights take in training, with gradients and moments of those that are trained."""
    if adapter is None:
        return 16.0 * weights
    trained = 16.0 * _adapter_weights(described, adapter)
    if chosen.quantise_base is None:
        return small * weights + trained
    copies = 1 if described.get("tie_word_embeddings", True) else 2
    around = min(weights, copies * int(described.get("vocab_size", 0)) * int(described["hidden_size"]))
    return _QUANTISED_BYTES * (weights - around) + small * around + trained


def _adapter_weights(described: Mapping[str, Any], adapter: Lora) -> int:
    """Count an adapter's weights: rank (in + out) of the four matrices of attention and the three behind it."""
    width, layers = int(described["hidden_size"]), int(described["num_hidden_layers"])
    inner, narrow = int(described.get("intermediate_size", 4 * width)), round(width * _shared_heads(described))
    each = 2 * (width + width) + 2 * (width + narrow) + 3 * (width + inner)
    return adapter.rank * each * min(layers, adapter.layers or layers)


def _activations(described: Mapping[str, Any], together: float, longest: float, chosen: Computing, small: int) -> float:
    """Return what is kept for the way back of the tokens that go through together."""
    width, layers = int(described["hidden_size"]), int(described["num_hidden_layers"])
    heads = int(described.get("num_attention_heads", 1)) if chosen.attention == "eager" else 0
    seen = together if chosen.pack_rows else longest
    entering = small * together * width
    layer = _ACTIVATION_BYTES / 2 * entering + 2.5 * small * together * seen * heads
    return layers * entering + layer if chosen.checkpoint_activations else layers * layer


def _shared_heads(described: Mapping[str, Any]) -> float:
    """Return keys and values as a share of the queries."""
    heads = int(described.get("num_attention_heads", 1))
    return int(described.get("num_key_value_heads", heads)) / heads


def _key_value_bytes(described: Mapping[str, Any], small: int) -> float:
    size = int(described["num_hidden_layers"]) * int(described["hidden_size"])
    return 2 * size * _shared_heads(described) * small


def _described(place: str) -> Mapping[str, Any] | None:
    config = described_checkpoint(place)
    return config if config is not None and {"hidden_size", "num_hidden_layers"} <= config.keys() else None


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
    there = memory_here_gb()
    for job in costs.plan.jobs.values():
        wanted = job_gb(costs, job)
        if there is not None and wanted is not None and wanted > there:
            hint = (
                "Train an adapter (student.lora), keep less (student.computing: checkpoint_activations, "
                "quantise_base), or have a program share the model among GPUs (kind: external)."
            )
            given = f"about {wanted:.1f} GB for {job.name}"
            raise UserError(f"jobs that fit into the {there:.1f} GB of this machine", given, hint=hint)
