"""Draws charts of a forecast: probability bars, distributions, decision regions, sensitivity, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from gauger.report.drawing import Chart, layered, upright_line
from gauger.report.palette import BLUE, GREEN, INK, MUTED, ORANGE, RUST, SLATE, TRACK

OUTCOMES = (("minor", SLATE), ("between", ORANGE), ("major", RUST))
ACTION_COLOURS = {"accept": GREEN, "matched": ORANGE, "aggressive": RUST}
CONTROLS = {
    "untouched-base": "over the untouched student",
    "rl-instead": "over RL of the same student",
    "no-teacher-training": "over training without a teacher",
    "vendor-post-trained": "over the vendor's tune",
}
SHORT = {
    "untouched-base": "start",
    "rl-instead": "RL",
    "no-teacher-training": "no teacher",
    "vendor-post-trained": "vendor",
}
LINE = 30
"""Pixels of one bar."""


def line_of(prediction: Mapping[str, Any], *, role: bool = True) -> str:
    """Name a prediction in few characters, so that a bar has room on a narrow screen."""
    dose = prediction["exchanges"]
    amount = "" if dose is None else f", {dose / 1e6:g} M" if dose >= 1e5 else f", {dose / 1e3:g} k"
    return f"{prediction['role'] + ', ' if role else ''}over {SHORT[prediction['control']]}{amount}"


def probability_bars(predictions: Sequence[Mapping[str, Any]], *, role: bool = True) -> tuple[Chart, int]:
    """Stack minor, between and major per prediction; what cannot be said is an empty track with the words.

    Parameters
    ----------
    predictions : sequence of mapping
        Entries of the document.
    role : bool
        Whether the line names the role.
    """
    bars, order = [], []
    for prediction in predictions:
        label = line_of(prediction, role=role)
        order.append(label)
        begin = 0.0
        for name, colour in OUTCOMES:
            share = prediction[f"probability_{name}"]
            if share is None:
                bars.append(
                    {
                        "line": label,
                        "from": 0.0,
                        "to": 1.0,
                        "colour": TRACK,
                        "said": "cannot say",
                        "at": 0.5,
                        "outcome": "cannot say",
                        "ink": MUTED,
                    }
                )
                break
            text = f"{100 * share:.0f} %" if share >= 0.06 else ""
            bars.append(
                {
                    "line": label,
                    "from": begin,
                    "to": begin + share,
                    "colour": colour,
                    "said": text,
                    "at": begin + share / 2,
                    "outcome": name,
                    "ink": "#ffffff",
                }
            )
            begin += share
    y = alt.Y("line:N", sort=order, title=None, axis=alt.Axis(labelLimit=170, labelFontSize=11))
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", grid=False), title="probability")
    base = alt.Chart().encode(y=y)
    chart = layered(
        [
            base.mark_bar(height=20).encode(
                x=x, x2="to:Q", color=alt.Color("colour:N", scale=None), tooltip=["line:N", "outcome:N", "said:N"]
            ),
            base.mark_text(fontSize=11, fontWeight=600).encode(
                x=alt.X("at:Q"), text="said:N", color=alt.Color("ink:N", scale=None)
            ),
        ],
        rows=bars,
        height=LINE * len(order),
    )
    return chart, LINE * len(order) + 60


def distribution(predictions: Sequence[Mapping[str, Any]], edges: Sequence[float], minor: float, major: float) -> Chart:
    """Draw predictive distributions of one role with the thresholds.

    Parameters
    ----------
    predictions : sequence of mapping
        Answered entries.
    edges : sequence of float
        Ends of the bins, points.
    minor, major : float
        Thresholds, points.
    """
    colours = (BLUE, RUST, GREEN, ORANGE)
    rows = []
    for place, prediction in enumerate(predictions):
        for low, high, share in zip(edges, edges[1:], prediction["density"], strict=False):
            rows.append(
                {
                    "points": (low + high) / 2,
                    "density": share / (high - low),
                    "line": CONTROLS[prediction["control"]],
                    "colour": colours[place % len(colours)],
                }
            )
    curve = (
        alt.Chart()
        .mark_area(opacity=0.25, line={"strokeWidth": 2}, interpolate="monotone")
        .encode(
            x=alt.X("points:Q", title="uplift in a new study like this, points", scale=alt.Scale(domain=[-60, 80])),
            y=alt.Y("density:Q", title=None, axis=alt.Axis(labels=False, grid=False), stack=None),
            color=alt.Color("colour:N", scale=None),
            detail="line:N",
            tooltip=["line:N", "points:Q"],
        )
    )
    marks = [upright_line(at, colour=INK, dashed=True) for at in (minor, major)]
    return layered([curve, upright_line(0.0), *marks], rows=rows, height=220)


def decision_regions(decision: Mapping[str, Any], burden: float, stake: float) -> Chart:
    """Colour the plane of losses by the best action, the scenario's own losses marked.

    Parameters
    ----------
    decision : mapping
        Of the document.
    burden, stake : float
        The scenario's own, in units of the matched defence's cost.
    """
    across = (decision["burdens"][1] / decision["burdens"][0]) ** 0.5
    up = (decision["stakes"][1] / decision["stakes"][0]) ** 0.5
    rows = [
        region
        | {
            "colour": ACTION_COLOURS[region["best"]],
            "left": region["burden"] / across,
            "right": region["burden"] * across,
            "bottom": region["stake"] / up,
            "top": region["stake"] * up,
        }
        for region in decision["regions"]
    ]
    x = alt.X(
        "left:Q",
        scale=alt.Scale(type="log", domain=[1, 31], clamp=True),
        title="cost of the aggressive defence to honest users",
        axis=alt.Axis(grid=False, values=[1, 2, 5, 10, 20]),
    )
    y = alt.Y(
        "bottom:Q",
        scale=alt.Scale(type="log", domain=[0.1, 310], clamp=True),
        title="loss of a missed major uplift",
        axis=alt.Axis(grid=False, values=[0.1, 1, 10, 100]),
    )
    here = alt.Chart().mark_point(shape="cross", size=160, filled=True, color=INK, opacity=1)
    return layered(
        [
            alt.Chart()
            .mark_rect(opacity=0.9)
            .encode(
                x=x,
                x2="right:Q",
                y=y,
                y2="top:Q",
                color=alt.Color("colour:N", scale=None),
                tooltip=["best:N", "stake:Q", "burden:Q"],
            ),
            layered(
                [here.encode(x=alt.X("burden:Q"), y=alt.Y("stake:Q"))],
                rows=[{"burden": min(max(burden, 1.0), 31.0), "stake": min(max(stake, 0.1), 310.0)}],
            ),
        ],
        rows=rows,
        height=300,
    )


def sensitivity_bars(lines: Sequence[Mapping[str, Any]]) -> tuple[Chart, int]:
    """Draw how far each input moves the probability of a major uplift.

    Parameters
    ----------
    lines : sequence of mapping
        The document's sensitivity, largest first.
    """
    rows = [
        {
            "input": line["label"],
            "from": line["probability_low"],
            "to": line["probability_high"],
            "low": line["low_at"],
            "high": line["high_at"],
        }
        for line in lines
    ]
    y = alt.Y("input:N", sort=[row["input"] for row in rows], title=None)
    base = alt.Chart().encode(y=y)
    x = alt.X("from:Q", axis=alt.Axis(format="%"), title="probability of a major uplift")
    tips = ["input:N", "low:N", "from:Q", "high:N", "to:Q"]
    layers = [
        base.mark_rule(strokeWidth=7, color=TRACK, strokeCap="round").encode(x=x, x2="to:Q", tooltip=tips),
        base.mark_point(filled=True, size=60, color=SLATE, opacity=1).encode(x=x, tooltip=tips),
        base.mark_point(filled=True, size=60, color=RUST, opacity=1).encode(x=alt.X("to:Q"), tooltip=tips),
    ]
    return layered(layers, rows=rows, height=26 * len(rows)), 26 * len(rows) + 60


def nearest_forest(lines: Sequence[Mapping[str, Any]]) -> tuple[Chart, int]:
    """Draw what the nearest studies found: mean and range over their nearest rows.

    Parameters
    ----------
    lines : sequence of mapping
        The document's nearest studies.
    """
    rows = [{**line, "line": line["study"]} for line in lines]
    y = alt.Y("line:N", sort=[row["line"] for row in rows], title=None, axis=alt.Axis(labelLimit=230))
    base = alt.Chart().encode(y=y)
    tips = ["study:N", "uplift:Q", "lowest:Q", "highest:Q", "benchmarks:N", "student:N"]
    layers = [
        base.mark_rule(strokeWidth=2.5, color=BLUE).encode(
            x=alt.X("lowest:Q", title="uplift, points"), x2="highest:Q", tooltip=tips
        ),
        base.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(x=alt.X("uplift:Q"), tooltip=tips),
        upright_line(0.0),
    ]
    return layered(layers, rows=rows, height=26 * len(rows)), 26 * len(rows) + 60


def pit_histogram(roles: Sequence[Mapping[str, Any]]) -> Chart:
    """Draw where what was found fell in its forecast, per role: level where forecasts are calibrated.

    Parameters
    ----------
    roles : sequence of mapping
        The back-test's entries.
    """
    colours = {"targeted": RUST, "fresh": BLUE, "held-out": SLATE}
    rows = [
        {"at": (place + 0.5) / 10, "share": share, "role": entry["role"], "colour": colours[entry["role"]]}
        for entry in roles
        for place, share in enumerate(entry["pit"])
    ]
    lines = (
        alt.Chart()
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=alt.X(
                "at:Q",
                title="where the result fell in its forecast",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            y=alt.Y("share:Q", title="share of results", axis=alt.Axis(format="%"), scale=alt.Scale(zero=True)),
            color=alt.Color("colour:N", scale=None),
            detail="role:N",
            tooltip=["role:N", "at:Q", "share:Q"],
        )
    )
    level = alt.Chart().mark_rule(color=MUTED, strokeDash=[5, 3]).encode(y=alt.Y("level:Q"))
    return layered([lines, layered([level], rows=[{"level": 0.1}])], rows=rows, height=240)
