"""Trains any model: a seeded order of rows, one loss, AdamW with warm-up and decay, on one device or several.

Same arguments, same bytes on the same machine with the same number of threads. No dropout is applied, so every draw is
one of `seed`. A step's loss is the sum over its rows divided by the step's size, however the rows are split into
micro-batches or over processes (gradients are summed, no wrapper is put around the model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gauger.spec import TooLong
from gauger.store import fingerprint
from gauger.train.batches import PaddedRows, Part, micro_batches
from gauger.train.engine import Adapter, Completion, Model
from gauger.train.head import Head
from gauger.train.losses import Loss
from gauger.train.processes import Processes
from gauger.train.rows import IntArray
from gauger.train.schedule import TrainingSchedule
from gauger.train.state import STATE, Checkpoints, TrainingProgress, read_state, write_state

Steps = Iterable[Callable[[], Sequence[Part] | None]]
"""What makes each step's rows, when it is its turn; None ends the training: there is nothing more to learn from."""


@dataclass(frozen=True)
class Options:
    """How to train, the schedule apart."""

    seed: int = 0
    """Decides the order of rows, own samples, and an adapter's first weights."""
    loss: Loss | None = None
    """None: the stage's own."""
    adapter: Adapter | None = None
    """None: all weights are trained."""
    checkpoints: Checkpoints | None = None
    micro_tokens: int | None = None
    """Most tokens, padding included, that go through the model together; None: the engine's. Changes memory and speed,
    not the result."""
    too_long: TooLong = "cut"
    """What becomes of rows that are longer than the model's context."""
    packed: bool = False
    """Whether rows go through the model behind each other instead of padded; changes rounding and speed alone."""


@dataclass(frozen=True)
class Used:
    """How often each row of a source was trained on."""

    length_N: IntArray
    """Tokens of each row, marks included."""
    count_N: IntArray
    lost_N: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Tokens that the context cut off each row's end; empty: none of any."""
    left_out: tuple[int, ...] = ()
    """Numbers, among those that were given, of the rows of which the context left nothing to learn; those above are the
    others, in their order."""


@dataclass(frozen=True)
class Drawn:
    """One of the student's own answers."""

    prompt: int
    """Place among the prompts."""
    completion: Completion
    n_tokens: int
    """Of prompt and answer, marks included."""
    times: int = 0
    """Steps that were trained on it."""
    reward: float | None = None


@dataclass(frozen=True)
class Trained:
    """What a stage gives."""

    model: Model
    """The model that was given, changed in place; with its adapter around it where one was trained (`merged`)."""
    losses: list[float]
    """Of every step."""
    n_tokens: int
    """Tokens that went through the model, prompts included and padding excluded."""
    n_learnt: int
    """Tokens among them that the loss was on."""
    sources: tuple[Used, ...] = ()
    """The rows that the stage was given, source by source."""
    drawn: tuple[Drawn, ...] = ()
    """The student's own answers, in the order in which they were drawn; those before a checkpoint that the training
    went on from are not among them."""
    rewards: tuple[float, ...] = ()
    """Mean reward of every batch of answers in which some answer has one."""


def fit(
    student: Model,
    steps: Steps,
    schedule: TrainingSchedule,
    options: Options,
    loss: Loss,
    describe: Callable[[], object],
) -> Trained:
    """Run steps.

    Parameters
    ----------
    student : Model
        What `Model.trainee` returned; changed in place.
    steps : Steps
        Made when their turn comes, so that they may draw from the student as it is then.
    schedule, options, loss
        How to train; `options.loss` is not read.
    describe : callable
        Returns what tells checkpoints of other rows apart; asked only where checkpoints are kept.

    Returns
    -------
    Trained
        One loss per step, in nats and divided by the step's size; 0 for a step without rows.

    Raises
    ------
    InputError
        Where the checkpoint to go on from belongs to another training.

    Notes
    -----
    Optimiser: AdamW (Loshchilov & Hutter 2019), betas 0.9 and 0.98. Proof: tests/train/test_text.py (a killed training
    goes on bit for bit).
    """
    processes, weights = student.processes(), student.weights()
    # beta2 0.98 averages over some 50 steps: the usual 0.999 would remember longer than many trainings here last
    optimizer = torch.optim.AdamW(
        weights.values(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.98), fused=True
    )
    path = options.checkpoints.directory / STATE if options.checkpoints else None
    identity = fingerprint(_identity(student, schedule, options, loss, describe())) if path else ""
    progress = read_state(path, identity, weights, optimizer) if path else TrainingProgress()
    for step, make_parts in enumerate(steps):
        if step < progress.step:
            continue
        parts = make_parts()
        if parts is None:
            break
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        most = options.micro_tokens or student.defaults.micro_tokens
        batches = micro_batches(parts, most, loss.group, packed=options.packed)
        _add_gradients(student, batches, loss, processes, progress)
        _gather(processes, list(weights.values()), schedule.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        progress.step += 1
        if path and options.checkpoints and progress.step % options.checkpoints.every == 0:
            if processes.index == 0:
                write_state(path, identity, weights, optimizer, progress)
            processes.wait()
    return Trained(student, progress.losses, progress.n_tokens, progress.n_learnt)


def _add_gradients(
    student: Model, batches: Sequence[PaddedRows], loss: Loss, processes: Processes, progress: TrainingProgress
) -> None:
    """Add one step's gradients; this process takes its share of the micro-batches."""
    n_learnt = sum(int(batch.learnt_B.sum()) for batch in batches)
    # 1: a step whose rows teach nothing has size 0, and its loss is then 0 instead of 0 / 0
    size = max(1, loss.size(sum(len(batch.length_B) for batch in batches), n_learnt))
    total = torch.zeros((), device=student.device)
    for batch in batches[processes.index :: processes.count]:
        with processes.autocast():
            here = batch.to(student.device)
            value = loss(student.hidden(here), student.head(), here) / size
        torch.autograd.backward(value)
        total += value.detach()
    progress.losses.append(float(processes.sum(total)))
    progress.n_tokens += sum(int(batch.length_B.sum()) for batch in batches)
    progress.n_learnt += n_learnt


def _gather(processes: Processes, weights: list[nn.Parameter], clip: float | None) -> None:
    """Sum gradients over processes and cut their norm.

    A weight without a gradient in any process keeps none, as in one process: a gradient of 0 would let its moments and
    its weight decay move it.
    """
    if processes.count > 1:
        flags = [float(weight.grad is not None) for weight in weights]
        has_W = processes.sum(torch.tensor(flags, device=weights[0].device))
        for weight, has in zip(weights, has_W.tolist(), strict=True):
            if has:
                # every process takes part in every sum, also without a gradient of its own: else the others wait
                gradient: Tensor = torch.zeros_like(weight) if weight.grad is None else weight.grad
                weight.grad = processes.sum(gradient)
    if clip is not None:
        nn.utils.clip_grad_norm_(weights, clip)


def _identity(student: Model, schedule: TrainingSchedule, options: Options, loss: Loss, data: object) -> dict[str, Any]:
    described = {name: repr(value) for name, value in vars(loss).items() if not isinstance(value, Head)}
    return {
        "data": data,
        "base": student.digest(),
        "schedule": asdict(schedule),
        "seed": options.seed,
        "loss": [type(loss).__name__, described if is_dataclass(loss) else {}],
        "adapter": asdict(options.adapter) if options.adapter else None,
        **({"packed": True} if options.packed else {}),
    }
