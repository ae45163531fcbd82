"""The training loop, flat: a seeded order of rows, one loss, AdamW with warm-up and decay, on one device or several.

Same arguments, same bytes on the same machine with the same number of threads. No dropout is applied, so every draw is
one of `seed`. A step's loss is the sum over its positions divided by their number, however the rows are split into
micro-batches or over processes (`accelerate launch`; gradients are summed, no wrapper is put around the model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gauger.store.canonical import fingerprint
from gauger.train.hf.frozen_layers import part, pays, stacked, with_states
from gauger.train.hf.head import Head
from gauger.train.hf.lora import Lora, attach, lowest_layer, merge
from gauger.train.hf.losses import Loss, NextToken
from gauger.train.hf.models import precision
from gauger.train.hf.rows import Example, MicroBatch, Mixture, encode_for, micro_batches
from gauger.train.hf.state import STATE, Checkpoints, Progress, read_state, weights_digest, write_state
from gauger.train.tiny.loop import Schedule as PlainSchedule

if TYPE_CHECKING:
    from accelerate import Accelerator  # type: ignore[import-untyped]
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Group = tuple[Example, ...]
"""Rows that stay in one micro-batch: one row, or the two of a preference pair."""


@dataclass(frozen=True)
class Schedule(PlainSchedule):
    """How long and how fast to train; about 1e-3 suits adapters, 5e-5 all weights."""

    weight_decay: float = 0.0
    clip: float = 1.0
    """Largest norm of a step's gradient."""


@dataclass(frozen=True)
class Options:
    """How to train, the schedule apart."""

    seed: int = 0
    """Decides the order of rows and the adapter's first weights."""
    loss: Loss = field(default_factory=NextToken)
    lora: Lora | None = None
    """None: all weights are trained."""
    checkpoints: Checkpoints | None = None
    micro_tokens: int = 1024
    """Most tokens, padding included, that go through the model together; changes memory and speed, not the result."""


@dataclass(frozen=True)
class Trained:
    """What a training gives."""

    model: PreTrainedModel | PeftModel
    """The model that was given, changed in place; with its adapter around it where one was trained (`lora.merge`)."""
    losses: list[float]
    """Of every step."""
    n_tokens: int
    """Tokens that went through the model, prompts included and padding excluded."""
    n_learnt: int
    """Tokens among them that the loss was on."""


def train(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    mixture: Mixture,
    schedule: Schedule,
    options: Options | None = None,
) -> Trained:
    """Train a language model on rows of text, or on a teacher's distribution along them.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
        Changed in place; an adapter that it already has is merged first.
    tokenizer : PreTrainedTokenizerBase
        The model's.
    mixture : Mixture
        Sources of rows, and how many of each stand in a step.
    schedule : Schedule
        Steps and learning rate.
    options : Options, optional
        Seed, loss, adapter, checkpoints.

    Raises
    ------
    GaugerError
        Where a source has no rows.
    """
    options = options or Options()
    sources = [
        [replace(example, shown=shown) for example, shown in zip(examples, source.shown, strict=True)]
        if source.shown is not None
        else examples
        for source in mixture.sources
        for examples in [encode_for(model, tokenizer, source.rows)]
    ]

    draws = list(mixture.draws(schedule.steps, options.seed))
    data = [[(example.ids, example.start) for example in examples] for examples in sources]
    plain = merge(model)
    drawn = [sources[index][row] for step in draws for index, row in step]
    lowest = lowest_layer(plain, options.lora) if options.lora else 0
    if pays(plain, lowest, drawn):
        kept = with_states(plain, lowest, drawn)
        sources = [[kept.get(id(example), example) for example in examples] for examples in sources]
    steps = [partial(_chosen, sources, step) for step in draws]
    return fit(plain, steps, schedule, options, fingerprint({"rows": data, "counts": mixture.rows_per_batch}))


def _chosen(sources: Sequence[Sequence[Example]], drawn: Sequence[tuple[int, int]]) -> list[Group]:
    return [(sources[index][row],) for index, row in drawn]


def fit(
    model: PreTrainedModel | PeftModel,
    steps: Iterable[Callable[[], Sequence[Group] | None]],
    schedule: Schedule,
    options: Options,
    data: str,
) -> Trained:
    """Run steps, each given as a function that makes its rows; `data` tells checkpoints of other rows apart.

    A function that returns None ends the training: there is nothing more to learn from.
    """
    accelerator = _accelerator()
    plain = merge(model)
    nn.Module.to(plain, accelerator.device).train(False)
    path = options.checkpoints.directory / STATE if options.checkpoints else None
    identity = _identity(plain, schedule, options, data) if path else ""
    trainee = attach(plain, options.lora, options.seed) if options.lora else plain.requires_grad_(True)
    trained = {name: weight for name, weight in trainee.named_parameters() if weight.requires_grad}
    for weight in trained.values():
        weight.data = weight.data.float()
    optimizer = torch.optim.AdamW(
        trained.values(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.98), fused=True
    )
    progress = read_state(path, identity, trained, optimizer) if path else Progress()
    for step, make_rows in enumerate(steps):
        if step < progress.step:
            continue
        rows = make_rows()
        if rows is None:
            break
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        _step(plain, rows, options, accelerator, progress)
        _average(accelerator, list(trained.values()), schedule.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        progress.step += 1
        if path and options.checkpoints and progress.step % options.checkpoints.every == 0:
            if accelerator.is_main_process:
                write_state(path, identity, trained, optimizer, progress)
            accelerator.wait_for_everyone()
    return Trained(trainee, progress.losses, progress.n_tokens, progress.n_learnt)


def _step(
    model: PreTrainedModel, groups: Sequence[Group], options: Options, accelerator: Accelerator, progress: Progress
) -> None:
    """Add one step's gradients; this process takes its share of the micro-batches."""
    examples = [example for group in groups for example in group]
    size = max(1, options.loss.size(examples))
    total = torch.zeros((), device=accelerator.device)
    batches = micro_batches(groups, options.micro_tokens)
    for batch in batches[accelerator.process_index :: accelerator.num_processes]:
        with accelerator.autocast():
            loss = batch_loss(model, batch, options.loss) / size
        torch.autograd.backward(loss)
        total += loss.detach()
    progress.losses.append(float(accelerator.reduce(total, "sum")))
    progress.n_tokens += sum(len(example.ids) for example in examples)
    progress.n_learnt += sum(example.n_learnt for example in examples)


def batch_loss(model: PreTrainedModel, batch: MicroBatch, loss: Loss) -> Tensor:
    """Return the loss summed over a micro-batch; logits are made at the learnt positions only."""
    batch = batch.to(model.device)
    return loss(learnt_hidden(model, batch), Head.of(model), batch)


def learnt_hidden(model: PreTrainedModel, batch: MicroBatch) -> Tensor:
    """Return the last hidden states that predict the learnt tokens, (P, D), row after row."""
    if batch.examples[0].states_TD is None:
        decoder = model.get_decoder()  # type: ignore[no-untyped-call]
        hidden_BTD: Tensor = decoder(input_ids=batch.tokens_BT[:, :-1], use_cache=False).last_hidden_state
    else:
        states_BTD = stacked(batch.examples, batch.learnt.shape[1]).to(model.device)
        top = part(model, batch.examples[0].from_layer, None)
        hidden_BTD = top(inputs_embeds=states_BTD, use_cache=False).last_hidden_state
    return hidden_BTD[batch.learnt]


def _average(accelerator: Accelerator, weights: list[nn.Parameter], clip: float) -> None:
    """Sum gradients over processes and cut their norm."""
    if accelerator.num_processes > 1:
        for weight in weights:
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            weight.grad = accelerator.reduce(gradient, "sum")
    torch.nn.utils.clip_grad_norm_(weights, clip)


def _accelerator() -> Accelerator:
    from accelerate import Accelerator

    return Accelerator(mixed_precision="bf16" if precision() == torch.bfloat16 else "no")


def _identity(model: PreTrainedModel, schedule: Schedule, options: Options, data: str) -> str:
    loss: Any = options.loss
    described = {name: repr(value) for name, value in vars(loss).items() if not isinstance(value, Head)}
    return fingerprint(
        {
            "data": data,
            "base": weights_digest(model),
            "schedule": asdict(schedule),
            "seed": options.seed,
            "loss": [type(loss).__name__, described if is_dataclass(loss) else {}],
            "lora": asdict(options.lora) if options.lora else None,
        }
    )
