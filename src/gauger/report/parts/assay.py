"""The instrument's checks on itself: what must be seen is seen, what must not be seen is not."""

from __future__ import annotations

from gauger.report.blocks import Cell, Section, Table
from gauger.report.document_view import View


def build(view: View) -> Section | None:
    """Return the chapter, or None where no check was made and none was switched off."""
    rows = [[check["name"], _result(check["passed"]), check["detail"]] for check in view.rows("assay")]
    named = {row[0] for row in rows}
    off = view.document.get("switched_off") or {}
    rows += [[name, _result(None), reason] for name, reason in off.items() if name not in named]
    if not rows:
        return None
    lead = (
        "As in a laboratory, the instrument is checked before its reading is believed. If a check fails, the verdict "
        "is invalid, whatever the numbers say."
    )
    table = Table(("Check", "Result", "What must hold, and what was found"), rows)
    return Section("assay", "Can the instrument be trusted?", [lead], tables=[table], short="Instrument checks")


def _result(passed: bool | None) -> Cell:
    if passed is None:
        return Cell("– switched off", kind="warn")
    return Cell("✓ passed", kind="good") if passed else Cell("✕ failed", kind="bad")
