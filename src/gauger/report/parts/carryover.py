"""Does it carry over: the uplift in another form or skill, as a share of the targeted uplift."""

from __future__ import annotations

from markupsafe import Markup

from gauger.report.blocks import Figure, Panel, Section
from gauger.report.forest import Line, Reference, forest, height_of, lines_of, window
from gauger.report.palette import role_colour
from gauger.report.tables import estimates_table
from gauger.report.view import View, defined, role_of
from gauger.report.wording import estimand, fill, interval, with_unit

CAPTION = (
    "100 % means that what was gained on the targeted benchmarks shows in full when the same skill is asked in another "
    "form (near), or in another skill (far); 0 % means that all of it stays in the benchmark's own form; below 0 %, "
    "training for the benchmark cost the rest something. The benchmark-bound share is 100 % minus the near carry-over. "
    "An arrowhead means that the interval has no end there, because the targeted uplift itself is not far enough from zero."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where no carry-over was estimated."""
    arms = [arm for arm in view.arms_with("carryover") if arm in view.distilled or view.kinds.get(arm) == "leak"]
    if not arms:
        return None
    return Section("carryover", "Does it carry over?", _lead(view, arms), [_figure(view, arms)], short="Carry-over")


def _figure(view: View, arms: list[str]) -> Figure:
    rows = [row for arm in arms for row in view.of("carryover", arm)]
    bound = [row for arm in arms for row in view.of("benchmark_bound_share", arm)]
    groups: dict[str, list[Line]] = {}
    for role in dict.fromkeys(role_of(row) for row in rows):
        found = [(arm, [row for row in view.of("carryover", arm) if role_of(row) == role]) for arm in arms]
        groups[f"to {role} benchmarks"] = [
            Line(row.get("benchmark") or arm, row, role_colour(role), "diamond")
            for arm, members in found
            for row in members
        ]
    lines = lines_of(groups)
    extent = window(rows, include=(0.0, 1.0), limits=(-0.75, 1.5))
    references = [Reference(0.0, "none"), Reference(1.0, "in full")]
    chart = forest(lines, unit="percent", x_title="share of targeted uplift, %", extent=extent, references=references)
    table = estimates_table(rows + bound, "Carry-over and benchmark-bound share, per cent")
    title = "Carry-over: uplift elsewhere as a share of targeted uplift"
    return Figure("carryover", title, CAPTION, [Panel(chart, "", height_of(lines), title)], table)


def _lead(view: View, arms: list[str]) -> list[Markup]:
    """Return one sentence per arm with its benchmark-bound share."""
    unit = estimand("benchmark_bound_share").unit
    return [
        fill(
            "<code>{arm}</code>: {value} of the targeted uplift is bound to the benchmark's form ({interval}).",
            arm=arm,
            value=with_unit(row["value"], unit),
            interval=interval(row["low"], row["high"], unit),
        )
        for arm in arms
        if arm in view.distilled
        for row in defined(view.of("benchmark_bound_share", arm))
        if row.get("benchmark") is None
    ][: 2 * len(arms)]
