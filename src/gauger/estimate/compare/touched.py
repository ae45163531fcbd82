"""Estimates uplift on items that an audit touches, on clean ones, and the difference: a difference in differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from gauger.audit import AuditedBenchmark, flags_for
from gauger.errors import UserError
from gauger.estimate.design import Design
from gauger.estimate.estimator import estimate_study
from gauger.measure import Matched
from gauger.records import Estimate, Role

TOUCHED, CLEAN = "touched", "clean"
ESTIMANDS = ("score", "gain", "uplift")
_BETWEEN = "\x1f"
_LEAST_KNOWN = 0.5
"""Share of a benchmark's items that the audit must know."""


def touched_estimates(
    matched: Mapping[str, Matched], design: Design, audited: Sequence[AuditedBenchmark]
) -> dict[str, Any]:
    """Estimate on touched and on clean items apart, and how much more an arm gains on the touched ones.

    With d a student, c its control, t touched and u clean items, the difference is

        (mu[d, t] - mu[d, u]) - (mu[c, t] - mu[c, u])

    which is free of touched items being easier for everybody, in points and in item logits (the estimand
    `memorisation`, with touched items as the targeted benchmark and clean ones as the parallel one). Where the
    comparison has targeted and parallel benchmarks, memorisation is also estimated on clean items alone: what is left
    no overlap explains.

    Parameters
    ----------
    matched : mapping of benchmark -> Matched
    design : Design
    audited : sequence of AuditedBenchmark
        From `read_audit`.

    Returns
    -------
    dict
        benchmarks : items touched, clean and unknown to the audit; estimates : rows with `group` touched, clean or
        difference; unexplained : memorisation on clean items; left_out : benchmark -> why.

    Raises
    ------
    UserError
        The audit knows none of the benchmarks.
    """
    parts, counts, left_out = [], [], {}
    for name, benchmark in matched.items():
        flags = flags_for(audited, name, benchmark.key, benchmark.items["key"].to_list())
        known = sum(flag is not None for flag in flags)
        if known < _LEAST_KNOWN * len(flags):
            left_out[name] = f"the audit knows {known} of {len(flags)} items by {benchmark.key}"
            continue
        touched = sum(flag is True for flag in flags)
        counts.append({
            "benchmark": name, TOUCHED: touched, CLEAN: known - touched, "unknown": len(flags) - known,
        })  # fmt: skip
        parts.append(_grouped(benchmark, flags))
    if not parts:
        given = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise UserError("an audit of these benchmarks", given, hint="Audit the logs themselves: --against LOG.")
    records = pl.concat(parts)
    names = records["benchmark"].unique(maintain_order=True).to_list()
    roles = {name: Role.TARGETED if name.endswith(TOUCHED) else Role.PARALLEL for name in names}
    skills = {name: name.split(_BETWEEN)[0] for name in names}
    apart = replace(design, roles=dict(roles), skills=skills, rule=None)
    estimates = estimate_study(records.with_columns(role=pl.lit(None, pl.String)), apart).estimates
    return {
        "benchmarks": counts,
        "estimates": [row for estimate in estimates if (row := _row(estimate)) is not None],
        "unexplained": _unexplained(records, design),
        "left_out": left_out,
    }


def _grouped(benchmark: Matched, flags: Sequence[bool | None]) -> pl.DataFrame:
    words = {True: TOUCHED, False: CLEAN, None: None}
    groups = benchmark.items.select("item").with_columns(
        group=pl.Series([words[flag] for flag in flags], dtype=pl.String)
    )
    joined = benchmark.records.join(groups.drop_nulls("group"), on="item", how="inner", maintain_order="left")
    return joined.with_columns(pl.concat_str("benchmark", "group", separator=_BETWEEN).alias("benchmark")).drop("group")


def _row(estimate: Estimate) -> dict[str, Any] | None:
    """Return an estimate with its group: of one benchmark's items, or the difference between them."""
    estimate = replace(estimate, note=estimate.note.replace(_BETWEEN, " ") if estimate.note else estimate.note)
    if estimate.estimand == "memorisation":
        name = None if estimate.benchmark is None else estimate.benchmark.split(_BETWEEN)[0]
        return {**estimate.to_dict(), "benchmark": name, "over": None, "role": None, "group": "difference"}
    if estimate.estimand not in ESTIMANDS or estimate.benchmark is None:
        return None
    name, group = estimate.benchmark.split(_BETWEEN)
    return {**estimate.to_dict(), "benchmark": name, "group": group, "role": None}


def _unexplained(records: pl.DataFrame, design: Design) -> list[dict[str, Any]]:
    """Estimate memorisation on clean items alone, where some benchmarks are targeted and others parallel."""
    if not {Role.TARGETED, Role.PARALLEL} <= set(design.roles.values()):
        return []
    clean = records.filter(pl.col("benchmark").str.ends_with(_BETWEEN + CLEAN)).with_columns(
        pl.col("benchmark").str.split(_BETWEEN).list.first()
    )
    if clean.is_empty():
        return []
    estimates = estimate_study(clean, replace(design, rule=None)).estimates
    return [estimate.to_dict() for estimate in estimates if estimate.estimand == "memorisation"]
