"""Finds where a change begins in a series of checkpoints of one training.

Each later checkpoint is held against the first one, with intervals that hold for all of them at once. The change has
begun at the first checkpoint from which on all differences lie on one side of 0; it began after the last checkpoint
before it that could not be told from the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gauger.records import Estimate

_COUNTED = r"(?:steps?|checkpoints?|ckpt|iter(?:ation)?s?|epochs?|tokens?|toks?)"
"""What counts how far a training is. Other numbers at the end of names count sizes, versions or seeds."""
_STEP = re.compile(rf"(?i)(?P<stem>.*?)(?P<number>\d+(?:\.\d+)?)(?P<unit>[kmbt]?)(?P<after>[-_=. ]?{_COUNTED})?$")
_BEFORE = re.compile(rf"(?i)(?:.*[^a-z])?{_COUNTED}[-_=. ]?")
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def step_of(name: str) -> tuple[str, float] | None:
    """Return (stem, number) of a name that ends in a number ("step-500", "2B-tokens"); None for others."""
    match = _STEP.fullmatch(name)
    if match is None:
        return None
    return match["stem"], float(match["number"]) * _UNITS[match["unit"].lower()]


def is_series(names: Sequence[str]) -> bool:
    """Tell whether arms are checkpoints of one training: at least three, named alike but for different numbers.

    The names say what is counted, as "step-500", "checkpoint_500" and "2B-tokens" do: "qwen-7B" is a size, and "v2" or
    "seed-2" no moment of a training either.
    """
    if not all(
        (match := _STEP.fullmatch(name)) and (match["after"] or _BEFORE.fullmatch(match["stem"])) for name in names
    ):
        return False
    steps = [step_of(name) for name in names]
    known = [step for step in steps if step is not None]
    if len(known) < 3 or len(known) < len(steps):
        return False
    return len({stem for stem, _ in known}) == 1 and len({number for _, number in known}) == len(known)


def in_order(names: Sequence[str]) -> list[str]:
    """Return the checkpoints in the order of their numbers."""
    return sorted(names, key=lambda name: (step_of(name) or ("", 0.0))[1])


def changes(differences: Sequence[Estimate], names: Sequence[str]) -> list[dict[str, Any]]:
    """Say on every benchmark and average where the scores leave the first checkpoint's.

    Parameters
    ----------
    differences : sequence of Estimate
        Later minus first among them (`pairs.all_pairs`), with simultaneous intervals.
    names : sequence of str
        The checkpoints in order.

    Returns
    -------
    list of dict
        benchmark, over, direction ("up", "down" or "none"), begins_after and begins_by: the steps between which the
        change began; both None where no change is seen.
    """
    rows = []
    for benchmark, over in dict.fromkeys((difference.benchmark, difference.over) for difference in differences):
        here = [
            difference for difference in differences if (difference.benchmark, difference.over) == (benchmark, over)
        ]
        sides = [_side(here, names[0], later) for later in names[1:]]
        row: dict[str, Any] = {
            "benchmark": benchmark,
            "over": over,
            "direction": "none",
            "begins_after": None,
            "begins_by": None,
        }
        if sides[-1]:
            start = len(sides) - 1
            while start and sides[start - 1] == sides[-1]:
                start -= 1
            row |= {
                "direction": "up" if sides[-1] > 0 else "down",
                "begins_after": (step_of(names[start]) or ("", 0.0))[1],
                "begins_by": (step_of(names[start + 1]) or ("", 0.0))[1],
            }
        rows.append(row)
    return rows


def _side(here: Sequence[Estimate], first: str, later: str) -> int:
    """Return on which side of 0 the interval of later minus first lies; 0 where it holds 0 or is undefined."""
    for difference in here:
        sign = {(later, first): 1, (first, later): -1}.get((difference.arm, str(difference.control)))
        if sign and difference.simultaneous_low is not None and difference.simultaneous_high is not None:
            return sign if difference.simultaneous_low > 0 else -sign if difference.simultaneous_high < 0 else 0
    return 0
