"""A comparison as text for a terminal: what was compared, the estimates in percentage points, the other scorings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gauger.cli.tables import table

if TYPE_CHECKING:
    from gauger.records import Document, Estimate

RATIOS = ("gap_recovered", "carryover", "benchmark_bound_share")
"""Estimands that are shares, shown in per cent; all others are differences, in percentage points."""
TEXT_COLUMNS = ("Score on", "Role", "Estimate", "On", "Uplift on", "Scored by", "95 % interval", "Note", "")
"""Columns of words; the others are numbers, set to the right."""


def comparison_text(document: Document) -> str:
    """Return the whole comparison as text."""
    lines = [_arms(document), _scores(document)]
    estimates = [one for one in document.estimates if one.estimand != "score"]
    lines.append(_table(("Estimate", "On", "Value", "95 % interval", "Items", "Note"), map(_estimate_row, estimates)))
    scorings = [one for one in document.study["extraction"] if one["estimand"] == "uplift"]
    if any(not one["primary"] for one in scorings):
        header = ("Uplift on", "Scored by", "Value", "95 % interval", "Items", "")
        lines.append("\nThe same outputs scored in other ways:")
        lines.append(_table(header, map(_scoring_row, scorings)))
    return "\n".join(lines).rstrip()


def _arms(document: Document) -> str:
    measures = "; ".join(f"{benchmark} by {measure}" for benchmark, measure in document.study["measures"].items())
    arms = [f"{arm.name}: {arm.description}" for arm in document.arms]
    return "\n".join([*arms, f"compared: {measures}"])


def _scores(document: Document) -> str:
    """Return the mean score of every arm on every benchmark, in per cent of its items."""
    scores = {(one.benchmark, one.arm): one.value for one in document.estimates if one.estimand == "score"}
    names = [arm.name for arm in document.arms]
    rows = [
        (info.name, info.role or "-", *(_percent(scores.get((info.name, name))) for name in names), str(info.n_items))
        for info in document.benchmarks
    ]
    return _table(("Score on", "Role", *names, "Items"), rows)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    numeric = [place for place, name in enumerate(header) if name not in TEXT_COLUMNS]
    return "\n" + table(header, rows, numeric)


def _estimate_row(one: Estimate) -> tuple[str, ...]:
    where = one.benchmark or f"all {one.over or ''}".strip()
    unit = " %" if one.estimand in RATIOS else ""
    value = "undefined" if one.value is None else f"{100 * one.value:+.1f}{unit}"
    note = one.reason or one.note or ""
    items = "" if one.n_items is None else str(one.n_items)
    return (one.estimand.replace("_", " "), where, value, _interval(one.low, one.high, one.value), items, note)


def _scoring_row(one: dict[str, Any]) -> tuple[str, ...]:
    value = "undefined" if one["value"] is None else f"{100 * one['value']:+.1f}"
    items = "" if one["n_items"] is None else str(one["n_items"])
    interval = _interval(one["low"], one["high"], one["value"])
    return (one["benchmark"], one["measure"], value, interval, items, one["conclusion"])


def _interval(low: float | None, high: float | None, value: float | None) -> str:
    if value is None:
        return ""
    ends = ("-inf" if low is None else f"{100 * low:+.1f}", "inf" if high is None else f"{100 * high:+.1f}")
    return f"{ends[0]} to {ends[1]}"
