"""Averages over groups of benchmarks, each kind by its name: every benchmark alike, or every item (as lm-eval's).

With benchmarks of different size the two answer different questions: 300 items that gain and 20 that lose are no
change of the mean of two benchmarks, and a large one of the mean of 320 items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from gauger.estimate.cell_means import ALL
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.records import Estimate

BY_ITEMS, BY_BENCHMARKS = "weighted by items", "benchmarks alike"
ESTIMANDS = ("score", "gain", "uplift", "gap_recovered")
"""What is averaged."""
_NOTE = {
    BY_ITEMS: "Every item counts alike.",
    BY_BENCHMARKS: "Every benchmark counts alike.",
}


def extra_averages(records: pl.DataFrame, design: Design, groups: Mapping[str, Sequence[str]]) -> list[Estimate]:
    """Estimate the averages over each group that the logs name, with benchmarks alike and with items alike.

    Those over all benchmarks, or over a role, stand among the estimates of a study already.

    Parameters
    ----------
    records : pl.DataFrame
        Contract columns, all benchmarks.
    design : Design
    groups : mapping of str -> sequence of str
        Group -> its benchmarks, whether compared or not.

    Returns
    -------
    list of Estimate
        `benchmark` is None, `over` says what was averaged and how ("mmlu, weighted by items"; "mmlu (2 of 3 tasks),
        weighted by items" where some of the group is not compared). Simultaneous intervals
        are left out: each average is a question of its own.
    """
    names = records["benchmark"].unique(maintain_order=True).to_list()
    estimates = []
    for label, members in groups.items():
        inside = [b for b in names if b in members]
        if len(inside) > 1:
            if len(inside) < len(members):
                label = f"{label} ({len(inside)} of {len(members)} tasks)"
            estimates += _by_benchmarks(records, design, label, inside) + _by_items(records, design, label, inside)
    return estimates


def _by_items(records: pl.DataFrame, design: Design, label: str, members: Sequence[str]) -> list[Estimate]:
    """Estimate on the items of several benchmarks as if they were one."""
    merged = records.filter(pl.col("benchmark").is_in(members)).with_columns(
        item=pl.concat_str("benchmark", "item", separator="\x1f"),
        benchmark=pl.lit(label),
        role=pl.lit(None, pl.String),
    )
    estimates = estimate_study(merged, replace(design, roles={}, rule=None)).estimates
    return [
        _named(estimate, label, BY_ITEMS)
        for estimate in estimates
        if estimate.benchmark == label and estimate.estimand in ESTIMANDS
    ]


def _by_benchmarks(records: pl.DataFrame, design: Design, label: str, members: Sequence[str]) -> list[Estimate]:
    part = records.filter(pl.col("benchmark").is_in(members)).with_columns(role=pl.lit(None, pl.String))
    estimates = estimate_study(part, replace(design, roles={}, rule=None)).estimates
    return [
        _named(estimate, label, BY_BENCHMARKS)
        for estimate in estimates
        if estimate.over == ALL and estimate.estimand in ESTIMANDS
    ]


def _named(estimate: Estimate, label: str, how: str) -> Estimate:
    note = " ".join(filter(None, [estimate.note, _NOTE[how]])) if estimate.reason is None else estimate.note
    over = f"{label}, {how}"
    return replace(
        estimate, benchmark=None, role=None, over=over, note=note, simultaneous_low=None, simultaneous_high=None
    )
