"""Compares every arm with every other: differences with intervals that hold for all of them at once, and ranks.

An arm's rank interval follows from the simultaneous intervals of its differences: it is beaten for certain by those
whose interval lies above, and beats for certain those whose interval lies below (Mogstad, Romano, Shaikh and Wilhelm
2024, Review of Economic Studies 91). It covers the true ranks of all arms at once at the level of the intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import polars as pl

from gauger.estimate.cell_means import Case, Cells, MissingCell, Target
from gauger.estimate.contrasts import run_batch
from gauger.estimate.design import Design
from gauger.estimate.results import collect_estimates
from gauger.estimate.score_arrays import build_cube
from gauger.estimate.table import complete_table
from gauger.estimate.wanted import Planned
from gauger.records import ArmInfo, Estimate, Reason

DIFFERENCE = "difference"
"""Estimand of a pair: mu[arm] - mu[control], whatever the two are to each other."""


def all_pairs(records: pl.DataFrame, design: Design, names: Sequence[str]) -> list[Estimate]:
    """Estimate the difference of every pair of arms on every benchmark and on the averages.

    Parameters
    ----------
    records : pl.DataFrame
        Contract columns.
    design : Design
    names : sequence of str
        The arms to pair, in the order in which a pair's first and second are taken.

    Returns
    -------
    list of Estimate
        Estimand "difference"; the simultaneous intervals hold for all pairs and benchmarks together (max-t).
    """
    cells = Cells(build_cube(complete_table(records, design), design), design)
    targets = [cells.benchmark(b) for b in range(len(cells.cube.benchmarks))] + cells.averages()
    by_name = {arm.name: arm for arm in design.arms}
    planned = [
        _planned(cells, by_name[first], second, target)
        for target in targets
        for first, second in combinations(names, 2)
    ]
    return list(collect_estimates(run_batch(cells, planned), len(planned)))


def _planned(cells: Cells, arm: ArmInfo, other: str, target: Target) -> Planned:
    case = Case(cells, arm, other, target)
    try:
        weights = case.mean(arm.name) - case.mean(other)
        cells.require_common_items(weights)
    except MissingCell as missing:
        return Planned(DIFFERENCE, case, None, None, Reason(missing.reason))
    return Planned(DIFFERENCE, case, weights, None)


def ranks(differences: Sequence[Estimate], scores: Sequence[Estimate], names: Sequence[str]) -> list[dict[str, Any]]:
    """Rank the arms on every benchmark and average, with intervals that hold for all arms at once.

    Parameters
    ----------
    differences : sequence of Estimate
        Of `all_pairs`.
    scores : sequence of Estimate
        Plain scores of the same arms among them.
    names : sequence of str

    Returns
    -------
    list of dict
        benchmark, over, arm, score, rank (1 is best; ties share the better one), low, high. An arm that lacks a
        difference on a target is not ranked there.
    """
    targets = dict.fromkeys((difference.benchmark, difference.over) for difference in differences)
    rows = []
    for benchmark, over in targets:
        here = [
            difference for difference in differences if (difference.benchmark, difference.over) == (benchmark, over)
        ]
        means = {
            score.arm: score.value
            for score in scores
            if score.estimand == "score" and (score.benchmark, score.over) == (benchmark, over)
            if score.value is not None and score.arm in names
        }
        if all(difference.simultaneous_low is not None for difference in here) and len(means) == len(names):
            rows += _ranked(benchmark, over, here, {name: means[name] for name in names})
    return rows


def _ranked(
    benchmark: str | None, over: str | None, here: Sequence[Estimate], means: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """Rank the arms on one target."""
    better = dict.fromkeys(means, 0)
    worse = dict.fromkeys(means, 0)
    for difference in here:
        first, second = difference.arm, str(difference.control)
        if difference.simultaneous_low is not None and difference.simultaneous_low > 0:
            worse[first], better[second] = worse[first] + 1, better[second] + 1
        elif difference.simultaneous_high is not None and difference.simultaneous_high < 0:
            better[first], worse[second] = better[first] + 1, worse[second] + 1
    values = [float(value or 0.0) for value in means.values()]
    return [
        {
            "benchmark": benchmark,
            "over": over,
            "arm": arm,
            "score": value,
            "rank": 1 + sum(other > float(value or 0.0) for other in values),
            "low": 1 + better[arm],
            "high": len(means) - worse[arm],
        }
        for arm, value in means.items()
    ]
