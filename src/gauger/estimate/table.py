"""Completes and checks the records table: defaults filled in, types cast, contradictions refused.

A row that says one thing and carries another (scored without a score, refused with one, a score of 1.3) is refused
with its row number rather than repaired: what it meant is not ours to guess.
"""

from __future__ import annotations

import polars as pl

from gauger.errors import InputError, Place, nearest
from gauger.estimate.design import Design
from gauger.records import ArmKind, Outcome

_DEFAULTS: dict[str, tuple[pl.DataType | type[pl.DataType], object]] = {
    "arm": (pl.String, None),
    "replicate": (pl.Int64, 0),
    "benchmark": (pl.String, None),
    "role": (pl.String, None),
    "item": (pl.String, None),
    "cluster": (pl.String, None),
    "sample": (pl.Int64, 0),
    "outcome": (pl.String, str(Outcome.SCORED)),
    "score": (pl.Float64, None),
    "tokens_out": (pl.Int64, None),
}
NOTHING = (str(Outcome.REFUSED), str(Outcome.TRUNCATED), str(Outcome.UNPARSED))
"""What became of a request that gave its user no answer, though nothing went wrong on our side."""
_REQUIRED = ("arm", "benchmark", "item", "score")
_KEYS = ("arm", "replicate", "benchmark", "item", "sample", "outcome")


def complete_table(records: pl.DataFrame, design: Design) -> pl.DataFrame:
    """Return the checked columns that estimating needs, with every default filled in.

    Parameters
    ----------
    records : pl.DataFrame
        Rows as in `records.RECORD_COLUMNS`; `arm`, `benchmark`, `item` and `score` must be there.
    design : Design
        Names the known arms and says whether unparsed answers count as wrong (they then get score 0). What a defended
        surface does not give is worth nothing to its users (`_with_nothing`), whatever is said of unparsed answers.

    Raises
    ------
    InputError
        Missing column, wrong type, NULL in a key, unknown arm or outcome, a score outside [0, 1] or not a number, a
        scored row without score, or an unscored row with one.
    """
    for column in _REQUIRED:
        if column not in records.columns:
            raise InputError(f"a records table with a column {column!r}", f"columns {', '.join(records.columns)}")
    table = _cast(records)
    if design.unparsed_wrong:
        unparsed = pl.col("outcome") == str(Outcome.UNPARSED)
        table = table.with_columns(
            score=pl.when(unparsed).then(0.0).otherwise("score"),
            counted=unparsed | (pl.col("outcome") == str(Outcome.SCORED)),
        )
    else:
        table = table.with_columns(counted=pl.col("outcome") == str(Outcome.SCORED))
    _refuse_contradictions(table, design)
    return _with_nothing(table, design)


def _with_nothing(table: pl.DataFrame, design: Design) -> pl.DataFrame:
    """Count what honest users are not given as worth nothing to them, of items that the open teacher answers.

    Behind a defended surface (an arm of kind `surface`) an answer that is refused, cut off, unreadable or empty is what
    the defence costs: left out, the harshest defence would be free. An empty one is `failed` with tokens; a request
    that failed for good has none, and stays without a score.
    """
    shown, teacher = [arm.name for arm in design.of_kind(ArmKind.SURFACE)], design.first(ArmKind.TEACHER)
    if not shown or teacher is None:
        return table
    item = ["benchmark", "item"]
    answered = table.filter(pl.col("counted"), arm=teacher).select(item).unique().with_columns(answered=True)
    empty = (pl.col("outcome") == str(Outcome.FAILED)) & pl.col("tokens_out").is_not_null()
    lost = ~pl.col("counted") & (pl.col("outcome").is_in(NOTHING) | empty)
    nothing = pl.col("arm").is_in(shown) & lost & pl.col("answered").fill_null(value=False)
    marked = table.join(answered, on=item, how="left", maintain_order="left")
    return marked.with_columns(
        score=pl.when(nothing).then(0.0).otherwise("score"), counted=nothing | pl.col("counted")
    ).drop("answered")


def _cast(records: pl.DataFrame) -> pl.DataFrame:
    """Fill in missing columns and cast the rest; a value that cannot be cast is the user's mistake."""
    columns = []
    for name, (dtype, default) in _DEFAULTS.items():
        column = pl.col(name) if name in records.columns else pl.lit(default)
        columns.append(column.cast(dtype).alias(name))
    try:
        return records.select(columns)
    except pl.exceptions.PolarsError as error:
        raise InputError("a records table with the types of the contract", str(error).splitlines()[0]) from error


def _refuse_contradictions(table: pl.DataFrame, design: Design) -> None:
    """Raise on the first row that contradicts the contract; all checks run in one pass over the columns."""
    arms = [arm.name for arm in design.arms]
    outcomes = [str(outcome) for outcome in Outcome]
    score, counted = pl.col("score"), pl.col("counted")
    checks = {f"no NULL in column {key!r}": pl.col(key).is_null() for key in _KEYS}
    checks |= {
        "an arm of the design": ~pl.col("arm").is_in(arms),
        "a known outcome": ~pl.col("outcome").is_in(outcomes),
        "a score in every scored row": counted & score.is_null(),
        "no score in a row that was not scored": ~counted & score.is_not_null(),
        "a score between 0 and 1": ~score.is_between(0.0, 1.0),
    }
    failed = table.lazy().select(check.any().alias(name) for name, check in checks.items()).collect().row(0, named=True)
    for name, check in checks.items():
        if failed[name]:
            _refuse(table, name, check, {"arm": arms, "outcome": outcomes})


def _refuse(table: pl.DataFrame, wanted: str, check: pl.Expr, known: dict[str, list[str]]) -> None:
    """Raise with the first offending row and, for a name, the nearest known one."""
    row = table.with_row_index("row").filter(check).row(0, named=True)
    given = f"arm {row['arm']!r}, benchmark {row['benchmark']!r}, item {row['item']!r}, outcome {row['outcome']!r}, "
    given += f"score {row['score']}"
    hint = ""
    for column, names in known.items():
        if wanted.endswith((f"{column} of the design", f"known {column}")):
            hint = nearest(str(row[column]), names)
    raise InputError(wanted, given, Place(line=int(row["row"]) + 1), hint)
