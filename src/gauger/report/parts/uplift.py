"""What the teacher added: uplift over the matched arm, benchmark by benchmark, one panel per distilled arm."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gauger.report.blocks import Figure, Key, Panel, Section
from gauger.report.forest import Line, Reference, describe_change, forest, height_of, lines_of, window
from gauger.report.palette import MUTED, role_colour
from gauger.report.tables import estimates_table
from gauger.report.view import Row, View, defined
from gauger.report.wording import ROLE_WORDS, fill

CAPTION = (
    "Each mark is how many percentage points the arm scores beyond the same training without the teacher: right of zero, "
    "the teacher helped; left of it, the training did harm that matched training did not. Circles are single benchmarks, "
    "diamonds the mean over a role. Thick bars are the intervals of each estimate alone; thin bars hold for all estimates "
    "at once, so use them to pick out single benchmarks."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document holds no uplift."""
    arms = [arm for arm in view.distilled if view.of("uplift", arm)]
    if not arms:
        return None
    return Section(
        "uplift", "What the teacher added", _lead(view, arms), [role_figure(view, arms)], short="Uplift by benchmark"
    )


def role_figure(view: View, arms: Sequence[str]) -> Figure:
    """Return one interval chart per arm, rows grouped by role, all on one axis."""
    rows = [row for arm in arms for row in view.of("uplift", arm)]
    extent = window(rows)
    panels = [_panel(view, arm, extent) for arm in arms]
    legend = [
        *(Key(f"{role} benchmark", "circle", role_colour(role)) for role in view.roles if role),
        Key("mean over a role", "diamond", MUTED),
    ]
    table = estimates_table(rows, "Uplift, percentage points")
    title = "Uplift by benchmark, percentage points"
    return Figure("uplift", title, CAPTION, panels, table, legend, wide=len(panels) == 1)


def _panel(view: View, arm: str, extent: tuple[float, float]) -> Panel:
    lines = role_lines(view, "uplift", arm)
    chart = forest(lines, unit="points", x_title="points over control", extent=extent, references=[Reference(0.0)])
    controls = dict.fromkeys(row["control"] for row in view.of("uplift", arm) if row["control"])
    title = f"{arm}, against {', '.join(controls)}" if controls else arm
    return Panel(chart, title, height_of(lines), f"Uplift of {title}")


def role_lines(view: View, estimand: str, arm: str) -> list[Line]:
    """Return the rows of one arm, grouped by role, each group ending with its mean."""
    groups: dict[str, list[Line]] = {}
    for role in view.roles:
        colour = role_colour(role)
        name = role or ("no role given" if len(view.roles) > 1 else "")
        members = [Line(bench, view.on(estimand, arm, bench), colour) for bench in view.in_role(role)]
        mean = view.over(estimand, arm, role)
        if mean is not None and len(members) > 1:
            members.append(Line(f"mean, {role or 'all'}", mean, colour, "diamond"))
        groups[name] = members
    return lines_of(groups)


def _lead(view: View, arms: Sequence[str]) -> list[str | Markup]:
    """Return one sentence per arm: its uplift on each role."""
    found: list[str | Markup] = []
    for arm in arms:
        parts = [f"{describe_change(row)} on {role}" for role, row in _means(view, arm)]
        if parts:
            text = "; ".join(parts)
            found.append(fill("<code>{arm}</code>: {text}.", arm=arm, text=text))
    return found


def _means(view: View, arm: str) -> list[tuple[str, Row]]:
    means = [(role, view.headline("uplift", arm, role)) for role in view.roles if role in ROLE_WORDS]
    return [(role or "", row) for role, row in means for row in defined([row])]
