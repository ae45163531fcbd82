"""Titles the figures of the evidence page with what their pooled numbers say, by the rules of a report's findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gauger.evidence import CarryOver, Evidence
from gauger.report.wording import listing, number, percent, several


def side(estimate: Any) -> int | None:
    """Tell on which side of zero an interval lies: 1, -1, 0 not told apart, None undefined."""
    if estimate.low is None or estimate.high is None:
        return None
    return 1 if estimate.low > 0 else -1 if estimate.high < 0 else 0


def by_role(pooled: Iterable[Any], over: str) -> str:
    """Say on which benchmarks a pooled mean is told from zero.

    Parameters
    ----------
    pooled : iterable
        One estimate per role, with name, low and high.
    over : str
        What the gain is counted from.
    """
    sides = {mean.name: side(mean) for mean in pooled}
    words = {1: "above zero on", -1: "below zero on", 0: "not told from zero on"}
    parts = [
        f"{words[sign]} {listing(names)} benchmarks"
        for sign in (1, -1, 0)
        if (names := [name for name, own_sign in sides.items() if own_sign == sign])
    ]
    return f"Mean gain over {over}: {', '.join(parts)}" if parts else ""


def by_control(pooled: Mapping[str, Sequence[Any]], role: str) -> str:
    """Say over which controls the mean gain on one role is told from zero."""
    sides = {name: side(mean) for name, group in pooled.items() for mean in group if mean.name == role}
    clear, level = ([name for name, own_sign in sides.items() if own_sign == sign] for sign in (1, 0))
    parts = [f"above zero over {listing(clear)}"] if clear else []
    parts += [f"not told from zero over {listing(level)}"] if level else []
    return f"Mean gain on {role} benchmarks: {', '.join(parts)}" if parts else ""


def carried(carry_overs: Sequence[CarryOver]) -> str:
    """Say which share of the targeted gain shows on held-out benchmarks, under the first set of controls that tells."""
    gain = next((entry for entry in carry_overs if entry.ratio is not None), None)
    if gain is None or gain.ratio is None:
        return ""
    return f"Over {gain.over} the held-out gain is {percent(gain.ratio)} of the targeted one ({gain.n_arms} students)"


def moderated(evidence: Evidence) -> str:
    """Count the moderators' effects that are told from zero."""
    effects = [
        effect for moderation in evidence.moderations for effect in (moderation.differences or moderation.effects)
    ]
    sides = [sign for effect in effects if (sign := side(effect)) is not None]
    clear = sum(sign != 0 for sign in sides)
    return f"{clear} of {several(len(sides), 'effect')} of moderators are told from zero" if sides else ""


def restricted(evidence: Evidence, roles: Sequence[str]) -> str:
    """Count the restrictions under which the mean over the untouched base stays above zero."""
    parts = []
    for role in roles:
        moved = [
            restriction.headline.untouched[role]
            for restriction in evidence.restrictions
            if restriction.unit == "points"
        ]
        sides = [sign for mean in moved if (sign := side(mean)) is not None]
        if sides:
            parts.append(f"{role} above zero under {sides.count(1)} of {len(sides)}")
    return f"Over the untouched base: {', '.join(parts)} analyses" if parts else ""


def biased(levels: Iterable[str]) -> str:
    """Count the studies by their overall risk of bias."""
    counts = Counter(levels)
    total = sum(counts.values())
    counted = [f"{count} {level}" for level, count in counts.most_common()]
    return f"Overall risk of bias, {total} studies: {listing(counted)}" if total else ""


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
    known = [group for group in evidence.gaps.groups if group.mean is not None]
    parts = [f"{number(group.mean, signed=True)} ({group.name})" for group in known if group.mean is not None]
    return f"Points lost on fresh items: {', '.join(parts)}" if parts else ""
