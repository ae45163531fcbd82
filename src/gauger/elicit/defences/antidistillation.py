"""Tilts answers towards tokens that a proxy student is the worse for having learnt: antidistillation sampling."""

from __future__ import annotations

from gauger.elicit.defences.steering import NextTokens, Reads, Scores, steering_defence

STEEPEST = 2.0
"""Weight of the slope at strength 1."""


def tilted(known: NextTokens, strength: float) -> Scores:
    """Add the slope of the proxy's log-probabilities: log q = log p_teacher + s * 2 * slope, up to a constant.

    A gradient step on a token moves the proxy's weights along the gradient of that token's log-probability; to first
    order its loss on what it is not to learn then changes by the product of that gradient with the loss's own, which is
    the slope of the token's log-probability along the loss's gradient. Tokens with a high slope do harm when learnt.

    Parameters
    ----------
    known : NextTokens
        With the slope; a finite difference of two forward passes.
    strength : float
        s, 0-1: 0 is the teacher, byte for byte.

    Notes
    -----
    Savani, Trockman, Feng, Schwarzschild, Robey, Finzi & Kolter, *Antidistillation Sampling* (2025), eq. 7-9: at the
    strongest the students' score fell from 61 to 25. Here the slope is per step of a hundredth of the length of the
    proxy's weights, so that strength does not depend on their size. Proof: tests/train/test_steered.py and
    validation/defence_direction.
    """
    if strength == 0 or known.slope_BV is None:
        return known.teacher_BV
    return known.teacher_BV + STEEPEST * strength * known.slope_BV


ANTIDISTILLATION = steering_defence(tilted, Reads.SLOPE)
