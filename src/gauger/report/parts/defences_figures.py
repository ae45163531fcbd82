"""Draws defences: the frontier of what is removed and what it costs, uplift by attacker, passive beside adaptive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import altair as alt

from gauger.report.blocks import Figure, FigurePanel, Key
from gauger.report.document_view import Row, View, defined
from gauger.report.drawing import Chart, layered
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import BLUE, INK, MUTED, ORANGE, RULE
from gauger.report.parts.defences_rows import OUTCOME_MARKS, attackers_on, best, one_of, surfaces
from gauger.report.tables import estimates_table
from gauger.report.wording import listing, quantity, set_of

HEIGHT = 300
SAME_PLACE = 0.02
"""Marks that lie closer than this share of both axes have one label between them."""
LETTER, LINE = 0.025, 0.06
"""Room that a letter of a label takes, and a line, as shares of the axes on a narrow screen."""
FRONTIER = (
    "Each mark is a defence: up, it takes more uplift from the best attacker (open surface less defended one); right, "
    "the teacher itself scores less for honest users. Bars hold for all defences together. Upper left is where a "
    "defence should be; on the dashed line users lose as much as the attacker."
)
UPLIFT = (
    "Uplift over the matched control, by surface and attacker; the diamond is the best attacker, whoever that is. "
    "Thick bars are intervals of one estimate alone (of the diamond: over all attackers of its surface), thin bars "
    "hold for all attackers on all surfaces together. The dashed line is the threshold."
)
GAP = (
    "How much more the best attacker who reacts gains than the best one who does not. Where a defence stops only those "
    "who do not react, the interval lies to the right of zero, and a test with a passive student would have called it "
    "a success."
)


def frontier_figure(view: View, entries: Sequence[Row]) -> Figure | None:
    """Draw uplift removed against honest cost, with intervals that hold for all defences together."""
    data = [datum for entry in entries if (datum := _frontier_datum(view, entry)) is not None]
    if not data:
        return None
    rows = [best(view, name, entry["defence"]) for entry in entries for name in ("uplift_removed", "honest_cost")]
    seen = {entry["outcome"] for entry in entries}
    legend = [Key(word, shape, colour) for key, (word, shape, colour) in OUTCOME_MARKS.items() if key in seen]
    panel = FigurePanel(_frontier(data), "", HEIGHT + 60, "Uplift removed by honest cost, one mark per defence", False)
    table = estimates_table(rows, "Uplift removed and honest cost, percentage points")
    title = "Uplift removed and honest cost, percentage points"
    return Figure("defences-frontier", title, FRONTIER, [panel], table, legend, finding=_found(entries))


def _found(entries: Sequence[Row]) -> str:
    parts = []
    for outcome, words in (("works", "works"), ("does_not", "does not work"), ("undetermined", "is undetermined")):
        names = [entry["defence"] for entry in entries if entry["outcome"] == outcome]
        if names:
            parts.append(f"{listing(names)} {words if len(names) == 1 else _plural(words)}")
    return f"Against these attackers {', '.join(parts)}" if parts else "None of the defences could be judged"


def _plural(words: str) -> str:
    return {"works": "work", "does not work": "do not work", "is undetermined": "are undetermined"}[words]


def _frontier_datum(view: View, entry: Row) -> dict[str, Any] | None:
    removed, cost = (best(view, name, entry["defence"]) for name in ("uplift_removed", "honest_cost"))
    if removed is None or cost is None or removed["value"] is None or cost["value"] is None:
        return None
    _, shape, colour = OUTCOME_MARKS[entry["outcome"]]
    ends = {
        f"{axis}_{end}": 100 * row[f"simultaneous_{end}" if row[f"simultaneous_{end}"] is not None else end]
        for axis, row in (("x", cost), ("y", removed))
        for end in ("low", "high")
    }
    return {
        "name": entry["defence"],
        "x": 100 * cost["value"],
        "y": 100 * removed["value"],
        **ends,
        "shape": shape,
        "colour": colour,
        "removed": f"{quantity(removed['value'], 'points')} ({set_of(removed, 'points')})",
        "cost": f"{quantity(cost['value'], 'points')} ({set_of(cost, 'points')})",
    }


def _frontier(data: Sequence[dict[str, Any]]) -> Chart:
    ends = [datum[f"{axis}_{end}"] for datum in data for axis in "xy" for end in ("low", "high")]
    low_x = min([0.0, *(datum["x_low"] for datum in data)])
    high_x = max([5.0, *(datum["x_high"] for datum in data)])
    place_labels(data, (low_x, high_x), (min([0.0, *(d["y_low"] for d in data)]), max(d["y_high"] for d in data)))
    x = alt.X("x:Q", title="honest cost, points of the teacher's own score", scale=alt.Scale(nice=True, zero=False))
    y = alt.Y("y:Q", title="uplift removed, points", scale=alt.Scale(nice=True, zero=False), axis=alt.Axis(grid=True))
    tips = [alt.Tooltip("name:N", title="title"), alt.Tooltip("removed:N"), alt.Tooltip("cost:N")]
    base = alt.Chart().encode(tooltip=tips)
    colour = alt.Color("colour:N", scale=None)
    marks = [
        base.mark_rule(strokeWidth=1.4).encode(x=alt.X("x_low:Q"), x2="x_high:Q", y=y, color=colour),
        base.mark_rule(strokeWidth=1.4).encode(x=x, y=alt.Y("y_low:Q"), y2="y_high:Q", color=colour),
        base.mark_point(filled=True, opacity=1, size=80).encode(
            x=x, y=y, fill=alt.Fill("colour:N", scale=None), shape=alt.Shape("shape:N", scale=None)
        ),
        *(_labels(base.encode(x=x, y=y, text="label:N"), *corner) for corner in product((True, False), repeat=2)),
    ]
    line = [{"x": at, "y": at} for at in (max(min(ends), low_x), max(min(high_x, max(ends)), 1.0))]
    same = layered([alt.Chart().mark_line(color=RULE, strokeDash=[5, 4]).encode(x=x, y=y)], rows=line)
    zero = layered([alt.Chart().mark_rule(color=RULE).encode(y=alt.Y("at:Q"))], rows=[{"at": 0}])
    return layered([zero, same, layered(marks, rows=list(data))], height=HEIGHT)


def _labels(base: Chart, left: bool, below: bool) -> Chart:
    """Draw the labels of one corner."""
    shown = base.transform_filter(f"datum.left === {str(left).lower()} && datum.below === {str(below).lower()}")
    return shown.mark_text(align="right" if left else "left", dx=-7 if left else 7, dy=14 if below else -9, color=INK)


def place_labels(data: Sequence[dict[str, Any]], x: tuple[float, float], y: tuple[float, float]) -> None:
    """Say where each label stands: on the side that has room, below its mark if another is above, shared in one place.

    Where both corners are taken a label stands above all the same: the table beside the figure names every defence.
    """
    wide, high = max(x[1] - x[0], 1e-9), max(y[1] - y[0], 1e-9)
    marks: list[dict[str, Any]] = []
    for datum in data:
        datum |= {"left": datum["x"] > sum(x) / 2, "below": False, "label": datum["name"]}
        same = [
            mark
            for mark in marks
            if max(abs(datum["x"] - mark["x"]) / wide, abs(datum["y"] - mark["y"]) / high) < SAME_PLACE
        ]
        if same:
            same[0]["label"] += f", {datum['name']}"
            datum["label"] = ""
        else:
            marks.append(datum)
    for number, mark in enumerate(marks):
        start, end = _extent(mark, wide)
        near = [
            other["below"]
            for other in marks[:number]
            if abs(mark["y"] - other["y"]) / high < LINE
            and _extent(other, wide)[0] < end
            and start < _extent(other, wide)[1]
        ]
        mark["below"] = False in near and True not in near


def _extent(mark: Mapping[str, Any], wide: float) -> tuple[float, float]:
    """Return where a label begins and ends along the axis, in its units."""
    length = LETTER * wide * (len(mark["label"]) + 1)
    return (mark["x"] - length, mark["x"]) if mark["left"] else (mark["x"], mark["x"] + length)


def uplift_figure(view: View, entries: Sequence[Row]) -> Figure | None:
    """Draw the uplift of every attacker on every surface, and of the best one on each."""
    passive = {name for entry in entries for name in entry["passive"]}
    groups = {surface: _attackers(view, surface, passive) for surface in surfaces(entries)}
    rows = [line.estimate for lines in groups.values() for line in lines]
    if not any(True for _ in defined(rows)):
        return None
    thresholds = sorted({entry["threshold"] for entry in entries})
    lines, references = lines_of(groups), [Reference(0.0), *(Reference(at, dashed=True) for at in thresholds)]
    chart = forest(
        lines, unit="points", x_title="points over the matched control", extent=window(rows), references=references
    )
    legend = [
        Key("attacker that reacts", "circle", BLUE),
        Key("attacker that does not", "circle", ORANGE),
        Key("the best, whoever that is", "diamond", MUTED),
    ]
    panel = FigurePanel(chart, "", height_of(lines), "Uplift by surface and attacker")
    table = estimates_table(rows, "Uplift by surface and attacker, percentage points")
    title = "Uplift by surface and attacker, percentage points"
    return Figure("defences-uplift", title, UPLIFT, [panel], table, legend)


def _attackers(view: View, surface: str, passive: set[str]) -> list[ForestLine]:
    names = attackers_on(view, surface)
    lines = [
        ForestLine(name, one_of(view, "uplift", surface, name), ORANGE if name in passive else BLUE) for name in names
    ]
    return [*lines, ForestLine("best of them", best(view, "best_uplift", surface), MUTED, "diamond")]


def gap_figure(view: View, entries: Sequence[Row]) -> Figure | None:
    """Draw the best attacker who reacts beside the best one who does not."""
    by_surface = {surface: best(view, "adaptive_gap", surface) for surface in surfaces(entries)}
    rows = [row for row in by_surface.values() if row is not None]
    if not any(True for _ in defined(rows)):
        return None
    lines = [ForestLine(surface, row) for surface, row in by_surface.items()]
    chart = forest(
        lines, unit="points", x_title="points", extent=window(rows), references=[Reference(0.0)], label_room=90
    )
    apart = [s for s, row in by_surface.items() if row and (row["simultaneous_low"] or 0.0) > 0]
    finding = f"Reacting pays on {listing(apart)}" if apart else "Reacting is not shown to pay on any surface"
    panel = FigurePanel(chart, "", height_of(lines), "Adaptive less passive attacker, by surface")
    title = "Best attacker who reacts less best one who does not, percentage points"
    return Figure("defences-gap", title, GAP, [panel], estimates_table(rows, title), finding=finding)
