"""Reads the evidence table: every cell is checked, and every mistake is told with its file, line and column.

`load()` gives the shipped table in well under half a second; `read_results` and `read_studies` read any other file of
the same format. A row keeps the line it stands on (`row`), so every finding can point at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place, StudyError, UserError, nearest
from gauger.evidence.columns import RESULT_COLUMNS, SCORES, STUDY_COLUMNS, Column
from gauger.store import CsvTable, finish_writing, parse_csv, read_csv

FILE = "a CSV file of the evidence table"
MAX_PROBLEMS = 25
_RISK = re.compile(r"(low|some|high)(?![\w-])")
_TYPES = {"text": pl.String, "choice": pl.String, "risk": pl.String, "number": pl.Float64, "count": pl.Int64}


@dataclass(frozen=True)
class EvidenceTable:
    """The published evidence: results and the risk-of-bias coding of their studies."""

    results: pl.DataFrame
    """One row per student and benchmark: the columns of `RESULT_COLUMNS`, plus `row` (its line in the file) and
    `decimals_control`, `decimals_distilled` (printed decimals of the two scores, None where there is no score)."""
    studies: pl.DataFrame
    """One row per study: the columns of `STUDY_COLUMNS`, plus `row`."""


def data_path() -> Path:
    """Return the folder of the shipped table: results.csv, studies.csv and its README."""
    return Path(str(files("gauger.evidence") / "data"))


def load(folder: Path | None = None) -> EvidenceTable:
    """Read and check a table.

    Parameters
    ----------
    folder : Path, optional
        A folder with `results.csv` and `studies.csv`; None means the table shipped with Gauger.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        A file is missing or is not CSV with the wanted columns.
    StudyError
        Cells that cannot be read, one message each (the first 25), or results of a study that has no coding.
    """
    if folder is None:
        folder = data_path()
    else:
        finish_writing(folder)
    results, studies = read_results(folder / "results.csv"), read_studies(folder / "studies.csv")
    check_coded(results, studies, str(folder / "results.csv"))
    return EvidenceTable(results, studies)


def read_results(path: Path) -> pl.DataFrame:
    """Read one results file; see `load` for what is raised."""
    return _results(read_csv(path, FILE))


def read_studies(path: Path) -> pl.DataFrame:
    """Read one file of study codings; a study must not stand in it twice."""
    return _studies(read_csv(path, FILE))


def parse_results(text: str, source: str) -> pl.DataFrame:
    """Turn the text of a results file into typed rows; `source` is the file's name in messages."""
    return _results(parse_csv(text, source))


def parse_studies(text: str, source: str) -> pl.DataFrame:
    """Turn the text of a studies file into typed rows."""
    return _studies(parse_csv(text, source))


def _results(table: CsvTable) -> pl.DataFrame:
    frame = _parse(table, RESULT_COLUMNS, keep_decimals=True)
    _check_scores(frame, table.source)
    return frame


def _studies(table: CsvTable) -> pl.DataFrame:
    frame = _parse(table, STUDY_COLUMNS, keep_decimals=False)
    twice = frame.filter(pl.col("study_id").is_duplicated())
    if len(twice):
        row = twice.row(-1, named=True)
        raise InputError("each study once", f"{row['study_id']!r} again", table.place(row["row"], "study_id"))
    return frame


def check_coded(results: pl.DataFrame, studies: pl.DataFrame, source: str) -> None:
    """Refuse results of a study without a risk-of-bias coding, or with a twin spelling of its name."""
    uncoded = results.join(studies, on="study_id", how="anti").unique("study_id", keep="first").sort("row")
    known = studies["study_id"].to_list()
    problems = [
        UserError(
            "a study that studies.csv codes",
            repr(name),
            Place(source, line, "study_id"),
            did_you_mean(name, known, "Add its row to studies.csv."),
        )
        for name, line in uncoded.select("study_id", "row").iter_rows()
    ]
    if problems:
        raise StudyError(problems[:MAX_PROBLEMS])


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Name the nearest known name without listing all of them; `otherwise` where none is near."""
    hint = nearest(name, known).split(" Known:")[0]
    return hint if hint.startswith("Did") else otherwise


def _parse(table: CsvTable, columns: Mapping[str, Column], keep_decimals: bool) -> pl.DataFrame:
    _check_header(table, columns)
    rows, problems = [], []
    for line, values in table.rows:
        cells = dict.fromkeys(columns, "") | dict(zip(table.header, values, strict=True))
        row, wrong = _read_row(cells, line, table.source, columns)
        problems.extend(wrong)
        if keep_decimals:
            row |= {f"decimals_{name[6:]}": _decimals(cells[name]) for name in SCORES[:2]}
        rows.append(row)
    if problems:
        rest = len(problems) - MAX_PROBLEMS
        more = [UserError(f"{rest} more mistakes in {table.source}")] if rest > 0 else []
        raise StudyError([*problems[:MAX_PROBLEMS], *more])
    schema: dict[str, Any] = {"row": pl.Int64} | {name: _TYPES[column.kind] for name, column in columns.items()}
    if keep_decimals:
        schema |= {"decimals_control": pl.Int64, "decimals_distilled": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _check_header(table: CsvTable, columns: Mapping[str, Column]) -> None:
    missing = [name for name, column in columns.items() if name not in table.header and not column.optional]
    unknown = [name for name in table.header if name not in columns]
    place = table.place(table.header_line)
    if unknown:
        raise InputError("known columns", repr(unknown[0]), place, nearest(unknown[0], columns))
    if missing:
        raise InputError(f"a column {missing[0]!r}", "none", place, "An empty cell means 'not seen'.")


def _read_row(
    cells: Mapping[str, str], line: int, source: str, columns: Mapping[str, Column]
) -> tuple[dict[str, Any], list[UserError]]:
    row: dict[str, Any] = {"row": line}
    problems = []
    for name, column in columns.items():
        try:
            row[name] = read_cell(cells[name].strip(), column)
        except ValueError as error:
            wanted, given = error.args
            problems.append(UserError(wanted, given, Place(source, line, name), _hint(cells[name], column)))
            row[name] = None
    return row, problems


def read_cell(cell: str, column: Column) -> str | float | int | None:
    """Read one cell; raises ValueError(wanted, given) where it does not fit its column."""
    if cell == "":
        if column.required:
            raise ValueError("a value (this column must not be empty)", "an empty cell")
        return None
    if column.kind == "text":
        return cell
    if column.kind == "risk":
        if not _RISK.match(cell):
            raise ValueError("low, some or high, then why", repr(cell))
        return cell
    if column.kind == "choice":
        if cell not in column.choices:
            raise ValueError("one of " + ", ".join(column.choices), repr(cell))
        return cell
    return _number(cell, column)


def _number(cell: str, column: Column) -> float | int:
    wanted = "a whole number" if column.kind == "count" else "a number"
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(wanted, repr(cell)) from None
    whole = column.kind != "count" or value.is_integer()
    in_range = (column.low is None or value >= column.low) and (column.high is None or value <= column.high)
    if not whole or not in_range or value in (float("inf"), float("-inf")) or value != value:
        low, high = column.low, column.high
        span = f" between {low:g} and {high:g}" if high is not None else f" of at least {low:g}" if low else ""
        raise ValueError(wanted + span, repr(cell))
    return int(value) if column.kind == "count" else value


def _hint(cell: str, column: Column) -> str:
    if column.kind != "choice" or not cell:
        return ""
    return did_you_mean(cell, column.choices)


def _decimals(cell: str) -> int | None:
    cell = cell.strip()
    if not cell:
        return None
    return len(cell.split(".", 1)[1]) if "." in cell else 0


def _check_scores(frame: pl.DataFrame, source: str) -> None:
    """Percent scores lie in 0-100, and a contrast with a control has a control arm and a control score."""
    problems = []
    for name in SCORES:
        outside = pl.col("score_scale").str.starts_with("percent") & ~pl.col(name).is_between(0, 100)
        for line, value in frame.filter(outside).select("row", name).iter_rows():
            problems.append(UserError("a percentage between 0 and 100", f"{value:g}", Place(source, line, name)))
    needs = ~pl.col("contrast").is_in(["no-control", "gap-only"]) & pl.col("score_control").is_null()
    for line, contrast in frame.filter(needs).select("row", "contrast").iter_rows():
        place = Place(source, line, "score_control")
        hint = "Without one the contrast is 'no-control'."
        problems.append(UserError(f"a control score (contrast {contrast})", "an empty cell", place, hint))
    if problems:
        raise StudyError(problems[:MAX_PROBLEMS])
