"""Shows whether the conclusion depends on how answers were read out of the same outputs (logs, language models)."""

from __future__ import annotations

from collections import Counter

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import Row, View
from gauger.report.wording import count, estimand, interval, quantity


def build(view: View) -> Section | None:
    """Return the chapter, or None where every benchmark was scored in one way only."""
    rows = view.study.get("extraction") or ()
    ways = Counter((row["benchmark"], row["estimand"], row["arm"]) for row in rows)
    rows = [row for row in rows if ways[row["benchmark"], row["estimand"], row["arm"]] > 1]
    if not rows:
        return None
    lead = (
        "The same outputs were scored in several ways. The estimates of this report rest on the one marked; where "
        "another leads to another conclusion, the result depends on the scoring, not on the model alone."
    )
    columns = ("Benchmark", "Scored by", "Used", "Estimand", "Value", "Interval", "Items", "Conclusion")
    table = HtmlTable(columns, [_cells(row) for row in rows], numeric=frozenset({4, 5, 6}))
    title = "Does the scoring decide?"
    return Section("extraction", title, [lead], tables=[table], short="Scoring of answers")


def _cells(row: Row) -> list[TableCell]:
    wording = estimand(row["estimand"])
    undefined = row["value"] is None
    return [
        TableCell(row["benchmark"], kind="code"),
        TableCell(row["measure"]),
        TableCell("✓ used" if row["primary"] else "", kind="good" if row["primary"] else ""),
        TableCell(wording.label),
        TableCell(row["reason"] or "undefined", kind="undefined")
        if undefined
        else TableCell(quantity(row["value"], wording.unit)),
        TableCell("" if undefined else interval(row["low"], row["high"], wording.unit)),
        TableCell(count(row["n_items"])),
        TableCell(row["conclusion"]),
    ]
