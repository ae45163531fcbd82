"""A model's own samples as training rows, and the log-probabilities of what stands in rows.

What a model writes may hold any token, the padding token included; so what is learnt is told by lengths.
Dimension letters: B rows, T tokens, P learnt positions of all rows one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.train.tiny.decode import Decoding, complete
from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rows import PAD

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Rollout:
    """Prompts with what a model wrote after them."""

    tokens_BT: Tensor
    """Prompt and answer, padded at the right."""
    learnt: Tensor
    """Which of the positions 1.. hold a token of the answer, (B, T - 1)."""
    answers: tuple[Tokens, ...]
    """The new tokens of each row, its end mark included; without one the context was full."""


def roll_out(model: Decoder, prompts: Sequence[Tokens], generator: torch.Generator) -> Rollout:
    """Draw one answer per prompt from the model's own distribution (temperature 1), up to its context."""
    drawn = complete(model, prompts, Decoding(model.config.context, temperature=1.0), generator)
    return as_rollout(prompts, [tuple(answer) for answer in drawn])


def as_rollout(prompts: Sequence[Tokens], answers: Sequence[Tokens]) -> Rollout:
    """Put prompts and given answers (end mark included) into padded rows."""
    lengths = [(len(prompt), len(prompt) + len(answer)) for prompt, answer in zip(prompts, answers, strict=True)]
    longest = max(end for _, end in lengths)
    tokens_BT = np.full((len(lengths), longest), PAD, dtype=np.int64)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        tokens_BT[row, : lengths[row][1]] = (*prompt, *answer)
    places = np.arange(1, longest)
    learnt = [(places >= start) & (places < end) for start, end in lengths]
    return Rollout(torch.from_numpy(tokens_BT), torch.from_numpy(np.stack(learnt)), tuple(answers))


def token_log_probabilities(model: Decoder, tokens_BT: Tensor, learnt: Tensor) -> Tensor:
    """Return log p(token | everything before it), in nats, at the learnt positions, (P,)."""
    logits_PV = model.logits(model.hidden(tokens_BT[:, :-1])[learnt])
    return -F.cross_entropy(logits_PV, tokens_BT[:, 1:][learnt], reduction="none")


def row_of(learnt: Tensor) -> Tensor:
    """Return the row of each learnt position, (P,)."""
    return learnt.nonzero()[:, 0]


def row_sums(values_P: Tensor, learnt: Tensor) -> Tensor:
    """Add up the values of each row's learnt positions, (B,)."""
    return values_P.new_zeros(len(learnt)).index_add(0, row_of(learnt), values_P)
