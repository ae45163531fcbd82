"""Shows the instrument's checks on itself: what must be seen is seen, what must not be seen is not."""

from __future__ import annotations

from gauger.records import CheckOutcome
from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import View


def build(view: View) -> Section | None:
    """Return the chapter, or None where no check was made and none was switched off."""
    rows = [[check["name"], _result(check["outcome"]), check["detail"]] for check in view.rows("assay")]
    named = {row[0] for row in rows}
    off = view.document.get("switched_off") or {}
    rows += [[name, _result(CheckOutcome.NOT_MADE), reason] for name, reason in off.items() if name not in named]
    if not rows:
        return None
    lead = (
        "As in a laboratory, the instrument is checked before its reading is believed, on the very number that the "
        "verdict is about. If a check fails, the verdict is invalid, whatever the numbers say; if one decides nothing, "
        "the study is not powered."
    )
    table = HtmlTable(("Check", "Result", "What must hold, and what was found"), rows)
    return Section("assay", "Can the instrument be trusted?", [lead], tables=[table], short="Instrument checks")


def _result(outcome: str) -> TableCell:
    words = {
        CheckOutcome.PASSED: ("✓ passed", "good"),
        CheckOutcome.FAILED: ("✕ failed", "bad"),
        CheckOutcome.NOT_POWERED: ("○ decides nothing", "warn"),
        CheckOutcome.NOT_MADE: ("– not made", "warn"),
    }
    text, kind = words[CheckOutcome(outcome)]
    return TableCell(text, kind=kind)
