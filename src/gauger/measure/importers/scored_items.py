"""Makes logs of items with their scores: what the readers of smaller formats have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.measure.importers.directions import doubtful_among, errors_among
from gauger.measure.importers.log import ROWS, Log, Measure, score_problem
from gauger.measure.importers.repeats import without_repeats
from gauger.records import Outcome


@dataclass(frozen=True)
class LoggedAnswer:
    """One answer as a log holds it."""

    id: str
    scores: Mapping[str, Any]
    """Metric -> number or boolean; anything else is no score."""
    question: str | None = None
    """Text of what was asked; None where the log does not hold it."""
    sample: int = 0
    group: str | None = None
    outcome: Outcome | None = None
    """Why there is no score; None: it was scored."""
    cluster: str | None = None
    """What items have in common that are no independent ones."""
    place: int | None = None
    """Where it stands in the file, from 0 on; None: where it stands among the items."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation as a log holds it."""

    benchmark: str
    items: Sequence[LoggedAnswer]
    model: str | None = None
    date: str = ""
    notes: tuple[str, ...] = field(default=())


def log_of_items(path: Path, name: str, evaluation: Evaluation) -> Log:
    """Return the log of an evaluation.

    A value that is NaN or absent gives the outcome `failed`; a metric that holds something else than numbers is
    refused, the others are kept. Items are known by their question where the log holds it, else by their id.

    Parameters
    ----------
    path : Path
        The file, as messages name it.
    name : str
        Name of the format.
    evaluation : Evaluation

    Raises
    ------
    InputError
        No item with a score, or one answer twice with different scores.
    """
    metrics = list(dict.fromkeys(metric for item in evaluation.items for metric in item.scores))
    if not metrics:
        raise InputError(f"{name} with items and scores", "neither", Place(str(path)))
    text = _not_numbers(evaluation.items, metrics)
    kept = [metric for metric in metrics if metric not in text]
    rows = [_row(k, item, metric) for metric in kept for k, item in enumerate(evaluation.items)]
    frame, repeats = without_repeats(
        pl.DataFrame(rows, schema=dict(ROWS), orient="row"),
        ("position", "question", "sample", "metric"),
        ("outcome", "score"),
        lambda row: str(row["label"]),
        lambda row: Place(str(path), key=f"item {row + 1}"),
    )
    measures = {metric: Measure("", metric) for metric in kept}
    problems = {
        m: score_problem(frame.filter(metric=metric), lambda k: f"item {k + 1}") for metric, m in measures.items()
    }
    return Log(
        file=str(path),
        format=name,
        benchmark=evaluation.benchmark,
        rows=frame,
        measures=tuple(measures.values()),
        refused={**{Measure("", m): why for m, why in text.items()}, **{m: why for m, why in problems.items() if why}},
        notes=(*evaluation.notes, *repeats),
        run=str(path.parent),
        model=evaluation.model,
        date=evaluation.date,
        errors=errors_among(metrics),
        doubtful=doubtful_among(metrics),
    )


def _row(k: int, item: LoggedAnswer, metric: str) -> tuple[Any, ...]:
    asked = None if item.question is None else sha256(item.question.encode(errors="surrogatepass")).hexdigest()
    value = item.scores.get(metric)
    score = None if value is None or item.outcome is not None else float(value)
    outcome = item.outcome or Outcome.SCORED
    if item.outcome is None and (score is None or not math.isfinite(score)):
        outcome, score = Outcome.FAILED, None
    label = f"item {item.id}"
    return (
        k if item.place is None else item.place,
        None,
        item.id,
        item.id,
        label,
        item.sample,
        item.cluster,
        asked,
        asked,
        item.group,
        "",
        metric,
        str(outcome),
        score,
    )


def _not_numbers(items: Sequence[LoggedAnswer], metrics: Sequence[str]) -> dict[str, str]:
    """Return the metrics that hold something else than numbers -> what."""
    faulty = {}
    for metric in metrics:
        values = ((item, item.scores.get(metric)) for item in items)
        bad = next(((i, v) for i, v in values if v is not None and not isinstance(v, (bool, int, float))), None)
        if bad is not None:
            faulty[metric] = f"item {bad[0].id} has {str(bad[1])[:40]!r}, no number"
    return faulty
