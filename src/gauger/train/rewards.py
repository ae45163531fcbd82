"""Reinforces with a reward, verifiable or learnt: GRPO (Shao et al. 2024), without a critic.

To each prompt the student draws a group of answers; an answer's advantage is its reward against its group's, and the
loss is `losses.GrpoLoss` against the model as it came.

Own loss and not TRL's GRPOTrainer, because this one shares the loop with all other stages: answers drawn from seeds
that the step alone decides, logits at the answers' positions only, and nothing but student and reference in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from gauger.errors import GaugerError
from gauger.train.batches import Part
from gauger.train.context_limit import without_room
from gauger.train.engine import Completion, Model
from gauger.train.likelihood import token_logs
from gauger.train.loop import Drawn, Options, Trained, fit
from gauger.train.own_samples import AskedOfStudent, draw
from gauger.train.reward_loss import GrpoLoss, advantages
from gauger.train.rows import IntArray
from gauger.train.schedule import TrainingSchedule

Reward = Callable[[int, Completion], float | None]
"""Place of the prompt and an answer -> reward, 0-1; None: neither compared nor learnt, because nobody can say or
because it touches what is held out."""
BatchReward = Callable[[Sequence[int], Sequence[Completion]], list[float | None]]
"""The same for a batch of answers at once, batch after batch in the order of the training: it may learn from them."""


def one_by_one(reward: Reward) -> BatchReward:
    """Return the reward of a batch that rewards every answer by itself."""
    return lambda places, answers: [reward(place, answer) for place, answer in zip(places, answers, strict=True)]


@dataclass(frozen=True)
class Play:
    """What the student answers, and how its answers are rewarded."""

    questions: AskedOfStudent
    """With a temperature of 1, so that the tokens' log-probabilities are those that they were drawn with."""
    reward: BatchReward
    group: int
    """Answers to each prompt."""
    per_step: int
    """Answers in every step: a multiple of `group`."""
    updates: int = 1
    """Steps taken on each batch of answers before new ones are drawn."""


def train_on_rewards(model: Model, data: Play, schedule: TrainingSchedule, options: Options | None = None) -> Trained:
    """Train a student on its own answers, rewarded where they are right or pass for somebody's.

    Parameters
    ----------
    model : Model
        Changed in place; an adapter that it already has is merged first. A copy of it is the reference.
    data : Play
        Prompts, reward and sizes.
    schedule, options
        As for `text.train_on_text`; the loss is `GrpoLoss()` unless given.

    Returns
    -------
    Trained
        `drawn` are all answers with their rewards (None: left out, `times` 0), `rewards` the mean of each batch.

    Raises
    ------
    GaugerError
        Without prompts, with answers that do not make whole groups, with checkpoints in the midst of a batch, or where
        `options.too_long` refuses prompts that leave no room for an answer.

    Notes
    -----
    A group whose answers all have one reward teaches nothing but the penalty. Proof: tests/train/test_rewards.py.
    """
    options = options or Options()
    if data.per_step % data.group:
        raise GaugerError(f"{data.per_step} answers a step are no whole groups of {data.group}")
    if options.checkpoints and options.checkpoints.every % data.updates:
        raise GaugerError(
            f"checkpoints must come after whole batches of answers: every {data.updates} steps or a multiple"
        )
    order = data.questions.order(data.per_step // data.group, options.seed)
    without_room(model, data.questions.prompts, options.too_long)
    # a copy, made before `trainee`, which shares the model's weights and lets them be changed in place
    reference = model.merged().copy()
    player = _Player(model.trainee(options.adapter, options.seed), reference, data, options.seed)
    steps = player.steps(schedule.steps, order)
    trained = fit(player.student, steps, schedule, options, options.loss or GrpoLoss(), player.told)
    return replace(trained, drawn=tuple(player.drawn), rewards=tuple(player.rewards))


class _Player:
    """Draws batches of answers, and hands them out as often as each is used."""

    def __init__(self, student: Model, reference: Model, data: Play, seed: int) -> None:
        self.student, self.reference, self.data, self.seed = student, reference, data, seed
        self.drawn: list[Drawn] = []
        self.rewards: list[float] = []
        self._parts: list[Part] = []

    def told(self) -> object:
        """Return what tells checkpoints of other answers apart."""
        data = self.data
        prompts = [self.student.encode_prompt(prompt) for prompt in data.questions.prompts]
        how = [repr(data.questions.decoding), repr(data.questions.stops), data.group, data.per_step, data.updates]
        return [prompts, how]

    def steps(self, count: int, order: Iterator[IntArray]) -> Iterator[Callable[[], list[Part]]]:
        """Yield what makes each step's rows."""
        for first in range(0, count, self.data.updates):
            times = min(self.data.updates, count - first)
            yield partial(self._draw, np.repeat(next(order), self.data.group).tolist(), first, times)
            for _ in range(times - 1):
                yield lambda: self._parts

    def _draw(self, places: Sequence[int], step: int, times: int) -> list[Part]:
        rows, answers = draw(self.student, self.data.questions, places, self.seed, step)
        rewards = self.data.reward(places, answers)
        self.drawn += [
            Drawn(place, answer, n_tokens, 0 if reward is None else times, reward)
            for place, answer, n_tokens, reward in zip(places, answers, rows.length_N.tolist(), rewards, strict=True)
        ]
        if known := [reward for reward in rewards if reward is not None]:
            self.rewards.append(float(np.mean(known)))
        better = advantages_of(rewards, self.data.group)
        rows = rows.take(np.array([i for i, value in enumerate(better) if value is not None], dtype=np.int64))
        advantage_B = torch.tensor([value for value in better if value is not None])
        rows = rows.with_targets(
            advantage=advantage_B.repeat_interleave(torch.from_numpy(rows.n_learnt)),
            drawn_log=token_logs(self.student, rows),
            reference_log=token_logs(self.reference, rows),
        )
        self._parts = [(rows, np.arange(len(rows)))]
        return self._parts


def advantages_of(rewards: Sequence[float | None], group: int) -> list[float | None]:
    """Compare each reward with the known ones of its group (`losses.advantages`).

    Parameters
    ----------
    rewards : sequence of float or None
        Of answers, group after group; None: not known.
    group : int
        Answers of a group, at least 1.

    Returns
    -------
    list of float or None
        (r - mean) / std over the known rewards of the group; 0 where these are all equal or only one; None where the
        reward is not known.

    Notes
    -----
    Proof: tests/train/test_rewards.py (advantages are within the known rewards of a group).
    """
    by_reward: list[float | None] = []
    for first in range(0, len(rewards), group):
        own = rewards[first : first + group]
        known = torch.tensor([[reward for reward in own if reward is not None]], dtype=torch.float32)
        compared = iter(advantages(known)[0].tolist() if known.numel() else [])
        by_reward += [None if reward is None else next(compared) for reward in own]
    return by_reward
