"""Reinforcement learning with a verifiable reward for language models: GRPO, the loss of `tiny.reinforce`.

To each prompt the student draws a group of answers; an answer's advantage is its reward against its group's. The loss
of a step of B answers is the clipped surrogate with a penalty for leaving the model as it came,

    -(1 / B) sum_i sum_t [ min(rho A_i, clip(rho, 1 - eps, 1 + eps) A_i) - w k3 ]

(Shao et al. 2024, section 4.1; tokens summed as in Liu et al. 2025; k3 by Schulman 2020).

Own loss and not TRL's GRPOTrainer, because this one shares the loop with all other stages: answers drawn from seeds
that the step alone decides, logits at the answers' positions only, and nothing but student and reference in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gauger.errors import GaugerError
from gauger.store.canonical import fingerprint
from gauger.train.hf.decode import Completion, Decoding, complete_each
from gauger.train.hf.head import Head
from gauger.train.hf.likelihood import log_probabilities_of, token_log_probabilities
from gauger.train.hf.loop import Group, Options, Schedule, Trained, fit
from gauger.train.hf.lora import merge
from gauger.train.hf.rows import Example, MicroBatch, Prompt, encode_prompt, shuffled
from gauger.train.tiny.reinforce import advantages, kl_k3, surrogate

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Reward = Callable[[int, Completion], float | None]
"""Place of the prompt and an answer -> reward, 0-1; None: nobody can say, so that it is neither compared nor learnt."""


@dataclass(frozen=True)
class Answered(Example):
    """An answer of the student with what the loss needs of it."""

    advantage: float = 0.0
    drawn_log_P: Tensor | None = None
    """Log-probability of each learnt token under the student that drew it."""
    reference_log_P: Tensor | None = None
    """The same under the model as it came."""


@dataclass(frozen=True)
class GrpoLoss:
    """The loss above; rows are `Answered`."""

    clip: float = 0.2
    kl_weight: float = 0.02

    def size(self, examples: Sequence[Example]) -> int:
        """Return the number of answers."""
        return len(examples)

    def __call__(self, hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
        """Return the sum over answers of the sum over their tokens."""
        log_P = token_log_probabilities(hidden_PD, head, batch)
        rows = [row for row in batch.examples if isinstance(row, Answered)]
        counts = torch.tensor([row.n_learnt for row in rows], device=log_P.device)
        advantage_P = torch.tensor([row.advantage for row in rows]).to(log_P).repeat_interleave(counts)
        drawn_P = torch.cat([row.drawn_log_P for row in rows if row.drawn_log_P is not None]).to(log_P)
        reference_P = torch.cat([row.reference_log_P for row in rows if row.reference_log_P is not None]).to(log_P)
        gain_P = surrogate(log_P - drawn_P, advantage_P, self.clip)
        return (self.kl_weight * kl_k3(log_P, reference_P) - gain_P).sum()


@dataclass(frozen=True)
class Play:
    """What the student answers, and how its answers are rewarded."""

    prompts: tuple[Prompt, ...]
    reward: Reward
    decoding: Decoding
    """A temperature of 1, so that the tokens' log-probabilities are those that they were drawn with."""
    group: int
    """Answers to each prompt."""
    per_step: int
    """Answers in every step: a multiple of `group`."""
    updates: int = 1
    """Steps taken on each batch of answers before new ones are drawn."""
    stops: tuple[tuple[str, ...], ...] = ()
    """Of each prompt, in place of the decoding's; empty: those of the decoding for all."""
    drawn: list[tuple[int, Completion, float | None]] = field(default_factory=list)
    """Every answer with its prompt's place and its reward; filled as batches are drawn."""
    rewards: list[float] = field(default_factory=list)
    """Mean reward of every batch in which some answer has one."""


def train_on_rewards(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    play: Play,
    schedule: Schedule,
    options: Options | None = None,
) -> Trained:
    """Train a student on its own answers, rewarded where they are right.

    Parameters
    ----------
    model, tokenizer
        Changed in place; an adapter that it already has is merged first. A copy of it is the reference.
    play : Play
    schedule : Schedule
    options : Options, optional
        As for `loop.train`; its loss may be a `GrpoLoss`.

    Raises
    ------
    GaugerError
        Without prompts, with answers that do not make whole groups, or with checkpoints in the midst of a batch.
    """
    options = options or Options()
    options = options if isinstance(options.loss, GrpoLoss) else replace(options, loss=GrpoLoss())
    if not play.prompts:
        raise GaugerError("there is nothing to train on: no prompts")
    if play.per_step % play.group:
        raise GaugerError(f"{play.per_step} answers a step are no whole groups of {play.group}")
    if options.checkpoints and options.checkpoints.every % play.updates:
        raise GaugerError(
            f"checkpoints must come after whole batches of answers: every {play.updates} steps or a multiple"
        )
    student = merge(model)
    reference = deepcopy(student).requires_grad_(False)
    player = _Player(student, reference, tokenizer, play, options.seed)
    return fit(student, player.steps(schedule.steps), schedule, options, fingerprint(player.told()))


class _Player:
    """Draws batches of answers, and hands them out as often as each is used."""

    def __init__(
        self,
        student: PreTrainedModel,
        reference: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        play: Play,
        seed: int,
    ) -> None:
        self.student, self.reference, self.tokenizer, self.play, self.seed = student, reference, tokenizer, play, seed
        self._batch: list[Group] = []

    def told(self) -> dict[str, object]:
        """Return what tells checkpoints of other answers apart."""
        play = self.play
        prompts = [encode_prompt(self.tokenizer, prompt) for prompt in play.prompts]
        return {"prompts": prompts, "group": play.group, "per_step": play.per_step, "updates": play.updates}

    def steps(self, count: int) -> Iterator[Callable[[], Sequence[Group]]]:
        """Yield what makes each step's rows."""
        play = self.play
        order = shuffled(len(play.prompts), play.per_step // play.group, np.random.default_rng([self.seed, 0]))
        for first in range(0, count, play.updates):
            places = next(order).tolist()
            for step in range(first, min(first + play.updates, count)):
                yield partial(self._rows, places if step == first else None, step)

    def _rows(self, places: Sequence[int] | None, step: int) -> Sequence[Group]:
        if places is not None:
            self._batch = self._draw([place for place in places for _ in range(self.play.group)], step)
        return self._batch

    def _draw(self, places: Sequence[int], step: int) -> list[Group]:
        play = self.play
        prompts = [play.prompts[place] for place in places]
        stops = [play.stops[place] if play.stops else play.decoding.stops for place in places]
        seeds = np.random.default_rng([self.seed, 1, step]).integers(2**32, size=len(places)).tolist()
        answers = complete_each(self.student, self.tokenizer, prompts, stops, play.decoding, seeds)
        rewards = [play.reward(place, answer) for place, answer in zip(places, answers, strict=True)]
        play.drawn.extend(zip(places, answers, rewards, strict=True))
        if known := [reward for reward in rewards if reward is not None]:
            play.rewards.append(float(np.mean(known)))
        rows = []
        for prompt, answer, better in zip(prompts, answers, advantages_of(rewards, play.group), strict=True):
            if better is not None:
                asked = encode_prompt(self.tokenizer, prompt)
                rows.append(Answered((*asked, *answer.ids), len(asked), advantage=better))
        drawn, reference = log_probabilities_of(self.student, rows), log_probabilities_of(self.reference, rows)
        return [
            (replace(row, drawn_log_P=own, reference_log_P=before),)
            for row, own, before in zip(rows, drawn, reference, strict=True)
        ]


def advantages_of(rewards: Sequence[float | None], group: int) -> list[float | None]:
    """Compare each reward with the known ones of its group; None where it is not known."""
    found: list[float | None] = []
    for first in range(0, len(rewards), group):
        own = rewards[first : first + group]
        known = torch.tensor([[reward for reward in own if reward is not None]], dtype=torch.float32)
        compared = iter(advantages(known)[0].tolist() if known.numel() else [])
        found += [None if reward is None else next(compared) for reward in own]
    return found
