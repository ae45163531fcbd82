"""Reads HELM's `per_instance_stats.json`: one entry per instance and trial, with a list of statistics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gauger.errors import InputError, Place
from gauger.measure.importers.contents import Contents
from gauger.measure.importers.log import Log, Wants
from gauger.measure.importers.scored_items import Evaluation, LoggedAnswer, log_of_items
from gauger.store import parse_json

NAME = "HELM per-instance statistics"
COSTS = ("num_", "inference_", "batch_size", "training_", "prompt_tokens", "finish_reason", "max_prob", "logprob")
"""Beginnings of statistics that are no scores."""
MOST_TRIALS = 1_000_000
"""No evaluation asks an instance more often."""


def fits(contents: Contents) -> bool:
    """Tell whether a file is one."""
    return contents.is_array and {"instance_id", "stats"} <= set(contents.first or ())


BY_PERTURBATION = "perturbation"
"""What `--by` calls the perturbed copies of instances."""


def read(contents: Contents, wants: Wants) -> list[Log]:
    """Read one file; trials are samples, and the scenario of the run beside it names the benchmark.

    Perturbed copies of instances are no further items: they are left out and counted, as in HELM's own headline. Where
    the user groups by perturbation, or nothing else is there, they are read, in one cluster with what they are copies
    of.
    """
    benchmark, model = _run(contents.path)
    apart = wants.by == BY_PERTURBATION
    perturbations = [_perturbation(instance) for instance in contents.value]
    plain_alone = "" in perturbations and not apart
    items = [
        _answer(contents.path, place, instance, perturbation if apart else None)
        for place, (instance, perturbation) in enumerate(zip(contents.value, perturbations, strict=True))
        if not (plain_alone and perturbation)
    ]
    left_out = len(perturbations) - len(items)
    note = f"{left_out} perturbed copies of instances are left out; --by {BY_PERTURBATION} compares them too"
    return [log_of_items(contents.path, NAME, Evaluation(benchmark, items, model, notes=(note,) if left_out else ()))]


def _answer(path: Path, place: int, instance: Mapping[str, Any], group: str | None) -> LoggedAnswer:
    name, perturbation = str(instance["instance_id"]), _perturbation(instance)
    return LoggedAnswer(
        id=f"{name}{perturbation}",
        scores={metric: stat.get("mean") for stat in instance["stats"] if (metric := _metric(stat, perturbation))},
        sample=_trial(instance, path),
        group=None if group is None else group.strip(" ()") or "none",
        cluster=name,
        place=place,
    )


def _trial(instance: Mapping[str, Any], path: Path) -> int:
    trial = instance.get("train_trial_index")
    if trial is None:
        return 0
    if not isinstance(trial, int) or isinstance(trial, bool) or not 0 <= trial < MOST_TRIALS:
        given = f"{repr(trial)[:40]} in instance {str(instance['instance_id'])[:40]}"
        raise InputError(f"a train_trial_index from 0 to {MOST_TRIALS - 1:,}", given, Place(str(path)))
    return trial


AnswerKey = tuple[str, int, str]
"""Instance, trial and perturbation."""


def answer_key(entry: Mapping[str, Any]) -> AnswerKey:
    """Return what identifies an answer in this file and in those beside it."""
    trial = entry.get("train_trial_index")
    return str(entry.get("instance_id")), trial if isinstance(trial, int) else 0, _perturbation(entry)


def texts_beside(path: Path) -> dict[AnswerKey, tuple[str | None, str | None, str | None]]:
    """Return prompt, right answer and reply of every answer, from `instances.json` and `display_predictions.json`.

    A file that is not there, or is of another form, leaves its part None: the scores do not depend on it.
    """
    asked = {
        (str(instance.get("id")), _perturbation(instance)): instance
        for instance in _objects_beside(path, "instances.json")
    }
    texts: dict[AnswerKey, tuple[str | None, str | None, str | None]] = {}
    for told in _objects_beside(path, "display_predictions.json"):
        key = answer_key(told)
        instance = asked.get((key[0], key[2]), {})
        reply = told.get("predicted_text")
        texts[key] = (_text_of(instance.get("input")), _right(instance), reply if isinstance(reply, str) else None)
    return texts


def _objects_beside(path: Path, name: str) -> list[dict[str, Any]]:
    beside = path.with_name(name)
    if not beside.is_file():
        return []
    try:
        listed = parse_json(beside.read_text(encoding="utf-8"))
    except ValueError as fault:
        hint = "Write the file again, or remove it to compare without the texts."
        raise InputError("HELM's texts in JSON", str(fault)[:80], Place(str(beside)), hint) from None
    return [element for element in listed if isinstance(element, dict)] if isinstance(listed, list) else []


def _text_of(part: Any) -> str | None:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else None


def _right(instance: Mapping[str, Any]) -> str | None:
    references = instance.get("references")
    listed = references if isinstance(references, list) else []
    right = (
        reference for reference in listed if isinstance(reference, dict) and "correct" in (reference.get("tags") or ())
    )
    return _text_of(next(right, {}).get("output"))


def _metric(stat: dict[str, Any], perturbation: str) -> str | None:
    """Return the name of an instance's own score; one of other perturbations, or over several, is none."""
    name = stat.get("name") or {}
    metric = name.get("name") if isinstance(name, dict) else None
    if not metric or metric.startswith(COSTS) or _perturbation(name) not in ("", perturbation):
        return None
    return str(metric)


_NO_PARAMETERS = ("name", "robustness", "fairness", "computed_on", "seed")


def _perturbation(instance: Mapping[str, Any]) -> str:
    """Return a perturbation in brackets, with the parameters by which two of one name differ; empty for none."""
    described = instance.get("perturbation")
    if not isinstance(described, dict) or not described.get("name"):
        return ""
    parameters = [f"{k}={v}" for k, v in sorted(described.items()) if k not in _NO_PARAMETERS and v is not None]
    return f" ({', '.join([str(described['name']), *parameters])})"


def _run(path: Path) -> tuple[str, str | None]:
    """Return benchmark and model from the run's specification beside the file, else from the folder's name."""
    beside = path.with_name("run_spec.json")
    if beside.is_file():
        try:
            spec = parse_json(beside.read_text(encoding="utf-8"))
            return str(spec["name"]).partition(",model=")[0], str(spec["adapter_spec"]["model"])
        except (ValueError, KeyError, TypeError):
            pass
    name, _, model = path.parent.name.partition(",model=")
    return (name, model.partition(",")[0]) if model else ("helm", None)
