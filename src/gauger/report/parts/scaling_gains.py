"""Shows who gains most: uplift against the student's starting score and size, in the study and in the literature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from gauger.report import scale_findings
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Key, TableCell
from gauger.report.document_view import Row
from gauger.report.drawing import Chart, layered
from gauger.report.palette import MUTED
from gauger.report.wording import count, interval, percent, quantity

HEIGHT = 190
CAPTION = (
    "Each mark is one student: its mean uplift over the budgets, with one standard error (items and training "
    "replicates), against the score of its untouched base. A rise to the right says that students who start stronger "
    "gain more from the teacher."
)
STUDY = "Who gains most: this study, points of uplift over the matched control"
LITERATURE = "Who gains most: the published literature (not this study), points over the untouched base"
SIZE = "student's size"


def gains_figure(scaling: Mapping[str, Any], styles: Mapping[str, tuple[str, str]]) -> Figure | None:
    """Draw uplift against the starting score; None where no student was scored."""
    ability, literature = scaling.get("ability"), scaling.get("literature")
    if not ability or not (rows := [row for row in ability["students"] if row["curve"] in styles]):
        return None
    caption = " ".join([CAPTION, ability["note"], *([literature["caveat"]] if literature else [])])
    panel = FigurePanel(_chart(rows, styles), "", HEIGHT + 90, "Uplift by the student's starting score", False)
    legend = [
        Key(name, shape, colour) for name, (colour, shape) in styles.items() if any(r["curve"] == name for r in rows)
    ]
    title, finding = "Uplift by starting score", scale_findings.who_gains(ability["slopes"])
    return Figure("scale-ability", title, caption, [panel], students_table(rows), legend, finding=finding)


def _chart(rows: Sequence[Row], styles: Mapping[str, tuple[str, str]]) -> Chart:
    data = [
        {
            "score": 100 * row["score"],
            "value": 100 * row["uplift"],
            "low": 100 * (row["uplift"] - row["se"]),
            "high": 100 * (row["uplift"] + row["se"]),
            "colour": styles[row["curve"]][0],
            "shape": styles[row["curve"]][1],
            "what": f"{row['curve']} · student {row['student']}",
            "is": f"{quantity(row['uplift'], 'points')}, started at {percent(row['score'], 1)}",
        }
        for row in rows
    ]
    x = alt.X("score:Q", title="score of the untouched student, %", scale=alt.Scale(nice=True, zero=False))
    tips = [alt.Tooltip("what:N", title="title"), alt.Tooltip("is:N", title="uplift")]
    base = alt.Chart().encode(x=x, tooltip=tips)
    stroke = alt.Stroke("colour:N", scale=None)
    bars = base.mark_rule(strokeWidth=1.6).encode(y=alt.Y("low:Q", title="uplift, points"), y2="high:Q", stroke=stroke)
    marks = base.mark_point(size=60, opacity=1, strokeWidth=1.8).encode(
        y=alt.Y("value:Q", title="uplift, points"), stroke=stroke, shape=alt.Shape("shape:N", scale=None)
    )
    zero = layered([alt.Chart().mark_rule(color=MUTED).encode(y=alt.Y("at:Q"))], rows=[{"at": 0}])
    return layered([zero, layered([bars, marks], rows=data)], height=HEIGHT + 40)


def students_table(rows: Sequence[Row]) -> HtmlTable:
    """List the students that the slopes rest on."""
    body: list[list[TableCell | str]] = [
        [
            row["curve"],
            row["student"],
            TableCell(count(row["n_params"]), sort=row["n_params"]),
            TableCell(percent(row["score"], 1), sort=row["score"]),
            TableCell(quantity(row["uplift"], "points"), sort=row["uplift"]),
            TableCell(quantity(row["se"], "points", signed=False), sort=row["se"]),
        ]
        for row in rows
    ]
    columns = ("Curve", "Student", "Weights", "Starting score", "Mean uplift", "Standard error")
    return HtmlTable(columns, body, "Students by starting score", numeric=frozenset({2, 3, 4, 5}))


def gains_tables(scaling: Mapping[str, Any]) -> list[HtmlTable]:
    """Return the study's slopes and the literature's, in the same units; empty where the document has neither."""
    ability, literature = scaling.get("ability"), scaling.get("literature")
    tables = [_study(ability)] if ability and ability["slopes"] else []
    return tables + ([_literature(literature)] if tables and literature else [])


def gains_lead(scaling: Mapping[str, Any]) -> list[str]:
    """Say in one paragraph who gained most, by size, and what the literature has; empty where nothing is defined."""
    ability, literature = scaling.get("ability"), scaling.get("literature")
    mine = [row for row in (ability or {"slopes": []})["slopes"] if row["against"] == SIZE and row["slope"] is not None]
    theirs = [row for row in (literature or {"slopes": []})["slopes"] if row["against"] == SIZE]
    if not mine:
        return []
    measured = "; ".join(f"{_points(row)} ({row['curve']})" for row in mine)
    published = "; ".join(f"{_points(row)} on {row['where']} benchmarks" for row in theirs if row["slope"] is not None)
    beside = f" The published literature has, over the untouched base: {published}." if published else ""
    return [f"Who gains most? Per doubling of the student's parameters uplift changes by {measured}.{beside}"]


def _points(row: Row) -> str:
    return f"{quantity(row['slope'], 'points')} points, {interval(row['low'], row['high'], 'points')}"


def _study(ability: Mapping[str, Any]) -> HtmlTable:
    body: list[list[TableCell | str]] = [
        [
            row["curve"],
            row["against"],
            f"per {row['unit']}",
            *_slope(row),
            TableCell("" if row["at_mean"] is None else quantity(row["at_mean"], "points"), sort=row["at_mean"]),
            TableCell(count(row["n"]), sort=row["n"]),
        ]
        for row in ability["slopes"]
    ]
    columns = ("Curve", "Against", "Slope", "Points", "Interval", "At the mean", "Students")
    return HtmlTable(columns, body, STUDY, numeric=frozenset({3, 4, 5, 6}))


def _literature(literature: Mapping[str, Any]) -> HtmlTable:
    body: list[list[TableCell | str]] = [
        [
            f"{row['where']} benchmarks",
            row["against"],
            f"per {row['unit']}",
            *_slope(row),
            TableCell(count(row["n_rows"]), sort=row["n_rows"]),
            TableCell(count(row["n_studies"]), sort=row["n_studies"]),
        ]
        for row in literature["slopes"]
    ]
    columns = ("Literature", "Against", "Slope", "Points", "Interval", "Rows", "Studies")
    return HtmlTable(columns, body, LITERATURE, numeric=frozenset({3, 4, 5, 6}))


def _slope(row: Row) -> tuple[TableCell, TableCell]:
    if row["slope"] is None:
        return TableCell("undefined", title=row["reason"], kind="undefined"), TableCell(row["reason"], kind="undefined")
    return TableCell(quantity(row["slope"], "points", digits=2), sort=row["slope"]), TableCell(
        interval(row["low"], row["high"], "points", digits=2)
    )
