"""Tabulates estimates as rows of HTML: values in their unit, intervals, and reasons where there is no value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gauger.records import Scale
from gauger.report.blocks import HtmlTable, TableCell
from gauger.report.document_view import Row, role_of
from gauger.report.wording import estimand, quantity, set_of, unit_of, with_unit


def value_cell(row: Row | None) -> TableCell:
    """Return the cell of a value: "+12.3", or the reason why it is undefined."""
    if row is None:
        return TableCell("not in this study", kind="undefined")
    if row["value"] is None:
        return TableCell(row["reason"] or "undefined", kind="undefined")
    unit = unit_of(row)
    return TableCell(quantity(row["value"], unit), sort=row["value"], title=with_unit(row["value"], unit, digits=3))


def interval_cell(row: Row | None, prefix: str = "") -> TableCell:
    """Return the cell of an interval; `prefix` is "simultaneous_" for the one that holds for the whole family."""
    if row is None or row["value"] is None:
        return TableCell("")
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    if prefix and low is None and high is None:
        return TableCell("")
    return TableCell(set_of(row, unit_of(row), prefix), title=row["note"] or "", sort=low)


def matrix_cell(row: Row | None) -> TableCell:
    """Return value and interval in one cell: "+12.3 (+8.1 to +16.5)"."""
    cell = value_cell(row)
    if row is None or row["value"] is None:
        return cell
    return replace(cell, text=f"{cell.text} ({set_of(row, unit_of(row))})")


def label_of(row: Row) -> str:
    """Return the name of an estimate's estimand, with its scale where that is not points."""
    scale = row.get("scale") or Scale.POINTS
    words = {Scale.LOGIT: ", item logits", Scale.LEAD: ", share of the lead"}
    return estimand(row["estimand"]).label + words.get(Scale(scale), "")


def place_of(row: Row) -> str:
    """Return what an estimate is about: its benchmark, or the mean over a role."""
    return row["benchmark"] or f"mean of {role_of(row) or 'all'}"


def estimates_table(rows: Iterable[Row | None], caption: str) -> HtmlTable:
    """Return the table beside a figure: arm, control, benchmark, value, both intervals, what they rest on."""
    columns = ("Estimand", "Arm", "Against", "Benchmark", "Role", "Value", "Interval", "For all at once", "Note")
    body: list[list[TableCell | str]] = [
        [
            label_of(row),
            TableCell(row["arm"], kind="code"),
            TableCell(row["control"] or "–", kind="code"),
            place_of(row),
            role_of(row) or "–",
            value_cell(row),
            interval_cell(row),
            interval_cell(row, "simultaneous_"),
            note_cell(row),
        ]
        for row in rows
        if row is not None
    ]
    return without_empty(HtmlTable(columns, body, caption, numeric=frozenset({5, 6, 7})))


def note_cell(row: Row) -> TableCell:
    """Return the cell of what a reader must know of an interval."""
    return TableCell(row["note"] or "", kind="note" if row["note"] else "")


def without_empty(table: HtmlTable) -> HtmlTable:
    """Return the table without the columns that hold nothing at all."""
    cells = table.cells()
    kept = [place for place in range(len(table.columns)) if any(row[place].text not in ("–", "") for row in cells)]
    return replace(
        table,
        columns=[table.columns[place] for place in kept],
        rows=[[row[place] for place in kept] for row in cells],
        numeric=frozenset(new for new, old in enumerate(kept) if old in table.numeric),
        filters=[new for new, old in enumerate(kept) if old in table.filters],
    )
