"""Says how far to trust the numbers beyond chance: the five threats, what cannot be said, what is missing."""

from __future__ import annotations

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import View

TONES = {"controlled": "good", "partly": "warn", "open": "bad"}


def build(view: View) -> Section | None:
    """Return the chapter on the five threats, or None where the document holds none."""
    threats = [
        {
            "name": row.get("threat", ""),
            "question": row.get("question", ""),
            "answer": row.get("answer", ""),
            "stands": row.get("stands", ""),
            "tone": TONES.get(row.get("stands", ""), ""),
        }
        for row in view.rows("threats")
    ]
    if not threats:
        return None
    lead = "Published answers to this question go wrong in five ways. This is how the present numbers stand on each."
    title = "Five ways such numbers mislead"
    return Section(
        "threats", title, [lead], template="threats.html.j2", data={"threats": threats}, short="Five threats"
    )


def limits(view: View) -> Section | None:
    """Return what this study cannot say."""
    lines = view.rows("limits")
    if not lines:
        return None
    title = f"What this {'comparison' if view.is_compare else 'study'} cannot say"
    return Section("limits", title, template="lines.html.j2", data={"lines": lines}, short="Limits")


def missing(view: View) -> Section | None:
    """Return failed jobs and controls that were switched off, or None where nothing is missing."""
    tables = []
    failures = view.rows("failures")
    if failures:
        rows = [
            [
                TableCell(row["arm"], kind="code"),
                "all" if row.get("replicate") is None else str(row["replicate"]),
                row["stage"],
                row["reason"],
            ]
            for row in failures
        ]
        tables.append(HtmlTable(("Arm", "Replicate", "Stage", "Reason"), rows, "Jobs that failed"))
    off = view.document.get("switched_off") or {}
    if off:
        rows_off = [[TableCell(name, kind="code"), reason] for name, reason in off.items()]
        tables.append(HtmlTable(("Control", "Reason given by the study"), rows_off, "Controls switched off"))
    if not tables:
        return None
    lead = "A failed job is a gap, never a score: the estimates above rest on what remains."
    return Section("missing", "What is missing", [lead], tables=tables)
