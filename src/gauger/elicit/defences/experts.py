"""Answers as the product of the teacher and a proxy student: what the proxy would not say is said less."""

from __future__ import annotations

from gauger.elicit.defences.steering import NextTokens, Reads, Scores, steering_defence


def product(known: NextTokens, strength: float) -> Scores:
    """Multiply the two distributions: log q = (1 - s) log p_teacher + s log p_proxy, up to a constant.

    Tokens that surprise the proxy student are those that a student learns most from; the product says them less often.

    Parameters
    ----------
    known : NextTokens
        With the proxy's log-probabilities.
    strength : float
        s, 0-1: 0 is the teacher, byte for byte; 1 the proxy alone.

    Notes
    -----
    Allouah, Haghifam, Koyejo & Shokri, *The Distillation Game* (2026): a student on GSM8K fell from 57 to 39, and rose
    to 49 where it reweighted what it was given. Products of experts: Hinton (2002). The weights add up to 1, as in a
    logarithmic opinion pool, so that strength has both ends. Proof: tests/train/test_steered.py and
    validation/defence_direction.
    """
    if strength == 0 or known.proxy_BV is None:
        return known.teacher_BV
    return (1 - strength) * known.teacher_BV + strength * known.proxy_BV


EXPERTS = steering_defence(product, Reads.CHANCES)
