"""Orders the chapters of the evidence page, from the headline to every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from gauger.evidence import (
    GROUPS,
    NEVER,
    ROLES,
    SETS,
    UNTOUCHED,
    CarryOver,
    Evidence,
    arms,
    check_table,
    names,
    rows_of,
    study_forest,
)
from gauger.report.blocks import Callout, Figure, FigurePanel, HtmlTable, Key, Section
from gauger.report.drawing import Chart
from gauger.report.evidence import figures as draw
from gauger.report.evidence import findings, tables
from gauger.report.evidence.answer import answer, claim_section, downloads, explorer_section
from gauger.report.evidence.method import method
from gauger.report.forest import ForestLine
from gauger.report.palette import BLUE, INK, RUST
from gauger.report.wording import count, number, percent

_STAR = "A star marks an interval with fewer than 4 degrees of freedom: too few studies for it to be trusted."


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
        panels = _panels({f"{role} benchmarks": lines[role] for role in roles}, f"Forest plot over {over}")
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
        f"training brings; training without a teacher does not. {_STAR}",
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
        [_points(draw.carry_over_points(points), "Held-out against targeted gain")],
        HtmlTable(("Study", "Student", "Control", "Targeted", "Held-out"), rows, numeric=frozenset({3, 4})),
        [Key("over the untouched base", "circle", BLUE), Key("over another control", "square", RUST)],
        finding=findings.carried(tuple(evidence.carried.values())),
    )  # fmt: skip
    lead = [_carry_sentence(gain) for gain in evidence.carried.values()]
    return Section("carry-over", "Does it carry over?", lead, [figure], short="Carry-over")


def _panels(
    sides: Mapping[str, Mapping[str, Sequence[ForestLine]]], alt: str, x_title: str = "percentage points",
    limits: tuple[float, float] = draw.LIMITS,
) -> list[FigurePanel]:  # fmt: skip
    """Return one interval chart per side, all on the same stretch of the axis."""
    extent, room = draw.extent_of(sides.values(), limits), draw.label_room(sides.values())
    panels = []
    for title, groups in sides.items():
        chart, height = draw.interval_chart(groups, x_title, extent, room)
        panels.append(FigurePanel(chart, title, height, f"{alt}: {title}"))
    return panels


def _points(chart: Chart, alt: str) -> FigurePanel:
    return FigurePanel(chart, "", draw.POINT_HEIGHT + 50, alt, labelled=False)


def _carry_sentence(gain: CarryOver) -> str:
    if gain.ratio is None or gain.bound_share is None:
        return f"Over {gain.over}: {gain.reason}."
    return (
        f"Over {gain.over}: the held-out gain is {percent(gain.ratio)} of the targeted one ({gain.n_studies} studies, "
        f"{gain.n_arms} students), so {percent(gain.bound_share)} stays bound to the trained skill. 95 % set of the "
        f"ratio: {gain.interval[0].lower()}{gain.interval[1:]}"
    )


def moderators(evidence: Evidence) -> Section:
    """What goes with a larger uplift; dose."""
    sides = {where: draw.moderator_groups(evidence, where) for where in GROUPS}
    shown = _panels(sides, "Moderators", "slope or difference, points", (-0.4, 0.4))
    base = rows_of(evidence.frame, SETS[UNTOUCHED])
    panels = [
        FigurePanel(
            draw.scatter(base.filter(pl.col(column).is_not_null()), column, f"training {what}, log scale", log=True),
            f"Training {what}", draw.POINT_HEIGHT + 50, f"Uplift against training {what}", labelled=False,
        )
        for column, what in (("n_samples", "samples"), ("n_tokens", "tokens"))
    ]  # fmt: skip
    figures = [
        Figure(
            "moderators", "Moderators, one at a time, over the untouched base",
            "Slopes of numbers, and differences of each level from the first. Trained skill: targeted and fresh "
            f"benchmarks. Moderators go together with each other: these are descriptions, not causes. {_STAR}",
            shown, tables.moderators_table(evidence), wide=False, finding=findings.moderated(evidence),
        ),
        Figure(
            "dose", "Dose and uplift",
            "One point per row whose source prints the dose. Studies differ in everything else.",
            panels, _dose_table(base), draw.role_keys(), wide=False,
        ),
    ]  # fmt: skip
    return Section("moderators", "What goes with a larger uplift?", figures=figures, short="Moderators")


def _dose_table(base: pl.DataFrame) -> HtmlTable:
    known = base.filter(pl.col("n_samples").is_not_null() | pl.col("n_tokens").is_not_null())
    gain = pl.col("score_distilled") - pl.col("score_control")
    lines = known.group_by("study_id", "arm", "n_samples", "n_tokens", "benchmark_role", maintain_order=True).agg(
        gain=gain.mean(), n=pl.len()
    )
    rows = [
        [line["study_id"], line["arm"], count(line["n_samples"]), count(line["n_tokens"]), line["benchmark_role"],
         str(line["n"]), number(line["gain"], signed=True)]
        for line in lines.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Study", "Student", "Samples", "Tokens", "Role", "Benchmarks", "Mean gain")
    return HtmlTable(columns, rows, numeric=frozenset({2, 3, 5, 6}))


def trust(evidence: Evidence) -> Section:
    """Restrictions, influence, small studies, risk of bias."""
    moved = {f"{role} benchmarks": draw.restriction_groups(evidence, role) for role in ("targeted", "held-out")}
    panels = _panels(moved, "Mean under every restriction")
    base = rows_of(evidence.frame, SETS[UNTOUCHED]).with_columns(_x=1 / pl.col("n_items").cast(pl.Float64).sqrt())
    light, studies = draw.traffic_light(evidence.bias.with_columns(pl.col("study_id").replace(names(evidence.frame))))
    figures = [
        Figure(
            "restrictions", "The headline under every restriction",
            "The first line (diamond) is the pre-specified analysis; each other changes one thing.",
            panels, tables.restrictions_table(evidence), draw.role_keys(("targeted", "held-out")),
            finding=findings.restricted(evidence, ("targeted", "held-out")),
        ),
        Figure(
            "funnel", "Small benchmarks and large gains",
            "One point per row over the untouched base; to the right, smaller benchmarks with larger sampling error. "
            "If only favourable results of small benchmarks were published, the cloud would lean upwards to the right.",
            [_points(draw.scatter(base, "_x", "1 / √(number of items)"), "Funnel")],
            tables.pooled_table([replace(slope, name=f"{slope.name}, over {small.over}")
                                 for small in evidence.small_studies for slope in small.slopes],
                                "Slope: points of uplift per unit of 1 / √n, within role", "Slope"),
            draw.role_keys(), finding=findings.funnelled(evidence),
        ),
        Figure(
            "risk", "Risk of bias, study by study",
            "Overall follows the three questions of design (seeds, mixture, control): the worst of them. The three "
            "questions of reporting are shown beside it.",
            [FigurePanel(light, "", 18 * studies + 150, "Risk of bias of every study", labelled=False)],
            tables.bias_table(evidence), draw.risk_keys(), finding=findings.biased(evidence.bias["overall"]),
        ),
    ]  # fmt: skip
    return Section(
        "trust",
        "How far can this be trusted?",
        figures=figures,
        tables=[
            tables.influence_table(influence, tables.study_cells(evidence.frame)) for influence in evidence.influences
        ],
        short="Trust",
    )


def others(evidence: Evidence) -> Section:
    """Teacher and method swaps, the GSM gaps, noise between laboratories."""
    chart, height = draw.gap_chart(evidence)
    rows = [
        [
            group.name,
            "–" if group.mean is None else number(group.mean, signed=True),
            str(group.n_models),
            group.reason or "",
        ]
        for group in evidence.gaps.groups
    ]
    figure = Figure(
        "gsm", "GSM8K minus GSM1k",
        "How much better models do on a public benchmark than on freshly written items of the same kind. Points are "
        "models' means with t intervals.",
        [FigurePanel(chart, "", height, "Gap between GSM8K and GSM1k")],
        HtmlTable(("Models", "Mean gap, points", "Number", ""), rows, numeric=frozenset({1, 2})),
        finding=findings.gaps(evidence),
    )  # fmt: skip
    labs = evidence.laboratories
    lead = [
        f"Choosing another {swap.question} moves a student by {number(swap.typical)} points (root mean square of "
        f"{len(swap.pairs)} pairs in {swap.n_studies} studies); the sign depends on the order in print, so pairs are "
        "listed."
        for swap in evidence.swaps
        if swap.typical is not None
    ]
    if labs.sd is not None:
        lead.append(
            f"The same model on the same benchmark differs between laboratories by {number(labs.sd)} points (standard "
            f"deviation over {labs.n_pairs} models and benchmarks that were measured more than once)."
        )
    listed = [
        *(tables.swap_table(swap, tables.study_cells(evidence.frame)) for swap in evidence.swaps),
        tables.laboratories_table(evidence),
    ]
    return Section("others", "Other questions the table answers", lead, [figure], listed, short="Other questions")


def cannot_tell(evidence: Evidence) -> Section:
    """Questions whose cells are empty."""
    lines = [unknown.text() for unknown in evidence.unknowns if not unknown.answered]
    lines += [f"{what[0].upper()}{what[1:]}: the table lacks {lacks}." for what, lacks in NEVER.items()]
    answered = [unknown.text() for unknown in evidence.unknowns if unknown.answered]
    table = HtmlTable(("Question, and what the table holds",), [[text] for text in answered],
                  "Questions on which at least two studies have rows", folded=True)  # fmt: skip
    lead = ["Counted from the table: a question is open where fewer than two studies have a row for it."]
    return Section(
        "cannot-tell", "What the literature cannot tell", lead, tables=[table], template="lines.html.j2",
        data={"lines": lines}, short="Cannot tell",
    )  # fmt: skip


def consistency(evidence: Evidence) -> Section:
    """Published tables that do not agree with themselves."""
    lead = [
        "A finding is a question, not a verdict: a score that no whole number of right answers gives may be a mean "
        "over runs, a wrong size in this table, or a slip."
    ]
    counts = [f"{kind}: {n}" for kind, n in evidence.findings.items()]
    table = tables.findings_table(check_table(evidence.frame), tables.study_cells(evidence.frame))
    return Section("findings", "Do the tables agree with themselves?", lead, tables=[table],
                   callouts=[Callout("info", "Findings", counts)], short="Findings")  # fmt: skip


CHAPTERS: tuple[Callable[[Evidence], Section], ...] = (
    answer, claim_section, explorer_section, headline, forests, contrasts, carried, moderators, trust, others,
    cannot_tell, consistency, method, downloads,
)  # fmt: skip
