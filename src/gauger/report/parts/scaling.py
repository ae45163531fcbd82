"""Shows what distillation is worth as students, budgets and teachers grow: curves, held-out cells, equivalents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from gauger.report import scale_findings
from gauger.report.blocks import Figure, FigurePanel, Key, Section
from gauger.report.document_view import Row, View
from gauger.report.drawing import Chart, layered
from gauger.report.palette import BLUE, GREEN, MUTED, ORANGE, PAPER, PINK, RUST
from gauger.report.parts.scaling_gains import gains_figure, gains_lead, gains_tables
from gauger.report.parts.scaling_tables import equivalents_table, fits_table, points_table, predicted_table
from gauger.report.wording import interval, number, percent, quantity, several

HEIGHT = 190
CONTROL = "control"
COLOURS = (BLUE, RUST, GREEN, PINK, ORANGE)
SHAPES = ("circle", "triangle-up", "diamond", "triangle-down", "cross")
CURVES = (
    "Each panel is one student size. Marks are measured cells (means over replicates), lines the fitted curves with "
    "the interval of one new model. Hollow marks are the cells of most compute: they were left out of the fit, so a "
    "hollow mark inside its band is a prediction that held."
)
WORTH = (
    "How many times the tokens the matched control would have needed to do as well, read off its own curve. 1 means "
    "that the teacher saved nothing; where the control's curve never gets there the gain is censored, and shown as an "
    "arrow from the last budget that the curve supports."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where the study has no scale."""
    scaling = view.document.get("scaling")
    if not scaling or not scaling["points"]:
        return None
    styles = _styles(scaling["points"])
    figures = [_curves(scaling, styles), _uplift(scaling, styles)]
    if scaling["equivalents"]:
        figures.append(_worth(scaling, styles))
    if (who := gains_figure(scaling, styles)) is not None:
        figures.append(who)
    tables = [*gains_tables(scaling), predicted_table(scaling), fits_table(scaling)]
    lead = _lead(scaling) + gains_lead(scaling)
    return Section("scaling", "What happens at another scale?", lead, figures, tables, short="Scale")


def _styles(points: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Give every curve a colour and a shape; the control is grey squares."""
    names = [name for name in dict.fromkeys(point["curve"] for point in points) if name != CONTROL]
    styles = {name: (COLOURS[i % len(COLOURS)], SHAPES[i % len(SHAPES)]) for i, name in enumerate(names)}
    return {CONTROL: (MUTED, "square"), **styles}


def _lead(scaling: Mapping[str, Any]) -> list[str]:
    sentences = [f"Scores are averaged over the {scaling['role']} benchmarks. {_left_out(scaling)}"]
    reasons = [f"{curve['curve']}: {curve['reason']}" for curve in scaling["curves"] if curve.get("reason")]
    if reasons:
        sentences.append("No curve could be fitted for " + "; ".join(reasons) + ".")
    crossed = list(dict.fromkeys(crossing["text"] for crossing in scaling["crossings"]))
    if len(crossed) == 1:
        sentences.append(f"Does the control catch up? For every student and teacher: {crossed[0]}.")
    return sentences


def _left_out(scaling: Mapping[str, Any]) -> str:
    """Say how many cells were left out of the fits, and how many of these were predicted, and rightly."""
    covered, count = scaling["covered"], sum(point["held_out"] for point in scaling["points"])
    if not count:
        return "No cell was left out of the fits, so that their extrapolation was not checked."
    fitted = f"{several(count, 'largest cell')} {'was' if count == 1 else 'were'} left out of the fits"
    if not covered["of"]:
        return f"{fitted}, and none could be predicted, so that the extrapolation was not checked."
    predicted = "" if covered["of"] == count else f" {covered['of']} of these could be predicted;"
    return f"{fitted};{predicted} {covered['inside']} lie inside their prediction intervals."


def _is_loss(scaling: Mapping[str, Any]) -> bool:
    return any(point["loss"] is not None for point in scaling["points"])


def _curves(scaling: Mapping[str, Any], styles: Mapping[str, tuple[str, str]]) -> Figure:
    outcome = "loss" if _is_loss(scaling) else "accuracy"
    title = "loss on true answers, nats per token" if outcome == "loss" else "score"
    students = dict.fromkeys(point["student"] for point in scaling["points"])
    values = [point[outcome] for point in scaling["points"] if point[outcome] is not None]
    y = alt.Y(
        "value:Q", title=title, scale=alt.Scale(domain=[0.8 * min(values), 1.2 * max(values)], nice=False, zero=False)
    )
    panels = [
        FigurePanel(
            layered(
                [
                    *_bands([line for line in scaling["lines"] if line["student"] == student], styles, y),
                    _marks([p for p in scaling["points"] if p["student"] == student], styles, outcome, y),
                ],
                height=HEIGHT,
            ),
            f"student {student}",
            HEIGHT + 50,
            f"Curves of the student {student}",
            False,
        )
        for student in students
    ]
    return Figure(
        "scaling",
        f"{title[0].upper()}{title[1:]}, by tokens",
        CURVES,
        panels,
        points_table(scaling),
        _legend(styles),
        False,
        scale_findings.held_out(scaling["covered"], scaling["curves"]),
    )


def _legend(styles: Mapping[str, tuple[str, str]]) -> list[Key]:
    return [
        *(Key(name, shape, colour) for name, (colour, shape) in styles.items()),
        Key("left out of the fit", "circle", MUTED, hollow=True),
    ]


def _tokens() -> alt.X:
    axis = alt.Axis(labelAngle=0, labelOverlap=True, format="~s")
    return alt.X("n_tokens:Q", title="training tokens", scale=alt.Scale(type="log", nice=False), axis=axis)


def _bands(lines: Sequence[Row], styles: Mapping[str, tuple[str, str]], y: alt.Y) -> list[Chart]:
    if not lines:
        return []
    data = [{**line, "colour": styles[line["curve"]][0]} for line in lines]
    detail, colour = alt.Detail("curve:N"), alt.Color("colour:N", scale=None)
    band = alt.Chart().mark_area(opacity=0.13, clip=True)
    area = band.encode(x=_tokens(), y=alt.Y("low:Q", title=None), y2="high:Q", detail=detail, color=colour)
    line = alt.Chart().mark_line(strokeWidth=1.6, clip=True)
    drawn = line.encode(x=_tokens(), y=y, detail=detail, stroke=colour)
    return [layered([area, drawn], rows=data)]


def _marks(points: Sequence[Row], styles: Mapping[str, tuple[str, str]], outcome: str, y: alt.Y) -> Chart:
    data = [
        {
            "n_tokens": point["n_tokens"],
            "value": point[outcome],
            "colour": styles[point["curve"]][0],
            "shape": styles[point["curve"]][1],
            "fill": PAPER if point["held_out"] else styles[point["curve"]][0],
            "what": f"{point['curve']}, budget {number(point['budget'], 2)}",
            "is": number(point[outcome], 3),
            "score": "" if point["accuracy"] is None else percent(point["accuracy"], 1),
        }
        for point in points
        if point[outcome] is not None
    ]
    tips = [alt.Tooltip("what:N", title="title"), alt.Tooltip("is:N", title=outcome), alt.Tooltip("score:N")]
    marks = alt.Chart().mark_point(size=60, opacity=1, strokeWidth=1.6)
    chart = marks.encode(
        x=_tokens(),
        y=y,
        stroke=alt.Stroke("colour:N", scale=None),
        fill=alt.Fill("fill:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
        tooltip=tips,
    )
    return layered([chart], rows=data)


def _uplift(scaling: Mapping[str, Any], styles: Mapping[str, tuple[str, str]]) -> Figure:
    """Uplift in points against the compute of the cell."""
    rows = [point for point in scaling["points"] if point["uplift"] is not None]
    data = [
        {
            "flops": point["flops"],
            "value": 100 * point["uplift"],
            "low": 100 * point["uplift_low"],
            "high": 100 * point["uplift_high"],
            "colour": styles[point["curve"]][0],
            "shape": styles[point["curve"]][1],
            "what": f"{point['curve']} · student {point['student']} · budget {number(point['budget'], 2)}",
            "is": f"{quantity(point['uplift'], 'points')} "
            f"{interval(point['uplift_low'], point['uplift_high'], 'points')}",
        }
        for point in rows
    ]
    x = alt.X(
        "flops:Q", title="training compute, FLOPs", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(format="~e")
    )
    colour = alt.Stroke("colour:N", scale=None)
    tips = [alt.Tooltip("what:N", title="title"), alt.Tooltip("is:N", title="uplift")]
    base = alt.Chart().encode(x=x, tooltip=tips)
    bars = base.mark_rule(strokeWidth=1.4, opacity=0.7).encode(y=alt.Y("low:Q"), y2="high:Q", stroke=colour)
    marks = base.mark_point(size=60, opacity=1, filled=False, strokeWidth=1.8).encode(
        y=alt.Y("value:Q", title="uplift, points"), stroke=colour, shape=alt.Shape("shape:N", scale=None)
    )
    zero = layered([alt.Chart().mark_rule(color=MUTED).encode(y=alt.Y("at:Q"))], rows=[{"at": 0}])
    chart = layered([zero, layered([bars, marks], rows=data)], height=HEIGHT + 40)
    caption = (
        "What the teacher added over the matched control of the same student and budget, with its interval (items and "
        "training replicates). A fall to the right says that the teacher is worth less as compute grows."
    )
    legend = [Key(name, shape, colour, hollow=True) for name, (colour, shape) in styles.items() if name != CONTROL]
    panel = FigurePanel(chart, "", HEIGHT + 90, "Uplift by training compute", False)
    title, finding = "Uplift by training compute", scale_findings.scaled(rows)
    return Figure("scale-uplift", title, caption, [panel], points_table(scaling), legend, finding=finding)


def _worth(scaling: Mapping[str, Any], styles: Mapping[str, tuple[str, str]]) -> Figure:
    """Data-equivalent gains on a logarithmic axis, one panel per curve."""
    names = [name for name in styles if name != CONTROL]
    panels = []
    for name in names:
        rows = [row for row in scaling["equivalents"] if row["curve"] == name]
        data = [_gain(row, styles[name]) for row in rows]
        panels.append(FigurePanel(_gains(data), name, 24 * len(data) + 60, f"Data-equivalent gain, {name}", False))
    title, finding = "Data-equivalent gain", scale_findings.worth(scaling["equivalents"])
    return Figure("scale-worth", title, WORTH, panels, equivalents_table(scaling), (), False, finding)


def _gain(row: Row, style: tuple[str, str]) -> dict[str, Any]:
    data = row["data"]
    at = data["value"] if data["value"] is not None else data["limit"]
    return {
        "label": f"{row['student']} · budget {number(row['budget'], 2)}",
        "value": at,
        "low": data["low"] or at,
        "high": data["high"] or at,
        "shape": style[1] if data["censored"] == "no" else "triangle-right" if data["censored"] == "above" else "cross",
        "colour": style[0],
        "is": data["text"],
    }


def _gains(data: Sequence[Mapping[str, Any]]) -> Chart:
    x = alt.X(
        "value:Q", title="times the control's tokens", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(grid=True)
    )
    y = alt.Y("label:N", title=None, sort=None)
    colour = alt.Stroke("colour:N", scale=None)
    tips = [alt.Tooltip("label:N", title="title"), alt.Tooltip("is:N", title="gain")]
    base = alt.Chart().encode(y=y, tooltip=tips)
    bars = base.mark_rule(strokeWidth=1.6).encode(x=alt.X("low:Q", title=None), x2="high:Q", stroke=colour)
    marks = base.mark_point(size=60, opacity=1, strokeWidth=1.8).encode(
        x=x, stroke=colour, shape=alt.Shape("shape:N", scale=None)
    )
    line_at_one = layered(
        [alt.Chart().mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x=alt.X("at:Q"))], rows=[{"at": 1}]
    )
    return layered([line_at_one, layered([bars, marks], rows=list(data))], height=22 * len(data))
