"""Compares measures on scales of their own: errors, where lower is better, and numbers beyond 0 to 1.

Such a measure never stands among the estimates, which are scores from 0 to 1 with 1 as best. It is estimated by the
same engine on x' = (x - low) / (high - low), turned round where lower is better, and told in its own unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from gauger.errors import InputError
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure import NOTHING_SCORED, ArmLogs, MatchingRule, Measure, match_items
from gauger.records import Estimate

ESTIMANDS = ("uplift", "gain")
LOWER, HIGHER = "lower", "higher"


def other_scales(
    arms: Sequence[ArmLogs], benchmark: str, design: Design, rule: MatchingRule
) -> tuple[list[dict[str, Any]], list[str]]:
    """Estimate a benchmark's measures that are no scores from 0 to 1.

    Parameters
    ----------
    arms : sequence of ArmLogs
        Those that have the benchmark.
    benchmark : str
    design : Design
    rule : Rule
        How items are matched.

    Returns
    -------
    list of dict
        benchmark, measure, better ("lower" or "higher"), estimand, arm, control, score_arm, score_control, value (arm
        minus control in the measure's own unit), low, high, n_items, conclusion (gain, loss, unclear: by direction).
    list of str
        Why a measure could not be estimated.
    """
    rows, faults = [], []
    for measure in _measures(arms, benchmark):
        try:
            matched = match_items(arms, benchmark, measure, rule)
        except InputError as fault:
            faults.append(f"{benchmark}: {measure} is not compared on its own scale: {fault}")
            continue
        lower = any(measure.metric in log.errors for arm in arms for _, log in arm.on(benchmark))
        rows += _estimated(benchmark, measure, matched.records, design, lower)
    return rows, faults


def _measures(arms: Sequence[ArmLogs], benchmark: str) -> list[Measure]:
    """Return the measures of numbers that every log has and that are errors, or lie outside 0 to 1."""
    logs = [log for arm in arms for _, log in arm.on(benchmark)]
    errors = {metric for log in logs for metric in log.errors}
    refused = {measure for log in logs for measure in log.refused}
    numeric = [m for m in dict.fromkeys((*logs[0].measures, *logs[0].refused)) if m.metric != NOTHING_SCORED]
    return [
        m
        for m in numeric
        if (m.metric in errors or m in refused)
        and all(not log.scores(m)["score"].drop_nulls().is_empty() for log in logs)
    ]


def _estimated(
    benchmark: str, measure: Measure, records: pl.DataFrame, design: Design, lower: bool
) -> list[dict[str, Any]]:
    """Estimate one measure; nothing where all its values are the same."""
    low, high = records["score"].min(), records["score"].max()
    if not isinstance(low, float) or not isinstance(high, float) or low == high:
        return []
    span, sign = high - low, -1.0 if lower else 1.0
    scaled = (high - pl.col("score")) / span if lower else (pl.col("score") - low) / span
    plain = replace(design, roles={}, rule=None)
    estimates = estimate_study(
        records.with_columns(score=scaled.clip(0.0, 1.0), role=pl.lit(None, pl.String)), plain
    ).estimates
    means = {
        estimate.arm: (high - span * estimate.value if lower else low + span * estimate.value)
        for estimate in estimates
        if estimate.estimand == "score" and estimate.value is not None
    }
    rows = []
    for estimate in estimates:
        if (
            estimate.estimand in ESTIMANDS
            and estimate.value is not None
            and estimate.low is not None
            and estimate.high is not None
        ):
            ends = sorted((sign * span * estimate.low, sign * span * estimate.high))
            rows.append(
                {
                    "benchmark": benchmark,
                    "measure": str(measure),
                    "better": LOWER if lower else HIGHER,
                    "estimand": estimate.estimand,
                    "arm": estimate.arm,
                    "control": estimate.control,
                    "score_arm": means.get(estimate.arm),
                    "score_control": means.get(str(estimate.control)),
                    "value": sign * span * estimate.value,
                    "low": ends[0],
                    "high": ends[1],
                    "n_items": estimate.n_items,
                    "conclusion": _conclusion(estimate),
                }
            )
    return rows


def _conclusion(estimate: Estimate) -> str:
    """Return gain, loss or unclear, on the scale where higher is better."""
    if estimate.low is not None and estimate.low > 0:
        return "gain"
    return "loss" if estimate.high is not None and estimate.high < 0 else "unclear"
