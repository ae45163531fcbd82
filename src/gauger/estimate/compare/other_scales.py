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
    found, faults = [], []
    for measure in _measures(arms, benchmark):
        try:
            matched = match_items(arms, benchmark, measure, rule)
        except InputError as fault:
            faults.append(f"{benchmark}: {measure} is not compared on its own scale: {fault}")
            continue
        lower = any(measure.metric in log.errors for arm in arms for _, log in arm.on(benchmark))
        found += _estimated(benchmark, measure, matched.records, design, lower)
    return found, faults


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
        one.arm: (high - span * one.value if lower else low + span * one.value)
        for one in estimates
        if one.estimand == "score" and one.value is not None
    }
    rows = []
    for one in estimates:
        if one.estimand in ESTIMANDS and one.value is not None and one.low is not None and one.high is not None:
            ends = sorted((sign * span * one.low, sign * span * one.high))
            rows.append(
                {
                    "benchmark": benchmark,
                    "measure": str(measure),
                    "better": LOWER if lower else HIGHER,
                    "estimand": one.estimand,
                    "arm": one.arm,
                    "control": one.control,
                    "score_arm": means.get(one.arm),
                    "score_control": means.get(str(one.control)),
                    "value": sign * span * one.value,
                    "low": ends[0],
                    "high": ends[1],
                    "n_items": one.n_items,
                    "conclusion": _conclusion(one),
                }
            )
    return rows


def _conclusion(one: Estimate) -> str:
    """Return gain, loss or unclear, on the scale where higher is better."""
    if one.low is not None and one.low > 0:
        return "gain"
    return "loss" if one.high is not None and one.high < 0 else "unclear"
