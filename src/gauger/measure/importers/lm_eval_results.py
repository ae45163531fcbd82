"""Reads lm-eval's `results_DATE.json`: the model, the settings, and a second opinion on the samples beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.log import Measure, canonical_setting
from gauger.store import parse_json

CONFIG_NAMES: Mapping[str, tuple[str, ...]] = {
    "prompt template": ("doc_to_text", "description", "target_delimiter", "gen_prefix"),
    "target": ("doc_to_target", "doc_to_choice"),
    "few-shot source": ("fewshot_split", "fewshot_config", "fewshot_delimiter"),
    "answer extraction": ("filter_list",),
    "metrics": ("metric_list",),
    "generation settings": ("generation_kwargs", "repeats"),
    "dataset": ("dataset_path", "dataset_name", "test_split", "validation_split"),
}
"""Setting as a warning names it -> keys of the task's `configs` entry."""
RUN_NAMES: Mapping[str, tuple[str, ...]] = {
    "generation overrides": ("gen_kwargs",),
    "limit": ("limit",),
    "few-shot seed": ("fewshot_seed",),
}
"""The same for keys of the run's `config`."""
TOP_NAMES: Mapping[str, tuple[str, ...]] = {
    "chat template": ("chat_template_sha",),
    "system prompt": ("system_instruction_sha",),
    "few-shot as turns": ("fewshot_as_multiturn",),
    "harness version": ("lm_eval_version",),
}
_MEAN_TOLERANCE = 1e-6
"""The harness's means and ours differ by rounding of float64 sums alone: far below one item in a million."""


@dataclass(frozen=True)
class Results:
    """What the results file says of one task; all empty where there is no such file."""

    file: str = ""
    task: str = ""
    model: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    means: Mapping[str, Any] = field(default_factory=dict)
    """The task's aggregated metrics, "METRIC,FILTER" -> value."""
    higher_is_better: Mapping[str, Any] = field(default_factory=dict)
    n_items: int | None = None
    """How many documents the harness says it evaluated."""
    partial: str = ""
    """Why this is no whole evaluation; empty where it is one."""
    groups: tuple[str, ...] = ()
    """The groups that the harness averages the task into, from the smallest outwards."""
    group_means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Group -> "METRIC,FILTER" -> the average that the harness reports."""

    def doubts(self, summary: pl.DataFrame, refused: Mapping[Measure, str]) -> list[str]:
        """Say where the samples do not add up to what the harness reported of them.

        Parameters
        ----------
        summary : pl.DataFrame
            One row per measure: filter, metric, n_items, mean (with unparsed answers as 0).
        refused : mapping of Measure -> str
            Measures that are not compared and so not checked.
        """
        most = max(summary["n_items"].to_list(), default=0)
        doubts = []
        if self.n_items is not None and most != self.n_items:
            doubts.append(
                f"the harness evaluated {self.n_items} items of {self.task} but the samples file holds {most}"
            )
        for filter_name, metric, mean in summary.select("filter", "metric", "mean").iter_rows():
            theirs, measure = self.means.get(f"{metric},{filter_name}"), Measure(filter_name, metric)
            if not isinstance(theirs, (int, float)) or mean is None or measure in refused:
                continue
            if abs(theirs - mean) > _MEAN_TOLERANCE:
                figures = f"{measure}: the harness reports {theirs:.4f} but the samples' mean is {mean:.4f}"
                doubts.append(f"{figures} (a metric that is not a mean over items, or samples that are missing)")
        return doubts


def results_beside(samples: Path, task: str, date: str) -> Results:
    """Find and read the results file of a samples file: the one of the same date, else the only one of the folder."""
    dated = samples.with_name(f"results_{date}.json")
    others = sorted(samples.parent.glob("results*.json"))
    results_file = dated if date and dated.is_file() else others[0] if len(others) == 1 else None
    if results_file:
        return _of_task(results_file, _load(results_file), task)
    models = {_model(results, _part(results, "config")) for results in map(_load, others)}
    return Results(model=models.pop() if len(models) == 1 else None)


def task_among_results(samples: Path) -> str | None:
    """Return the task of the results files beside a samples file with which its name ends; None where none does."""
    tasks = {task for path in samples.parent.glob("results*.json") for task in _part(_load(path), "results")}
    stem = samples.name.removesuffix(".gz").rpartition(".")[0]
    return max((task for task in tasks if stem.endswith(f"_{task}")), key=len, default=None)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        value = parse_json(path.read_text(encoding="utf-8-sig"))
    except ValueError as fault:
        line = fault.lineno if isinstance(fault, json.JSONDecodeError) else None
        hint = "Write the file again, or remove it to compare without the settings."
        raise InputError("lm-eval results in JSON", str(fault)[:80], Place(str(path), line), hint) from None
    if not isinstance(value, dict):
        raise InputError("lm-eval results: a JSON object", type(value).__name__, Place(str(path)))
    return value


def _of_task(path: Path, results: Mapping[str, Any], task: str) -> Results:
    """Pick what concerns one task; an absent part of the file stays empty."""
    run, of_task = _part(results, "config"), _part(results, "configs", task)
    means = _part(results, "results", task)
    counts = _part(results, "n-samples", task)
    groups = _groups(_part(results, "group_subtasks"), task)
    n_items = counts.get("effective")
    return Results(
        file=str(path),
        task=task,
        model=_model(results, run),
        settings=_settings(results, run, of_task, _shots(results, means, task)),
        means=means,
        higher_is_better=_part(results, "higher_is_better", task),
        n_items=n_items if isinstance(n_items, int) else None,
        partial=_partial(counts, run.get("limit")),
        groups=groups,
        group_means={
            group: _numbers(_part(results, "groups", group) or _part(results, "results", group)) for group in groups
        },
    )


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if isinstance(value, (int, float))}


def _partial(counts: Mapping[str, Any], limit: Any) -> str:
    """Say that the run was limited to some of the documents."""
    some, every = counts.get("effective"), counts.get("original")
    if isinstance(some, int) and isinstance(every, int) and some < every:
        return f"limited to {some} of {every} items"
    return f"limited to {limit:g} (--limit)" if isinstance(limit, (int, float)) and some is None else ""


def _groups(subtasks: Mapping[str, Any], task: str) -> tuple[str, ...]:
    """Return the groups that hold the task, directly or through another group, from the smallest outwards."""
    groups: list[str] = []
    wanted = [task]
    while wanted:
        inner = wanted.pop(0)
        for group, members in subtasks.items():
            if isinstance(members, list) and inner in members and group not in (task, *groups):
                groups.append(group)
                wanted.append(group)
    return tuple(groups)


def _part(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Follow keys into nested mappings; an empty mapping where one is absent or something else."""
    for key in keys:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def _model(results: Mapping[str, Any], run: Mapping[str, Any]) -> str | None:
    """Return the trained model: its name, with the adapter and the revision that the harness does not count to it."""
    arguments = run.get("model_args")
    for name in (results.get("model_name"), arguments, run.get("model")):
        if name:
            text = name if isinstance(name, str) else json.dumps(name, sort_keys=True)
            return " ".join([text.rstrip("/"), *(part for part in _variant(arguments) if part not in text)])
    return None


def _variant(arguments: Any) -> list[str]:
    """Return what besides its name tells a trained model: adapter, delta weights, revision, file."""
    if isinstance(arguments, str):
        arguments = dict(pair.split("=", 1) for pair in arguments.split(",") if "=" in pair)
    if not isinstance(arguments, dict):
        return []
    names = ("peft", "lora_local_path", "delta", "revision", "gguf_file", "subfolder", "lora_path")
    return [f"{name}={arguments[name]}" for name in names if arguments.get(name) not in (None, "", "main")]


def _shots(results: Mapping[str, Any], means: Mapping[str, Any], task: str) -> Any:
    shots = _part(results, "n-shot").get(task)
    return means.get("n-shot") if shots is None else shots


def _settings(
    results: Mapping[str, Any], run: Mapping[str, Any], of_task: Mapping[str, Any], shots: Any
) -> dict[str, str]:
    """Return the settings that must be the same on both sides, as canonical text; absent ones are left out."""
    settings = {"few-shot examples": shots, "task version": _part(of_task, "metadata").get("version")}
    for names, values in ((CONFIG_NAMES, of_task), (RUN_NAMES, run), (TOP_NAMES, results)):
        for setting, keys in names.items():
            given = {key: values[key] for key in keys if values.get(key) is not None}
            settings[setting] = given or None
    return {name: _canonical(value) for name, value in settings.items() if value is not None}


def _canonical(value: Any) -> str:
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return canonical_setting(value)
