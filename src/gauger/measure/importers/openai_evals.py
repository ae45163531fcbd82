"""Reads the JSON Lines of OpenAI evals: a line with the specification, then events, of which matches carry scores."""

from __future__ import annotations

from collections import Counter
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
    """Read one file: events of type match (correct) and metrics (numbers); each more of an item is a sample more.

    The first of both kinds are of one sample, as the second are, where an evaluation logs both.
    """
    spec: dict[str, Any] = {}
    scores: dict[tuple[str, int], dict[str, Any]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for _, line in read_json_lines(contents.plain):
        spec = line["spec"] if isinstance(line.get("spec"), dict) else spec
        data = line.get("data")
        if line.get("type") not in ("match", "metrics") or not isinstance(data, dict):
            continue
        name, kind = str(line.get("sample_id")), str(line["type"])
        own = {"correct": data.get("correct")} if kind == "match" else _numbers(data)
        sample = scores.setdefault((name, seen[name, kind]), {})
        sample |= {metric: value for metric, value in own.items() if metric not in sample}
        seen[name, kind] += 1
    items = [LoggedAnswer(name, values, sample=nth) for (name, nth), values in scores.items()]
    completions = spec.get("completion_fns") or [None]
    evaluation = Evaluation(
        str(spec.get("eval_name", "openai-evals")), items, completions[0], str(spec.get("created_at", ""))
    )
    return [log_of_items(contents.path, NAME, evaluation)]


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if isinstance(value, (bool, int, float))}
