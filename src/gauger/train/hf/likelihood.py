"""What probability a model gives to the learnt tokens of rows, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.train.hf.head import Head, chunked_losses
from gauger.train.hf.loop import learnt_hidden
from gauger.train.hf.rows import Example, MicroBatch, micro_batches

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_MICRO_TOKENS = 2048


def token_log_probabilities(hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
    """Return the log-probability of every learnt token, (P,), row after row, in nats."""
    labels_P = batch.labels

    def losses_of(logits_CV: Tensor, part: slice) -> Tensor:
        return F.cross_entropy(logits_CV, labels_P[part], reduction="none")

    return -chunked_losses(hidden_PD, head, losses_of)


def by_row(values_P: Tensor, examples: Sequence[Example]) -> list[Tensor]:
    """Cut values of learnt tokens into those of each row."""
    return list(torch.split(values_P, [example.n_learnt for example in examples]))


@torch.no_grad()
def log_probabilities_of(model: PreTrainedModel, rows: Sequence[Example]) -> list[Tensor]:
    """Return the log-probabilities that a model gives to each row's learnt tokens, on the CPU."""
    found: dict[int, Tensor] = {}
    for batch in micro_batches([(row,) for row in rows], _MICRO_TOKENS):
        there = batch.to(model.device)
        log_P = token_log_probabilities(learnt_hidden(model, there), Head.of(model), there).cpu()
        found.update(zip(map(id, batch.examples), by_row(log_P, batch.examples), strict=True))
    return [found[id(row)] for row in rows]
