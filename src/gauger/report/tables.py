"""Estimates as rows of HTML tables: values in their unit, intervals, and reasons where there is no value."""

from __future__ import annotations

from collections.abc import Iterable

from gauger.report.blocks import Cell, Table
from gauger.report.view import Row, role_of
from gauger.report.wording import estimand, interval, quantity, with_unit


def value_cell(row: Row | None) -> Cell:
    """Return the cell of a value: "+12.3", or the reason why it is undefined."""
    if row is None:
        return Cell("not in this study", kind="undefined")
    if row["value"] is None:
        return Cell(row["reason"] or "undefined", kind="undefined")
    unit = estimand(row["estimand"]).unit
    return Cell(quantity(row["value"], unit), sort=row["value"], title=with_unit(row["value"], unit, digits=3))


def interval_cell(row: Row | None, prefix: str = "") -> Cell:
    """Return the cell of an interval; `prefix` is "simultaneous_" for the one that holds for the whole family."""
    if row is None or row["value"] is None:
        return Cell("")
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    if prefix and low is None and high is None:
        return Cell("")
    return Cell(interval(low, high, estimand(row["estimand"]).unit), title=row["note"] or "", sort=low)


def place_of(row: Row) -> str:
    """Return what an estimate is about: its benchmark, or the mean over a role."""
    return row["benchmark"] or f"mean of {role_of(row) or 'all'}"


def estimates_table(rows: Iterable[Row | None], caption: str) -> Table:
    """Return the table beside a figure: arm, control, benchmark, value, both intervals, what they rest on."""
    columns = ("Estimand", "Arm", "Against", "Benchmark", "Role", "Value", "Interval", "For all at once", "Note")
    body = [
        [
            estimand(row["estimand"]).label,
            Cell(row["arm"], kind="code"),
            Cell(row["control"] or "–", kind="code"),
            place_of(row),
            role_of(row) or "–",
            value_cell(row),
            interval_cell(row),
            interval_cell(row, "simultaneous_"),
            row["note"] or "",
        ]
        for row in rows
        if row is not None
    ]
    return Table(columns, body, caption, numeric=frozenset({5, 6, 7}))
