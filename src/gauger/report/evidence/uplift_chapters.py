"""Draws what the literature measured: headline, every study, kinds of control, what carries over."""

from __future__ import annotations

from gauger.evidence import (
    ROLES,
    SETS,
    UNTOUCHED,
    CarryOver,
    Evidence,
    arms,
    names,
    rows_of,
    study_forest,
)
from gauger.report.blocks import Callout, Figure, FigurePanel, HtmlTable, Key, Section
from gauger.report.evidence import figures as draw
from gauger.report.evidence import findings, tables
from gauger.report.evidence.panels import STAR, interval_panels, point_panel
from gauger.report.palette import BLUE, INK, RUST
from gauger.report.wording import count, number, percent


def headline(evidence: Evidence) -> Section:
    """The sentence with its numbers."""
    lines = evidence.headline.text().splitlines()
    spread = [
        f"{move.role}: {number(move.low, signed=True)} ({move.low_under}) to {number(move.high, signed=True)} "
        f"({move.high_under})"
        for move in evidence.movements()
        if move.over == UNTOUCHED and move.low is not None and move.high is not None
    ]
    return Section(
        "headline", "The headline", lines, summary=tables.headline_table(evidence),
        callouts=[Callout("info", "How far the means move over all restrictions, over the untouched base", spread)],
    )  # fmt: skip


def forests(evidence: Evidence) -> Section:
    """Every study's own estimate, by role, for both sets of controls."""
    figures, named = [], names(evidence.frame)
    for place, over in enumerate(SETS):
        forest = study_forest(evidence.frame, over)
        roles = draw.roles_present(forest)
        lines = {role: {"": draw.study_lines(forest, role, named)} for role in roles}
        panels = interval_panels({f"{role} benchmarks": lines[role] for role in roles}, f"Forest plot over {over}")
        figures.append(
            Figure(
                f"forest-{place + 1}", f"Uplift over: {over}",
                "One line per study: the mean over its rows, with an interval from sampling error and from the "
                "differences between rows. The diamond is the pooled mean with its 95 % interval (REML, study and row "
                "levels, errors clustered by study). An arrowhead goes on beyond the plot.",
                panels, tables.forest_table(forest, tables.study_cells(evidence.frame)),
                [*draw.role_keys(roles), Key("pooled", "diamond", INK)],
                finding=findings.by_role(forest.pooled, over),
            )
        )  # fmt: skip
    return Section("studies", "Study by study", figures=figures, short="Studies")


def contrasts(evidence: Evidence) -> Section:
    """Uplift under each kind of control, and the share of the teacher's advantage."""
    by_control = {
        name: [analysis[str(role)] for role in ROLES] for name, analysis in evidence.contrasts.items()
    }  # fmt: skip
    chart, height = draw.interval_chart(draw.pooled_groups(by_control))
    every = [pooled for members in by_control.values() for pooled in members]
    figure = Figure(
        "contrasts", "Uplift by kind of control",
        "The same roles under four kinds of control. The untouched base credits the teacher with everything that "
        f"training brings; training without a teacher does not. {STAR}",
        [FigurePanel(chart, "", height, "Pooled uplift by kind of control and role")],
        tables.pooled_table(every, ""), draw.role_keys(),
        finding=findings.by_control(by_control, "targeted"),
    )  # fmt: skip
    rows = [
        [
            share.name,
            share.reason or _share(share.value, share.low, share.high),
            count(share.n_rows),
            str(share.n_studies),
        ]
        for share in evidence.recovered
    ]
    table = HtmlTable(
        ("Role", "Share (95 %)", "Rows", "Studies"), rows,
        "Share of the teacher's advantage over the untouched student that the student recovered",
        numeric=frozenset({1, 2, 3}),
    )  # fmt: skip
    return Section("controls", "Against which control?", figures=[figure], tables=[table], short="Controls")


def _share(value: float | None, low: float | None, high: float | None) -> str:
    def end(share: float | None) -> str:
        return "open" if share is None else percent(share)

    return f"{end(value)} ({end(low)} to {end(high)})"


def carried(evidence: Evidence) -> Section:
    """Carry-over from targeted to held-out benchmarks."""
    points = arms(rows_of(evidence.frame))
    rows = [
        [line["study_id"], line["arm"], line["control_arm"] or "–", number(line["targeted"], signed=True),
         number(line["held_out"], signed=True)]
        for line in points.iter_rows(named=True)
    ]  # fmt: skip
    figure = Figure(
        "carry-over", "Each student that was measured on both",
        "One point per student and control. On the dashed line a held-out benchmark gains as much as a targeted one; "
        "on the level line nothing carries over; below it, other skills lost.",
        [point_panel(draw.carry_over_points(points), "Held-out against targeted gain")],
        HtmlTable(("Study", "Student", "Control", "Targeted", "Held-out"), rows, numeric=frozenset({3, 4})),
        [Key("over the untouched base", "circle", BLUE), Key("over another control", "square", RUST)],
        finding=findings.carried(tuple(evidence.carried.values())),
    )  # fmt: skip
    lead = [_carry_sentence(gain) for gain in evidence.carried.values()]
    return Section("carry-over", "Does it carry over?", lead, [figure], short="Carry-over")


def _carry_sentence(gain: CarryOver) -> str:
    if gain.ratio is None or gain.bound_share is None:
        return f"Over {gain.over}: {gain.reason}."
    return (
        f"Over {gain.over}: the held-out gain is {percent(gain.ratio)} of the targeted one ({gain.n_studies} studies, "
        f"{gain.n_arms} students), so {percent(gain.bound_share)} stays bound to the trained skill. 95 % set of the "
        f"ratio: {gain.interval[0].lower()}{gain.interval[1:]}"
    )
