"""Shows where every arm stands: scores with base, teacher and controls as reference marks, one panel per role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from gauger.estimate import end_of
from gauger.records import ArmKind
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Key, Section, TableCell
from gauger.report.document_view import Row, View, defined
from gauger.report.drawing import Chart, layered
from gauger.report.forest import described, tooltip
from gauger.report.palette import INK, MUTED, PAPER, TRACK, arm_style
from gauger.report.tables import estimates_table
from gauger.report.wording import listing, number, percent, several
from gauger.stats import share_not_excluded

REFERENCE_MARKS = {
    ArmKind.TEACHER: ("diamond", INK, False),
    ArmKind.BASE: ("circle", INK, True),
    ArmKind.FORMAT: ("square", MUTED, True),
    ArmKind.PLACEBO: ("triangle-down", MUTED, True),
    ArmKind.LEAK: ("cross", MUTED, True),
    ArmKind.REFERENCE: ("triangle-up", MUTED, True),
}
TICKS = [0, 20, 40, 60, 80, 100]
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
    finding = findings.scores(view)
    figure = Figure("scores", title, caption(view), panels, table, legend(view), wide=len(panels) == 1, finding=finding)
    lead = [*_ends_lead(rows), *_seeds_lead(view)]
    return Section("scores", "Where every arm stands", lead, [figure], _seeds(view), short="Scores")


def _ends_lead(rows: Sequence[Row]) -> list[str]:
    """Name the arms at the ceiling and at the floor of benchmarks: what they win or lose beyond cannot be seen."""
    by_end: dict[str, dict[str, list[str]]] = {"ceiling": {}, "floor": {}}
    for row in defined(rows):
        end = end_of(row["value"]) if row.get("benchmark") else None
        if end:
            by_end[end].setdefault(row["benchmark"], []).append(row["arm"])
    limit = {"ceiling": "98 % or more", "floor": "2 % or less"}
    places = {end: "; ".join(f"{listing(arms)} on {name}" for name, arms in at.items()) for end, at in by_end.items()}
    return [
        f"At the {end} ({limit[end]}), where more could not be seen: {where}." for end, where in places.items() if where
    ]


def _seeds_lead(view: View) -> list[str]:
    """Say what so many seeds alike can exclude."""
    counts: dict[tuple[str, str], int] = {}
    for row in view.rows("seeds"):
        counts[row["arm"], row["benchmark"]] = counts.get((row["arm"], row["benchmark"]), 0) + 1
    of_distilled = [n for (arm, _), n in counts.items() if arm in view.distilled]
    if not of_distilled:
        return []
    n = min(of_distilled)
    share = percent(share_not_excluded(n))
    return [
        f"Every seed's own score stands in the table below. {several(n, 'seed')} that behave alike do not show that "
        f"all do: {share} of seeds could still behave otherwise (at 95 %)."
    ]


def _seeds(view: View) -> list[HtmlTable]:
    """List every training seed's score, one row per arm and benchmark."""
    cells: dict[tuple[str, str], list[float]] = {}
    for row in view.rows("seeds"):
        cells.setdefault((row["arm"], row["benchmark"]), []).append(row["score"])
    rows: list[list[TableCell | str]] = [
        [
            TableCell(arm, kind="code"),
            TableCell(benchmark, kind="code"),
            ", ".join(number(100 * score) for score in scores),
        ]
        for (arm, benchmark), scores in cells.items()
        if len(scores) > 1
    ]
    columns = ("Arm", "Benchmark", "Score of every seed, %")
    return [HtmlTable(columns, rows, "Scores by training seed", folded=len(rows) > 12)] if rows else []


def caption(view: View) -> str:
    """Return how to read the figure, naming only what this document holds."""
    kinds = set(view.kinds.values())
    sentences = ["Each row is a benchmark."]
    if {ArmKind.BASE, ArmKind.TEACHER} <= kinds:
        sentences.append("The grey track runs from the untouched base to the teacher: the distance there is to close.")
    if ArmKind.MATCHED in kinds:
        sentences.append("The dark tick is the control, so an arm's uplift is the stretch from the tick to its mark.")
    if kinds & set(REFERENCE_MARKS):
        sentences.append("Teacher and other controls stand in the upper lane, distilled arms below, one lane each.")
    return " ".join([*sentences, "Hover over a mark for its interval."])


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


def _panel(view: View, role: str | None) -> FigurePanel:
    names = view.in_role(role)
    lanes = len(view.distilled) + 1
    step = 26 + LANE * lanes
    x = alt.X("value:Q", title="score, %", axis=alt.Axis(values=TICKS), scale=alt.Scale(domain=[0, 100], nice=False))
    scale = alt.Scale(domain=names, paddingInner=0, paddingOuter=0)
    y = alt.Y("benchmark:N", sort=None, scale=scale, axis=alt.Axis(title=None))
    rows = [*_tracks(view, names), *(_datum(row, style) for row, style in _styled(view, names, step, lanes))]
    chart = layered(_layers(x, y, step), rows=rows, height=step * len(names))
    title = (role or "no role given").capitalize() if len(view.roles) > 1 else ""
    return FigurePanel(chart, title, step * len(names) + 50, f"Scores on {role or 'all'} benchmarks", False)


def _layers(x: alt.X, y: alt.Y, step: int) -> list[Chart]:
    shift = alt.YOffset("shift:Q", scale=None)
    base = alt.Chart().encode(y=y)
    track, tick, bar, point = (
        base.transform_filter(
            f"datum.mark === '{mark}'" if mark != "bar" else "isValid(datum.low) && isValid(datum.high)"
        )
        for mark in ("track", "tick", "bar", "point")
    )
    stroke, fill = alt.Stroke("stroke:N", scale=None), alt.Fill("fill:N", scale=None)
    shape = alt.Shape("shape:N", scale=None)
    return [
        track.mark_bar(height=step - 14, color=TRACK).encode(x=x, x2=alt.X2("end:Q")),
        tick.mark_tick(thickness=2.5, size=step - 12, color=INK, opacity=1).encode(x=x, tooltip=tooltip()),
        bar.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), yOffset=shift, color=alt.Color("fill:N", scale=None)
        ),
        point.mark_point(size=78, strokeWidth=1.6, opacity=1).encode(
            x=x, yOffset=shift, stroke=stroke, fill=fill, shape=shape, tooltip=tooltip()
        ),
    ]


def _styled(view: View, names: Sequence[str], step: int, lanes: int) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Yield every score of a panel with the mark it is drawn with: controls in the upper lane, then arm by arm."""

    def scores(arm: str) -> list[Row]:
        return list(defined(view.on("score", arm, name) for name in names))

    for arm in view.of_kind(ArmKind.MATCHED):
        yield from ((row, {"mark": "tick"}) for row in scores(arm))
    shift = _lane(step, 0, lanes)
    for kind, (shape, colour, hollow) in REFERENCE_MARKS.items():
        style = {"mark": "point", "shape": shape, "stroke": colour, "fill": PAPER if hollow else colour, "shift": shift}
        yield from ((row, style) for arm in view.of_kind(kind) for row in scores(arm))
    for lane, (arm, (colour, shape)) in enumerate(_styles(view).items()):
        style = {
            "mark": "point",
            "shape": shape,
            "stroke": PAPER,
            "fill": colour,
            "shift": _lane(step, lane + 1, lanes),
        }
        yield from ((row, {**style, **_ends(row)}) for row in scores(arm))


def _lane(step: int, lane: int, lanes: int) -> float:
    """Return the height of a lane inside the row of a benchmark, in pixels from the row's upper edge."""
    return step / 2 + (lane - (lanes - 1) / 2) * LANE


def _ends(row: Row) -> dict[str, float]:
    return {key: 100 * min(max(row[key], 0.0), 1.0) for key in ("low", "high") if row[key] is not None}


def _datum(row: Row, style: dict[str, Any]) -> dict[str, Any]:
    return {"benchmark": row["benchmark"], "value": 100 * row["value"], **style, **described(row)}


def _tracks(view: View, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the stretch from base to teacher of every benchmark where both have a score."""
    for name in names:
        pair = [view.of_kind(kind)[:1] for kind in (ArmKind.BASE, ArmKind.TEACHER)]
        ends = [100 * row["value"] for row in defined(view.on("score", arm, name) for arms in pair for arm in arms)]
        if len(ends) == 2:
            yield {"mark": "track", "benchmark": name, "value": ends[0], "end": ends[1]}
