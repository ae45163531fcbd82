"""Shows what the teacher added: uplift over the matched arm, benchmark by benchmark, one panel per distilled arm."""

from __future__ import annotations

from collections.abc import Sequence

from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Key, Section, TableCell
from gauger.report.document_view import View, averages
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import MUTED, role_colour
from gauger.report.tables import estimates_table, matrix_cell

STUDY = (
    "Each mark is how many percentage points the arm scores beyond the same training without the teacher. Right of "
    "zero, the teacher helped; left of it, this material did harm that matched training did not. "
)
COMPARE = (
    "Each mark is how many percentage points the arm scores beyond its control. How much of that is the teacher's "
    "depends on how alike the two were trained. "
)
CAPTION = (
    "Circles are single benchmarks, diamonds the mean over a role. Thick bars are the intervals of each estimate "
    "alone; thin bars hold for all estimates at once, so use them to pick out single benchmarks."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document holds no uplift."""
    arms = [arm for arm in view.distilled if view.of("uplift", arm)]
    if not arms:
        return None
    return Section(
        "uplift",
        "What the distilled arm adds" if view.is_compare else "What the teacher added",
        summary=role_matrix(view, "uplift", arms, "Mean uplift by role, percentage points (interval)"),
        figures=[role_figure(view, arms)],
        short="Uplift by benchmark",
    )


def role_figure(view: View, arms: Sequence[str]) -> Figure:
    """Return one interval chart per arm, rows grouped by role, all on one axis."""
    rows = [row for arm in arms for row in view.of("uplift", arm)]
    extent = window(rows)
    panels = [_panel(view, arm, extent, ticks=8 if len(arms) == 1 else 5) for arm in arms]
    legend = [Key(f"{role} benchmark", "circle", role_colour(role)) for role in view.roles if role]
    if any(averages(row) for row in rows):
        legend.append(Key("mean over a role", "diamond", MUTED))
    table = estimates_table(rows, "Uplift, percentage points")
    title = "Uplift by benchmark, percentage points"
    caption = (COMPARE if view.is_compare else STUDY) + CAPTION
    finding = findings.uplift(view, arms)
    return Figure("uplift", title, caption, panels, table, legend, wide=len(panels) == 1, finding=finding)


def _panel(view: View, arm: str, extent: tuple[float, float], ticks: int) -> FigurePanel:
    lines = role_lines(view, "uplift", arm)
    zero = [Reference(0.0)]
    chart = forest(lines, unit="points", x_title="points over control", extent=extent, references=zero, ticks=ticks)
    controls = dict.fromkeys(row["control"] for row in view.of("uplift", arm) if row["control"])
    title = f"{arm}, against {', '.join(controls)}" if controls else arm
    return FigurePanel(chart, title, height_of(lines), f"Uplift of {title}")


def role_lines(view: View, estimand: str, arm: str) -> list[ForestLine]:
    """Return the rows of one arm, grouped by role, each group ending with its mean."""
    groups: dict[str, list[ForestLine]] = {}
    for role in view.roles:
        colour = role_colour(role)
        name = role or ("no role given" if len(view.roles) > 1 else "")
        members = [
            ForestLine(view.marked(bench), view.on(estimand, arm, bench), colour) for bench in view.in_role(role)
        ]
        mean = view.over(estimand, arm, role)
        if mean is not None and len(members) > 1:
            members.append(ForestLine(f"mean, {role or 'all'}", mean, colour, "diamond"))
        groups[name] = members
    return lines_of(groups)


def role_matrix(view: View, estimand: str, arms: Sequence[str], caption: str) -> HtmlTable | None:
    """Return arms against roles, each cell a mean over the role with its interval.

    None where there is no mean, or one alone, which the figure shows as well.
    """
    roles = [role for role in view.roles if any(view.headline(estimand, arm, role) for arm in arms)]
    if not roles or len(roles) == len(arms) == 1:
        return None
    rows = [
        [TableCell(arm, kind="code"), *(matrix_cell(view.headline(estimand, arm, role)) for role in roles)]
        for arm in arms
    ]
    columns = ["Arm", *((role or "all").capitalize() for role in roles)]
    return HtmlTable(columns, rows, caption, numeric=frozenset(range(1, len(columns))))
