"""Reads OpenCompass results: one benchmark a file, its accuracy and the `details` of every item."""

from __future__ import annotations

from typing import Any

from gauger.errors import InputError, Place
from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items

NAME = "OpenCompass results"


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    value = contents.document
    return isinstance(value, dict) and isinstance(value.get("details"), (dict, list)) and "eval" not in value


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one file; its name is the benchmark's."""
    details = contents.value["details"]
    pairs = details.items() if isinstance(details, dict) else enumerate(details)
    items = [_item(str(name), detail, wants.by) for name, detail in pairs if isinstance(detail, dict)]
    if not items:
        hint = "Evaluate with dump_eval_details=True."
        raise InputError(f"{NAME} with details of every item", "none", Place(str(contents.path)), hint)
    return [log_of_items(contents.path, NAME, Evaluation(contents.path.name.split(".")[0], items))]


def _item(name: str, detail: dict[str, Any], by: str | None) -> LoggedAnswer:
    correct = detail.get("correct", detail.get("cascade_correct"))
    if isinstance(correct, list) and len(correct) == 1:
        correct = correct[0]
    prompt, group = detail.get("prompt") or detail.get("origin_prompt"), detail.get(by) if by else None
    question = prompt if isinstance(prompt, str) or prompt is None else repr(prompt)
    return LoggedAnswer(name, {"correct": correct}, question, group=None if group is None else str(group))
