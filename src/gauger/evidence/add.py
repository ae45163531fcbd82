"""Adds a new study to the table (`gauger evidence add`), checks it, and shows what it changes.

A contribution is a block of rows in the columns of `results.csv`, plus one row of `studies.csv` for a new study.
Nothing is written unless a folder is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import Place, UserError
from gauger.evidence.check import ERRORS, Finding, FindingKind, check_table
from gauger.evidence.claims import Claim, answer_claims
from gauger.evidence.clean import prepare
from gauger.evidence.columns import RESULT_COLUMNS, STUDY_COLUMNS
from gauger.evidence.headlines import Headline, headline_of
from gauger.evidence.sensitivity import CARRIED
from gauger.evidence.table import EvidenceTable, check_coded, parse_results, parse_studies
from gauger.store import csv_text, finish_writing, parse_csv, read_csv, write_together


@dataclass(frozen=True)
class Addition:
    """What a contribution changes."""

    table: EvidenceTable
    """The table with it."""
    n_rows: int
    entered: dict[str, int]
    """How many of its rows are pooled ("pooled"), and the reasons of the others."""
    findings: tuple[Finding, ...]
    """Inconsistencies in the new rows."""
    before: Headline
    after: Headline
    claims_before: tuple[Claim, ...] = ()
    claims_after: tuple[Claim, ...] = ()

    def changes(self) -> list[dict[str, Any]]:
        """One line per set of controls and role: the pooled mean before and after, and their difference (points)."""
        return [
            _change(over, role, before[role].estimate, after[role].estimate)
            for over, before, after in (
                ("untouched base", self.before.untouched, self.after.untouched),
                ("all controls", self.before.controls, self.after.controls),
            )
            for role in CARRIED
        ]

    def moved_claims(self) -> list[dict[str, Any]]:
        """One line per claim whose effect or certainty changes."""
        return [
            {"claim": after.id, "before": before.effect, "after": after.effect,
             "certainty_before": str(before.certainty), "certainty_after": str(after.certainty),
             "sentence": after.sentence}
            for before, after in zip(self.claims_before, self.claims_after, strict=True)
            if (before.effect, before.certainty) != (after.effect, after.certainty)
        ]  # fmt: skip

    @property
    def contradictions(self) -> tuple[Finding, ...]:
        """Findings that contradict the coding rules: such rows are not appended."""
        return tuple(finding for finding in self.findings if finding.kind in ERRORS)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {
            "rows": self.n_rows, "entered": self.entered, "changes": self.changes(), "claims": self.moved_claims(),
            "findings": [finding.to_dict() for finding in self.findings],
            "headline_before": self.before.text(), "headline_after": self.after.text(),
        }  # fmt: skip


def _change(over: str, role: str, before: float | None, after: float | None) -> dict[str, Any]:
    shift = None if before is None or after is None else after - before
    return {"over": over, "role": role, "before": before, "after": after, "shift": shift}


def add_study(
    table: EvidenceTable, results: str, source: str, studies: str | None = None, studies_source: str = ""
) -> Addition:
    """Validate new rows and say what they change.

    Parameters
    ----------
    table : Table
        The table as it is.
    results : str
        Text of a results block: the header of `results.csv` and one line per student and benchmark.
    source : str
        Its file name, for messages; findings name lines of this file.
    studies : str, optional
        Text with the header of `studies.csv` and one line per new study; needed for a study that is not coded yet.
    studies_source : str
        Its file name.

    Raises
    ------
    StudyError, InputError
        Mistakes in the block, with file, line and column.
    UserError
        No rows, a study that is coded twice, or rows that stand in the table already.
    """
    new = parse_results(results, source)
    if new.is_empty():
        raise UserError("at least one row of results", "none", Place(source))
    coded = table.studies
    if studies is not None:
        coded = _join_studies(coded, parse_studies(studies, studies_source), studies_source)
    check_coded(new, coded, source)
    _refuse_known(table.results, new, source)
    offset = int(table.results["row"].to_numpy().max(initial=0))
    moved = new.with_columns(row=pl.col("row") + offset)
    joined = EvidenceTable(pl.concat([table.results, moved]), coded)
    before, after = prepare(table), prepare(joined)
    fresh = after.filter(pl.col("row") > offset)
    reasons = fresh["exclusion"].fill_null("pooled").value_counts(sort=True)
    findings = tuple(
        Finding(finding.kind, finding.row - offset, finding.study_id, finding.text)
        for finding in check_table(after)
        if finding.row > offset
    )
    _refuse_shares(findings, source)
    return Addition(
        joined,
        len(new),
        dict(reasons.iter_rows()),
        findings,
        headline_of(before),
        headline_of(after),
        answer_claims(before),
        answer_claims(after),
    )


def _refuse_shares(findings: tuple[Finding, ...], source: str) -> None:
    for finding in findings:
        if finding.kind == FindingKind.SHARES:
            raise UserError("scores in percent", "scores between 0 and 1", Place(source, finding.row), finding.text)


def _join_studies(known: pl.DataFrame, new: pl.DataFrame, source: str) -> pl.DataFrame:
    twice = new.join(known, on="study_id", how="semi")
    if len(twice):
        row = twice.row(0, named=True)
        given = f"{row['study_id']!r}, which is coded already"
        raise UserError("a new study", given, Place(source, row["row"], "study_id"), "Leave its coding out.")
    return pl.concat([known, new])


def _refuse_known(known: pl.DataFrame, new: pl.DataFrame, source: str) -> None:
    key = ["study_id", "arm", "student_base", "contrast", "control_arm", "benchmark", "metric", "score_distilled"]
    twice = new.join(known, on=key, how="semi", nulls_equal=True)
    if len(twice):
        row = twice.row(0, named=True)
        given = f"a row of {row['study_id']!r} that stands in the table"
        raise UserError("rows that are new", given, Place(source, row["row"]))


def block(rows: list[Mapping[str, str]], columns: Mapping[str, Any] = RESULT_COLUMNS) -> str:
    """Write answers (column -> text) as a CSV block with its header; missing columns are empty cells."""
    return csv_text([list(columns), *([row.get(name, "") for name in columns] for row in rows)])


def study_block(row: Mapping[str, str]) -> str:
    """Write one study's coding as a CSV block."""
    return block([row], STUDY_COLUMNS)


def append_to(folder: Path, results: str, studies: str | None) -> None:
    """Append checked blocks to the two files of a table's folder: to both or to neither, whatever happens meanwhile.

    The lines that stand there are not touched.

    Parameters
    ----------
    folder : Path
        With `results.csv` and `studies.csv`.
    results, studies : str
        Blocks with their headers, in any column order.
    """
    blocks = (("results.csv", results, RESULT_COLUMNS), ("studies.csv", studies, STUDY_COLUMNS))
    finish_writing(folder)
    grown = {name: _grown(folder / name, text, columns) for name, text, columns in blocks if text is not None}
    write_together(folder, grown)


def _grown(path: Path, text: str, columns: Mapping[str, Any]) -> bytes:
    """Return the bytes of a table with the rows of a block behind its own."""
    old = path.read_bytes()
    ending = "\r\n" if b"\r\n" in old else "\n"
    header = read_csv(path).header
    lacking = {name for name in columns if name not in header}
    if any(not columns[name].optional for name in lacking) or not set(header) <= set(columns):
        raise UserError("the table's columns", ", ".join(header), Place(str(path), 1))
    new = parse_csv(text, f"rows for {path.name}")
    rows = [dict(zip(new.header, cells, strict=True)) for _, cells in new.rows]
    if any(row.get(name) for row in rows for name in lacking):
        hint = "Add the columns to its header, with empty cells in the old rows."
        raise UserError("a table with the columns " + ", ".join(sorted(lacking)), "none", Place(str(path), 1), hint)
    added = csv_text(([row.get(name, "") for name in header] for row in rows), ending)
    gap = b"" if old.endswith(b"\n") else ending.encode()
    return old + gap + added.encode()
