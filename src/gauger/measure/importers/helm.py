"""Reads HELM's `per_instance_stats.json`: one entry per instance and trial, with a list of statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items

NAME = "HELM per-instance statistics"
COSTS = ("num_", "inference_", "batch_size", "training_", "prompt_tokens", "finish_reason", "max_prob", "logprob")
"""Beginnings of statistics that are no scores."""


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    return contents.is_array and {"instance_id", "stats"} <= set(contents.first or ())


def read(contents: Contents, wants: Wants) -> list[Log]:  # noqa: ARG001 - every reader's signature
    """Read one file; trials are samples, and the scenario of the run beside it names the benchmark."""
    items = [
        LoggedAnswer(
            id=f"{one['instance_id']}{_perturbation(one)}",
            scores={name: stat.get("mean") for stat in one["stats"] if (name := _metric(stat))},
            sample=int(one.get("train_trial_index") or 0),
        )
        for one in contents.value
    ]
    benchmark, model = _run(contents.path)
    return [log_of_items(contents.path, NAME, Evaluation(benchmark, items, model))]


def _metric(stat: dict[str, Any]) -> str | None:
    name = stat.get("name") or {}
    metric = name.get("name") if isinstance(name, dict) else None
    if not metric or metric.startswith(COSTS) or name.get("perturbation"):
        return None
    return str(metric)


def _perturbation(one: dict[str, Any]) -> str:
    found = (one.get("perturbation") or {}).get("name")
    return f" ({found})" if found else ""


def _run(path: Path) -> tuple[str, str | None]:
    """Return benchmark and model from the run's specification beside the file, else from the folder's name."""
    beside = path.with_name("run_spec.json")
    if beside.is_file():
        try:
            spec = json.loads(beside.read_text(encoding="utf-8"))
            return str(spec["name"]).partition(",model=")[0], str(spec["adapter_spec"]["model"])
        except (ValueError, KeyError, TypeError):
            pass
    name, _, model = path.parent.name.partition(",model=")
    return (name, model.partition(",")[0]) if model else ("helm", None)
