"""Shows item by item where the judged arm and its control part: what was asked, the right answer, both scores."""

from __future__ import annotations

from dataclasses import dataclass

from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import Row, View
from gauger.report.wording import count, number, percent, printable

LONGEST = 240
"""Characters of a prompt or an answer that are shown."""


def build(view: View) -> Section | None:
    """Return the chapter, or None where the document lists no items."""
    items = view.study.get("items")
    if not items or not items["counts"]:
        return None
    lead = (
        f"An item is won where the mean score of {items['arm']} on it, over replicates and samples, is above that of "
        f"{items['control']}, and lost where it is below. Listed are the largest differences of each benchmark; they "
        "were picked for being large, so another run would show smaller ones."
    )
    columns = ("Benchmark", "Won", "Lost", "Same")
    totals: list[list[TableCell | str]] = [
        [TableCell(row["benchmark"], kind="code"), *(count(row[name]) for name in ("won", "lost", "same"))]
        for row in items["counts"]
    ]
    if any(row.get("reply_arm") or row.get("reply_control") for row in items["rows"]):
        lead += " What each of them said is taken from its first replicate, its scores from all."
    summary = HtmlTable(columns, totals, "Items won and lost", numeric=frozenset({1, 2, 3}))
    shown = _Shown(
        difficulty=any(row["difficulty"] is not None for row in items["rows"]),
        replies=any(row.get("reply_arm") or row.get("reply_control") for row in items["rows"]),
    )
    names = (
        "Benchmark", "Item", "", *(("Difficulty",) if shown.difficulty else ()), "Asked", "Right answer",
        items["arm"], items["control"],
        *((f"{items['arm']} said", f"{items['control']} said") if shown.replies else ()),
    )  # fmt: skip
    scores = 6 if shown.difficulty else 5
    table = HtmlTable(
        names, [_cells(row, shown) for row in items["rows"]], "The items with the largest differences",
        numeric=frozenset({scores, scores + 1, *((3,) if shown.difficulty else ())}), filters=(0, 2), id="items-table",
        folded=True,
    )  # fmt: skip
    title = "What was asked where they part?" if view.study.get("flips") else "Which items were won and lost?"
    return Section("items", title, [lead], tables=[table] if items["rows"] else [], summary=summary, short="Items")


@dataclass(frozen=True)
class _Shown:
    """Which columns some row has something for."""

    difficulty: bool
    replies: bool


def _cells(row: Row, shown: _Shown) -> list[TableCell]:
    won = row["change"] > 0
    level = row["difficulty"]
    difficulty = TableCell("" if level is None else number(level, 2), sort=level)
    scores = [TableCell(percent(row[name]), sort=row[name]) for name in ("score_arm", "score_control")]
    texts = [_told(row.get(name)) for name in ("reply_arm", "reply_control")] if shown.replies else []
    return [
        TableCell(row["benchmark"], kind="code"),
        TableCell(printable(row["item"], 60), kind="code"),
        TableCell("won" if won else "lost", kind="good" if won else "bad"),
        *([difficulty] if shown.difficulty else []),
        _told(row["prompt"]),
        _told(row["answer"]),
        *scores,
        *texts,
    ]


def _told(text: str | None) -> TableCell:
    """Show a text; a log that does not hold it is said to."""
    return TableCell("not in the log" if text is None else printable(text, LONGEST))
