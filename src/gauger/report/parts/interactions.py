"""Shows which ingredients help each other, and which do one another's work: the matrix of their interactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Key
from gauger.report.document_view import Row, View, averages, defined
from gauger.report.drawing import layered
from gauger.report.forest import described, tooltip
from gauger.report.palette import BAND, BLUE, INK, MUTED, PAPER, RUST
from gauger.report.tables import estimates_table
from gauger.report.wording import quantity

CAPTION = (
    "Off the diagonal: how much more one ingredient adds with the other than without it, weighted as in the Shapley "
    "value. Blue: the two help each other. Rust: they do the same work, so that together they add less than the sum. "
    "A star marks an interval that keeps clear of zero; hover for the interval. On the diagonal: the ingredient's own "
    "Shapley value."
)
KINDS = ("shapley_interaction", "interaction")
CELL_HEIGHT = 46
LEAST_OPACITY, MOST_OPACITY = 0.06, 0.62
"""Dark text stays readable on the strongest fill."""


def matrix_figure(view: View, names: Sequence[str]) -> Figure | None:
    """Return one matrix per role; None where no interaction was estimated."""
    rows = [row for row in view.estimates if row["estimand"] in KINDS]
    if not any(True for _ in defined(rows)):
        return None
    most = max(
        (abs(row["value"]) for row in defined(rows) if row["estimand"] == KINDS[0] and averages(row)), default=0.0
    )
    by_role = {role: _cells(view, names, role) for role in view.roles}
    most = max((abs(cell["size"]) for cells in by_role.values() for cell in cells if "size" in cell), default=0.0)
    panels = [_panel(cells, names, role, most) for role, cells in by_role.items() if cells]
    legend = (Key("help each other", "square", BLUE), Key("do the same work", "square", RUST))
    table = estimates_table([row for row in rows if averages(row)] or rows, "Interactions of ingredients")
    title = "How ingredients work together, percentage points, mean over each role"
    finding = findings.interactions([row for row in rows if row["estimand"] == KINDS[0] and averages(row)] or rows)
    return Figure("interactions", title, CAPTION, panels, table, legend, wide=len(panels) == 1, finding=finding)


def _cells(view: View, names: Sequence[str], role: str | None) -> list[dict[str, Any]]:
    """Return the cells of one role; empty where no pair has a row."""
    cells: list[dict[str, Any]] = []
    for i, name in enumerate(names):
        for j, other in enumerate(names):
            first, second = (name, other) if i < j else (other, name)
            row = view.headline(KINDS[0], f"{first}:{second}", role) if i != j else view.headline("shapley", name, role)
            if row is not None:
                cells.append({"row": name, "column": other, "own": i == j, **_said(row, own=i == j)})
    return cells if any(not cell["own"] for cell in cells) else []


def _said(row: Row, *, own: bool) -> dict[str, Any]:
    if row["value"] is None:
        return {
            "shown": "?",
            "colour": BAND,
            "ink": MUTED,
            "what": row["arm"],
            "note": row["reason"] or "",
            "is": "undefined",
        }
    clear = row["low"] is not None and row["high"] is not None and row["low"] * row["high"] > 0
    star = " *" if clear and not own else ""
    cell = {"shown": quantity(row["value"], "points") + star, "ink": INK, **described(row)}
    if own:
        return {**cell, "colour": BAND}
    return {**cell, "colour": BLUE if row["value"] > 0 else RUST, "size": abs(row["value"])}


def _panel(cells: Sequence[dict[str, Any]], names: Sequence[str], role: str | None, most: float) -> FigurePanel:
    span = MOST_OPACITY - LEAST_OPACITY
    rows = [
        {**cell, "opacity": LEAST_OPACITY + span * cell["size"] / most if most > 0 and "size" in cell else 1.0}
        for cell in cells
    ]
    axis = alt.Axis(title=None, orient="top", labelAngle=0)
    domain = alt.Scale(domain=list(names), paddingInner=0.04, paddingOuter=0.02)
    base = alt.Chart().encode(
        x=alt.X("column:N", sort=None, scale=domain, axis=axis),
        y=alt.Y("row:N", sort=None, scale=domain, axis=alt.Axis(title=None)),
        tooltip=tooltip(),
    )
    square = base.mark_rect(stroke=PAPER, strokeWidth=1).encode(
        fill=alt.Fill("colour:N", scale=None), fillOpacity=alt.FillOpacity("opacity:Q", scale=None)
    )
    text = base.mark_text().encode(text=alt.Text("shown:N"), color=alt.Color("ink:N", scale=None))
    height = CELL_HEIGHT * len(names)
    title = role or "all benchmarks"
    chart = layered([square, text], rows=rows, height=height)
    return FigurePanel(chart, title, height + 40, f"Matrix of interactions, {title}", labelled=False)
