"""Tells where scores have no room left: arms at the ceiling or the floor of a benchmark, and benchmarks where all are.

A score of 98 % or more stands at the ceiling, one of 2 % or less at the floor: what is won or lost beyond cannot be
seen there. Where every arm stands at the same end, the benchmark shows no difference whatever there is, and every
average that holds it is drawn towards zero. It is not left out of them: which benchmarks have room is known only once
they were measured, and leaving some out by their results would change what was fixed before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CEILING, FLOOR = 0.98, 0.02
"""Scores from here upwards, and from here downwards (0-1 scale), have no room."""


def end_of(score: float) -> str | None:
    """Name the end at which a score stands: ceiling, floor or None.

    Parameters
    ----------
    score : float
        0 to 1.
    """
    if score >= CEILING:
        return "ceiling"
    return "floor" if score <= FLOOR else None


def without_room(scores: Iterable[tuple[str, str, float | None]]) -> Mapping[str, str]:
    """Return benchmark -> the end (ceiling or floor) at which every arm that was scored on it stands.

    Parameters
    ----------
    scores : iterable of (benchmark, arm, score)
        Mean scores, 0 to 1; None where an arm has none, which is passed over.

    Returns
    -------
    mapping of str to str
        Only benchmarks with at least two scored arms, all at the same end.
    """
    ends: dict[str, list[str | None]] = {}
    for benchmark, _, score in scores:
        if score is not None:
            ends.setdefault(benchmark, []).append(end_of(score))
    common = {name: seen[0] for name, seen in ends.items() if len(seen) > 1 and len(set(seen)) == 1}
    return {name: end for name, end in common.items() if end is not None}


def room_warnings(scores: Iterable[tuple[str, str, float | None]]) -> list[str]:
    """Say of every benchmark without room what it does to the estimates; one line each, without a full stop.

    Parameters
    ----------
    scores : iterable of (benchmark, arm, score)
        As for `without_room`.
    """
    edge = {"ceiling": f"{CEILING:.0%} or more".replace("%", " %"), "floor": f"{FLOOR:.0%} or less".replace("%", " %")}
    return [
        f"{name}: every arm stands at its {end} ({edge[end]}), so it can show no difference, and averages that hold it "
        "are drawn towards zero"
        for name, end in without_room(scores).items()
    ]
