"""Words a claim from its numbers by rules, so that no sentence says more than its interval and its certainty allow.

Which way: the 95 % interval lies above zero, below zero, or holds it. How much: the estimate against 2 and 5 points.
How sure: high speaks plainly, moderate says *probably*, low says *may*, very low says that it is very uncertain.
"""

from __future__ import annotations

from gauger.evidence.certainty import Certainty

LITTLE = 2.0
"""Points below which a difference is called little."""
CLEAR = 5.0
"""Points from which it is called large."""


def direction(low: float, high: float) -> str:
    """Return up, down or open: an interval that touches zero leaves it open."""
    return "up" if low > 0 else "down" if high < 0 else "open"


def size(estimate: float) -> str:
    """Return the adverb of an estimate (points): a little below 2, clearly from 5, nothing between."""
    magnitude = abs(estimate)
    return " a little" if magnitude < LITTLE else " clearly" if magnitude >= CLEAR else ""


def verb(estimate: float, low: float, high: float, certainty: Certainty, up: str, down: str) -> str:
    """Word what happens.

    Parameters
    ----------
    estimate, low, high : float
        Points, with the 95 % interval.
    certainty : Certainty
    up, down : str
        Verbs in the plain form, for instance "gain" and "lose".
    """
    way = direction(low, high)
    if way == "open":
        if low > -LITTLE and high < LITTLE:
            hedge = {Certainty.HIGH: "", Certainty.MODERATE: "probably "}.get(certainty, "may ")
            return f"{hedge}{up} little or nothing"
        return f"may {up} or {down}"
    word = (up if way == "up" else down) + size(estimate)
    hedge = {Certainty.HIGH: "", Certainty.MODERATE: "probably "}.get(certainty, "may ")
    return f"{hedge}{word}"


def reservation(low: float, high: float, certainty: Certainty) -> str:
    """Return what must follow the claim: that the mean cannot be told from zero, or that all is very uncertain."""
    parts = []
    if direction(low, high) == "open" and not (low > -LITTLE and high < LITTLE):
        parts.append("the mean cannot be told from zero")
    if certainty == Certainty.VERY_LOW:
        parts.append("this is very uncertain")
    return "; " + " and ".join(parts) if parts else ""


def points(estimate: float, low: float, high: float) -> str:
    """Print an estimate with its interval."""
    return f"{estimate:+.1f} points [{low:.1f}, {high:.1f}]"
