"""Computes the losses of every stage, in nats, summed over learnt positions; the loop divides by the size of the step.

`NextToken`       cross-entropy of the text that was written
`SoftLoss`        KL between teacher and student where the teacher shows its distribution, cross-entropy elsewhere
`PreferenceLoss`  DPO on pairs of answers (`preference_loss.py`)
`GrpoLoss`        clipped surrogate of rewards, with a penalty for leaving the reference (`reward_loss.py`)

A loss is given the student's hidden states at the learnt positions and its head, not logits: those are made for a few
positions at a time (`head.py`). What it compares with stands in the batch's `targets`, each (P, ...) over positions:

    shown, shown_log       (P, K) a teacher's most likely tokens and their log-probabilities      SoftLoss
    teacher_hidden         (P, D) a teacher's last hidden states; its head is in the loss         SoftLoss
    reference_log          (P,) log-probability of each token before the training               PreferenceLoss, GrpoLoss
    drawn_log, advantage   (P,) the same under the student that drew it; the answer's advantage   GrpoLoss

Dimension letters: P learnt positions, C those of a chunk, K shown tokens, V vocabulary, D width, B rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gauger.errors import GaugerError
from gauger.train.batches import PaddedRows
from gauger.train.divergence import full_divergence, soft_divergence
from gauger.train.head import Head, chunked_losses

SOFT_CHUNK = 32
"""Positions whose logits, of student and teacher, are alive at the same time; a divergence needs more arrays than
cross-entropy."""


class Loss(Protocol):
    """What a step minimises."""

    @property
    def group(self) -> int:
        """Rows, one after the other, that belong together: 2 for pairs, else 1."""
        ...

    def size(self, n_rows: int, n_learnt: int) -> int:
        """Return what the sum over a step is divided by."""
        ...

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over the batch, given the student's hidden states at its learnt positions."""
        ...


@dataclass(frozen=True)
class NextToken:
    """Cross-entropy of the learnt tokens: -sum_t log q(y_t | y before t)."""

    group = 1

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of learnt positions."""
        return n_learnt

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over learnt positions."""
        return -token_log_probabilities(hidden_PD, head, batch.labels).sum()


def token_log_probabilities(hidden_PD: Tensor, head: Head, labels_P: Tensor) -> Tensor:
    """Return log q(token | everything before it) of each label.

    Parameters
    ----------
    hidden_PD : float tensor, (P, D)
        Hidden states that predict the labels; P may be 0.
    head : Head
        Makes logits of them, a chunk of positions at a time where all would be large.
    labels_P : int64 tensor, (P,)
        Token ids.

    Returns
    -------
    float32 tensor, (P,)
        In nats, at most 0; gradients flow to the states and to the head where they need them.

    Notes
    -----
    Proof: tests/train/test_losses.py, test_head.py.
    """

    def losses_of(logits_CV: Tensor, part: slice) -> Tensor:
        return F.cross_entropy(logits_CV, labels_P[part], reduction="none")

    return -chunked_losses(hidden_PD, head, losses_of)


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
    seen: Callable[[NDArray[np.floating]], NDArray[np.floating]] | None = None
    """With hidden states: what the student's side sees of the teacher's (C, k) log-probabilities; None: as they are."""

    group = 1

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of learnt positions."""
        return n_learnt

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over learnt positions."""
        if not batch.targets:
            return NextToken()(hidden_PD, head, batch)
        losses_of = self._from_shown if "shown" in batch.targets else self._from_hidden
        has_P = batch.has_targets_P
        if has_P is None:
            return chunked_losses(hidden_PD, head, losses_of(batch), SOFT_CHUNK).sum()
        hard = token_log_probabilities(hidden_PD[~has_P], head, batch.labels[~has_P])
        return chunked_losses(hidden_PD[has_P], head, losses_of(batch), SOFT_CHUNK).sum() - hard.sum()

    def _from_shown(self, batch: PaddedRows) -> Callable[[Tensor, slice], Tensor]:
        token_PK, log_PK = batch.targets["shown"], batch.targets["shown_log"]

        def losses_of(logits_CV: Tensor, part: slice) -> Tensor:
            return soft_divergence(logits_CV, token_PK[part], log_PK[part], self.divergence, self.temperature)

        return losses_of

    def _from_hidden(self, batch: PaddedRows) -> Callable[[Tensor, slice], Tensor]:
        if self.teacher_head is None:
            raise GaugerError("rows with a teacher's hidden states need the teacher's head in the loss")
        teacher, states_PD = self.teacher_head, batch.targets["teacher_hidden"]

        def losses_of(logits_CV: Tensor, part: slice) -> Tensor:
            with torch.no_grad():
                teacher_CV = teacher.logits(states_PD[part])
            return self._divergence(logits_CV, teacher_CV)

        return losses_of

    def _divergence(self, student_CV: Tensor, teacher_CV: Tensor) -> Tensor:
        V = min(student_CV.shape[-1], teacher_CV.shape[-1])  # heads of one tokenizer may be padded differently
        student_CV, teacher_CV = student_CV[:, :V], teacher_CV[:, :V]
        if self.top_k is None and self.seen is None:
            return full_divergence(student_CV, teacher_CV, self.divergence, self.temperature)
        values, tokens = teacher_CV.log_softmax(dim=-1).topk(min(self.top_k or V, V), dim=-1)
        if self.seen is not None:
            values = torch.as_tensor(self.seen(values.cpu().numpy())).to(values)
        return soft_divergence(student_CV, tokens, values, self.divergence, self.temperature)
