"""lm-eval's `results_DATE.json` beside the samples: the model, the settings, and a second opinion on the samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.log import Measure

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

    def lower_is_better(self, measure: Measure) -> str | None:
        """Say that a measure is an error rather than a score."""
        if self.higher_is_better.get(measure.metric) is False:
            return f"{measure.metric} is an error: lower is better"
        return None

    def doubts(self, summary: pl.DataFrame, refused: Mapping[Measure, str]) -> list[str]:
        """Say where the samples do not add up to what the harness reported of them.

        Parameters
        ----------
        summary : pl.DataFrame
            One row per measure: filter, metric, n_items, mean (with unparsed answers as 0).
        refused : mapping of Measure -> str
            Measures that are not compared and so not checked.
        """
        found = max(summary["n_items"].to_list(), default=0)
        said = []
        if self.n_items is not None and found != self.n_items:
            said.append(f"the harness evaluated {self.n_items} items of {self.task} but the samples file holds {found}")
        for filter_name, metric, mean in summary.select("filter", "metric", "mean").iter_rows():
            theirs, measure = self.means.get(f"{metric},{filter_name}"), Measure(filter_name, metric)
            if not isinstance(theirs, (int, float)) or mean is None or measure in refused:
                continue
            if abs(theirs - mean) > _MEAN_TOLERANCE:
                figures = f"{measure}: the harness reports {theirs:.4f} but the samples' mean is {mean:.4f}"
                said.append(f"{figures} (a metric that is not a mean over items, or samples that are missing)")
        return said


def results_beside(samples: Path, task: str, date: str) -> Results:
    """Find and read the results file of a samples file: the one of the same date, else the only one of the folder."""
    dated = samples.with_name(f"results_{date}.json")
    others = sorted(samples.parent.glob("results*.json"))
    found = dated if date and dated.is_file() else others[0] if len(others) == 1 else None
    return _of_task(found, _load(found), task) if found else Results()


def _load(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
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
    n_items = _part(results, "n-samples", task).get("effective")
    return Results(
        file=str(path),
        task=task,
        model=_model(results, run),
        settings=_settings(results, run, of_task, _shots(results, means, task)),
        means=means,
        higher_is_better=_part(results, "higher_is_better", task),
        n_items=n_items if isinstance(n_items, int) else None,
    )


def _part(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Follow keys into nested mappings; an empty mapping where one is absent or something else."""
    for key in keys:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def _model(results: Mapping[str, Any], run: Mapping[str, Any]) -> str | None:
    for name in (results.get("model_name"), run.get("model_args"), run.get("model")):
        if name:
            return name if isinstance(name, str) else json.dumps(name, sort_keys=True)
    return None


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
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
