"""Refuses runs that do not measure the same thing: their difference would mean nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gauger.api.logs import Comparison
from gauger.api.studies import StudyRun
from gauger.errors import InputError, Place, UserError

RULE = ("estimand", "role", "threshold", "level")
"""Parts of the verdict's rule without which two verdicts are not about the same thing."""


def refuse_others(labels: Sequence[str], opened: Sequence[StudyRun | Comparison]) -> None:
    """Refuse runs that do not measure the same thing as the first (`UserError`)."""
    first = opened[0]
    for label, other in zip(labels[1:], opened[1:], strict=True):
        for what, expected, another in _essentials(first, other):
            if expected != another:
                hint = (
                    f"{label!r} and {labels[0]!r} do not measure the same thing: their difference would mean nothing."
                )
                raise UserError(f"the {what} of {labels[0]!r} ({expected})", another, Place(label), hint)


def _essentials(run: StudyRun | Comparison, other: StudyRun | Comparison) -> Iterator[tuple[str, str, str]]:
    """Yield what must be alike, as text."""
    yield "benchmarks", _benchmarks(run), _benchmarks(other)
    for part in RULE:
        yield f"{part} of the verdict's rule", _of_rule(run, part), _of_rule(other, part)
    if isinstance(run, StudyRun) and isinstance(other, StudyRun):
        for key in ("unparsed", "estimation.level"):
            yield f"setting {key}", _setting(run, key), _setting(other, key)


def _benchmarks(run: StudyRun | Comparison) -> str:
    return ", ".join(
        sorted(
            f"{benchmark.name}: {benchmark.role}" if benchmark.role else benchmark.name
            for benchmark in run.document.benchmarks
        )
    )


def _of_rule(run: StudyRun | Comparison, part: str) -> str:
    verdict = run.document.verdict
    return "none" if verdict is None else str(verdict.rule.get(part))


def _setting(run: StudyRun, key: str) -> str:
    return str(dict(leaves(resolved_settings(run))).get(key))


def resolved_settings(run: StudyRun) -> Mapping[str, Any]:
    """Return the settings that a run was made with, as its directory keeps them."""
    from gauger.store import read_json

    try:
        settings = read_json(run.directory.study)
    except FileNotFoundError:
        raise InputError("the settings of the run", "none", Place(str(run.directory.study))) from None
    return settings if isinstance(settings, dict) else {}


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single setting with its dotted key."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, value
