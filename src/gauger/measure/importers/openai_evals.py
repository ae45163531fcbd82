"""Reads the JSON Lines of OpenAI evals: a line with the specification, then events, of which matches carry scores."""

from __future__ import annotations

from typing import Any

from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items
from gauger.store import read_json_lines

NAME = "OpenAI evals events"


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    first = contents.first or {}
    spec = first.get("spec")
    return (isinstance(spec, dict) and "eval_name" in spec) or {"run_id", "event_id", "type", "data"} <= set(first)


def read(contents: Contents, wants: Wants) -> list[Log]:  # noqa: ARG001 - every reader's signature
    """Read one file: events of type match (correct) and metrics (numbers); each more of an item is a sample more."""
    spec: dict[str, Any] = {}
    items: list[LoggedAnswer] = []
    seen: dict[str, int] = {}
    for _, line in read_json_lines(contents.plain):
        spec = line["spec"] if isinstance(line.get("spec"), dict) else spec
        data = line.get("data")
        if line.get("type") not in ("match", "metrics") or not isinstance(data, dict):
            continue
        name = str(line.get("sample_id"))
        scores = {"correct": data.get("correct")} if line["type"] == "match" else _numbers(data)
        items.append(LoggedAnswer(name, scores, sample=seen.get(name, 0)))
        seen[name] = seen.get(name, 0) + 1
    completions = spec.get("completion_fns") or [None]
    evaluation = Evaluation(
        str(spec.get("eval_name", "openai-evals")), items, completions[0], str(spec.get("created_at", ""))
    )
    return [log_of_items(contents.path, NAME, evaluation)]


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if isinstance(value, (bool, int, float))}
