"""Losses in nats, summed over learnt positions; the loop divides by the number of positions of the whole step.

`NextToken`   cross-entropy of the text that was written
`SoftLoss`    KL between teacher and student where the teacher shows its distribution, cross-entropy elsewhere

Softened distributions (temperature above 1; Hinton et al. 2015) are compared as they are, without the factor T².
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.errors import GaugerError
from gauger.train.hf.head import Head, chunked_losses
from gauger.train.hf.rows import Example, MicroBatch
from gauger.train.tiny.losses import soft_divergence

SOFT_CHUNK = 32
"""Positions whose logits, of student and teacher, are alive at the same time; a divergence needs more arrays than
cross-entropy."""


class Loss(Protocol):
    """What a step minimises."""

    def size(self, examples: Sequence[Example]) -> int:
        """Return what the sum over a step's rows is divided by."""
        ...

    def __call__(self, hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
        """Return the sum over the batch's learnt positions, given the student's hidden states there."""
        ...


@dataclass(frozen=True)
class NextToken:
    """Cross-entropy of the learnt tokens."""

    def size(self, examples: Sequence[Example]) -> int:
        """Return the number of learnt positions."""
        return sum(example.n_learnt for example in examples)

    def __call__(self, hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
        """Return the sum over learnt positions."""
        labels_P = batch.labels

        def losses_of(logits_CV: Tensor, part: slice) -> Tensor:
            return F.cross_entropy(logits_CV, labels_P[part], reduction="none")

        return chunked_losses(hidden_PD, head, losses_of).sum()


def full_divergence(student_CV: Tensor, teacher_CV: Tensor, divergence: str, temperature: float) -> Tensor:
    """KL at each position between softmax(logits / temperature) of two models, in nats, (C,).

    forward-kl: sum_v p_v (log p_v - log q_v), p the teacher; reverse-kl: sum_v q_v (log q_v - log p_v), q the student.
    """
    if temperature != 1:
        student_CV, teacher_CV = student_CV / temperature, teacher_CV / temperature
    student, teacher = student_CV.log_softmax(dim=-1), teacher_CV.log_softmax(dim=-1)
    del student_CV, teacher_CV
    p, q = (teacher, student) if divergence == "forward-kl" else (student, teacher)
    return F.kl_div(q, p, log_target=True, reduction="none").sum(dim=-1)


@dataclass(frozen=True)
class SoftLoss:
    """KL on rows that come with a teacher's distribution, next-token cross-entropy on the others."""

    divergence: str = "forward-kl"
    """forward-kl: KL(teacher || student); reverse-kl: KL(student || teacher)."""
    temperature: float = 1.0
    teacher_head: Head | None = None
    """Head of the teacher whose hidden states the rows carry; None where they carry shown log-probabilities."""
    top_k: int | None = None
    """With hidden states: compare only the teacher's k most likely tokens and the rest as one outcome."""

    def size(self, examples: Sequence[Example]) -> int:
        """Return the number of learnt positions."""
        return sum(example.n_learnt for example in examples)

    def __call__(self, hidden_PD: Tensor, head: Head, batch: MicroBatch) -> Tensor:
        """Return the sum over learnt positions."""
        counts = [example.n_learnt for example in batch.examples]
        kinds = np.repeat([_kind(example) for example in batch.examples], counts)
        labels_P, total = batch.labels, hidden_PD.new_zeros((), dtype=torch.float32)
        for kind in sorted(set(kinds.tolist())):
            chosen = torch.from_numpy(np.flatnonzero(kinds == kind)).to(hidden_PD.device)
            examples = [example for example in batch.examples if _kind(example) == kind]
            part = _Part(self, examples, labels_P[chosen])
            total = total + chunked_losses(hidden_PD[chosen], head, getattr(part, kind), SOFT_CHUNK).sum()
        return total


def _kind(example: Example) -> str:
    if example.hidden_PD is not None:
        return "from_hidden"
    return "from_shown" if example.shown is not None else "from_text"


class _Part:
    """The rows of one kind within a batch, with the loss of a chunk of their positions."""

    def __init__(self, loss: SoftLoss, examples: Sequence[Example], labels_P: Tensor) -> None:
        self.loss, self.labels_P, device = loss, labels_P, labels_P.device
        hidden = [example.hidden_PD for example in examples if example.hidden_PD is not None]
        self.hidden_PD = torch.cat(hidden).to(device) if hidden else None
        shown = [example.shown for example in examples if example.shown is not None]
        if shown:
            self.token_PK = torch.from_numpy(np.concatenate([each.token_TK for each in shown])).to(device)
            stacked = np.concatenate([each.log_probability_TK for each in shown])
            self.log_probability_PK = torch.from_numpy(stacked).to(device)

    def from_text(self, logits_CV: Tensor, part: slice) -> Tensor:
        return F.cross_entropy(logits_CV, self.labels_P[part], reduction="none")

    def from_shown(self, logits_CV: Tensor, part: slice) -> Tensor:
        tokens, values = self.token_PK[part], self.log_probability_PK[part]
        return soft_divergence(logits_CV, tokens, values, self.loss.divergence, self.loss.temperature)

    def from_hidden(self, logits_CV: Tensor, part: slice) -> Tensor:
        loss = self.loss
        if self.hidden_PD is None or loss.teacher_head is None:
            raise GaugerError("rows with a teacher's hidden states need the teacher's head in the loss")
        V = min(
            len(loss.teacher_head.weight_VD), logits_CV.shape[-1]
        )  # heads of one tokenizer may be padded differently
        logits_CV = logits_CV[:, :V]
        with torch.no_grad():
            teacher_CV = loss.teacher_head.logits(self.hidden_PD[part])[:, :V]
            if loss.top_k is not None:
                values, tokens = teacher_CV.log_softmax(dim=-1).topk(loss.top_k, dim=-1)
        if loss.top_k is None:
            return full_divergence(logits_CV, teacher_CV, loss.divergence, loss.temperature)
        return soft_divergence(logits_CV, tokens, values, loss.divergence, loss.temperature)
