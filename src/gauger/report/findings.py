"""Titles every figure with its finding, by rules over its estimates.

An effect is said to be there where the whole interval lies on one side, taking the interval that holds for all
estimates of the figure at once where the document has it, because a title picks some of them out. Everything else is
said not to be told apart. Where nothing has a value there is no finding, and the figure keeps its plain title.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gauger.records import ArmKind, SetKind
from gauger.report.document_view import Row, View, averages, defined, role_of
from gauger.report.wording import describe_change, estimand, listing, percent, quantity, several, with_unit

HALF = 0.5
"""A share is said to be more or less than this where its whole interval is."""
AWAY = ("near", "far", "parallel")
"""Roles that the targeted one is set against, the first that a document has."""


def side(row: Row | None, at: float = 0.0) -> int | None:
    """Tell on which side of a value an estimate lies: 1 above, -1 below, 0 not told apart, None undefined."""
    if row is None or row["value"] is None:
        return None
    low, high = row.get("simultaneous_low"), row.get("simultaneous_high")
    if low is None and high is None:
        if (row.get("kind") or SetKind.INTERVAL) in (SetKind.OUTSIDE, SetKind.EVERYTHING, SetKind.NONE):
            return 0
        low, high = row["low"], row["high"]
    if low is not None and low > at:
        return 1
    return -1 if high is not None and high < at else 0


def two_roles(view: View) -> list[str | None]:
    """Return the targeted role and the one to set against it; where one is lacking, the first role there is."""
    away = next((role for role in AWAY if role in view.roles), None)
    if "targeted" in view.roles and away:
        return ["targeted", away]
    return list(view.roles)[:1]


def verdict(row: Row, rule: Row, outcome: str) -> str:
    """Say where the judged number lies; one that does not vary, and settled nothing, is not told apart."""
    wording = estimand(rule["estimand"])
    at = with_unit(rule["threshold"], wording.unit, digits=0 if wording.unit == "percent" else 1)
    name = _capital(f"{wording.label} of {rule.get('arm') or row['arm']}, {with_unit(row['value'], wording.unit)},")
    whole = (row.get("kind") or SetKind.INTERVAL) == SetKind.INTERVAL
    whole = whole and not (row.get("se") is None and outcome == "undetermined")
    if whole and row["low"] is not None and row["low"] > rule["threshold"]:
        return f"{name} lies above {at} with its whole interval"
    if whole and row["high"] is not None and row["high"] < rule["threshold"]:
        return f"{name} lies below {at} with its whole interval"
    return f"{name} is not told apart from {at}"


def uplift(view: View, arms: Sequence[str]) -> str:
    """Say which arms score above their control on targeted and on near benchmarks, and which do not."""
    roles = [role for role in two_roles(view) if any(_known(view.headline("uplift", arm, role)) for arm in arms)]
    if not roles:
        return _counted(view, arms)
    by_arm = {arm: _against_control(view, arm, roles) for arm in arms}
    return grouped(by_arm)


def _known(row: Row | None) -> bool:
    return row is not None and row["value"] is not None


def _against_control(view: View, arm: str, roles: Sequence[str | None]) -> str:
    sides = {role: side(view.headline("uplift", arm, role)) for role in roles}
    above, below = ([_on(role) for role in roles if sides[role] == sign] for sign in (1, -1))
    open_ = [_on(role) for role in roles if sides[role] in (0, None)]
    if not above and not below:
        return f"not told apart from the control on {listing(open_)} benchmarks"
    parts = [f"above the control on {listing(above)}"] if above else []
    parts += [f"below it on {listing(below)}" if above else f"below the control on {listing(below)}"] if below else []
    alone = " alone" if len(above) + len(below) == 1 and open_ else ""
    return f"{' and '.join(parts)} benchmarks{alone}"


def _on(role: str | None) -> str:
    return role or "all"


def _counted(view: View, arms: Sequence[str]) -> str:
    """Count the benchmarks on which each arm lies above and below its control, where no mean was made."""
    by_arm = {}
    for arm in arms:
        sides = [side(row) for row in view.of("uplift", arm) if row.get("benchmark")]
        known = [sign for sign in sides if sign is not None]
        if known:
            of = several(len(known), "benchmark")
            by_arm[arm] = f"above the control on {known.count(1)} of {of}, below it on {known.count(-1)}"
    return grouped(by_arm)


def grouped(by_arm: Mapping[str, str]) -> str:
    """Put arms of which the same is said together: "a and b above ...; c below ..."."""
    groups: dict[str, list[str]] = {}
    for arm, words in by_arm.items():
        groups.setdefault(words, []).append(arm)
    return "; ".join(f"{listing(arms)}: {words}" for words, arms in groups.items())


def scores(view: View) -> str:
    """Name the distilled arm that scores highest per role, with those whose intervals reach it."""
    parts = []
    for role in two_roles(view):
        rows = list(defined(view.headline("score", arm, role) for arm in view.distilled))
        if not rows:
            continue
        best = max(rows, key=lambda row: row["value"])
        reach = [row["arm"] for row in rows if row is not best and _reaches(row, best)]
        leader = f"{best['arm']} scores {percent(best['value'])}"
        others = f"; not told apart from it: {listing(reach)}" if reach else ""
        lead = " (the highest)" if len(rows) > 1 and not reach else ""
        parts.append(f"on {_on(role)} benchmarks {leader}{lead}{others}")
    return _capital("; ".join(parts))


def _reaches(row: Row, best: Row) -> bool:
    return row["high"] is None or best["low"] is None or row["high"] >= best["low"]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def gap(view: View, arms: Sequence[str]) -> str:
    """Say how much of the distance was closed on near benchmarks (else the first role)."""
    role = two_roles(view)[-1] if view.roles else None
    rows = sorted(defined(view.headline("gap_recovered", arm, role) for arm in arms), key=lambda row: row["value"])
    if not rows:
        return ""
    low, high = rows[0], rows[-1]
    where = f"on {_on(role)} benchmarks"
    if low is high:
        return f"{high['arm']} closed {percent(high['value'])} of the distance to the teacher {where}"
    ends = f"from {percent(low['value'])} ({low['arm']}) to {percent(high['value'])} ({high['arm']})"
    return f"The distance closed {where} runs {ends}"


def carryover(view: View, arms: Sequence[str]) -> str:
    """Say for which arms more than half of the targeted uplift carries over, and for which less."""
    roles = [role for role in AWAY if any(_known(view.over("carryover", arm, role)) for arm in arms)]
    if not roles:
        return ""
    by_side: dict[int, list[str]] = {1: [], -1: [], 0: []}
    for arm in arms:
        by_side[side(view.over("carryover", arm, roles[0]), HALF) or 0].append(arm)
    parts = [f"more than half for {listing(by_side[1])}"] if by_side[1] else []
    parts += [f"less than half for {listing(by_side[-1])}"] if by_side[-1] else []
    parts += [f"not told for {listing(by_side[0])}"] if by_side[0] else []
    return f"Carry-over to {roles[0]} benchmarks: {', '.join(parts)}"


def raw_gain(view: View, parts_of: Callable[[str, str | None], Mapping[str, float] | None]) -> str:
    """Say how much of the headline arm's raw gain on its first role needs the teacher."""
    arm = view.headline_arm
    role = two_roles(view)[0] if view.roles else None
    parts = parts_of(arm, role) if arm else None
    if not parts:
        return ""
    whole, mine = sum(parts.values()), parts["uplift"]
    where = f"on {_on(role)} benchmarks"
    return (
        f"Of {arm}'s raw gain {where}, {with_unit(whole, 'points')}, the teacher's part is {quantity(mine, 'points')}"
    )


def losses(view: View, rows: Iterable[Row]) -> str:
    """Count the losses on far benchmarks that are told from zero, and name the largest."""
    own = [row for row in defined(rows) if row["arm"] in view.distilled and row.get("benchmark")]
    lost = sorted((row for row in own if side(row) == -1), key=lambda row: row["value"])
    if not own:
        return ""
    if not lost:
        return f"None of {several(len(own), 'change')} on far benchmarks is a clear loss"
    worst = f"{lost[0]['arm']} on {lost[0]['benchmark']}, {with_unit(lost[0]['value'], 'points')}"
    return f"{len(lost)} of {several(len(own), 'change')} on far benchmarks are clear losses, the largest {worst}"


def memorised(view: View, arms: Sequence[str]) -> str:
    """Say in which arms memorisation shows on every scale it was estimated on, the planted leak apart."""
    shown = {arm: _memorised(view, arm) for arm in arms}
    mine = [arm for arm in arms if arm in view.distilled and shown[arm]]
    known = [arm for arm in arms if arm in view.distilled and shown[arm] is not None]
    parts = []
    if known:
        parts = [f"Memorisation shows in {listing(mine)}" if mine else "Memorisation shows in no distilled arm"]
    leak = [arm for arm in view.of_kind(ArmKind.LEAK) if shown.get(arm) is not None]
    parts += [f"the planted leak {'shows' if shown[leak[0]] else 'does not show'}"] if leak else []
    return _capital("; ".join(parts))


def _memorised(view: View, arm: str) -> bool | None:
    rows = [row for row in (*view.of("memorisation", arm), *view.rescaled("memorisation", arm)) if averages(row)]
    sides = [sign for row in rows if (sign := side(row)) is not None]
    return all(sign == 1 for sign in sides) if sides else None


def hardest(rows: Iterable[Row]) -> str:
    """Say for which arms the teacher still adds on the hardest quarter of near items (else the first role)."""
    own = [row for row in defined(rows) if row["estimand"] == "hardest_quartile_uplift"]
    roles = [role for role in (*AWAY, "targeted") if any(role_of(row) == role for row in own)]
    if not roles:
        return ""
    of_role = [row for row in own if role_of(row) == roles[0]]
    adds = [row["arm"] for row in of_role if side(row) == 1]
    return f"Above the control on the hardest quarter of {roles[0]} items: {listing(adds) if adds else 'no arm'}"


def difficulty(view: View, rows: Sequence[Row]) -> str:
    """Count the benchmarks on whose hardest level the headline arm's mean lies above its control's."""
    arm = view.headline_arm
    control = view.matched_of(arm) if arm else None
    known: dict[str, dict[str, dict[float, float]]] = {}
    for row in rows:
        if row["arm"] in (arm, control) and not isinstance(row["difficulty"], str):
            known.setdefault(row["benchmark"], {}).setdefault(row["arm"], {})[row["difficulty"]] = row["score"]
    both = [(levels[arm], levels[control]) for levels in known.values() if arm in levels and control in levels]
    ends = [(own[max(own)], other[max(own)]) for own, other in both if max(own) in other]
    if not ends:
        return ""
    above = sum(own > other for own, other in ends)
    return f"At the hardest level {arm} scores above {control} on {above} of {several(len(ends), 'benchmark')}"


def ingredients(total: Row | None, share: Row | None, names: Sequence[str], role: str | None) -> str:
    """Say what a whole pipeline gained on a role, and the teacher's share of it where its set is an interval."""
    if total is None or total["value"] is None:
        return ""
    sentence = f"All ingredients together gained {with_unit(total['value'], 'points')} on {_on(role)} benchmarks"
    if share is not None and share["value"] is not None and (share.get("kind") or SetKind.INTERVAL) == SetKind.INTERVAL:
        sentence += f", {percent(share['value'])} of it due to the teacher ({listing(names)})"
    return sentence


def interactions(rows: Iterable[Row]) -> str:
    """Name the strongest interaction that is told from zero."""
    clear = [row for row in defined(rows) if side(row)]
    if not clear:
        return "No interaction of two ingredients is told from zero"
    best = max(clear, key=lambda row: abs(row["value"]))
    how = "help each other most" if best["value"] > 0 else "do each other's work most"
    return f"{listing(best['arm'].split(':'))} {how}, {describe_change(best)} on {_on(role_of(best))} benchmarks"
