"""Tabulates the evidence: pooled estimates, restrictions, influence, swaps, findings, every row with its link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from gauger.evidence import CARRIED, ROLES, Evidence, Finding, Forest, HeadlineInfluence, Pooled, Swap, links
from gauger.evidence import names as names_of
from gauger.report.blocks import HtmlTable, TableCell
from gauger.report.wording import count, number


def points_cell(mean: Pooled, decimals: int = 1) -> TableCell:
    """Return estimate and interval in one cell, or the reason why there is none."""
    if mean.estimate is None or mean.low is None or mean.high is None:
        return TableCell(mean.reason or "undefined", kind="undefined")
    ends = f"{number(mean.low, decimals, signed=True)} to {number(mean.high, decimals, signed=True)}"
    title = f"{count(mean.n_rows)} rows of {mean.n_studies} studies; {mean.note or f'{mean.df:.1f} degrees of freedom'}"
    text = f"{number(mean.estimate, decimals, signed=True)} ({ends}){'*' if mean.note else ''}"
    return TableCell(text, title, sort=mean.estimate)


def pooled_table(several: Iterable[Pooled], caption: str, first: str = "") -> HtmlTable:
    """Return one line per estimate: value, interval, prediction interval, rows, studies."""
    rows: list[Sequence[TableCell | str]] = []
    for pooled in several:
        predicted = ""
        if pooled.prediction_low is not None and pooled.prediction_high is not None:
            predicted = (
                f"{number(pooled.prediction_low, 0, signed=True)} to {number(pooled.prediction_high, 0, signed=True)}"
            )
        rows.append([pooled.name, points_cell(pooled), predicted, count(pooled.n_rows), str(pooled.n_studies)])
    columns = (first or "Role", "Points (95 % interval)", "A new result (95 %)", "Rows", "Studies")
    return HtmlTable(columns, rows, caption, numeric=frozenset(range(1, 5)))


def headline_table(evidence: Evidence) -> HtmlTable:
    """Return role by control: the three analyses of the headline."""
    headline = evidence.headline
    sides = (headline.untouched, headline.controls, headline.matched)
    rows: list[Sequence[TableCell | str]] = [
        [str(role), *(points_cell(side[str(role)]) for side in sides)] for role in ROLES
    ]
    columns = (
        "Benchmark",
        "Over the untouched base",
        "Over every non-distilled control",
        "Over training without a teacher",
    )
    return HtmlTable(columns, rows, "Uplift in percentage points, with 95 % intervals", numeric=frozenset({1, 2, 3}))


def study_cells(frame: pl.DataFrame) -> Mapping[str, TableCell]:
    """Return each study as it is cited, linked to its source; its id stands in the title."""
    linked = links(frame)
    return {study: TableCell(name, study, href=linked[study]) for study, name in names_of(frame).items()}


def forest_table(forest: Forest, named: Mapping[str, TableCell]) -> HtmlTable:
    """Return every line of a forest plot."""
    rows: list[Sequence[TableCell | str]] = [
        [line.role, named[line.study_id], count(line.n_rows),
         TableCell(f"{number(line.estimate, signed=True)} ({number(line.low)} to {number(line.high)})",
                   sort=line.estimate),
         line.risk]
        for line in forest.lines
    ]  # fmt: skip
    return HtmlTable(("Role", "Study", "Rows", "Points (95 %)", "Risk of bias"), rows, "", numeric=frozenset({2, 3}))


def restrictions_table(evidence: Evidence) -> HtmlTable:
    """Return the headline under every restriction."""
    rows: list[Sequence[TableCell | str]] = []
    for moved in evidence.restrictions:
        decimals = 1 if moved.unit == "points" else 2
        for over, analysis in (("base", moved.headline.untouched), ("all", moved.headline.controls)):
            cells = [points_cell(analysis[role], decimals) for role in CARRIED]
            rows.append([moved.name, moved.doubt, over, *cells, count(analysis.n_rows), str(analysis.n_studies)])
    columns = ("Restriction", "The doubt", "Over", *CARRIED, "Rows", "Studies")
    return HtmlTable(columns, rows, "The headline under every restriction (log-odds in their own unit)",
                 numeric=frozenset({3, 4, 5, 6, 7}), filters=(2,), id="table-restrictions")  # fmt: skip


def influence_table(influence: HeadlineInfluence, named: Mapping[str, TableCell]) -> HtmlTable:
    """Return how the means move when one study is left out, most moving first."""
    rows: list[Sequence[TableCell | str]] = [
        [named[line.study_id], count(line.n_rows),
         *(_shift(line.shifts.get(role)) for role in CARRIED)]
        for line in influence.left_out
    ]  # fmt: skip
    columns = ("Study left out", "Its rows", *(f"{role}, change" for role in CARRIED))
    caption = f"Change of the pooled means over {influence.over} (points) when one study is left out"
    return HtmlTable(columns, rows, caption, numeric=frozenset({1, 2, 3, 4}), folded=True)


def _shift(value: float | None) -> TableCell:
    return TableCell("–") if value is None else TableCell(number(value, 2, signed=True), sort=value)


def moderators_table(evidence: Evidence) -> HtmlTable:
    """Return every slope, mean and difference of the moderators."""
    rows: list[Sequence[TableCell | str]] = []
    for moderation in evidence.moderations:
        for what, several in (
            ("slope" if moderation.unit else "mean", moderation.effects),
            ("difference", moderation.differences),
        ):
            rows.extend(
                [
                    moderation.name,
                    f"{what} per {moderation.unit}" if moderation.unit else what,
                    effect.name,
                    points_cell(effect),
                    count(effect.n_rows),
                    str(effect.n_studies),
                ]
                for effect in several
            )
    columns = ("Moderator", "What", "Where", "Points (95 %)", "Rows", "Studies")
    return HtmlTable(
        columns, rows, "All moderators", numeric=frozenset({3, 4, 5}), filters=(0, 1), id="table-moderators"
    )


def swap_table(swap: Swap, named: Mapping[str, TableCell]) -> HtmlTable:
    """Return one line per pair of distilled models."""
    rows: list[Sequence[TableCell | str]] = [
        [named[line["study_id"]], line["arm"], line["control_arm"] or "–", line["role"],
         str(line["n_benchmarks"]), TableCell(number(line["difference"], 1, signed=True), sort=line["difference"]),
         "–" if line["se"] is None else number(line["se"])]
        for line in swap.pairs.sort("difference", descending=True).iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Study", "Student", "Compared with", "Role", "Benchmarks", "Points", "Sampling error")
    caption = f"Another {swap.question}: {len(swap.pairs)} pairs"
    return HtmlTable(columns, rows, caption, numeric=frozenset({4, 5, 6}), folded=True)


def laboratories_table(evidence: Evidence) -> HtmlTable:
    """Return models that several studies measured on one benchmark, widest range first."""
    rows: list[Sequence[TableCell | str]] = [
        [line["subject"], line["kind"], line["bench"], str(line["n_laboratories"]),
         ", ".join(f"{score:.1f}" for score in line["scores"]), TableCell(number(line["range"]), sort=line["range"]),
         "–" if line["sampling_sd"] is None else number(line["sampling_sd"])]
        for line in evidence.laboratories.table.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Model", "What", "Benchmark", "Studies", "Scores", "Range", "Sampling error of one")
    return HtmlTable(columns, rows, "The same model measured by several studies (scores in per cent)",
                 numeric=frozenset({3, 5, 6}), folded=True)  # fmt: skip


def bias_table(evidence: Evidence) -> HtmlTable:
    """Return the risk-of-bias coding of every study."""
    named = study_cells(evidence.frame)
    names = [name for name in evidence.bias.columns if name not in ("study_id", "note")]
    rows: list[Sequence[TableCell | str]] = [
        [named[study["study_id"]], *(study[name] for name in names), study["note"] or ""]
        for study in evidence.bias.iter_rows(named=True)
    ]
    columns = ("Study", *(name.replace("_", " ").capitalize() for name in names), "Note")
    return HtmlTable(columns, rows)


def findings_table(findings: Sequence[Finding], named: Mapping[str, TableCell]) -> HtmlTable:
    """Return every finding of the consistency check."""
    rows: list[Sequence[TableCell | str]] = [
        [str(finding.kind), str(finding.row), named[finding.study_id], finding.text] for finding in findings
    ]
    columns = ("Finding", "Row", "Study", "What")
    return HtmlTable(columns, rows, "All findings", numeric=frozenset({1}), filters=(0,), id="table-findings")
