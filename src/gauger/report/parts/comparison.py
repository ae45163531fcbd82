"""Shows a comparison of logs item by item and student by student: flips, ranks, checkpoints, sub-groups, errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.records import Scale
from gauger.report.blocks import HtmlTable, Section, TableCell
from gauger.report.document_view import View
from gauger.report.wording import count, estimand, printable, quantity, set_of, unit_of

Row = Mapping[str, Any]
POINTS = "points"


def flips(view: View) -> Section | None:
    """Return the chapter of items won and lost, or None where the document holds no comparison of items."""
    rows = view.study.get("flips") or ()
    if not rows:
        return None
    lead = (
        "An item is won where the student's mean score on it, over replicates and samples, is above its control's, and "
        "lost where it is below. The largest differences are named; items.csv beside this report holds every item."
    )
    columns = ("Benchmark", "Arm", "Against", "Won", "Lost", "Same", "Won, for instance", "Lost, for instance")
    cells = [
        [
            TableCell(row["benchmark"], kind="code"), row["arm"], row["control"],
            *(TableCell(count(row[name]), sort=row[name]) for name in ("won", "lost", "same")),
            _named(row["items_won"]), _named(row["items_lost"]),
        ]
        for row in rows
    ]  # fmt: skip
    table = HtmlTable(columns, cells, numeric=frozenset({3, 4, 5}))
    return Section("flips", "Which items were won and lost?", [lead], tables=[table], short="Items won and lost")


def students(view: View) -> Section | None:
    """Return the chapter of several students: ranks, and where checkpoints change; None for a single student."""
    ranks = view.study.get("ranks") or ()
    if not ranks:
        return None
    lead = (
        "Rank intervals hold for all students at once: from 1 plus the number of those that are surely better, to the "
        "number of all less those that are surely worse. Where they are wide, a place in the order says little."
    )
    cells = [
        [
            _where(row), row["arm"], TableCell(quantity(row["score"], POINTS, signed=False), sort=row["score"]),
            TableCell(str(row["rank"]), sort=row["rank"]), f"{row['low']} to {row['high']}",
        ]
        for row in ranks
    ]  # fmt: skip
    tables = [HtmlTable(("On", "Student", "Score", "Rank", "Interval of the rank"), cells, numeric=frozenset({2, 3}))]
    series = view.study.get("series") or ()
    if series:
        changes = [[_where(row), _change(row)] for row in series]
        tables.append(HtmlTable(("On", "Against the first checkpoint"), changes, caption="Where a change begins"))
    return Section("students", "How do the students rank?", [lead], tables=tables, short="Ranks")


def groups(view: View) -> Section | None:
    """Return the chapter of sub-groups of items; None where none were asked for."""
    by = view.study.get("by") or {}
    rows = [row for row in by.get("estimates") or () if row["estimand"] != "score"]
    if not rows:
        return None
    lead = (
        f"Items by their {by['column']}. The last interval holds for all sub-groups at once: quote it for the best one."
    )
    columns = ("Benchmark", "Sub-group", "Estimand", "Arm", "Value", "Interval", "For all at once", "Items")
    table = HtmlTable(columns, [_group(row) for row in rows], numeric=frozenset({4, 5, 6, 7}), filters=(0, 1))
    return Section("groups", "Where in the benchmarks?", [lead], tables=[table], short="Sub-groups")


def other_scales(view: View) -> Section | None:
    """Return the chapter of measures on scales of their own; None where there are none."""
    rows = view.study.get("other_scales") or ()
    if not rows:
        return None
    lead = "Measures that are no scores from 0 to 1 are told in their own unit and direction, and enter no average."
    columns = (
        "Benchmark",
        "Measure",
        "Better is",
        "Arm",
        "Score",
        "Control",
        "Difference",
        "Interval",
        "Items",
        "Conclusion",
    )
    cells = [
        [
            TableCell(row["benchmark"], kind="code"), row["measure"], row["better"], row["arm"],
            _plain(row["score_arm"]), _plain(row["score_control"]), f"{row['value']:+.4g}",
            f"{row['low']:+.4g} to {row['high']:+.4g}", count(row["n_items"]), row["conclusion"],
        ]
        for row in rows
    ]  # fmt: skip
    table = HtmlTable(columns, cells, numeric=frozenset({4, 5, 6, 7, 8}))
    return Section("other-scales", "On scales of their own", [lead], tables=[table], short="Other scales")


def audited(view: View) -> Section | None:
    """Return the chapter of items that an audit touches; None where none was given."""
    audit = view.study.get("audit") or {}
    if not audit:
        return None
    lead = [
        f"{row['benchmark']}: {count(row['touched'])} items touched, {count(row['clean'])} clean, "
        f"{count(row['unknown'])} unknown to the audit."
        for row in audit["benchmarks"]
    ]
    lead.append(
        "The difference is what a student gains on touched items beyond what it gains on clean ones, less the same for "
        "its control: items that are merely easier for everybody do not show in it. Memorised is said only where "
        "points and item logits both say so."
    )
    rows = [row for row in audit["estimates"] if row["estimand"] != "score"]
    cells = [_audited(row, str(row["group"])) for row in rows]
    cells += [_audited(row, "clean, targeted over parallel") for row in audit["unexplained"]]
    columns = ("Benchmark", "Items", "Estimand", "Arm", "Value", "Interval", "Note")
    table = HtmlTable(columns, cells, numeric=frozenset({4, 5}))
    return Section("audited", "On touched and on clean items", lead, tables=[table], short="Touched items")


def _audited(row: Row, group: str) -> Sequence[TableCell | str]:
    logits = row["scale"] == Scale.LOGIT
    unit = unit_of(row)
    name = "Gained more on touched" if group == "difference" else estimand(row["estimand"]).label
    known = row["value"] is not None
    return [
        TableCell(row["benchmark"] or "all, each alike", kind="code"),
        group,
        f"{name}, item logits" if logits else name,
        row["arm"],
        TableCell(quantity(row["value"], unit), sort=row["value"])
        if known
        else TableCell("undefined", kind="undefined"),
        set_of(row, unit) if known else "",
        row["reason"] or row["note"] or "",
    ]


def _named(items: Sequence[str]) -> str:
    """Name items of a stranger's log: nothing in their names may steer the page."""
    return ", ".join(printable(item, 60) for item in items)


def _where(row: Row) -> str:
    return row["benchmark"] or f"mean of {row['over']}"


def _change(row: Row) -> str:
    if row["begins_by"] is None:
        return "no change seen"
    return f"{row['direction']}, begins after {row['begins_after']:g} and by {row['begins_by']:g}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _group(row: Row) -> Sequence[TableCell | str]:
    wording = estimand(row["estimand"])
    if row["value"] is None:
        values: list[TableCell | str] = [TableCell(row["reason"] or "undefined", kind="undefined"), "", ""]
    else:
        values = [
            TableCell(quantity(row["value"], wording.unit), sort=row["value"]),
            set_of(row, wording.unit),
            set_of(row, wording.unit, "simultaneous_"),
        ]
    return [
        TableCell(row["benchmark"], kind="code"),
        printable(row["group"], 60),
        wording.label,
        row["arm"],
        *values,
        count(row["n_items"]),
    ]
