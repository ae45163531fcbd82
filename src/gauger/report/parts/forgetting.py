"""Shows what was lost on the way: raw gain on far benchmarks, losses in front."""

from __future__ import annotations

from markupsafe import Markup

from gauger.records import ArmKind, Role
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Key, Section
from gauger.report.document_view import Row, View, defined
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import MUTED, RUST, SLATE
from gauger.report.tables import estimates_table
from gauger.report.wording import describe_change, fill

CAPTION = (
    "Change against the untouched base on skills that nothing was trained for. Left of zero: the arm forgot. Matched "
    "arms (grey) show how much is lost to further training of any kind; what a distilled arm loses beyond them is the "
    "price of this material."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where no gain on a far benchmark was estimated."""
    arms = [arm for arm in view.arms_with("gain") if view.kinds.get(arm) in (ArmKind.DISTILLED, ArmKind.MATCHED)]
    far = view.in_role(Role.FAR)
    groups = {name: _lines(view, arms, view.on, name) for name in far}
    groups["mean of far benchmarks"] = _lines(view, arms, view.over, Role.FAR) if len(far) > 1 else []
    lines = lines_of(groups)
    rows = [line.estimate for line in lines if line.estimate is not None]
    if not rows:
        return None
    chart = forest(
        lines, unit="points", x_title="points against base", extent=window(rows), references=[Reference(0.0)]
    )
    title = "Change on far benchmarks, percentage points"
    panel = FigurePanel(chart, "", height_of(lines), title)
    legend = (
        Key("distilled", "circle", RUST),
        Key("matched, no teacher", "circle", SLATE),
        Key("mean", "diamond", MUTED),
    )
    finding = findings.losses(view, rows)
    figure = Figure("forgetting", title, CAPTION, [panel], estimates_table(rows, title), legend, finding=finding)
    return Section("forgetting", "What was lost on the way", _lead(view, rows), [figure], short="Forgetting")


def _lines(view: View, arms: list[str], find: object, place: str) -> list[ForestLine]:
    lines = []
    for arm in arms:
        row = find("gain", arm, place)  # type: ignore[operator]
        if row is not None:
            colour = SLATE if view.kinds.get(arm) == ArmKind.MATCHED else RUST
            lines.append(ForestLine(arm, row, colour, "circle" if row.get("benchmark") else "diamond"))
    return lines


def _lead(view: View, rows: list[Row]) -> list[str | Markup]:
    """Return the losses that their interval tells from zero, worst first."""
    own = [row for row in defined(rows) if row["arm"] in view.distilled and row.get("benchmark")]
    lost = sorted((row for row in own if row["high"] is not None and row["high"] < 0), key=lambda row: row["value"])
    if not lost:
        return ["No far benchmark shows a loss with its whole interval below zero."]
    worst = "; ".join(f"{row['arm']} on {row['benchmark']} {describe_change(row)}" for row in lost[:3])
    text = "{n} of {of} changes on far benchmarks are losses with their whole interval below zero. Largest: {worst}."
    return [fill(text, n=len(lost), of=len(own), worst=worst)]
