"""Losses in nats per learnt position.

`next_token`         cross-entropy of the text that was written
`soft_divergence`    KL between teacher and student where the teacher shows its log-probabilities

A surface that shows only the k most likely tokens leaves a rest. It is one more outcome, "any other token", on both
sides, so the divergence is the one between two distributions over k + 1 outcomes: a lower bound of the full divergence,
equal to it at k = V (data processing inequality), and 0 exactly where student and teacher agree on what is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from gauger.train.tiny.model import Decoder
from gauger.train.tiny.rows import Batch

Loss = Callable[[Decoder, Batch], Tensor]
_REST_FLOOR = 1e-7


def next_token(model: Decoder, batch: Batch) -> Tensor:
    """Mean cross-entropy of the learnt tokens; logits are made at the learnt positions only."""
    hidden = model.hidden(batch.tokens_BT[:, :-1])[batch.learnt]
    return F.cross_entropy(model.logits(hidden), batch.tokens_BT[:, 1:][batch.learnt])


@dataclass(frozen=True)
class SoftLoss:
    """KL on rows with soft targets, next-token cross-entropy on the others, averaged over all learnt positions."""

    divergence: str = "forward-kl"
    """forward-kl: KL(teacher || student); reverse-kl: KL(student || teacher)."""
    temperature: float = 1.0

    def __call__(self, model: Decoder, batch: Batch) -> Tensor:
        """Return the mean over learnt positions."""
        soft_P, token_SK, log_probability_SK = batch.soft_P, batch.soft_token_SK, batch.soft_log_probability_SK
        if soft_P is None or token_SK is None or log_probability_SK is None:
            return next_token(model, batch)
        logits_PV = model.logits(model.hidden(batch.tokens_BT[:, :-1])[batch.learnt])
        hard = F.cross_entropy(logits_PV[~soft_P], batch.tokens_BT[:, 1:][batch.learnt][~soft_P], reduction="sum")
        soft = soft_divergence(logits_PV[soft_P], token_SK, log_probability_SK, self.divergence, self.temperature)
        return (hard + soft.sum()) / len(soft_P)


def soft_divergence(
    logits_PV: Tensor, token_PK: Tensor, teacher_log_PK: Tensor, divergence: str, temperature: float = 1.0
) -> Tensor:
    """KL at each position, in nats, over the shown tokens and the rest as one outcome.

    forward: sum_k p_k (log p_k - log q_k);  reverse: sum_k q_k (log q_k - log p_k)

    Parameters
    ----------
    logits_PV : Tensor
        Student's logits.
    token_PK, teacher_log_PK : Tensor
        Shown tokens and the teacher's log-probabilities for them.
    divergence : str
        forward-kl or reverse-kl.
    temperature : float
        Other than 1: both distributions are softened (logits / temperature; Hinton et al. 2015) and compared given that
        the token is a shown one, because a rest that is not shown cannot be softened.

    Returns
    -------
    Tensor
        Shape (P,), at least 0 up to rounding.
    """
    student_log_PK = logits_PV.log_softmax(dim=-1).gather(-1, token_PK)
    if temperature == 1:
        student, teacher = _with_rest(student_log_PK), _with_rest(teacher_log_PK)
    else:
        student = (student_log_PK / temperature).log_softmax(dim=-1)
        teacher = (teacher_log_PK / temperature).log_softmax(dim=-1)
    p, q = (teacher, student) if divergence == "forward-kl" else (student, teacher)
    return (p.exp() * (p - q)).sum(dim=-1)


def _with_rest(log_PK: Tensor) -> Tensor:
    """Append the log-probability of everything not shown, floored so that a full distribution stays finite."""
    rest = (1 - log_PK.exp().sum(dim=-1, keepdim=True)).clamp_min(_REST_FLOOR).log()
    return torch.cat([log_PK, rest], dim=-1)
