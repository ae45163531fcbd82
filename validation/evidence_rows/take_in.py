"""Takes corrections and new rows into the table of the evidence: each cell by a rule, each refusal with its reason.

Run: python validation/evidence_rows/take_in.py ADDITIONS [TABLE]

ADDITIONS is a folder with corrections.csv, corrections_studies.csv, handicapped.csv, rows.csv, studies.csv and
fixes.csv; TABLE is the folder of the table (default: the package's). Corrections name lines of the table as it was
before; rows are appended, so lines never move and a second run changes nothing. Writes the table and, beside this
file, `refused.csv` (file, line, study, column, given, reason).

Rules:

1. A correction is taken in if its `old` still stands in its cell. (If its `new` stands there, it was taken in before.)
2. A control that the correction calls the teacher itself gets `teacher-itself`, the value that the coders lacked.
3. A proposed fix of a new row is taken in if it proposes a value. One that only says "tell these apart" is refused:
   nobody has looked the difference up.
4. An arm that shows what a *defence* takes away is never pooled (`clean.py`), so its contrast stays as coded.
5. `control_handicapped` of a new row over the untouched base: `y` if its own risk says that the control could not
   answer in the form asked, or if the notes say so of a score below 10; else by rule 4 of the coding rules: `y` or `n`
   by another study's score of the same model on the same benchmark (10 points), `unclear` where there is none or where
   the scaffold decides. One control has one flag: `y` anywhere is `y` everywhere.
6. One thing has one role (`ROLE_OF`): where studies still differed after the corrections, the written rule would decide
   and the other value become the alternative. None differs in this release, so the table of rules is empty.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gauger.evidence.columns import RESULT_COLUMNS
from gauger.evidence.identity import canonical
from gauger.evidence.table import data_path

HERE = Path(__file__).parent
Row = dict[str, str]
CANNOT_ANSWER = re.compile(
    r"(?i)handicapped|control near zero|base near zero|(control|base)s? (at|under) guessing|by answer format"
    r"|partly format|partly limited by tool-call|may fail on the harness format|cannot (answer|hold)|: floor\b"
)
"""Words of a row's own risk with which a coder says that the control's score is not its ability."""
PARTLY_FORMAT = re.compile(r"(?i)part of the gain is format|chance level")
"""Words of the notes that say the same of a part of the gain: decisive only near zero."""
NEAR_ZERO = 10.0
"""A control below this many points, of which the notes say that part of the gain is format, shows the format alone."""
AGENT = re.compile(r"(?i)SWE-bench|Terminal-Bench|BrowseComp|tau2?-bench|GAIA|BFCL")
"""Benchmarks whose score depends on the scaffold: two laboratories' scores of one model do not judge each other."""
NEAR_POINTS = 10.0
"""Another printed score of the same model within this many points clears a control."""
ROLE_OF: dict[tuple[str, str], tuple[str, str]] = {}
"""(student, benchmark) in canonical spelling -> (role, the other role)."""


class Refusals:
    """What was not taken in, and why."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, file: str, line: int | str, study: str, column: str, given: str, reason: str) -> None:
        """Note one refusal."""
        self.rows.append(
            {"file": file, "line": str(line), "study_id": study, "column": column, "given": given, "reason": reason}
        )


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Iterable[Row], columns: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def correct(rows: list[Row], corrections: Iterable[Row], name: str, refused: Refusals) -> int:
    """Apply corrections by line (the header is line 1); returns how many cells now hold the new value."""
    taken = 0
    for one in corrections:
        row, column = rows[int(one["line"]) - 2], one["column"]
        new = one["new"]
        if column == "contrast" and "control is the teacher" in one["reason"]:
            new = "teacher-itself"
        if row["study_id"] != one["study_id"]:
            refused.add(name, one["line"], one["study_id"], column, new, f"the line holds {row['study_id']}")
        elif row.get(column, "") not in (one["old"], new):
            refused.add(name, one["line"], one["study_id"], column, new, f"the cell holds {row[column]!r}")
        else:
            row[column] = new
            taken += 1
    return taken


def flag_handicapped(rows: list[Row], flags: Iterable[Row]) -> None:
    """Write the coders' value for every old row over the untouched base."""
    for one in flags:
        row = rows[int(one["line"]) - 2]
        if row["study_id"] == one["study_id"]:
            row["control_handicapped"] = one["control_handicapped"]


def fixed(rows: list[Row], fixes: Iterable[Row], refused: Refusals) -> None:
    """Apply the second reader's open proposals to the new rows (1-based, without the header)."""
    for one in fixes:
        if one["file"] != "rows.csv" or one["applied"] == "y":
            continue
        row, column, new = rows[int(one["row"]) - 1], one["column"], one["new"]
        where = ("fixes.csv", one["row"], one["study_id"], column)
        if row["study_id"] != one["study_id"]:
            refused.add(*where, new, f"the row holds {row['study_id']}")
        elif not new and column == "contrast":
            refused.add(*where, new, "rows with a defence are never pooled, whatever their contrast")
        elif not new:
            refused.add(*where, new, "no value proposed: nobody has looked up what tells the controls apart")
        elif row[column] not in (one["old"], new):
            refused.add(*where, new, f"the cell holds {row[column]!r}")
        else:
            row[column] = new


def fix_studies(studies: list[Row], fixes: Iterable[Row], refused: Refusals) -> None:
    by_id = {row["study_id"]: row for row in studies}
    for one in fixes:
        if one["file"] != "studies.csv" or one["applied"] == "y":
            continue
        row = by_id.get(one["study_id"])
        if row is None or row[one["column"]] not in (one["old"], one["new"]):
            refused.add("fixes.csv", one["row"], one["study_id"], one["column"], one["new"], "the old value is gone")
        else:
            row[one["column"]] = one["new"]


def key(row: Row) -> tuple[str, ...]:
    names = ("study_id", "arm", "student_base", "contrast", "control_arm", "benchmark", "metric", "score_distilled")
    return tuple(row[name] for name in (*names, "score_control"))


def number(cell: str) -> float | None:
    return float(cell) if cell else None


def judge_controls(rows: list[Row]) -> None:
    """Fill `control_handicapped` of rows over the untouched base that nobody has judged (rule 5)."""
    base_rows = [row for row in rows if row["contrast"] == "untouched-base" and row["score_scale"] == "percent"]
    seen: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for row in base_rows:
        score = number(row["score_control"])
        if score is not None:
            place = (canonical(row["student_base"]), canonical(row["benchmark"]))
            seen.setdefault(place, []).append((row["study_id"], score))
    for row in base_rows:
        if row.get("control_handicapped"):
            continue
        score = number(row["score_control"])
        if score is None:
            continue
        partly = PARTLY_FORMAT.search(row["notes"])
        place = (canonical(row["student_base"]), canonical(row["benchmark"]))
        others = [other for study, other in seen[place] if study != row["study_id"]]
        if CANNOT_ANSWER.search(row["risk_row"]) or (partly and score < NEAR_ZERO):
            row["control_handicapped"] = "y"
        elif partly or not others or AGENT.search(row["benchmark"]):
            row["control_handicapped"] = "unclear"
        else:
            row["control_handicapped"] = "y" if max(others) - score >= NEAR_POINTS else "n"
    spread_flags(base_rows)


def spread_flags(base_rows: list[Row]) -> None:
    """One control has one flag: `y` in one row is `y` in every row with the same score of the same base."""
    places = ("study_id", "student_base", "benchmark", "score_control", "metric")
    flagged = {tuple(r[p] for p in places) for r in base_rows if r["control_handicapped"] == "y"}
    for row in base_rows:
        if tuple(row[p] for p in places) in flagged:
            row["control_handicapped"] = "y"


def one_role(rows: list[Row]) -> int:
    """Apply `ROLE_OF`; returns how many rows it changes."""
    changed = 0
    for row in rows:
        rule = ROLE_OF.get((canonical(row["arm"]), canonical(row["benchmark"])))
        if rule and row["benchmark_role"] != rule[0]:
            row["benchmark_role_alt"] = row["benchmark_role_alt"] or row["benchmark_role"]
            row["benchmark_role"] = rule[0]
            if row["benchmark_role_alt"] == rule[0]:
                row["benchmark_role_alt"] = rule[1]
            changed += 1
    return changed


def main() -> None:
    """Take everything in and say what happened."""
    source = Path(sys.argv[1])
    table = Path(sys.argv[2]) if len(sys.argv) > 2 else data_path()
    refused = Refusals()
    results, studies = read(table / "results.csv"), read(table / "studies.csv")
    for row in results:
        for column in RESULT_COLUMNS:
            row.setdefault(column, "")
    taken = correct(results, read(source / "corrections.csv"), "corrections.csv", refused)
    taken_studies = correct(studies, read(source / "corrections_studies.csv"), "corrections_studies.csv", refused)
    flag_handicapped(results, read(source / "handicapped.csv"))

    fixes, new, new_studies = read(source / "fixes.csv"), read(source / "rows.csv"), read(source / "studies.csv")
    fixed(new, fixes, refused)
    fix_studies(new_studies, fixes, refused)
    known, coded, added = {key(row) for row in results}, {row["study_id"] for row in studies}, 0
    for row in new:
        if key(row) not in known:
            results.append({"control_handicapped": "", **row})
            known.add(key(row))
            added += 1
    studies += [row for row in new_studies if row["study_id"] not in coded]
    for row in read(source / "remeasured.csv"):
        reason = "another laboratory's measurement of models that the table holds: noise, not new evidence"
        refused.add("remeasured.csv", "", row["study_id"], "", row["arm"], reason)
    judged = {int(one["line"]) for one in read(source / "handicapped.csv")}
    for line, row in enumerate(results, start=2):
        if line not in judged:
            row["control_handicapped"] = ""
    judge_controls(results)
    roles = one_role(results)
    write(table / "results.csv", results, list(RESULT_COLUMNS))
    write(table / "studies.csv", studies, list(studies[0]))
    write(HERE / "refused.csv", refused.rows, ["file", "line", "study_id", "column", "given", "reason"])
    print(
        f"{taken} cells of results and {taken_studies} of studies corrected, {added} rows added, {roles} roles by rule,"
    )
    print(f"{len(refused.rows)} refused (refused.csv); the table has {len(results)} rows of {len(studies)} studies")


if __name__ == "__main__":
    main()
