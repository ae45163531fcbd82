"""Reads what LightEval and the Open LLM Leaderboard write as Parquet: one row per example, metrics in a struct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items
from gauger.store import read_as_parquet

NAME = "LightEval details"
_COLUMNS = ("metric", "metrics")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d[-:_]\d\d")
_FILE_NAME = re.compile(r"details_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\d(?:\.\d+)?))?\.parquet")


def fits(contents: Contents) -> bool:
    """Tell whether a file is one: a Parquet file with a struct of metrics."""
    if not contents.is_parquet:
        return False
    try:
        schema = pl.read_parquet_schema(contents.plain)
    except (pl.exceptions.PolarsError, OSError):
        return False
    return any(isinstance(schema.get(name), pl.Struct) for name in _COLUMNS)


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one file; the document or the example is what was asked, and the file's name gives the task.

    Raises
    ------
    InputError
        Damaged Parquet.
    """
    with read_as_parquet(contents.path):
        frame = pl.read_parquet(contents.plain)
    column = next(name for name in _COLUMNS if isinstance(frame.schema.get(name), pl.Struct))
    items = [_item(k, row, column, wants.by) for k, row in enumerate(frame.iter_rows(named=True))]
    match = _FILE_NAME.fullmatch(contents.path.name)
    task, date = (match["task"], match["date"] or "") if match else (contents.path.stem, "")
    model = _model(contents.path)
    return [log_of_items(contents.path, NAME, Evaluation(task, items, model, date))]


def _model(path: Path) -> str | None:
    """Return the model that the folders name: `details/ORGANISATION/MODEL/DATE/`; None for another layout."""
    folder = path.parent
    return "/".join(folder.parts[-3:-1]) if _DATE.match(folder.name) else None


def _item(k: int, row: Mapping[str, Any], column: str, by: str | None) -> LoggedAnswer:
    doc: Mapping[str, Any] = row["doc"] if isinstance(row.get("doc"), dict) else {}
    asked = doc.get("query") or row.get("full_prompt") or row.get("example")
    name = doc.get("id") or k
    group = (doc.get(by) or (doc.get("specific") or {}).get(by) or row.get(by)) if by else None
    scores = {metric: value for metric, value in (row[column] or {}).items() if value is not None}
    question = None if asked is None else str(asked)
    return LoggedAnswer(str(name), scores, question, group=None if group is None else str(group))
