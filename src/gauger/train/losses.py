"""Computes the losses of every stage, in nats, summed over learnt positions; the loop divides by the size of the step.

`NextToken`       cross-entropy of the text that was written
`SoftLoss`        KL between teacher and student where the teacher shows its distribution, cross-entropy elsewhere
`PreferenceLoss`  DPO on pairs of answers
`GrpoLoss`        clipped surrogate of rewards, with a penalty for leaving the reference

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
from gauger.train.divergence import full_divergence, soft_divergence
from gauger.train.head import Head, chunked_losses
from gauger.train.rows import PaddedRows

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


# --- preferences -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PreferenceLoss:
    """Direct preference optimisation; rows come as better, worse, better, worse."""

    beta: float = 0.1
    """How strongly the student is held to the reference: smaller lets it move further for the same loss."""

    group = 2

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of pairs."""
        return n_rows // 2

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over pairs."""
        log_P = token_log_probabilities(hidden_PD, head, batch.labels)
        return dpo_loss(batch.by_row(log_P - batch.targets["reference_log"]), self.beta).sum()


def dpo_loss(log_ratio_B: Tensor, beta: float) -> Tensor:
    """Loss of each pair (Rafailov et al. 2023, eq. 7).

    -log sigmoid(beta ((log q(y+) - log r(y+)) - (log q(y-) - log r(y-)))), q the student, r the reference, y+ the
    better and y- the worse answer to one prompt.

    Parameters
    ----------
    log_ratio_B : Tensor
        log q(y) - log r(y) in nats, summed over an answer's tokens: better, worse, better, worse.
    beta : float
        At least 0. 0: every pair costs log 2 and nothing is learnt; large: a pair in the right order costs nothing, one
        in the wrong order beta x its margin.

    Returns
    -------
    Tensor
        (B / 2,); log 2 where the student is the reference, and the gradient then raises y+ and lowers y- with weight
        beta / 2.

    Notes
    -----
    Proof: tests/train/test_losses.py.
    """
    return -F.logsigmoid(beta * (log_ratio_B[0::2] - log_ratio_B[1::2]))


# --- rewards ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GrpoLoss:
    """Group-relative policy optimisation without a critic (Shao et al. 2024, section 4.1).

    -sum_i sum_t [ min(rho A_i, clip(rho, 1 - eps, 1 + eps) A_i) - w k3 ],  rho = q(y_t) / q_drawn(y_t)

    Tokens are summed, not averaged per answer, so that at rho = 1 the gradient is exactly the policy gradient
    -sum_i A_i grad log q(y_i) whatever the lengths (Liu et al. 2025). Proof: tests/train/test_losses.py,
    test_rewards.py (the gradient of the expected reward over all answers).
    """

    clip: float = 0.2
    """eps: beyond a ratio of 1 +- eps a token adds no gradient in the direction it has already gone."""
    kl_weight: float = 0.04
    """w."""

    group = 1

    def size(self, n_rows: int, n_learnt: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Return the number of answers."""
        return n_rows

    def __call__(self, hidden_PD: Tensor, head: Head, batch: PaddedRows) -> Tensor:
        """Return the sum over answers of the sum over their tokens."""
        log_P, targets = token_log_probabilities(hidden_PD, head, batch.labels), batch.targets
        gain_P = surrogate(log_P - targets["drawn_log"], targets["advantage"], self.clip)
        return (self.kl_weight * kl_k3(log_P, targets["reference_log"]) - gain_P).sum()


def surrogate(log_ratio_P: Tensor, advantage_P: Tensor, clip: float) -> Tensor:
    """Return what PPO maximises at each token (Schulman et al. 2017, eq. 7): min(rho A, clip(rho, 1 - eps, 1 + eps) A).

    Parameters
    ----------
    log_ratio_P : float tensor, (P,)
        log rho = log q(token) - log q_drawn(token), in nats.
    advantage_P : float tensor, (P,)
        A of each token's answer.
    clip : float
        eps, between 0 and 1.

    Returns
    -------
    float tensor, (P,)
        A gain, not a loss. At rho = 1 its gradient is A times that of log q; outside the bounds it is 0 on the side to
        which A pushes, and as before on the other.

    Notes
    -----
    Proof: tests/train/test_losses.py (gradients inside and outside of the bounds).
    """
    ratio = log_ratio_P.exp()
    return torch.minimum(ratio * advantage_P, ratio.clamp(1 - clip, 1 + clip) * advantage_P)


def kl_k3(log_P: Tensor, reference_log_P: Tensor) -> Tensor:
    """Estimate KL(student || reference) at every token that the student drew (Schulman 2020).

    k3 = r/q - log(r/q) - 1, in nats; never below 0, and its mean under q is the divergence. Tokens that somebody else
    drew give no such mean.

    Parameters
    ----------
    log_P, reference_log_P : float tensor, (P,)
        log q and log r of the tokens drawn, in nats.

    Returns
    -------
    float tensor, (P,)
        0 where the two agree.

    Notes
    -----
    Use `divergence.full_divergence` where whole distributions are at hand. Proof: tests/train/test_losses.py.
    """
    left = reference_log_P - log_P
    # expm1 keeps the digits that exp(x) - 1 loses near 0; what rounding still leaves below 0 is cut
    return (left.expm1() - left).clamp_min(0.0)


def advantages(reward_BG: Tensor) -> Tensor:
    """Compare rewards with those of their group: A = (r - mean(r)) / std(r), std of the population; 0 where all equal.

    Parameters
    ----------
    reward_BG : Tensor
        Rewards of G answers to each of B prompts, all known. One answer alone has advantage 0.
    """
    centred = reward_BG - reward_BG.mean(dim=1, keepdim=True)
    # asked of the rewards, not of their spread: a rounded mean leaves equal rewards a spread that is tiny but not 0
    equal = reward_BG.amin(dim=1, keepdim=True) == reward_BG.amax(dim=1, keepdim=True)
    spread = reward_BG.std(dim=1, correction=0, keepdim=True)
    return torch.where(equal, 0.0, centred / torch.where(equal, 1.0, spread))
