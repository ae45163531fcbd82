"""The training loop, flat: batches in a seeded order, one loss, AdamW with warm-up and decay.

Same arguments, same bytes: every draw comes from `seed`, and single-threaded arithmetic is deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

import torch

from gauger.train.tiny.losses import Loss, next_token
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rows import Mixture


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


def train(model: Decoder, mixture: Mixture, schedule: Schedule, seed: int, loss_of: Loss = next_token) -> list[float]:
    """Train `model` in place; return the loss of every step in nats per learnt position."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.98), fused=True
    )
    losses = []
    for step, batch in enumerate(mixture.batches(schedule.steps, seed)):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        loss = loss_of(model, batch)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    return losses
