"""Estimates from the published evidence who gains most, to stand beside a study's own slopes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gauger.estimate import tidy
from gauger.evidence import MODERATORS, Moderation, load, moderate, prepare

ASKED = {"student's starting score": "starting score", "student's size": "student's size"}
"""Name among the pre-specified moderators -> what a study's slopes call it."""
POINTS = 100.0
CAVEAT = (
    "In the literature the effect is the distilled student minus its untouched base, for a matched control is seldom "
    "published. The starting score stands in that effect with a minus sign, so that its slope is pulled down by the "
    "base's sampling error, and a high start leaves less room below 100 %. Students, teachers and data differ between "
    "papers and none was assigned at random: these are descriptions."
)


def who_gains_in_literature() -> dict[str, Any]:
    """Run the two pre-specified meta-regressions of the shipped table: a third of a second.

    Returns
    -------
    dict
        `slopes`: per moderator (`against`, `unit`) and group of benchmarks (`where`) slope, se, low, high on the scale
        of scores (0-1), with `n_rows` and `n_studies`, or None and a `reason`; `caveat`.
    """
    moderations = moderate(prepare(load()), [moderator for moderator in MODERATORS if moderator.name in ASKED])
    return {"slopes": [row for moderation in moderations for row in _rows(moderation)], "caveat": CAVEAT}


def _rows(moderation: Moderation) -> Iterator[dict[str, Any]]:
    for effect in moderation.effects:
        numbers = {"slope": effect.estimate, "se": effect.se, "low": effect.low, "high": effect.high}
        yield (
            {"against": ASKED[moderation.name], "unit": moderation.unit, "where": effect.name}
            | {name: None if value is None else tidy(value / POINTS) for name, value in numbers.items()}
            | {"df": tidy(effect.df), "n_rows": effect.n_rows, "n_studies": effect.n_studies}
            | {"reason": effect.reason, "note": effect.note}
        )
