"""Shows what carries over: the uplift in another form or skill, as a share of the targeted uplift."""

from __future__ import annotations

from gauger.records import ArmKind
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Section, TableCell
from gauger.report.document_view import Row, View, averages, role_of
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import role_colour
from gauger.report.tables import estimates_table, matrix_cell
from gauger.report.wording import fill

CAPTION = (
    "100 % means that what was gained on the targeted benchmarks shows in full when the same skill is asked in "
    "another form (near), or in another skill (far); 0 % means that all of it stays in the benchmark's own form; "
    "below 0 %, training for the benchmark cost the rest something. The benchmark-bound share is 100 % minus the near "
    "carry-over. An arrowhead means that the interval goes on beyond the plot; where the targeted uplift is not far "
    "enough from zero, it has no end at all, and the table says so."
)

SCALES = (
    "Points do not mean the same on an easy and on a hard benchmark. An uplift is called bound to the benchmark only "
    "where the interval of the bound share lies above zero in points and in item logits."
)
SHOWN = (ArmKind.LEAK, ArmKind.REFERENCE)
"""Controls shown beside the distilled arms: a planted leak must not carry over, ground truth should."""


def build(view: View) -> Section | None:
    """Return the chapter, or None where no carry-over was estimated."""
    arms = [arm for arm in view.arms_with("carryover") if arm in view.distilled or view.kinds.get(arm) in SHOWN]
    if not arms:
        return None
    return Section(
        "carryover",
        "Does it carry over?",
        lead=_lead(view),
        summary=_summary(view, arms),
        figures=[_figure(view, arms)],
        short="Carry-over",
    )


def _lead(view: View) -> list[str]:
    """Say of each distilled arm whether its uplift is bound to the benchmark by points and by item logits."""
    sentences = [
        fill("<code>{arm}</code>: {said}", arm=row["arm"], said=row["note"])
        for arm in view.distilled
        for row in view.of("benchmark_bound_share", arm)
        if averages(row) and row["value"] is not None and row.get("note")
    ]
    return [SCALES, *sentences] if sentences else []


def _figure(view: View, arms: list[str]) -> Figure:
    rows = [row for arm in arms for row in view.of("carryover", arm)]
    bound = [row for arm in arms for row in view.of("benchmark_bound_share", arm)]
    roles = dict.fromkeys(role_of(row) for row in rows if averages(row))
    groups = {
        f"to {role} benchmarks": [
            ForestLine(arm, view.over("carryover", arm, role), role_colour(role), "diamond") for arm in arms
        ]
        for role in roles
    }
    lines = lines_of(groups)
    extent = window([line.estimate for line in lines], include=(0.0, 1.0), limits=(-0.75, 1.5))
    references = [Reference(0.0, "none"), Reference(1.0, "in full")]
    chart = forest(lines, unit="percent", x_title="share of targeted uplift, %", extent=extent, references=references)
    both = ("carryover", "benchmark_bound_share")
    logits = [row for arm in arms for name in both for row in view.rescaled(name, arm)]
    table = estimates_table([*rows, *bound, *logits], "Carry-over and benchmark-bound share, per cent")
    title = "Carry-over: uplift elsewhere as a share of targeted uplift"
    panel = FigurePanel(chart, "", height_of(lines), title)
    mine = [arm for arm in arms if arm in view.distilled]
    return Figure("carryover", title, CAPTION, [panel], table, finding=findings.carryover(view, mine))


def _summary(view: View, arms: list[str]) -> HtmlTable:
    """Return carry-over to each role and the benchmark-bound share, one arm per row."""
    roles = list(dict.fromkeys(role_of(row) for arm in arms for row in view.of("carryover", arm) if averages(row)))
    rows = [
        [
            TableCell(arm, kind="code"),
            *(matrix_cell(view.headline("carryover", arm, role)) for role in roles),
            matrix_cell(_bound(view, arm)),
        ]
        for arm in arms
    ]
    columns = ("Arm", *(f"Carry-over to {role}, %" for role in roles), "Benchmark-bound share, %")
    return HtmlTable(columns, rows, numeric=frozenset(range(1, len(columns))))


def _bound(view: View, arm: str) -> Row | None:
    return next((row for row in view.of("benchmark_bound_share", arm) if averages(row)), None)
