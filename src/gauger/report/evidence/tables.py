"""Tables of the evidence page: pooled estimates, restrictions, influence, swaps, findings, every row with its link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import polars as pl

from gauger.evidence.check import Finding
from gauger.evidence.columns import ROLES
from gauger.evidence.fit import Evidence
from gauger.evidence.forest import Forest
from gauger.evidence.other_contrasts import Swap
from gauger.evidence.pooled import Pooled
from gauger.evidence.sensitivity import CARRIED, Influence
from gauger.report.blocks import Cell, Table
from gauger.report.wording import count, number

_URL = re.compile(r"https?://[^\s)>\"']+")
_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}(?:v\d+)?)")


def points_cell(one: Pooled, decimals: int = 1) -> Cell:
    """Return estimate and interval in one cell, or the reason why there is none."""
    if one.estimate is None or one.low is None or one.high is None:
        return Cell(one.reason or "undefined", kind="undefined")
    ends = f"{number(one.low, decimals, signed=True)} to {number(one.high, decimals, signed=True)}"
    title = f"{count(one.n_rows)} rows of {one.n_studies} studies; {one.note or f'{one.df:.1f} degrees of freedom'}"
    text = f"{number(one.estimate, decimals, signed=True)} ({ends}){'*' if one.note else ''}"
    return Cell(text, title, sort=one.estimate)


def pooled_table(several: Iterable[Pooled], caption: str, first: str = "") -> Table:
    """Return one line per estimate: value, interval, prediction interval, rows, studies."""
    rows: list[Sequence[Cell | str]] = []
    for one in several:
        predicted = ""
        if one.prediction_low is not None and one.prediction_high is not None:
            predicted = f"{number(one.prediction_low, 0, signed=True)} to {number(one.prediction_high, 0, signed=True)}"
        rows.append([one.name, points_cell(one), predicted, count(one.n_rows), str(one.n_studies)])
    columns = (first or "Role", "Points (95 % interval)", "A new result (95 %)", "Rows", "Studies")
    return Table(columns, rows, caption, numeric=frozenset(range(1, 5)))


def headline_table(evidence: Evidence) -> Table:
    """Return role by control: the three analyses of the headline."""
    found = evidence.headline
    sides = (found.untouched, found.controls, found.matched)
    rows: list[Sequence[Cell | str]] = [
        [str(role), *(points_cell(side[str(role)]) for side in sides)] for role in ROLES
    ]
    columns = (
        "Benchmark",
        "Over the untouched base",
        "Over every non-distilled control",
        "Over training without a teacher",
    )
    return Table(columns, rows, "Uplift in percentage points, with 95 % intervals", numeric=frozenset({1, 2, 3}))


def forest_table(found: Forest) -> Table:
    """Return every line of a forest plot."""
    rows: list[Sequence[Cell | str]] = [
        [line.role, Cell(line.study_id, kind="code"), count(line.n_rows),
         Cell(f"{number(line.estimate, signed=True)} ({number(line.low)} to {number(line.high)})", sort=line.estimate),
         line.risk]
        for line in found.lines
    ]  # fmt: skip
    return Table(("Role", "Study", "Rows", "Points (95 %)", "Risk of bias"), rows, "", numeric=frozenset({2, 3}))


def restrictions_table(evidence: Evidence) -> Table:
    """Return the headline under every restriction."""
    rows: list[Sequence[Cell | str]] = []
    for moved in evidence.restrictions:
        decimals = 1 if moved.unit == "points" else 2
        for over, analysis in (("base", moved.headline.untouched), ("all", moved.headline.controls)):
            cells = [points_cell(analysis[role], decimals) for role in CARRIED]
            rows.append([moved.name, moved.doubt, over, *cells, count(analysis.n_rows), str(analysis.n_studies)])
    columns = ("Restriction", "The doubt", "Over", *CARRIED, "Rows", "Studies")
    return Table(columns, rows, "The headline under every restriction (log-odds in their own unit)",
                 numeric=frozenset({3, 4, 5, 6, 7}), filters=(2,), id="table-restrictions")  # fmt: skip


def influence_table(found: Influence) -> Table:
    """Return how the means move when one study is left out, most moving first."""
    rows: list[Sequence[Cell | str]] = [
        [Cell(line.study_id, kind="code"), count(line.n_rows),
         *(_shift(line.shifts.get(role)) for role in CARRIED)]
        for line in found.left_out
    ]  # fmt: skip
    columns = ("Study left out", "Its rows", *(f"{role}, change" for role in CARRIED))
    caption = f"Change of the pooled means over {found.over} (points) when one study is left out"
    return Table(columns, rows, caption, numeric=frozenset({1, 2, 3, 4}), folded=True)


def _shift(value: float | None) -> Cell:
    return Cell("–") if value is None else Cell(number(value, 2, signed=True), sort=value)


def moderators_table(evidence: Evidence) -> Table:
    """Return every slope, mean and difference of the moderators."""
    rows: list[Sequence[Cell | str]] = []
    for one in evidence.moderations:
        for what, several in (("slope" if one.unit else "mean", one.effects), ("difference", one.differences)):
            rows.extend(
                [one.name, f"{what} per {one.unit}" if one.unit else what, effect.name, points_cell(effect),
                 count(effect.n_rows), str(effect.n_studies)]
                for effect in several
            )  # fmt: skip
    columns = ("Moderator", "What", "Where", "Points (95 %)", "Rows", "Studies")
    return Table(columns, rows, "All moderators", numeric=frozenset({3, 4, 5}), filters=(0, 1), id="table-moderators")


def swap_table(found: Swap) -> Table:
    """Return one line per pair of distilled models."""
    rows: list[Sequence[Cell | str]] = [
        [Cell(line["study_id"], kind="code"), line["arm"], line["control_arm"] or "–", line["role"],
         str(line["n_benchmarks"]), Cell(number(line["difference"], 1, signed=True), sort=line["difference"]),
         "–" if line["se"] is None else number(line["se"])]
        for line in found.pairs.sort("difference", descending=True).iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Study", "Student", "Compared with", "Role", "Benchmarks", "Points", "Sampling error")
    caption = f"Another {found.question}: {len(found.pairs)} pairs"
    return Table(columns, rows, caption, numeric=frozenset({4, 5, 6}), folded=True)


def laboratories_table(evidence: Evidence) -> Table:
    """Return models that several studies measured on one benchmark, widest range first."""
    rows: list[Sequence[Cell | str]] = [
        [line["subject"], line["kind"], line["bench"], str(line["n_laboratories"]),
         ", ".join(f"{score:.1f}" for score in line["scores"]), Cell(number(line["range"]), sort=line["range"]),
         "–" if line["sampling_sd"] is None else number(line["sampling_sd"])]
        for line in evidence.laboratories.table.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Model", "What", "Benchmark", "Studies", "Scores", "Range", "Sampling error of one")
    return Table(columns, rows, "The same model measured by several studies (scores in per cent)",
                 numeric=frozenset({3, 5, 6}), folded=True)  # fmt: skip


def bias_table(evidence: Evidence) -> Table:
    """Return the risk-of-bias coding of every study."""
    names = [name for name in evidence.bias.columns if name not in ("study_id", "note")]
    rows: list[Sequence[Cell | str]] = [
        [Cell(study["study_id"], kind="code"), *(study[name] for name in names), study["note"] or ""]
        for study in evidence.bias.iter_rows(named=True)
    ]
    columns = ("Study", *(name.replace("_", " ").capitalize() for name in names), "Note")
    return Table(columns, rows)


def findings_table(found: Sequence[Finding]) -> Table:
    """Return every finding of the consistency check."""
    rows: list[Sequence[Cell | str]] = [
        [str(one.kind), str(one.row), Cell(one.study_id, kind="code"), one.text] for one in found
    ]
    columns = ("Finding", "Row", "Study", "What")
    return Table(columns, rows, "All findings", numeric=frozenset({1}), filters=(0,), id="table-findings")


def every_row(frame: pl.DataFrame) -> Table:
    """Return the whole table with filters and links to the sources."""
    rows: list[Sequence[Cell | str]] = [_row(row) for row in frame.iter_rows(named=True)]
    columns = ("Row", "Study", "Student", "Control", "Contrast", "Benchmark", "Role", "Control's score",
               "Student's score", "Teacher's score", "Items", "Source", "Pooled?")  # fmt: skip
    return Table(columns, rows, "Every row", numeric=frozenset({0, 7, 8, 9, 10}), filters=(4, 6, 12), id="table-rows")


def _row(row: dict[str, object]) -> list[Cell | str]:
    notes = str(row["notes"] or "")
    return [
        Cell(str(row["row"])), Cell(str(row["study_id"]), str(row["title"]), kind="code"),
        Cell(str(row["arm"]), f"from {row['student_base']}; teacher: {row['teacher'] or 'not seen'}"),
        str(row["control_arm"] or "–"), str(row["contrast"]), str(row["benchmark"]), str(row["benchmark_role"]),
        *(_score(row[name]) for name in ("score_control", "score_distilled", "score_teacher", "n_items")),
        Cell(str(row["reference"]), notes, href=link(str(row["reference"]))),
        Cell("pooled" if row["exclusion"] is None else str(row["exclusion"])),
    ]  # fmt: skip


def _score(value: object) -> Cell:
    return Cell(f"{value:g}", sort=float(value)) if isinstance(value, int | float) else Cell("–")


def link(reference: str) -> str:
    """Return the address that a reference holds or implies; empty where there is none."""
    if address := _URL.search(reference):
        return address.group().rstrip(".,;")
    if paper := _ARXIV.search(reference):
        return f"https://arxiv.org/abs/{paper.group(1)}"
    return ""
