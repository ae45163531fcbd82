"""Picks the headline figures: three or four numbers from raw gain to what really carried over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gauger.report.document_view import Row, View
from gauger.report.wording import percent, quantity, set_of, unit_of

MOST = 4


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    title: str
    value: str
    unit: str
    interval: str
    note: str
    role: str


def cards(view: View) -> Sequence[Card]:
    """Return up to four headline figures of the headline arm, in the order of the story, passing over absent ones."""
    arm = view.headline_arm
    if arm is None:
        return ()
    chosen: list[Card] = []
    for title, name, role, note in _story(view):
        row = view.headline(name, arm, role)
        if row is not None and len(chosen) < MOST:
            chosen.append(_card(row, title, role or "", note))
    return chosen


def _story(view: View) -> Iterator[tuple[str, str, str | None, str]]:
    """Yield title, estimand, role and note of the figures worth heading the page, best first."""
    uplift_is = "against the control" if view.is_compare else "the part that needs the teacher"
    yield "Raw gain, targeted benchmarks", "gain", "targeted", "against the untouched base: what is usually published"
    yield "Uplift, targeted benchmarks", "uplift", "targeted", uplift_is
    yield "Uplift, near benchmarks", "uplift", "near", "same skill, asked in another form"
    yield "Carry-over to near", "carryover", "near", "share of the targeted uplift that survives another form"
    yield "Gap recovered, near", "gap_recovered", "near", "share of the distance to the teacher"
    yield "Gap recovered, targeted", "gap_recovered", "targeted", "share of the distance to the teacher"
    for role in dict.fromkeys([*(role for role in view.roles if role not in ("targeted", "near")), None]):
        what = f"{role} benchmarks" if role else "all benchmarks"
        yield f"Uplift, {what}", "uplift", role, "against the control"
        yield f"Gap recovered, {what}", "gap_recovered", role, "share of the distance to the teacher"


def _card(row: Row, title: str, role: str, note: str) -> Card:
    unit = unit_of(row)
    if row["value"] is None:
        return Card(title, "–", "", f"undefined: {row['reason']}", note, role)
    name = {"points": "points", "percent": "%"}.get(unit, "")
    ends = f"{percent(row.get('level') or 0.95)}: {set_of(row, unit)}"
    return Card(title, quantity(row["value"], unit), name, ends, note, role)
