"""Estimates uplift and gain within sub-groups of items: subjects, categories, lengths, whatever a column names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from gauger.errors import UserError, nearest
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure import Matched

ESTIMANDS = ("score", "gain", "uplift")
MAX_GROUPS = 200
"""A column with more values than this names items, not groups of them."""
_BETWEEN = "\x1f"


def subgroup_estimates(matched: Mapping[str, Matched], design: Design, by: str) -> list[dict[str, Any]]:
    """Estimate on every sub-group of every benchmark.

    Parameters
    ----------
    matched : mapping of benchmark -> Matched
        Items with their `group`.
    design : Design
    by : str
        The column, for messages.

    Returns
    -------
    list of dict
        Estimates as plain mappings, with `group` beside `benchmark`. Simultaneous intervals hold for all groups of all
        benchmarks together, so that the best of many groups is not mistaken for a finding.

    Raises
    ------
    UserError
        No item has a value, or there are more than `MAX_GROUPS` different ones.
    """
    parts = [_grouped(benchmark) for benchmark in matched.values()]
    records = pl.concat(parts)
    groups = records["benchmark"].unique(maintain_order=True)
    if records.is_empty():
        hint = (
            "It is a column of the table, a field of lm-eval's documents, a key of Inspect's sample metadata, or "
            "HELM's perturbation."
        )
        raise UserError(f"items with a value of {by!r} (--by)", "none", hint=hint)
    if len(groups) > MAX_GROUPS:
        shown = [name.split(_BETWEEN)[1] for name in groups.to_list()]
        raise UserError(
            f"at most {MAX_GROUPS} sub-groups", f"{len(groups)} values of {by!r}", hint=nearest("", shown[:5])
        )
    estimates = estimate_study(records, replace(design, roles={}, rule=None)).estimates
    rows = []
    for estimate in estimates:
        if estimate.benchmark is not None and estimate.estimand in ESTIMANDS:
            benchmark, group = estimate.benchmark.split(_BETWEEN)
            note = estimate.note.replace(_BETWEEN, " ") if estimate.note else estimate.note
            rows.append({**estimate.to_dict(), "benchmark": benchmark, "group": group, "note": note})
    return rows


def _grouped(benchmark: Matched) -> pl.DataFrame:
    groups = benchmark.items.filter(pl.col("group").is_not_null()).select("item", "group")
    return (
        benchmark.records.join(groups, on="item", how="inner", maintain_order="left")
        .with_columns(benchmark=pl.concat_str("benchmark", "group", separator=_BETWEEN), role=pl.lit(None, pl.String))
        .drop("group")
    )
