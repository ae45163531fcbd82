"""Finds the columns of the records table under the names that a file gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gauger.errors import Place, UserError, nearest
from gauger.measure.importers.contents import NoLogError
from gauger.records import RECORD_COLUMNS

NEEDED = ("benchmark", "item", "score")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "benchmark": ("task", "dataset", "benchmark_name", "task_name", "eval_name", "subset"),
    "item": ("question_id", "item_id", "doc_id", "sample_id", "example_id", "instance_id", "id", "idx", "index"),
    "score": ("correct", "is_correct", "acc", "accuracy", "exact_match", "passed", "reward", "em"),
}
"""Needed column -> names under which others write it, taken only where the file has no column of the right name."""


@dataclass(frozen=True)
class ColumnNames:
    """Which column of a file is which of the records table."""

    names: Mapping[str, str]
    """Column of the records table -> the file's name of it; absent ones are left out."""
    notes: tuple[str, ...] = ()
    """What was guessed."""


def find_columns(
    header: Sequence[str], asked: Mapping[str, str], where: Place, benchmark: str | None = None
) -> ColumnNames:
    """Find the records table's columns: as the user says, by name (capitals do not matter), else by a usual name.

    Parameters
    ----------
    header : sequence of str
        The file's column names.
    asked : mapping of str -> str
        Column of the records table -> the file's name of it (`--column score=correct`).
    where : Place
        The header, for messages.
    benchmark : str, optional
        What to call the benchmark where no column names it; None: it has to.

    Raises
    ------
    UserError
        A name that the user gave is no column of the file, or none of the records table.
    NoLogError
        A needed column is missing.
    """
    names = _asked(header, asked, where)
    by_small_letters = {name.lower().strip(): name for name in reversed(header)}
    guessed = {}
    for column in RECORD_COLUMNS:
        if column not in names and column in by_small_letters:
            names[column] = by_small_letters[column]
    for column in NEEDED:
        usual = [by_small_letters[name] for name in SYNONYMS[column] if name in by_small_letters]
        if column in names or not usual:
            continue
        names[column] = usual[0]
        guessed[column] = usual[0]
    for column in NEEDED:
        if column not in names and not (column == "benchmark" and benchmark):
            hint = f"Say which column it is: --column {column}=NAME. {nearest(column, header)}"
            raise NoLogError(f"a column {column!r}", f"columns {', '.join(header[:20])}", where, hint)
    guesses = ", ".join(f"{column} from {name!r}" for column, name in guessed.items())
    return ColumnNames(names, (f"read {guesses} (--column COLUMN=NAME names other columns)",) if guessed else ())


def _asked(header: Sequence[str], asked: Mapping[str, str], where: Place) -> dict[str, str]:
    for column, name in asked.items():
        if column not in RECORD_COLUMNS:
            raise UserError("a column of the records table", repr(column), hint=nearest(column, RECORD_COLUMNS))
        if name not in header:
            raise UserError(f"a column {name!r} (--column {column}={name})", "none", where, nearest(name, header))
    return dict(asked)
