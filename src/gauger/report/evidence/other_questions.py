"""Draws what else the table answers, what it cannot tell, and where published tables disagree with themselves."""

from __future__ import annotations

from gauger.evidence import (
    NEVER,
    Evidence,
    check_table,
)
from gauger.report.blocks import Callout, Figure, FigurePanel, HtmlTable, Section
from gauger.report.evidence import figures as draw
from gauger.report.evidence import findings, tables
from gauger.report.wording import number


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
