"""Draws what moves the pooled numbers: moderators and dose, restrictions, small benchmarks, risk of bias."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from gauger.evidence import (
    GROUPS,
    SETS,
    UNTOUCHED,
    Evidence,
    names,
    rows_of,
)
from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Section
from gauger.report.evidence import figures as draw
from gauger.report.evidence import findings, tables
from gauger.report.evidence.panels import STAR, interval_panels, point_panel
from gauger.report.wording import count, number


def moderators(evidence: Evidence) -> Section:
    """What goes with a larger uplift; dose."""
    sides = {where: draw.moderator_groups(evidence, where) for where in GROUPS}
    shown = interval_panels(sides, "Moderators", "slope or difference, points", (-0.4, 0.4))
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
            f"benchmarks. Moderators go together with each other: these are descriptions, not causes. {STAR}",
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
    panels = interval_panels(moved, "Mean under every restriction")
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
            [point_panel(draw.scatter(base, "_x", "1 / √(number of items)"), "Funnel")],
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
