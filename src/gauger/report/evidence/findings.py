"""Titles the figures of the evidence page with what their pooled numbers say, by the rules of a report's findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gauger.evidence import CarryOver, Evidence
from gauger.report.wording import listing, number, percent, several


def side(one: Any) -> int | None:
    """Tell on which side of zero an interval lies: 1, -1, 0 not told apart, None undefined."""
    if one.low is None or one.high is None:
        return None
    return 1 if one.low > 0 else -1 if one.high < 0 else 0


def by_role(pooled: Iterable[Any], over: str) -> str:
    """Say on which benchmarks a pooled mean is told from zero.

    Parameters
    ----------
    pooled : iterable
        One estimate per role, with name, low and high.
    over : str
        What the gain is counted from.
    """
    sides = {one.name: side(one) for one in pooled}
    words = {1: "above zero on", -1: "below zero on", 0: "not told from zero on"}
    parts = [
        f"{words[sign]} {listing(names)} benchmarks"
        for sign in (1, -1, 0)
        if (names := [name for name, one in sides.items() if one == sign])
    ]
    return f"Mean gain over {over}: {', '.join(parts)}" if parts else ""


def by_control(pooled: Mapping[str, Sequence[Any]], role: str) -> str:
    """Say over which controls the mean gain on one role is told from zero."""
    sides = {name: side(one) for name, group in pooled.items() for one in group if one.name == role}
    clear, level = ([name for name, one in sides.items() if one == sign] for sign in (1, 0))
    parts = [f"above zero over {listing(clear)}"] if clear else []
    parts += [f"not told from zero over {listing(level)}"] if level else []
    return f"Mean gain on {role} benchmarks: {', '.join(parts)}" if parts else ""


def carried(found: Sequence[CarryOver]) -> str:
    """Say which share of the targeted gain shows on held-out benchmarks, under the first set of controls that tells."""
    one = next((one for one in found if one.ratio is not None), None)
    if one is None or one.ratio is None:
        return ""
    return f"Over {one.over} the held-out gain is {percent(one.ratio)} of the targeted one ({one.n_arms} students)"


def moderated(evidence: Evidence) -> str:
    """Count the moderators' effects that are told from zero."""
    effects = [effect for one in evidence.moderations for effect in (one.differences or one.effects)]
    sides = [sign for effect in effects if (sign := side(effect)) is not None]
    clear = sum(sign != 0 for sign in sides)
    return f"{clear} of {several(len(sides), 'effect')} of moderators are told from zero" if sides else ""


def restricted(evidence: Evidence, roles: Sequence[str]) -> str:
    """Count the restrictions under which the mean over the untouched base stays above zero."""
    said = []
    for role in roles:
        moved = [one.headline.untouched[role] for one in evidence.restrictions if one.unit == "points"]
        sides = [sign for one in moved if (sign := side(one)) is not None]
        if sides:
            said.append(f"{role} above zero under {sides.count(1)} of {len(sides)}")
    return f"Over the untouched base: {', '.join(said)} analyses" if said else ""


def biased(levels: Iterable[str]) -> str:
    """Count the studies by their overall risk of bias."""
    counts = Counter(levels)
    total = sum(counts.values())
    said = [f"{count} {level}" for level, count in counts.most_common()]
    return f"Overall risk of bias, {total} studies: {listing(said)}" if total else ""


def funnelled(evidence: Evidence) -> str:
    """Say whether smaller benchmarks print larger gains, over the untouched base."""
    slopes = [slope for slope in evidence.small_studies[0].slopes if side(slope) is not None]
    if not slopes:
        return ""
    leaning = [slope.name for slope in slopes if side(slope) == 1]
    if not leaning:
        return "Smaller benchmarks print no clearly larger gains in any role"
    return f"Smaller benchmarks print larger gains: {listing(leaning)}"


def gaps(evidence: Evidence) -> str:
    """Give the mean gap of each group that has one."""
    known = [one for one in evidence.gaps.groups if one.mean is not None]
    said = [f"{number(one.mean, signed=True)} ({one.name})" for one in known if one.mean is not None]
    return f"Points lost on fresh items: {', '.join(said)}" if said else ""
