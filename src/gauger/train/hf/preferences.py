"""Direct preference optimisation (Rafailov et al. 2023, eq. 7): from pairs of a better and a worse answer.

loss = -log sigmoid(beta ((log p(w) - log p_ref(w)) - (log p(l) - log p_ref(l)))) with w the better and l the worse
answer to one prompt, log p the sum over the answer's tokens, and p_ref the model before this training.

Own loss and not TRL's trainer, because this one shares the loop: logits at the answers' positions only, checkpoints
without pickle that go on bit for bit, and reference log-probabilities computed once instead of in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gauger.errors import GaugerError
from gauger.store.canonical import fingerprint
from gauger.train.hf.head import Head
from gauger.train.hf.likelihood import by_row, log_probabilities_of, token_log_probabilities
from gauger.train.hf.loop import Group, Options, Schedule, Trained, fit
from gauger.train.hf.lora import merge
from gauger.train.hf.rows import Example, MicroBatch, Prompt, Row, encode_for, shuffled

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt."""

    prompt: Prompt
    better: str
    worse: str


@dataclass(frozen=True)
class PreferenceLoss:
    """The loss above; rows come as better, worse, better, worse, with their reference log-probabilities."""

    beta: float = 0.1
    """How far the model may move from where it started: small, far."""

    def size(self, examples: Sequence[Example]) -> int:
        """Return the number of pairs."""
        return len(examples) // 2

    def __call__(self, hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
        """Return the sum over pairs."""
        log_B = answer_log_probabilities(hidden_PD, head, batch)
        gain_B = log_B - torch.tensor([example.reference for example in batch.examples]).to(log_B)
        return -F.logsigmoid(self.beta * (gain_B[0::2] - gain_B[1::2])).sum()


def answer_log_probabilities(hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
    """Return the log-probability of each row's learnt tokens together, (B,), in nats."""
    log_P = token_log_probabilities(hidden_PD, head, batch)
    return torch.stack([row.sum() for row in by_row(log_P, batch.examples)])


def train_on_preferences(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    pairs_per_step: int,
    schedule: Schedule,
    options: Options | None = None,
) -> Trained:
    """Train on preference pairs; the model as it comes is the reference.

    Parameters
    ----------
    model, tokenizer
        Changed in place; an adapter that it already has is merged first.
    pairs : sequence of Pair
        What was preferred to what.
    pairs_per_step : int
        Pairs in every step.
    schedule : Schedule
        Learning rates that suit preferences are about a tenth of those that suit text.
    options : Options, optional
        As for `loop.train`; its loss may be a `PreferenceLoss`, else beta is 0.1.

    Raises
    ------
    GaugerError
        Where there are no pairs.
    """
    if not pairs:
        raise GaugerError("there is nothing to train on: no preference pairs")
    options = options or Options()
    if not isinstance(options.loss, PreferenceLoss):
        options = replace(options, loss=PreferenceLoss())
    plain = merge(model)
    rows = [Row(pair.prompt, answer) for pair in pairs for answer in (pair.better, pair.worse)]
    examples = with_reference(plain, encode_for(plain, tokenizer, rows))
    groups = list(zip(examples[0::2], examples[1::2], strict=True))
    order = order_of_pairs(len(groups), pairs_per_step, options.seed)

    def steps() -> Iterator[Callable[[], Sequence[Group]]]:
        for _ in range(schedule.steps):
            yield partial(_chosen, groups, next(order).tolist())

    told = {"rows": [(example.ids, example.start) for example in examples], "per_step": pairs_per_step}
    return fit(plain, steps(), schedule, options, fingerprint(told))


def order_of_pairs(n_pairs: int, pairs_per_step: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the pairs of every step, without end."""
    return shuffled(n_pairs, pairs_per_step, np.random.default_rng([seed, 0]))


def _chosen(groups: Sequence[Group], indices: Sequence[int]) -> list[Group]:
    return [groups[index] for index in indices]


def with_reference(model: PreTrainedModel, examples: Sequence[Example]) -> list[Example]:
    """Add to each row the log-probability that a model gives to its learnt tokens."""
    found = log_probabilities_of(model, examples)
    return [replace(example, reference=float(log.sum())) for example, log in zip(examples, found, strict=True)]
