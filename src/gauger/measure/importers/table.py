"""A records table (CSV or Parquet): the contract's columns, checked row by row, as logs per replicate and benchmark.

Columns: study, arm, replicate, benchmark, role, item, cluster, sample, outcome, score, tokens_in, tokens_out, seconds.
Needed are benchmark, item and score, and arm where the table holds several arms. Defaults: replicate 0, sample 0,
outcome scored, cluster and role none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from gauger.errors import InputError, Place, nearest
from gauger.measure.importers.csv_file import line_of_csv_row, read_csv
from gauger.measure.importers.log import Log, Measure
from gauger.measure.importers.repeats import without_repeats
from gauger.records import RECORD_COLUMNS, Outcome, Role

DEFAULTS: Mapping[str, str | int | None] = {
    "arm": None,
    "replicate": 0,
    "role": None,
    "cluster": None,
    "sample": 0,
    "outcome": str(Outcome.SCORED),
}
NEEDED = ("benchmark", "item", "score")
TYPES = {"str": pl.String(), "int": pl.Int64(), "float": pl.Float64()}
MEASURE = Measure("", "score")

_Locate = Callable[[int], Place]


def read_table(path: Path) -> pl.DataFrame:
    """Read and check a records table.

    Returns
    -------
    pl.DataFrame
        arm, replicate, benchmark, role, item, cluster, sample, outcome, score, and `row`, the 0-based row of the file.

    Raises
    ------
    InputError
        Naming file and line (row for Parquet): a missing column, a value of another type, a score outside 0 to 1, an
        unknown outcome or role, a scored row without a score, a row with a score that its outcome does not allow.
    """
    raw, locate = _open(path)
    for name in NEEDED:
        if name not in raw.columns:
            raise InputError(
                f"a column {name!r}", f"columns {', '.join(raw.columns)}", Place(str(path), 1), _near(name, raw)
            )
    table = raw.select(_typed(raw, name, locate) for name in (*DEFAULTS, *NEEDED)).with_row_index("row")
    table = table.with_columns(pl.col("row").cast(pl.Int64))
    if table.is_empty():
        raise InputError("at least one row", "none", Place(str(path)))
    _check_values(table, locate)
    return table


def table_logs(path: Path, table: pl.DataFrame) -> list[Log]:
    """Return one log per replicate and benchmark of a table that holds a single arm.

    Raises
    ------
    InputError
        One answer twice with different scores; a benchmark with two roles.
    """
    _, locate = _places(path)
    table, notes = without_repeats(
        table,
        ("replicate", "benchmark", "item", "sample"),
        ("cluster", "outcome", "score"),
        lambda row: f"item {row['item']} of {row['benchmark']} (replicate {row['replicate']}, sample {row['sample']})",
        locate,
    )
    logs = []
    for (replicate, benchmark), part in table.group_by("replicate", "benchmark", maintain_order=True):
        logs.append(_log(path, int(str(replicate)), str(benchmark), part, tuple(notes)))
        notes = []
    return logs


def _log(path: Path, replicate: int, benchmark: str, part: pl.DataFrame, notes: tuple[str, ...]) -> Log:
    roles = part["role"].drop_nulls().unique(maintain_order=True).to_list()
    if len(roles) > 1:
        raise InputError(f"one role of benchmark {benchmark!r}", " and ".join(map(repr, roles)), Place(str(path)))
    rows = part.select(
        "row",
        document="item",
        position="item",
        label=pl.format("item {}", "item"),
        sample="sample",
        cluster="cluster",
        prompt=pl.lit(None, pl.String),
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


def _open(path: Path) -> tuple[pl.DataFrame, _Locate]:
    read, locate = _places(path)
    return read(path), locate


def _places(path: Path) -> tuple[Callable[[Path], pl.DataFrame], _Locate]:
    """Return the reader of a file's format, and what names the place of a row in it."""
    if path.suffix == ".parquet":
        return _read_parquet, lambda row: Place(str(path), key=f"row {row + 1}")
    return read_csv, lambda row: Place(str(path), line_of_csv_row(path, row))


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as fault:
        given = str(fault).splitlines()[0][:120]
        raise InputError(
            "a Parquet file", given, Place(str(path)), "The file is damaged or of another format."
        ) from None


def _near(name: str, raw: pl.DataFrame) -> str:
    return f"Name the column {name!r}, as in the records table. {nearest(name, raw.columns)}"


def _typed(raw: pl.DataFrame, name: str, locate: _Locate) -> pl.Series:
    """Return a column in the contract's type, its default where absent or empty."""
    kind = TYPES[RECORD_COLUMNS[name].removesuffix("?")]
    if name not in raw.columns:
        return pl.repeat(DEFAULTS[name], raw.height, dtype=kind, eager=True).alias(name)
    column = raw[name]
    try:
        typed = column.cast(kind, strict=False)
    except pl.exceptions.PolarsError:
        raise InputError(f"a column of {kind}", str(column.dtype), Place(locate(0).file, key=name)) from None
    bad = (typed.is_null() & column.is_not_null()).arg_true()
    if len(bad):
        wanted = "a whole number" if kind == pl.Int64() else "a number"
        raise InputError(wanted, repr(column[bad[0]]), _at(locate(bad[0]), name), _HINTS.get(name, ""))
    default = DEFAULTS.get(name)
    return typed if default is None else typed.fill_null(pl.lit(default, kind))


_HINTS = {"score": "Leave the score empty and give an outcome other than 'scored' where there is none."}


def _at(place: Place, key: str) -> Place:
    return Place(place.file, place.line, f"{place.key}, {key}" if place.key else key)


def _check_values(table: pl.DataFrame, locate: _Locate) -> None:
    """Raise on the first row that contradicts the contract."""
    score, outcome = pl.col("score"), pl.col("outcome")
    scored = outcome == str(Outcome.SCORED)
    counted_wrong = (outcome == str(Outcome.UNPARSED)) & (score == 0)
    outcomes, roles = [str(one) for one in Outcome], [str(one) for one in Role]
    checks: tuple[tuple[str, str, pl.Expr, str], ...] = (
        ("benchmark", "the name of a benchmark", pl.col("benchmark").is_null(), ""),
        ("item", "the id of an item", pl.col("item").is_null(), ""),
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
