"""Reinforcement learning with a verifiable reward: GRPO (Shao et al. 2024, section 4.1), without a critic.

To each question the student draws a group of G answers; an answer is rewarded 1 where it equals the true one word by
word, else 0 (one that never ends is not an answer, so 0 too). An answer's advantage is its reward against its group's,

    A_i = (r_i - mean(r)) / std(r), and 0 where all rewards of the group are equal,

and the loss of a batch of B answers is the clipped surrogate with a penalty for leaving the reference r,

    -(1 / B) sum_i sum_t [ min(rho A_i, clip(rho, 1 - eps, 1 + eps) A_i) - w k3 ],
    rho = q(y_t) / q_drawn(y_t),   k3 = r/q - log(r/q) - 1 >= 0  (Schulman 2020; its mean under q is KL(q || r)).

Tokens are summed, not averaged per answer, so that at rho = 1 the gradient is exactly the policy gradient
-(1/B) sum_i A_i grad log q(y_i) whatever the lengths (Liu et al. 2025).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gauger.errors import GaugerError
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rollout import Tokens, roll_out, row_of, token_log_probabilities
from gauger.train.tiny.rows import shuffled


@dataclass(frozen=True)
class GroupBatch:
    """Answers of one step with what the loss needs of them."""

    tokens_BT: Tensor
    learnt: Tensor
    advantage_B: Tensor
    drawn_log_P: Tensor
    """Log-probability of each token under the student that drew it."""
    reference_log_P: Tensor
    """The same under the reference."""


@dataclass(frozen=True)
class GrpoLoss:
    """Clipped surrogate with a penalty for leaving the reference."""

    clip: float = 0.2
    """eps: beyond a ratio of 1 +- eps a token adds no gradient in the direction it has already gone."""
    kl_weight: float = 0.04
    """w."""

    def __call__(self, model: Decoder, batch: GroupBatch) -> Tensor:
        """Return the mean over answers of the sum over their tokens."""
        log_P = token_log_probabilities(model, batch.tokens_BT, batch.learnt)
        gain_P = surrogate(log_P - batch.drawn_log_P, batch.advantage_B[row_of(batch.learnt)], self.clip)
        penalty_P = kl_k3(log_P, batch.reference_log_P)
        return (self.kl_weight * penalty_P - gain_P).sum() / len(batch.advantage_B)


def surrogate(log_ratio_P: Tensor, advantage_P: Tensor, clip: float) -> Tensor:
    """min(rho A, clip(rho, 1 - eps, 1 + eps) A) of every token."""
    ratio = log_ratio_P.exp()
    return torch.minimum(ratio * advantage_P, ratio.clamp(1 - clip, 1 + clip) * advantage_P)


def kl_k3(log_P: Tensor, reference_log_P: Tensor) -> Tensor:
    """Estimate KL(student || reference) at every token the student drew, in nats; never below 0."""
    left = reference_log_P - log_P
    return (left.expm1() - left).clamp_min(0.0)


def advantages(reward_BG: Tensor) -> Tensor:
    """Rewards against their group's mean, in its standard deviations (population); 0 where all are equal."""
    centred = reward_BG - reward_BG.mean(dim=1, keepdim=True)
    equal = reward_BG.amin(dim=1, keepdim=True) == reward_BG.amax(dim=1, keepdim=True)
    spread = reward_BG.std(dim=1, correction=0, keepdim=True)
    return torch.where(equal, 0.0, centred / torch.where(equal, 1.0, spread))


@dataclass(frozen=True)
class Groups:
    """Batches of the student's own answers in groups, with their advantages."""

    model: Decoder
    """The student in training."""
    reference: Decoder
    """The student before the stage."""
    questions: Sequence[tuple[Tokens, Tokens]]
    """Prompt and true answer, as token ids, the answer's end mark included."""
    group: int
    """Answers to each question, G."""
    per_batch: int
    """Answers in each batch, B: a multiple of G."""
    updates: int = 1
    """Steps taken on each batch of answers before new ones are drawn."""
    drawn: Counter[tuple[Tokens, Tokens]] = field(default_factory=Counter)
    """(prompt, answer) -> how often it was drawn; filled as batches are made."""
    rewards: list[float] = field(default_factory=list)
    """Mean reward of every batch of answers."""

    def batches(self, steps: int, seed: int) -> Iterator[GroupBatch]:
        """Yield `steps` batches; every `updates`-th is drawn anew."""
        if not self.questions:
            raise GaugerError("there is nothing to train on: there are no questions")
        generator = torch.Generator().manual_seed(seed)
        order = shuffled(len(self.questions), self.per_batch // self.group, np.random.default_rng(seed))
        for first in range(0, steps, self.updates):
            batch = self._draw([self.questions[i] for i in next(order)], generator)
            for _ in range(min(self.updates, steps - first)):
                yield batch

    @torch.no_grad()
    def _draw(self, questions: Sequence[tuple[Tokens, Tokens]], generator: torch.Generator) -> GroupBatch:
        asked = [question for question in questions for _ in range(self.group)]
        prompts = [prompt for prompt, _ in asked]
        rollout = roll_out(self.model, prompts, generator)
        self.drawn.update(zip(prompts, rollout.answers, strict=True))
        right = [answer == true for answer, (_, true) in zip(rollout.answers, asked, strict=True)]
        reward_BG = torch.tensor(right, dtype=torch.float32).view(-1, self.group)
        self.rewards.append(float(reward_BG.mean()))
        rows = rollout.tokens_BT, rollout.learnt
        logs = (token_log_probabilities(model, *rows) for model in (self.model, self.reference))
        return GroupBatch(*rows, advantages(reward_BG).view(-1), *logs)
