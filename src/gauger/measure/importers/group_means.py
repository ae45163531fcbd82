"""Recomputes lm-eval's averages over groups of tasks from the samples, and finds out how the harness weighted them.

The formulas are the harness's own (`lm_eval.api.metrics`): a group's average by size is sum n m / sum n, without
weights the plain mean; its standard error pools the tasks' ones, which hold items alone and no training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import polars as pl

from gauger.measure.importers.log import Log, Measure
from gauger.records import Outcome

BY_ITEMS, BY_BENCHMARKS = "items", "benchmarks"
_TOLERANCE = 1e-6
"""The harness's sums and ours differ by rounding alone."""


@dataclass(frozen=True)
class TaskMean:
    """One task's average as the harness computes it."""

    n_items: int
    mean: float
    """Unparsed answers count as 0."""
    se: float | None
    """Standard deviation of the items (n - 1) over sqrt n; None for fewer than two."""


def task_mean(log: Log, measure: Measure) -> TaskMean | None:
    """Return a task's average; None where no item has a score."""
    rows = log.scores(measure)
    score = pl.when(pl.col("outcome") == str(Outcome.UNPARSED)).then(0.0).otherwise("score")
    scores = rows.select(score.alias("score")).to_series().drop_nulls()
    if scores.is_empty():
        return None
    spread = scores.std()
    se = float(spread) / sqrt(len(scores)) if isinstance(spread, float) else None
    return TaskMean(len(scores), float(scores.mean()), se)  # type: ignore[arg-type]


def group_mean(tasks: Sequence[TaskMean], weights: str) -> float:
    """Return a group's average: sum n m / sum n by items, the mean of m by benchmarks."""
    if weights == BY_BENCHMARKS:
        return sum(task.mean for task in tasks) / len(tasks)
    return sum(task.n_items * task.mean for task in tasks) / sum(task.n_items for task in tasks)


def group_se(tasks: Sequence[TaskMean]) -> float | None:
    """Return a group's pooled standard error; None where a task has none.

    sqrt( sum (n - 1) n se^2 / (N - k) / N ) for k tasks of N items: `pooled_sample_stderr` of the harness.
    """
    errors = [(task.n_items, task.se) for task in tasks]
    total = sum(n for n, _ in errors)
    if any(se is None for _, se in errors) or total <= len(errors):
        return None
    return sqrt(sum((n - 1) * n * se**2 for n, se in errors if se is not None) / (total - len(errors)) / total)


def group_weights(logs: Sequence[Log]) -> tuple[dict[str, str], list[str]]:
    """Find out how each group that the logs name was averaged, from one trained model's logs.

    Returns
    -------
    dict
        Group -> "items" or "benchmarks"; where both fit, or neither is known, "items", the harness's default.
    list of str
        A sentence where the harness's average is neither of the two that the samples give.
    """
    members: dict[str, list[Log]] = {}
    for log in logs:
        for group in log.groups:
            members.setdefault(group, []).append(log)
    weights, doubts = {}, []
    for group, group_logs in members.items():
        weights[group], group_doubts = _weights(group, group_logs)
        doubts += group_doubts
    return weights, doubts


def _weights(group: str, logs: Sequence[Log]) -> tuple[str, list[str]]:
    reported = next((log.group_means[group] for log in logs if log.group_means.get(group)), {})
    doubts = []
    for key, theirs in reported.items():
        metric, _, filter_name = key.partition(",")
        tasks = [task_mean(log, Measure(filter_name, metric)) for log in logs]
        known = [task for task in tasks if task is not None]
        if "_stderr" in metric or len(known) < len(tasks) or not known:
            continue
        ours: Mapping[str, float] = {how: group_mean(known, how) for how in (BY_ITEMS, BY_BENCHMARKS)}
        fitting = [how for how, value in ours.items() if abs(value - theirs) <= _TOLERANCE]
        if fitting:
            return fitting[0], []
        doubts.append(
            f"{group}: the harness reports {theirs:.4f} as {metric}, but its {len(logs)} tasks give "
            f"{ours[BY_ITEMS]:.4f} by items and {ours[BY_BENCHMARKS]:.4f} by benchmarks (tasks that are missing, or "
            "metrics of several kinds)"
        )
    return BY_ITEMS, doubts[:1]
