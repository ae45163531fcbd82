"""Reads what lm-eval 0.3 wrote under `--write_out`: an array of documents with `prompt_0` and `truth`."""

from __future__ import annotations

from typing import Any

from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items

NAME = "lm-eval 0.3 write-out"
_ENDING = "_write_out_info.json"


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    return contents.is_array and "doc_id" in (contents.first or {}) and "prompt_0" in (contents.first or {})


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one file; numbers stand in it as text."""
    items = [_item(row, wants.by) for row in contents.value]
    task = contents.path.name.removesuffix(".gz").removesuffix(_ENDING).removesuffix(".json")
    return [log_of_items(contents.path, NAME, Evaluation(task, items))]


def _item(row: dict[str, Any], by: str | None) -> LoggedAnswer:
    scores = {name: _number(value) for name, value in row.items() if not _is_payload(name)}
    group = row.get(by) if by else None
    return LoggedAnswer(str(row["doc_id"]), scores, str(row["prompt_0"]), group=None if group is None else str(group))


def _is_payload(name: str) -> bool:
    return name in ("doc_id", "truth") or name.startswith(("prompt_", "logit_"))


def _number(value: Any) -> Any:
    """Return the number that a text stands for; text that is none stays what it is."""
    if not isinstance(value, str):
        return value
    if value in ("True", "False"):
        return value == "True"
    try:
        return float(value)
    except ValueError:
        return value
