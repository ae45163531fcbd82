"""Reads a records table: the contract's columns, checked row by row, as logs per replicate and benchmark.

Columns: study, arm, replicate, benchmark, role, item, cluster, sample, outcome, score, tokens_in, tokens_out, seconds.
Needed are benchmark, item and score, and arm where the table holds several arms. Defaults: replicate 0, sample 0,
outcome scored, cluster and role none. Capitals do not matter, and true and false are scores of 1 and 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gauger.errors import InputError, Place, nearest
from gauger.measure.importers.contents import Contents, opened
from gauger.measure.importers.log import Log, Measure, Wants
from gauger.measure.importers.repeats import without_repeats
from gauger.measure.importers.table_columns import NEEDED, SYNONYMS, find_columns
from gauger.measure.importers.table_source import TableSource, is_text_table, is_wandb_table, read_source
from gauger.records import RECORD_COLUMNS, Outcome, Role

DEFAULTS: Mapping[str, str | int | None] = {
    "arm": None,
    "replicate": 0,
    "role": None,
    "cluster": None,
    "sample": 0,
    "outcome": str(Outcome.SCORED),
}
TYPES = {"str": pl.String(), "int": pl.Int64(), "float": pl.Float64()}
MEASURE = Measure("", "score")


def fits(contents: Contents) -> bool:
    """Tell whether a file may be a records table: any other Parquet, CSV, or JSON objects with scores."""
    known = [*RECORD_COLUMNS, *(name for names in SYNONYMS.values() for name in names)]
    if contents.is_parquet or is_text_table(contents, known) or is_wandb_table(contents):
        return True
    names = {name.lower() for name in contents.first or ()}
    return all(names & {column, *SYNONYMS[column]} for column in ("item", "score"))


@dataclass(frozen=True)
class RecordsTable:
    """A checked records table."""

    rows: pl.DataFrame
    """arm, replicate, benchmark, role, item, cluster, sample, outcome, score, group, and `row`, 0-based in the file."""
    path: Path
    locate: Callable[[int], Place]
    has_arms: bool
    """The file has a column of arms."""
    header: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def arms(self) -> list[str]:
        """The arms, in the order of the file; empty where it names none."""
        return [str(name) for name in self.rows["arm"].drop_nulls().unique(maintain_order=True).to_list()]


def read_table(path: Path, wants: Wants | None = None) -> RecordsTable:
    """Read and check a records table.

    Raises
    ------
    InputError
        Naming file and line (row for Parquet): a missing column, a value of another type, a score outside 0 to 1, an
        unknown outcome or role, a scored row without a score, a row with a score that its outcome does not allow.
    """
    with opened(path) as contents:
        return checked_table(contents, wants or Wants())


def checked_table(contents: Contents, wants: Wants) -> RecordsTable:
    """Read and check a table that is open already; see `read_table`."""
    stem = contents.path.name.split(".")[0] if contents.is_json else None
    return _checked(read_source(contents), contents.path, wants, stem)


def frame_table(frame: pl.DataFrame, wants: Wants) -> RecordsTable:
    """Check a records table that is a frame already; see `read_table`."""
    path = Path("DataFrame")
    source = TableSource(frame, lambda row: Place(str(path), key=f"row {row + 1}"), Place(str(path)))
    return _checked(source, path, wants, None)


def _checked(source: TableSource, path: Path, wants: Wants, stem: str | None) -> RecordsTable:
    raw, locate = source.frame, source.locate
    columns = find_columns(raw.columns, wants.columns, source.header, source.benchmark or stem)
    named = {name: raw[actual] for name, actual in columns.names.items()}
    filled = [_typed(named.get(name), name, raw.height, locate) for name in (*DEFAULTS, *NEEDED)]
    table = pl.DataFrame([column for column in filled if column is not None]).with_row_index("row")
    if "benchmark" not in table.columns:
        table = table.with_columns(benchmark=pl.lit(source.benchmark or stem))
    table = table.with_columns(pl.col("row").cast(pl.Int64), group=_group(raw, wants.by))
    table = _of_one_study(table, named.get("study"), wants.study, source.header)
    if table.is_empty():
        raise InputError("at least one row", "none", Place(str(path)))
    _check_values(table, locate)
    _check_counts(named, locate)
    return RecordsTable(table, path, locate, "arm" in columns.names, tuple(raw.columns), columns.notes)


def _of_one_study(table: pl.DataFrame, column: pl.Series | None, wanted: str | None, header: Place) -> pl.DataFrame:
    """Keep the rows of the study that is meant; refuse to mix several, whose arms of one name are not one arm."""
    if column is None or column.dtype.is_nested():
        if wanted is not None:
            raise InputError(f"a column 'study' for --study {wanted}", "none", header)
        return table
    names = column.cast(pl.String).fill_null("")
    studies = sorted(name for name in names.unique().to_list() if name)
    if wanted is None and len(studies) > 1:
        given = f"{len(studies)}: {', '.join(studies[:5])}{', ...' if len(studies) > 5 else ''}"
        raise InputError("the records of one study", given, header, "Say which with --study NAME.")
    if wanted is not None and wanted not in studies:
        raise InputError("a study of the table", repr(wanted), header, nearest(wanted, studies))
    return table if wanted is None else table.filter(names == wanted)


MOST_COUNTED = 10**15
"""No answer has so many tokens, and no run so many replicates: a larger count is a mistake or a trick."""


def _check_counts(named: Mapping[str, pl.Series], locate: Callable[[int], Place]) -> None:
    """Refuse counts and times below 0, beyond all measure, or that are no numbers; empty ones are allowed."""
    for name in ("tokens_in", "tokens_out", "seconds"):
        column = named.get(name)
        if column is None or column.dtype.is_nested():
            continue
        value = column.cast(pl.Float64, strict=False)
        blank = column.is_null() | (column.cast(pl.String, strict=False).str.strip_chars() == "")
        bad = (~blank & ~(value.is_finite() & value.is_between(0, MOST_COUNTED)).fill_null(value=False)).arg_true()
        if len(bad):
            wanted = f"a number from 0 to {MOST_COUNTED:.0e}"
            raise InputError(wanted, repr(column[bad[0]])[:60], _at(locate(bad[0]), name))


def _group(raw: pl.DataFrame, by: str | None) -> pl.Series | pl.Expr:
    if by is None or by not in raw.columns or raw[by].dtype.is_nested():
        return pl.lit(None, pl.String)
    return raw[by].cast(pl.String)


def table_logs(table: RecordsTable, arm: str | None = None) -> list[Log]:
    """Return one log per replicate and benchmark of a table: of the rows of one arm, where it is named.

    Raises
    ------
    InputError
        One answer twice with different scores; a benchmark with two roles.
    """
    rows, notes = without_repeats(
        table.rows if arm is None else table.rows.filter(pl.col("arm") == arm),
        ("replicate", "benchmark", "item", "sample"),
        ("cluster", "outcome", "score"),
        lambda row: f"item {row['item']} of {row['benchmark']} (replicate {row['replicate']}, sample {row['sample']})",
        table.locate,
    )
    logs = []
    log_notes = (*table.notes, *notes)
    for (replicate, benchmark), part in rows.group_by("replicate", "benchmark", maintain_order=True):
        logs.append(_log(table.path, int(str(replicate)), str(benchmark), part, log_notes))
        log_notes = ()
    return logs


def _log(path: Path, replicate: int, benchmark: str, part: pl.DataFrame, notes: tuple[str, ...]) -> Log:
    roles = part["role"].drop_nulls().unique(maintain_order=True).to_list()
    if len(roles) > 1:
        raise InputError(f"one role of benchmark {benchmark!r}", " and ".join(map(repr, roles)), Place(str(path)))
    rows = part.select(
        "row",
        document="item",
        position="item",
        id="item",
        label=pl.format("item {}", "item"),
        sample="sample",
        cluster="cluster",
        question=pl.lit(None, pl.String),
        prompt=pl.lit(None, pl.String),
        group="group",
        filter=pl.lit(MEASURE.filter),
        metric=pl.lit(MEASURE.metric),
        outcome="outcome",
        score="score",
    )
    return Log(
        file=str(path),
        format="table",
        benchmark=benchmark,
        rows=rows,
        measures=(MEASURE,),
        notes=notes,
        run=f"{path}#{replicate}",
        replicate=replicate,
        role=roles[0] if roles else None,
    )


def _typed(column: pl.Series | None, name: str, height: int, locate: Callable[[int], Place]) -> pl.Series | None:
    """Return a column in the contract's type, its default where absent or empty; None for an absent benchmark."""
    kind = TYPES[RECORD_COLUMNS[name].removesuffix("?")]
    if column is None:
        return None if name == "benchmark" else pl.repeat(DEFAULTS[name], height, dtype=kind, eager=True).alias(name)
    if column.dtype.is_nested():
        raise InputError(f"a column of {kind}", str(column.dtype), _at(locate(0), name))
    column = column.alias(name)
    if name == "score" and column.dtype == pl.String:
        column = column.replace(TRUTH)
    typed = column.cast(kind, strict=False)
    bad = (typed.is_null() & column.is_not_null()).arg_true()
    if len(bad):
        wanted = "a whole number" if kind == pl.Int64() else "a number"
        raise InputError(wanted, repr(column[bad[0]]), _at(locate(bad[0]), name), _HINTS.get(name, ""))
    default = DEFAULTS.get(name)
    return typed if default is None else typed.fill_null(pl.lit(default, kind))


TRUTH = {"true": "1", "True": "1", "TRUE": "1", "false": "0", "False": "0", "FALSE": "0"}
"""Booleans as tables write them -> scores."""
_HINTS = {"score": "Leave the score empty and give an outcome other than 'scored' where there is none."}


def _at(place: Place, key: str) -> Place:
    return Place(place.file, place.line, f"{place.key}, {key}" if place.key else key)


def _check_values(table: pl.DataFrame, locate: Callable[[int], Place]) -> None:
    """Raise on the first row that contradicts the contract."""
    score, outcome = pl.col("score"), pl.col("outcome")
    scored = outcome == str(Outcome.SCORED)
    counted_wrong = (outcome == str(Outcome.UNPARSED)) & (score == 0)
    outcomes, roles = [str(kind) for kind in Outcome], [str(role) for role in Role]
    checks: tuple[tuple[str, str, pl.Expr, str], ...] = (
        ("benchmark", "the name of a benchmark", pl.col("benchmark").is_null(), ""),
        ("item", "the id of an item", pl.col("item").is_null(), ""),
        ("replicate", "a whole number from 0 up", ~pl.col("replicate").is_between(0, MOST_COUNTED), ""),
        ("sample", "a whole number from 0 up", ~pl.col("sample").is_between(0, MOST_COUNTED), ""),
        ("outcome", "a known outcome", ~outcome.is_in(outcomes), f"Known: {', '.join(outcomes)}."),
        ("role", "a known role", ~pl.col("role").is_in(roles), f"Known: {', '.join(roles)}."),
        ("score", "a number", ~score.is_finite(), _HINTS["score"]),
        ("score", "a score from 0 to 1", ~score.is_between(0, 1), "Divide percentages by 100; an error is no score."),
        ("score", "a score in a scored row", scored & score.is_null(), _HINTS["score"]),
        ("score", "no score in a row that was not scored", ~scored & score.is_not_null() & ~counted_wrong, ""),
    )
    for column, wanted, check, hint in checks:
        bad = table.filter(check).head(1)
        if not bad.is_empty():
            row = bad.row(0, named=True)
            given = "nothing" if row[column] is None else repr(row[column])
            raise InputError(wanted, given, _at(locate(row["row"]), column), hint)
