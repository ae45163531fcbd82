"""Estimates what the jobs of a plan take of GPUs: hours, and memory of what our own engine and TRL do.

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

Of a training by TRL on each of its GPUs: the same, in bfloat16, with the rows of one pass going through together. What
the weights take is divided by the GPUs where they share it (`options: {fsdp: true}`), else it stands on each. Beside
weights that are trained whole, on preferences or with a penalty for leaving it, stands the start in float32 (4 P).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from gauger.errors import UserError
from gauger.execute import Job, memory_gb, visible_gpus
from gauger.jobs import AskTeacher, ByProgram, DrawTexts, Gather, MeasureModel, TrainExternalOnPairs, Trains
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
_FOR_OUR_ENGINE = (
    "Train an adapter (student.lora), keep less (student.computing: checkpoint_activations, quantise_base), or have a "
    "program share the model among GPUs (kind: external)."
)
_FOR_TRL = (
    "Have GPUs share the model (options: {fsdp: true}), take more of them (gpus), keep less (options: "
    "{gradient_checkpointing: true, micro_batch: 1}), or train an adapter (student.lora)."
)


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
    return _largest(costs, job_gb)


def program_memory(costs: Costs) -> dict[str, float]:
    """Return the same of trainings by programs of others, on each of the GPUs that they ask for (`program_gb`).

    Parameters
    ----------
    costs : Costs
        Of the plan.
    """
    return _largest(costs, program_gb)


def _largest(costs: Costs, measure: Callable[[Costs, Job], float | None]) -> dict[str, float]:
    largest: dict[str, float] = {}
    for job in costs.plan.jobs.values():
        if (gb := measure(costs, job)) is not None:
            largest[job.kind] = max(gb, largest.get(job.kind, 0.0))
    return dict(sorted(largest.items(), key=lambda item: -item[1]))


def memory_here_gb() -> float | None:
    """Return the memory in gigabytes that a job has on this machine; None where unknown."""
    return memory_gb(visible_gpus())


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
    if not loads or isinstance(record, ByProgram | Gather) or place is None:  # a corpus is counted without weights
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


def program_gb(costs: Costs, job: Job) -> float | None:
    """Return the memory in gigabytes that a training by TRL takes of each of the GPUs that it asks for.

    Parameters
    ----------
    costs : Costs
        Of the plan.
    job : Job
        One of it.

    Returns
    -------
    float or None
        None for other jobs, other programs, CPUs, and where DeepSpeed shares the model as its own file says.
    """
    record = costs.plan.parameters[job.key]
    place = getattr(costs.maker(job), "place", None)
    described = None if place is None else _described(place)
    if not isinstance(record, ByProgram) or not record.script.startswith("trl_") or described is None:
        return None
    options = record.options
    if not record.gpus or options.get("deepspeed"):
        return None
    weights, small = costs.parameters(job), _PRECISIONS["bfloat16"]
    held = _weight_bytes(described, weights, record.adapter, Computing(), small)
    held_to_start = isinstance(record, TrainExternalOnPairs) or bool(getattr(record, "kl_weight", None))
    if record.adapter is None and held_to_start:
        held += 4.0 * weights
    attention: Literal["eager"] | None = "eager" if options.get("attention") == "eager" else None
    chosen = Computing(attention=attention, checkpoint_activations=bool(options.get("gradient_checkpointing")))
    longest = costs.row_tokens + costs.plan.study.decoding.max_new_tokens
    kept = _activations(described, _rows_of_pass(record) * longest, longest, chosen, small)
    return (held / (record.gpus if options.get("fsdp") else 1) + kept + OVERHEAD_BYTES) / _GB


def _rows_of_pass(record: ByProgram) -> int:
    """Return the rows that go through one GPU together: as `trl_shared.micro_batch_of` divides a step."""
    each = 2 if isinstance(record, TrainExternalOnPairs) else 1
    own = record.batch // each // record.gpus
    wanted = record.options.get("micro_batch")
    most = wanted if isinstance(wanted, int) else own
    return each * max((size for size in range(1, own + 1) if own % size == 0 and size <= most), default=1)


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
    """Refuse a plan with a job of our own engine, or of TRL on GPUs, that this machine has no memory for.

    Parameters
    ----------
    costs : Costs
        Of the plan.

    Raises
    ------
    UserError
        Naming the job, what it takes and what there is.
    """
    there, seen = memory_here_gb(), visible_gpus()
    for job in costs.plan.jobs.values():
        own = job_gb(costs, job)
        wanted = own if own is not None or not seen else program_gb(costs, job)
        if there is not None and wanted is not None and wanted > there:
            given = f"about {wanted:.1f} GB{'' if own is not None else ' on each GPU'} for {job.name}"
            hint = _FOR_OUR_ENGINE if own is not None else _FOR_TRL
            raise UserError(f"jobs that fit into the {there:.1f} GB of this machine", given, hint=hint)
