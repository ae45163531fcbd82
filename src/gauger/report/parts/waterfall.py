"""Draws a pipeline's waterfall: from none of its ingredients to all of them, in order and by Shapley values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Key
from gauger.report.document_view import Row, View, averages, defined, role_of
from gauger.report.drawing import Chart, layered, upright_line
from gauger.report.forest import described, tooltip
from gauger.report.palette import BLUE, INK, PAPER, SLATE, TRACK
from gauger.report.tables import estimates_table
from gauger.report.wording import estimand, quantity

CAPTION = (
    "Read downwards: each ingredient starts where the one above it ended, and the last row is the gain of all of them "
    "together. Pale bars add them in pipeline order, as a table that adds one after the other would; dark bars are "
    "Shapley values, the average over all orders, with the interval of their end. Both come to the same gain: where "
    "they differ, credit depends on the order, because ingredients help each other or do the same work. Bars to the "
    "left take away."
)
NUMBERS = (
    "pipeline_gain", "teacher_share", "shapley", "step_gain", "ablation_loss", "main_effect", "order_effect",
    "shapley_per_million_tokens", "shapley_per_teraflop",
)  # fmt: skip
TOGETHER = "all together"
ROW_HEIGHT = 36
BARS = {"step_gain": (-8, 0.38), "shapley": (7, 1.0)}
"""Estimand -> pixels below the middle of its row, and opacity."""


@dataclass(frozen=True)
class Bar:
    """One stretch of a waterfall, in percentage points."""

    label: str
    start: float
    row: Row
    colour: str

    @property
    def end(self) -> float:
        """Where the next ingredient starts."""
        return self.start + 100 * float(self.row["value"])


def teachers(view: View) -> tuple[str, ...]:
    """Name the ingredients that are the teacher's doing; none where the document has no teacher's share."""
    joined = next((row["arm"] for row in view.estimates if row["estimand"] == "teacher_share"), "")
    return tuple(joined.split("+")) if joined else ()


@dataclass(frozen=True)
class Fall:
    """The bars of one role."""

    role: str | None
    bars: dict[str, list[Bar]]
    """By estimand of `BARS`; empty where an ingredient has no value."""
    total: Row

    def ends(self) -> list[float]:
        """Return everything that the axis must show, in percentage points."""
        shown = [0.0, *_interval(self.total)]
        shown += [end for bars in self.bars.values() for bar in bars for end in (bar.start, bar.end)]
        return shown + [bar.start + end for bar in self.bars["shapley"] for end in _interval(bar.row)]


def waterfall_figure(view: View, names: Sequence[str]) -> Figure | None:
    """Return one waterfall per role, all on one axis; None where no role has a gain and every Shapley value."""
    totals = {role_shown(view, row): row for row in totals_of(view)}
    falls = [
        Fall(role, {name: _bars(view, names, role, name) for name in BARS}, total) for role, total in totals.items()
    ]
    falls = [fall for fall in falls if fall.bars["shapley"]]
    if not falls:
        return None
    ends = [end for fall in falls for end in fall.ends()]
    margin = 0.05 * (max(ends) - min(ends))
    extent = (min(ends) - margin * (min(ends) < 0), max(ends) + margin)
    panels = [_panel(fall, names, extent) for fall in falls]
    every = [row for row in view.estimates if row["estimand"] in NUMBERS]
    rows = [row for row in every if averages(row)] or every
    rows.sort(key=lambda row: NUMBERS.index(row["estimand"]))
    title = "From nothing to the whole pipeline, percentage points, mean over each role"
    table = estimates_table(rows, "What each ingredient added")
    finding = findings.ingredients(*_whole(view))
    return Figure(
        "ingredients", title, CAPTION, panels, table, _legend(view, falls), wide=len(panels) == 1, finding=finding
    )


def _whole(view: View) -> tuple[Row | None, Row | None, Sequence[str], str | None]:
    """Return the gain and the teacher's share on the judged role, else on the first that has a gain."""
    totals = {role_shown(view, row): row for row in totals_of(view)}
    judged = view.verdict["rule"].get("role") if view.verdict else None
    role = judged if judged in totals else next(iter(totals), None)
    mine = teachers(view)
    share = view.headline("teacher_share", "+".join(mine), role) if mine else None
    return totals.get(role), share, mine, role


def _legend(view: View, falls: Sequence[Fall]) -> list[Key]:
    keys = [Key("Shapley value, teacher's", "bar", BLUE)] if teachers(view) else []
    keys.append(Key("Shapley value, other" if keys else "Shapley value", "bar", SLATE))
    if any(fall.bars["step_gain"] for fall in falls):
        keys.append(Key("added in pipeline order", "bar", TRACK))
    return [*keys, Key("whole gain", "diamond", INK)]


def _panel(fall: Fall, names: Sequence[str], extent: tuple[float, float]) -> FigurePanel:
    labels = [*names, TOGETHER]
    y = alt.Y("label:N", sort=None, scale=alt.Scale(domain=labels), axis=alt.Axis(title=None))
    scale = alt.Scale(domain=list(extent), nice=False, zero=False)
    x = alt.X("start:Q", title="percentage points over none of them", scale=scale, axis=alt.Axis(tickCount=6))
    layers = [_layer(name, bars, x, y) for name, bars in fall.bars.items() if bars]
    layers += [upright_line(0.0), _whiskers(fall.bars["shapley"], y), _total_layer(fall.total, y)]
    height = ROW_HEIGHT * len(labels)
    title = fall.role or "all benchmarks"
    return FigurePanel(layered(layers, height=height), title, height + 50, f"Waterfall of ingredients, {title}")


def _bars(view: View, names: Sequence[str], role: str | None, name: str) -> list[Bar]:
    """Set the ingredients one after the other; nothing where one of them has no value."""
    bars: list[Bar] = []
    mine = teachers(view)
    for arm in names:
        row = view.headline(name, arm, role)
        if row is None or row["value"] is None:
            return []
        bars.append(Bar(arm, bars[-1].end if bars else 0.0, row, BLUE if arm in mine else SLATE))
    return bars


def _layer(name: str, bars: Sequence[Bar], x: alt.X, y: alt.Y) -> Chart:
    offset, opacity = BARS[name]
    rows = [
        {
            "label": bar.label,
            "start": min(bar.start, bar.end),
            "end": max(bar.start, bar.end),
            "colour": bar.colour,
            "kind": estimand(name).label,
            "shown": quantity(bar.row["value"], "points"),
            **described(bar.row),
        }
        for bar in bars
    ]
    base = alt.Chart().encode(y=y, tooltip=[alt.Tooltip("kind:N", title="shown"), *tooltip()])
    bar = base.mark_bar(height=13, yOffset=offset, opacity=opacity, stroke=PAPER, strokeWidth=1).encode(
        x=x, x2=alt.X2("end:Q"), fill=alt.Fill("colour:N", scale=None)
    )
    layers = [bar]
    if name == "shapley":
        text = base.mark_text(align="left", dx=8, yOffset=offset, fontWeight=600)
        layers.append(text.encode(x=alt.value("width"), text=alt.Text("shown:N")))
    return layered(layers, rows=rows)


def _whiskers(bars: Sequence[Bar], y: alt.Y) -> Chart:
    """Draw the interval of each Shapley value around the end of its bar."""
    rows = []
    for bar in bars:
        low, high = _interval(bar.row)
        rows.append({"label": bar.label, "low": bar.start + low, "high": bar.start + high})
    offset = BARS["shapley"][0]
    rule = alt.Chart().mark_rule(color=INK, strokeWidth=1.4, yOffset=offset)
    return layered([rule.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y)], rows=rows)


def _total_layer(total: Row, y: alt.Y) -> Chart:
    low, high = _interval(total)
    shown = {"label": TOGETHER, "value": 100 * total["value"], "low": low, "high": high}
    rows = [{**shown, "shown": quantity(total["value"], "points"), **described(total)}]
    base = alt.Chart().encode(y=y, tooltip=tooltip())
    point = base.mark_point(shape="diamond", size=80, filled=True, fill=INK, stroke=PAPER, strokeWidth=1, opacity=1)
    layers = [
        base.mark_rule(color=INK, strokeWidth=1.6).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        point.encode(x=alt.X("value:Q")),
        base.mark_text(align="left", dx=8, fontWeight=600).encode(x=alt.value("width"), text=alt.Text("shown:N")),
    ]
    return layered(layers, rows=rows)


def _interval(row: Row) -> tuple[float, float]:
    """Return the ends in percentage points; an end that does not exist stays at the value."""
    value = row["value"]
    low, high = (value if row[name] is None else row[name] for name in ("low", "high"))
    return 100 * low, 100 * high


def totals_of(view: View) -> list[Row]:
    """Return the gain of the whole pipeline on each role where it has a value."""
    rows = [row for row in view.estimates if row["estimand"] == "pipeline_gain"]
    return list(defined(view.headline("pipeline_gain", rows[0]["arm"], role) for role in view.roles)) if rows else []


def role_shown(view: View, row: Row) -> str | None:
    """Return the role that an estimate stands for: the one averaged over, or that of its benchmark."""
    return role_of(row) if averages(row) else view.benchmark_roles.get(row["benchmark"])
