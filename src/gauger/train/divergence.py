"""Compares two distributions over next tokens: KL over a whole vocabulary or the tokens shown, L1 of sorted chances."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_REST_FLOOR = 1e-7


def full_divergence(student_CV: Tensor, teacher_CV: Tensor, divergence: str, temperature: float = 1.0) -> Tensor:
    """KL at each position between softmax(logits / temperature) of two models.

    forward-kl: sum_v p_v (log p_v - log q_v), p the teacher; reverse-kl: sum_v q_v (log q_v - log p_v), q the student.
    Softened distributions (temperature above 1; Hinton et al. 2015) are compared as they are, without the factor T².

    Parameters
    ----------
    student_CV, teacher_CV : Tensor
        Logits of both over the same V tokens.
    divergence : str
        forward-kl or reverse-kl.
    temperature : float
        Above 0.

    Returns
    -------
    Tensor
        (C,), in nats; at least 0 up to rounding, 0 exactly where the two agree.

    Notes
    -----
    Use `soft_divergence` where only some tokens are shown. Proof: tests/train/test_losses.py (literal sums, equality
    of the two at K = V).
    """
    if temperature != 1:
        student_CV, teacher_CV = student_CV / temperature, teacher_CV / temperature
    student, teacher = student_CV.log_softmax(dim=-1), teacher_CV.log_softmax(dim=-1)
    p, q = (teacher, student) if divergence == "forward-kl" else (student, teacher)
    return F.kl_div(q, p, log_target=True, reduction="none").sum(dim=-1)


def soft_divergence(
    logits_PV: Tensor, token_PK: Tensor, teacher_log_PK: Tensor, divergence: str, temperature: float = 1.0
) -> Tensor:
    """KL at each position over the shown tokens and the rest as one outcome.

    forward-kl: sum_k p_k (log p_k - log q_k);  reverse-kl: sum_k q_k (log q_k - log p_k), k = 1..K and the rest

    A surface that shows only the K most likely tokens leaves a rest: one more outcome, "any other token", on both
    sides. So this is the divergence between two distributions over K + 1 outcomes: a lower bound of the full one, equal
    to it at K = V (data processing inequality), and 0 exactly where student and teacher agree on what is shown.

    Parameters
    ----------
    logits_PV : Tensor
        Student's logits.
    token_PK, teacher_log_PK : Tensor
        Shown tokens and the teacher's log-probabilities for them, in nats.
    divergence : str
        forward-kl or reverse-kl.
    temperature : float
        Other than 1: both distributions are softened (logits / temperature) and compared given that the token is a
        shown one, because a rest that is not shown cannot be softened. Do not use it with a small K.

    Returns
    -------
    Tensor
        (P,), in nats, at least 0 up to rounding. The rest is floored at 1e-7, which adds less than 3e-6.

    Notes
    -----
    Proof: tests/train/test_losses.py (literal sums, bounds by K, limits of the temperature).
    """
    student_log_PK = logits_PV.log_softmax(dim=-1).gather(-1, token_PK)
    if temperature == 1:
        student, teacher = _with_rest(student_log_PK), _with_rest(teacher_log_PK)
    else:
        student = (student_log_PK / temperature).log_softmax(dim=-1)
        teacher = (teacher_log_PK / temperature).log_softmax(dim=-1)
    p, q = (teacher, student) if divergence == "forward-kl" else (student, teacher)
    return (p.exp() * (p - q)).sum(dim=-1)


def sorted_distance(logits_PV: Tensor, teacher_log_PK: Tensor, temperature: float = 1.0) -> Tensor:
    """L1 at each position between the sorted probabilities of student and teacher, whatever their tokens are.

    sum_k |p_(k) - q_(k)| + |rest_p - rest_q|,  p_(1) >= p_(2) >= ..., k = 1..K

    The Wasserstein distance between the two lists of probabilities where any token may be matched with any other
    (Boizard et al. 2024, eq. 6). The teacher's K shown probabilities are held against the student's K largest; what is
    left of both is one more outcome, so that this is a lower bound of the distance over whole vocabularies. The shorter
    vocabulary is filled up with zeros.

    Parameters
    ----------
    logits_PV : Tensor
        Student's logits.
    teacher_log_PK : Tensor
        Log-probabilities that the teacher shows, in nats and any order; of which tokens does not matter.
    temperature : float
        Other than 1: both are softened and compared among the K largest alone, without a rest.

    Returns
    -------
    Tensor
        (P,), between 0 and 2; 0 where both lists are equal, whichever tokens they belong to.

    Notes
    -----
    It does not say which token is likely, only how sure to be: learn the text beside it (`sorted_loss.SortedLoss`), and
    use `soft_divergence` where the tokens are the same. Proof: tests/train/test_sorted_loss.py (literal sums,
    permutations, bounds).
    """
    n_shown, n_own = teacher_log_PK.shape[-1], logits_PV.shape[-1]
    teacher = teacher_log_PK.sort(dim=-1, descending=True).values
    own = logits_PV.log_softmax(dim=-1).topk(min(n_shown, n_own), dim=-1).values
    if temperature != 1:
        teacher, own = (teacher / temperature).log_softmax(dim=-1), (own / temperature).log_softmax(dim=-1)
    p, q = teacher.exp(), F.pad(own.exp(), (0, max(0, n_shown - n_own)))
    rest = (p.sum(dim=-1) - q.sum(dim=-1)).abs()
    return (p - q).abs().sum(dim=-1) + rest


def _with_rest(log_PK: Tensor) -> Tensor:
    """Append the log-probability of everything not shown, floored so that a full distribution stays finite."""
    rest = (1 - log_PK.exp().sum(dim=-1, keepdim=True)).clamp_min(_REST_FLOOR).log()
    return torch.cat([log_PK, rest], dim=-1)
