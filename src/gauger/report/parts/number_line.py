"""Draws the judged estimate on a line between minor and major: the one picture of the verdict."""

from __future__ import annotations

import altair as alt

from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Key
from gauger.report.document_view import Row
from gauger.report.drawing import Chart, layered, upright_line
from gauger.report.forest import drawn_bars, drawn_ends, window
from gauger.report.palette import BAND, BLUE, INK, MUTED, PAPER, TRACK
from gauger.report.tables import estimates_table
from gauger.report.wording import estimand, with_unit

HEIGHT = 64
CAPTION = (
    "Dot: the judged number. Thick bar: its interval; two bars where the set lies outside two ends, each going on "
    "beyond the edge. Thin bar: the interval that holds for all of the study's estimates of this kind at once. Left of "
    "the dashed line lies minor, right of it major; while the thick bar crosses the line, or stands on both sides of "
    "it, the verdict is undetermined."
)
GAP_CAPTION = " 0 % is no better than the same training without the teacher; 100 % is the teacher's own level."


def number_line(verdict: Row) -> Figure | None:
    """Return the judged estimate against its threshold, or None where there is no value."""
    row, rule = verdict.get("estimate"), verdict["rule"]
    if row is None or row["value"] is None:
        return None
    wording = estimand(rule["estimand"])
    threshold = rule["threshold"]
    include = (0.0, threshold, 1.0) if wording.unit == "percent" else (0.0, 2 * threshold)
    extent = window([row], include=include, limits=(-0.5, 1.2))
    legend = (Key("minor", "bar", TRACK), Key("major", "bar", BAND), Key("estimate and interval", "circle", BLUE))
    title = f"The judged number: {wording.label}, {rule.get('arm') or row['arm']}"
    chart = _chart(row, threshold, extent, f"{wording.label}, {'%' if wording.unit == 'percent' else wording.unit}")
    panel = FigurePanel(
        chart, height=HEIGHT + 50, labelled=False, alt=f"{title}: {with_unit(row['value'], wording.unit)}"
    )
    caption = CAPTION + (GAP_CAPTION if rule["estimand"] == "gap_recovered" else "")
    return Figure(
        "verdict",
        title,
        caption,
        (panel,),
        estimates_table([row], "The judged estimate"),
        legend,
        finding=findings.verdict(row, rule, verdict["outcome"]),
    )


def _chart(row: Row, threshold: float, extent: tuple[float, float], x_title: str) -> Chart:
    low, high = (100 * end for end in extent)
    tau = min(max(100 * threshold, low), high)
    cut = upright_line(tau, colour=INK, dashed=True)
    return layered([_zones(low, tau, high, x_title), cut, _estimate(row, low, high)], height=HEIGHT)


def _zones(low: float, tau: float, high: float, x_title: str) -> Chart:
    base = alt.Chart()
    rows = [{"from": low, "to": tau, "name": "minor"}, {"from": tau, "to": high, "name": "major"}]
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    x = alt.X("from:Q", scale=scale, title=x_title, axis=alt.Axis(tickCount=6))
    colours = alt.Scale(domain=["minor", "major"], range=[TRACK, BAND])
    area = base.mark_rect(opacity=1).encode(x=x, x2=alt.X2("to:Q"), fill=alt.Fill("name:N", scale=colours, legend=None))
    names = base.mark_text(align="left", dx=6, baseline="top", color=MUTED)
    return layered([area, names.encode(x=alt.X("from:Q"), y=alt.value(6), text=alt.Text("name:N"))], rows=rows)


def _estimate(row: Row, low: float, high: float) -> Chart:
    bars = drawn_bars(row, low, high)
    family = drawn_ends(row, "simultaneous_", low, high) or bars[0]
    names = ("value", "low", "high", "family_low", "family_high", "second_low", "second_high")
    point = dict(zip(names, (100 * row["value"], *bars[0], *family, *bars[-1]), strict=True))
    base = alt.Chart().encode(y=alt.value(0.62 * HEIGHT))
    dot = base.mark_point(filled=True, size=170, opacity=1, fill=BLUE, stroke=PAPER, strokeWidth=2)
    layers = [
        base.mark_rule(color=BLUE, strokeWidth=1.6).encode(x=alt.X("family_low:Q"), x2=alt.X2("family_high:Q")),
        base.mark_rule(color=BLUE, strokeWidth=7).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        base.mark_rule(color=BLUE, strokeWidth=7).encode(x=alt.X("second_low:Q"), x2=alt.X2("second_high:Q")),
        dot.encode(x=alt.X("value:Q")),
    ]
    return layered(layers, rows=[point])
