"""Where every arm stands: scores with base, teacher and controls as reference marks, one panel per role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gauger.records import ArmKind
from gauger.report.blocks import Figure, Key, Panel, Section
from gauger.report.drawing import Chart, plot
from gauger.report.forest import described, tooltip
from gauger.report.palette import INK, MUTED, PAPER, TRACK, arm_style
from gauger.report.tables import estimates_table
from gauger.report.view import Row, View, defined

CAPTION = (
    "Each row is a benchmark. The grey track runs from the untouched base to the teacher: the distance there is to close. "
    "The dark tick is matched training without the teacher, so an arm's uplift is the stretch from the tick to its mark. "
    "Hollow marks are controls: base, format, placebo, leak (test items planted on purpose) and reference (true answers). "
    "Hover over a mark for its interval."
)

REFERENCE_MARKS = {
    ArmKind.TEACHER: ("diamond", INK, False),
    ArmKind.BASE: ("circle", INK, True),
    ArmKind.FORMAT: ("square", MUTED, True),
    ArmKind.PLACEBO: ("triangle-down", MUTED, True),
    ArmKind.LEAK: ("cross", MUTED, True),
    ArmKind.REFERENCE: ("triangle-up", MUTED, True),
}
LANE = 11
"""Pixels between the lanes of two distilled arms on one benchmark's row."""


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document holds no scores."""
    rows = [row for row in view.estimates if row["estimand"] == "score"]
    if not any(True for _ in defined(rows)):
        return None
    panels = [_panel(view, role) for role in view.roles]
    table = estimates_table(rows, "Scores, per cent")
    title = "Score of every arm, per cent"
    figure = Figure("scores", title, CAPTION, panels, table, legend(view), wide=len(panels) == 1)
    return Section("scores", "Where every arm stands", (), [figure], short="Scores")


def legend(view: View) -> list[Key]:
    """Return what each mark stands for: distilled arms, then matched, then the other controls."""
    keys = [Key(arm, shape, colour) for arm, (colour, shape) in _styles(view).items()]
    matched = view.of_kind(ArmKind.MATCHED)
    if matched:
        keys.append(Key(", ".join(matched), "tick", INK))
    for kind, (shape, colour, hollow) in REFERENCE_MARKS.items():
        keys += [Key(arm, shape, colour, hollow) for arm in view.of_kind(kind)]
    return keys


def _styles(view: View) -> dict[str, tuple[str, str]]:
    return {arm: arm_style(place) for place, arm in enumerate(view.distilled)}


def _panel(view: View, role: str | None) -> Panel:
    names = view.in_role(role)
    lanes = len(view.distilled)
    step = 30 + LANE * max(lanes, 1)
    scale = alt.Scale(domain=names, paddingInner=0, paddingOuter=0)
    y = alt.Y("benchmark:N", sort=None, scale=scale, axis=alt.Axis(title=None, labelFontWeight=600))
    x = alt.X("value:Q", title="score, %", scale=alt.Scale(domain=[0, 100], nice=False))
    layers = [_tracks(view, names, x, y, step), *_controls(view, names, x, y), _ticks(view, names, x, y, step)]
    for lane, (arm, (colour, shape)) in enumerate(_styles(view).items()):
        shift = (lane - (lanes - 1) / 2) * LANE
        layers.append(_arm_layer(view, arm, names, x, y, (colour, shape, shift)))
    chart = alt.layer(*layers).properties(height=step * len(names))
    return Panel(chart, (role or "").capitalize(), step * len(names) + 50, f"Scores on {role or 'all'} benchmarks")


def _row(row: Row) -> dict[str, Any]:
    ends = {key: None if row[key] is None else 100 * min(max(row[key], 0.0), 1.0) for key in ("low", "high")}
    return {"benchmark": row["benchmark"], "value": 100 * row["value"], **ends, **described(row)}


def _rows(view: View, arms: Sequence[str], names: Sequence[str]) -> list[dict[str, Any]]:
    return [_row(row) for arm in arms for row in defined(view.on("score", arm, name) for name in names)]


def _tracks(view: View, names: Sequence[str], x: alt.X, y: alt.Y, step: int) -> Chart:
    ends = []
    for name in names:
        pair = [view.of_kind(kind)[:1] for kind in (ArmKind.BASE, ArmKind.TEACHER)]
        found = list(defined(view.on("score", arm, name) for arms in pair for arm in arms))
        if len(found) == 2:
            ends.append({"benchmark": name, "value": 100 * found[0]["value"], "end": 100 * found[1]["value"]})
    return plot(ends).mark_bar(height=step - 22, color=TRACK).encode(x=x, x2="end:Q", y=y)


def _ticks(view: View, names: Sequence[str], x: alt.X, y: alt.Y, step: int) -> Chart:
    mark = plot(_rows(view, view.of_kind(ArmKind.MATCHED), names)).mark_tick(
        thickness=2.5, size=step - 16, color=INK, opacity=1
    )
    return mark.encode(x=x, y=y, tooltip=tooltip())


def _controls(view: View, names: Sequence[str], x: alt.X, y: alt.Y) -> list[Chart]:
    layers = []
    for kind, (shape, colour, hollow) in REFERENCE_MARKS.items():
        mark = plot(_rows(view, view.of_kind(kind), names)).mark_point(
            shape=shape,
            size=75,
            filled=not hollow,
            stroke=colour,
            fill=PAPER if hollow else colour,
            strokeWidth=1.6,
            opacity=1,
        )
        layers.append(mark.encode(x=x, y=y, tooltip=tooltip()))
    return layers


def _arm_layer(view: View, arm: str, names: Sequence[str], x: alt.X, y: alt.Y, style: tuple[str, str, float]) -> Chart:
    colour, shape, shift = style
    base = plot(_rows(view, [arm], names)).encode(y=y, yOffset=alt.value(shift), tooltip=tooltip())
    bar = base.mark_rule(color=colour, strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    mark = base.mark_point(shape=shape, size=80, filled=True, fill=colour, stroke=PAPER, strokeWidth=1, opacity=1)
    return alt.layer(bar, mark.encode(x=x))
