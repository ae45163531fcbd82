"""Shows a comparison as text: what was compared, the estimates in percentage points, ranks, flips, other scorings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gauger.cli.compare_cells import Row, comparison_table, percent, where
from gauger.cli.compare_tables import further_tables
from gauger.records import Scale, SetKind

if TYPE_CHECKING:
    from gauger.records import Document, Estimate

FEW = 5
"""Up to so many benchmarks are named one by one."""

RATIOS = ("gap_recovered", "carryover", "benchmark_bound_share")
"""Estimands that are shares, shown in per cent; all others are differences, in percentage points."""


def comparison_text(document: Document) -> str:
    """Return the whole comparison as text; it ends with the first screen of its report."""
    from gauger.report import summary

    estimates = [estimate for estimate in document.estimates if estimate.estimand not in ("score", "difference")]
    lines = [_arms(document), _scores(document), _estimates(estimates)]
    for title, content in further_tables(document):
        lines += [f"\n{title}", content]
    return "\n".join([*lines, "", summary(document.to_dict())])


def _arms(document: Document) -> str:
    arms = [f"{arm.name}: {arm.description}" for arm in document.arms]
    by_measure: dict[str, list[str]] = {}
    for benchmark, measure in document.study["measures"].items():
        by_measure.setdefault(measure, []).append(benchmark)
    measures = "; ".join(f"{_benchmarks(benchmarks)} by {measure}" for measure, benchmarks in by_measure.items())
    return "\n".join([*arms, *([f"compared: {measures}"] if measures else [])])


def _benchmarks(names: Sequence[str]) -> str:
    """Name benchmarks, of many the first few."""
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{len(names)} benchmarks ({', '.join(names[:3])}, ...)"


def _scores(document: Document) -> str:
    """Return the mean score of every arm on every benchmark, in per cent of its items."""
    scores = {
        (estimate.benchmark, estimate.arm): estimate.value
        for estimate in document.estimates
        if estimate.estimand == "score"
    }
    names = [arm.name for arm in document.arms]
    rows = [
        (info.name, info.role or "-", *(percent(scores.get((info.name, name))) for name in names), str(info.n_items))
        for info in document.benchmarks
    ]
    return comparison_table(("Score on", "Role", *names, "Items"), rows)


def _estimates(estimates: Sequence[Estimate]) -> str:
    rows = []
    for estimate in estimates:
        name, *rest = _estimate_row(estimate)
        rows.append((name, estimate.arm, *rest))
    return comparison_table(("Estimate", "Arm", "On", "Value", "95 % interval", "Items", "Note"), rows)


def _estimate_row(estimate: Estimate) -> Row:
    value = "undefined" if estimate.value is None else f"{_on_scale(estimate, estimate.value)}{_unit(estimate)}"
    note = estimate.reason or estimate.note or ""
    items = "" if estimate.n_items is None else str(estimate.n_items)
    return (_name(estimate), where(estimate.benchmark, estimate.over), value, _set(estimate), items, note)


def _name(estimate: Estimate) -> str:
    scale = {Scale.LOGIT: ", item logits", Scale.LEAD: ", of the lead"}.get(Scale(estimate.scale), "")
    return estimate.estimand.replace("_", " ") + scale


def _unit(estimate: Estimate) -> str:
    return " %" if estimate.estimand in RATIOS or estimate.scale == Scale.LEAD else ""


def _on_scale(estimate: Estimate, number: float) -> str:
    """Write a number on its own scale: points and shares times 100, a difference of item logits as it is."""
    in_logits = estimate.scale == Scale.LOGIT and estimate.estimand not in RATIOS
    return f"{number:+.2f}" if in_logits else f"{100 * number:+.1f}"


def _set(estimate: Estimate) -> str:
    """Write a confidence set so that no two numbers look like an interval that is none."""
    if estimate.value is None or estimate.kind == SetKind.NONE:
        return ""
    if estimate.kind == SetKind.EVERYTHING:
        return "no value is ruled out"
    low, high = (None if end is None else _on_scale(estimate, end) for end in (estimate.low, estimate.high))
    words = {
        SetKind.OUTSIDE: f"below {low} or above {high}",
        SetKind.BELOW: f"at most {high}",
        SetKind.ABOVE: f"at least {low}",
    }
    return words.get(SetKind(estimate.kind), f"{low} to {high}")
