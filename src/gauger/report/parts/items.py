"""Shows item by item where the judged arm and its control part: what was asked, the right answer, both scores."""

from __future__ import annotations

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import Row, View
from gauger.report.wording import count, number, percent, printable

LONGEST = 240
"""Characters of a prompt or an answer that are shown."""


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document lists no items."""
    found = view.study.get("items")
    if not found or not found["counts"]:
        return None
    lead = (
        f"An item is won where the mean score of {found['arm']} on it, over replicates and samples, is above that of "
        f"{found['control']}, and lost where it is below. Listed are the largest differences of each benchmark; they "
        "were picked for being large, so another run would show smaller ones."
    )
    columns = ("Benchmark", "Won", "Lost", "Same")
    totals: list[list[TableCell | str]] = [
        [TableCell(row["benchmark"], kind="code"), *(count(row[name]) for name in ("won", "lost", "same"))]
        for row in found["counts"]
    ]
    summary = HtmlTable(columns, totals, "Items won and lost", numeric=frozenset({1, 2, 3}))
    names = ("Benchmark", "Item", "", "Difficulty", "Asked", "Right answer", found["arm"], found["control"])
    table = HtmlTable(
        names, [_cells(row) for row in found["rows"]], "The items with the largest differences",
        numeric=frozenset({3, 6, 7}), filters=(0, 2), id="items-table", folded=True,
    )  # fmt: skip
    title = "Which items were won and lost?"
    return Section("items", title, [lead], tables=[table] if found["rows"] else [], summary=summary, short="Items")


def _cells(row: Row) -> list[TableCell]:
    won = row["change"] > 0
    scores = [TableCell(percent(row[name]), sort=row[name]) for name in ("score_arm", "score_control")]
    return [
        TableCell(row["benchmark"], kind="code"),
        TableCell(printable(row["item"], 60), kind="code"),
        TableCell("won" if won else "lost", kind="good" if won else "bad"),
        TableCell(number(row["difficulty"], 2), sort=row["difficulty"]),
        TableCell(printable(row["prompt"], LONGEST)),
        TableCell(printable(row["answer"], LONGEST)),
        *scores,
    ]
