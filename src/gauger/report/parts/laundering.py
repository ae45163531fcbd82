"""Shows how much of a leak comes through a teacher that was trained on the test items."""

from __future__ import annotations

from gauger.records import ArmKind
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Section
from gauger.report.document_view import Row, View, averages, defined
from gauger.report.forest import ForestLine, Reference, forest, height_of, window
from gauger.report.palette import MUTED, RUST
from gauger.report.tables import estimates_table
from gauger.report.wording import describe_change

LEAD = (
    "The teacher was trained on the benchmarks' test items; a student then learned from it on the same clean prompts "
    "as {arm}. Neither its prompts nor its texts hold a test item: what it shows of them all the same came through the "
    "teacher. That a student never saw the test is then no proof that its score is clean."
)
CAPTION = (
    "How much better test items are answered than new items of the same skill and form: by the contaminated teacher "
    "beyond the clean one, and by its student beyond the same arm taught by the clean teacher."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where no teacher was contaminated."""
    students = view.of_kind(ArmKind.LAUNDER)
    rows = [row for estimand in ("leak_in_teacher", "laundered_leak", "laundered_share") for row in _of(view, estimand)]
    if not students or not rows:
        return None
    twin = view.arm(students[0]).get("twin") or "the same arm"
    return Section(
        "laundering",
        "How much of a leak comes through the teacher",
        [LEAD.format(arm=twin), *_said(view)],
        figures=[figure for figure in (_figure(view),) if figure is not None],
        short="Laundered leak",
    )


def _of(view: View, estimand: str) -> list[Row]:
    kinds = (ArmKind.LAUNDER, ArmKind.LEAKY_TEACHER)
    return [row for arm in view.of_kind(*kinds) for row in view.of(estimand, arm)]


def _said(view: View) -> list[str]:
    """Say the three numbers, averaged over the targeted benchmarks."""
    means = {name: next((row for row in _of(view, name) if averages(row)), None) for name in _NAMES}
    return [
        f"{words}: {row['reason'] if row['value'] is None else describe_change(row)}."
        for name, words in _NAMES.items()
        if (row := means[name]) is not None
    ]


_NAMES = {
    "leak_in_teacher": "The leak that the teacher shows",
    "laundered_leak": "What of it came through to the student",
    "laundered_share": "The share that came through",
}


def _figure(view: View) -> Figure | None:
    pairs = [("in the teacher", "leak_in_teacher", MUTED), ("came through", "laundered_leak", RUST)]
    lines = [
        ForestLine(f"{row.get('benchmark') or 'mean'}, {words}", row, colour, "diamond" if averages(row) else "circle")
        for words, estimand, colour in pairs
        for row in _of(view, estimand)
    ]
    rows = [line.estimate for line in lines]
    if not any(True for _ in defined(rows)):
        return None
    chart = forest(lines, unit="points", x_title="points", extent=window(rows), references=[Reference(0.0)])
    panel = FigurePanel(chart, "", height_of(lines), "Leak in the teacher and in its student")
    title = "Lead of test items over new ones, percentage points"
    through = findings.side(next((row for row in _of(view, "laundered_leak") if averages(row)), None))
    finding = {1: "A leak came through the teacher", 0: "No leak is shown to have come through the teacher"}
    table = estimates_table(rows, title)
    return Figure("laundering", title, CAPTION, [panel], table, finding=finding.get(through or 0, ""))
