"""Shows scores by difficulty: whether what was gained reaches the hard items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from gauger.records import ArmKind
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Key, Section, TableCell
from gauger.report.document_view import Row, View, averages
from gauger.report.drawing import layered
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import INK, MUTED, PAPER, RUST, arm_style
from gauger.report.tables import estimates_table
from gauger.report.wording import count, number, percent

MOST_PANELS = 9
FEWEST_ITEMS = 10
"""A mean over fewer items says too little to be drawn; the table still holds it."""
HEIGHT = 150
CAPTION = (
    "Mean score at each level of difficulty, easy to hard. An arm that lies above its matched arm at the easy end "
    "only has learnt what was nearly known; one that stays above it at the hard end has gained capability. These "
    f"means carry no intervals; levels of fewer than {FEWEST_ITEMS} items stand in the table only."
)
HARDEST_CAPTION = (
    "Uplift over the matched arm on the hardest quarter of each role's items, beside uplift on all of them. What is "
    "hard was known before, or is taken from the answers of other replicates, so no answer that is measured here chose "
    "its item. The table adds the hardest minus the easiest quarter."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document holds no scores by difficulty."""
    styles = _styles(view)
    rows = [row for row in view.rows("difficulty") if row["score"] is not None and row["arm"] in styles]
    rows = [row for row in rows if row.get("n_items") is None or row["n_items"] >= FEWEST_ITEMS]
    names = [
        name for name in view.benchmark_roles if len({r["difficulty"] for r in rows if r["benchmark"] == name}) > 1
    ]
    if not names:
        return None
    panels = [_panel(name, [row for row in rows if row["benchmark"] == name], styles) for name in names[:MOST_PANELS]]
    caption = CAPTION
    if len(names) > MOST_PANELS:
        caption += f" Drawn are {MOST_PANELS} of {len(names)} benchmarks; the table holds all."
    present = {row["arm"] for row in rows}
    legend = [Key(arm, shape, colour, hollow) for arm, (colour, shape, hollow) in styles.items() if arm in present]
    title = "Score by difficulty, per cent"
    figure = Figure(
        "difficulty",
        title,
        caption,
        panels,
        _table(view.rows("difficulty")),
        legend,
        wide=len(panels) == 1,
        finding=findings.difficulty(view, rows),
    )
    figures = [figure] if (hardest := _hardest(view)) is None else [hardest, figure]
    return Section("difficulty", "Does it reach the hard items?", (), figures, short="Difficulty")


def _hardest(view: View) -> Figure | None:
    """Draw uplift on the hardest quarter of the items beside uplift on all of them, role by role."""
    groups = {f"{role} benchmarks": _hardest_lines(view, role) for role in view.roles if role is not None}
    lines = lines_of({name: group for name, group in groups.items() if group})
    rows = [line.estimate for line in lines if line.estimate is not None]
    if not rows:
        return None
    title = "Uplift on the hardest quarter of the items, percentage points"
    chart = forest(
        lines, unit="points", x_title="points against matched", extent=window(rows), references=[Reference(0.0)]
    )
    differences = [row for arm in view.distilled for row in view.of("hard_minus_easy_uplift", arm) if averages(row)]
    legend = (Key("hardest quarter", "circle", RUST), Key("all items", "circle", MUTED))
    table = estimates_table([*rows, *differences], title)
    panel = FigurePanel(chart, "", height_of(lines), title)
    return Figure("hardest", title, HARDEST_CAPTION, [panel], table, legend, finding=findings.hardest(rows))


def _hardest_lines(view: View, role: str) -> list[ForestLine]:
    lines = []
    for arm in view.distilled:
        for estimand, colour in (("hardest_quartile_uplift", RUST), ("uplift", MUTED)):
            hardest, row = view.over("hardest_quartile_uplift", arm, role), view.over(estimand, arm, role)
            if hardest is not None and row is not None:
                lines.append(ForestLine(arm if estimand != "uplift" else f"{arm}, all items", row, colour, "circle"))
    return lines


def _styles(view: View) -> dict[str, tuple[str, str, bool]]:
    styles = {arm: (*arm_style(place), False) for place, arm in enumerate(view.distilled)}
    styles |= dict.fromkeys(view.of_kind(ArmKind.TEACHER), (INK, "diamond", False))
    styles |= dict.fromkeys(view.of_kind(ArmKind.BASE), (INK, "circle", True))
    return styles | dict.fromkeys(view.of_kind(ArmKind.MATCHED), (MUTED, "square", True))


def _panel(name: str, rows: list[Row], styles: dict[str, tuple[str, str, bool]]) -> FigurePanel:
    levels = sorted({row["difficulty"] for row in rows}, key=lambda level: (isinstance(level, str), level))
    axis = alt.Axis(labelAngle=0, labelOverlap=True)
    x = alt.X(
        "level:O", title="difficulty", sort=None, axis=axis, scale=alt.Scale(domain=[_level(level) for level in levels])
    )
    y = alt.Y(
        "value:Q",
        title="score, %",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(grid=True, values=[0, 25, 50, 75, 100]),
    )
    colour = alt.Stroke("colour:N", scale=None)
    tips = [
        alt.Tooltip("what:N", title="title"),
        alt.Tooltip("is:N", title="score"),
        alt.Tooltip("items:N", title="items"),
    ]
    data = [_datum(row, *styles[row["arm"]]) for row in rows]
    base = alt.Chart().encode(x=x, y=y, tooltip=tips)
    lines = base.mark_line(strokeWidth=2).encode(stroke=colour, detail=alt.Detail("arm:N"))
    marks = base.mark_point(size=55, opacity=1, strokeWidth=1.6).encode(
        stroke=colour, fill=alt.Fill("fill:N", scale=None), shape=alt.Shape("shape:N", scale=None)
    )
    return FigurePanel(
        layered([lines, marks], rows=data, height=HEIGHT),
        name,
        HEIGHT + 50,
        f"Score by difficulty on {name}",
        False,
    )


def _level(level: float | str) -> str:
    """Return a difficulty as it is printed: whole numbers without a decimal, with a true minus sign."""
    return level if isinstance(level, str) else number(level, 0 if float(level).is_integer() else 2)


def _order(level: float | str) -> float | None:
    return None if isinstance(level, str) else float(level)


def _datum(row: Row, colour: str, shape: str, hollow: bool) -> dict[str, Any]:
    return {
        "arm": row["arm"],
        "level": _level(row["difficulty"]),
        "value": 100 * row["score"],
        "colour": colour,
        "shape": shape,
        "fill": PAPER if hollow else colour,
        "what": f"{row['arm']} · {row['benchmark']} · difficulty {_level(row['difficulty'])}",
        "is": percent(row["score"], 1),
        "items": count(row.get("n_items")),
    }


def _table(rows: Sequence[Row]) -> HtmlTable:
    body = [
        [
            TableCell(row["arm"], kind="code"),
            TableCell(row["benchmark"], kind="code"),
            TableCell(_level(row["difficulty"]), sort=_order(row["difficulty"])),
            TableCell("no scored rows", kind="undefined") if row["score"] is None else percent(row["score"], 1),
            count(row.get("n_items")),
        ]
        for row in rows
    ]
    columns = ("Arm", "Benchmark", "Difficulty", "Score", "Items")
    return HtmlTable(columns, body, "Mean score by difficulty", numeric=frozenset({3, 4}))
