"""The training loop, flat: batches in a seeded order, one loss, AdamW with warm-up and decay.

Same arguments, same bytes: every draw comes from `seed`, and single-threaded arithmetic is deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi
from typing import Protocol, TypeVar, overload

import torch
from torch import Tensor

from gauger.train.tiny.losses import next_token
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rows import Batch

BatchT = TypeVar("BatchT")
BatchT_co = TypeVar("BatchT_co", covariant=True)


class Batches(Protocol[BatchT_co]):
    """Where batches come from: a mixture of rows, or the model in training itself (its own samples)."""

    def batches(self, steps: int, seed: int) -> Iterator[BatchT_co]:
        """Yield at most `steps` batches, each made when it is asked for."""
        ...


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    steps: int
    learning_rate: float
    """Peak; reached after `warmup` of the steps, then down to 0 along a half cosine."""
    weight_decay: float = 0.1
    warmup: float = 0.05

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rising = (step + 1) / max(1, round(self.warmup * self.steps))
        return self.learning_rate * min(rising, 0.5 + 0.5 * cos(pi * step / self.steps))


@overload
def train(model: Decoder, source: Batches[Batch], schedule: Schedule, seed: int) -> list[float]: ...


@overload
def train(
    model: Decoder, source: Batches[BatchT], schedule: Schedule, seed: int, loss_of: Callable[[Decoder, BatchT], Tensor]
) -> list[float]: ...


def train(model, source, schedule, seed, loss_of=next_token):  # type: ignore[no-untyped-def]
    """Train `model` in place; return the loss of every step in nats per learnt position (or in the loss's own unit).

    A source that yields fewer than `schedule.steps` batches (a teacher's budget is spent) ends the training there.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.98), fused=True
    )
    losses = []
    for step, batch in enumerate(source.batches(schedule.steps, seed)):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        loss = loss_of(model, batch)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    return losses
