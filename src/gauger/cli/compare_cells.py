"""Writes the cells that the tables of ``gauger compare`` share: numbers, intervals, averages' names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gauger.cli.tables import table
from gauger.records import SetKind

Row = tuple[str, ...]
"""One line of a table."""
TEXT_COLUMNS = frozenset(
    {"Score on", "Role", "Arm", "Against", "Estimate", "On", "Uplift on", "Scored by", "95 % interval", "Note", ""}
    | {"Measure", "Better", "Group", "Won items", "Lost items", "for all groups at once"}
)
"""Columns of words; the others are numbers, set to the right."""


def where(benchmark: str | None, over: str | None) -> str:
    """Name a benchmark, or an average with the way it was taken."""
    if benchmark is not None:
        return benchmark
    if over is None or over == "all":
        return "all benchmarks, each alike"
    if over == "all, weighted by items":
        return "all benchmarks, by items"
    says_how = over.startswith("other ") or over.endswith((", weighted by items", ", benchmarks alike"))
    return over if says_how else f"all {over}"


def percent(value: float | None) -> str:
    """Write a score, 0-1, as per cent of items."""
    return "-" if value is None else f"{100 * value:.1f}"


def plain_number(value: float | None) -> str:
    """Write a number on a scale of its own."""
    return "-" if value is None else f"{value:.4g}"


def comparison_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table after an empty line, columns of numbers set to the right."""
    numeric = [place for place, name in enumerate(header) if name not in TEXT_COLUMNS]
    return "\n" + table(header, rows, numeric)


def set_in_points(row: Mapping[str, Any]) -> str:
    """Write an estimate's confidence set so that no two numbers look like an interval that is none."""
    if row["kind"] == SetKind.EVERYTHING:
        return "no value is ruled out"
    if row["kind"] == SetKind.OUTSIDE:
        return f"below {100 * row['low']:+.1f} or above {100 * row['high']:+.1f}"
    return "" if row["kind"] == SetKind.NONE else interval_in_points(row["low"], row["high"], row["value"])


def interval_in_points(low: float | None, high: float | None, value: float | None) -> str:
    """Write an interval in percentage points, its open ends as infinite; nothing where there is no value."""
    if value is None:
        return ""
    ends = ("-inf" if low is None else f"{100 * low:+.1f}", "inf" if high is None else f"{100 * high:+.1f}")
    return f"{ends[0]} to {ends[1]}"
