"""Shows how far each arm came: uplift as a share of the distance between matched training and the teacher."""

from __future__ import annotations

from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Section
from gauger.report.document_view import View
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import role_colour
from gauger.report.parts.uplift import role_lines
from gauger.report.tables import estimates_table

CAPTION = (
    "0 % is the control's level (the same training without the teacher), 100 % the teacher's own. Bars are "
    "intervals; an arrowhead means that the interval goes on beyond the plot. Where the teacher is hardly ahead, the "
    "share has no meaning and the reason is printed instead."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where no gap recovered was estimated."""
    arms = [arm for arm in view.distilled if view.of("gap_recovered", arm)]
    if not arms:
        return None
    figure = _figure(view, arms)
    return Section("gap", "How much of the distance to the teacher was closed", (), [figure], short="Gap recovered")


def _figure(view: View, arms: list[str]) -> Figure:
    lines = role_lines(view, "gap_recovered", arms[0]) if len(arms) == 1 else _by_role(view, arms)
    references = [Reference(0.0), Reference(1.0, "teacher"), *_threshold(view)]
    extent = window([line.estimate for line in lines], include=(0.0, 1.0), limits=(-0.5, 1.25))
    chart = forest(lines, unit="percent", x_title="share of the gap, %", extent=extent, references=references)
    title = f"Gap recovered, {arms[0]}" if len(arms) == 1 else "Gap recovered"
    table = estimates_table([row for arm in arms for row in view.of("gap_recovered", arm)], "Gap recovered, per cent")
    panel = FigurePanel(chart, "", height_of(lines), title)
    return Figure("gap", title, CAPTION, [panel], table, finding=findings.gap(view, arms))


def _by_role(view: View, arms: list[str]) -> list[ForestLine]:
    """Return one row per arm under each role; under each benchmark where a role has no mean."""
    groups: dict[str, list[ForestLine]] = {}
    for role in view.roles:
        colour = role_colour(role)
        means = {arm: view.headline("gap_recovered", arm, role) for arm in arms}
        if any(row is not None for row in means.values()):
            groups[f"mean of {role or 'all'}"] = [ForestLine(arm, means[arm], colour, "diamond") for arm in arms]
            continue
        for name in view.in_role(role):
            groups[name] = [ForestLine(arm, view.on("gap_recovered", arm, name), colour) for arm in arms]
    return lines_of(groups)


def _threshold(view: View) -> list[Reference]:
    rule = view.verdict["rule"] if view.verdict else {}
    if rule.get("estimand") != "gap_recovered":
        return []
    return [Reference(rule["threshold"], f"threshold ({rule.get('role') or 'all'})", dashed=True)]
