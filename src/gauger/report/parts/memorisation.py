"""Shows gains that stop at the items themselves: targeted against parallel benchmarks."""

from __future__ import annotations

from gauger.records import ArmKind
from gauger.report import findings
from gauger.report.blocks import Figure, FigurePanel, Key, Section
from gauger.report.document_view import View, averages
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import RUST, SLATE
from gauger.report.tables import estimates_table
from gauger.report.wording import codes, fill, listing

CAPTION = (
    "How much more an arm gains on the targeted items than on new items of the same kind, beyond what its control "
    "shows between the two. Right of zero: part of the gain belongs to the items, not to the skill."
)
LEAK = (
    " The leak arm has test items planted in its training data on purpose and must stand clearly right of zero; it "
    "shows that the measure sees what it is meant to see."
)

SCALES = (
    "Points do not mean the same on an easy and on a hard benchmark. An arm is called memorised only where the "
    "interval lies above zero in points and in item logits, in which one lift of every item is one number."
)


def build(view: View) -> Section | None:
    """Return the chapter, or None where no memorisation was asked for; where none has a value, it says why."""
    arms = view.arms_with("memorisation")
    if not arms:
        return None
    title = "Gains that stop at the items themselves"
    if not any(row["value"] is not None for arm in arms for row in view.of("memorisation", arm)):
        return Section("memorisation", title, [_cannot_be_said(view, arms)], short="Memorisation")
    groups: dict[str, list[ForestLine]] = {"distilled arms": [], "planted leak": [], "other controls": []}
    for arm in arms:
        kind = view.kinds.get(arm, ArmKind.DISTILLED)
        name = {ArmKind.DISTILLED: "distilled arms", ArmKind.LEAK: "planted leak"}.get(ArmKind(kind), "other controls")
        colour = RUST if kind == ArmKind.DISTILLED else SLATE
        groups[name] += [
            ForestLine(arm, row, colour, "diamond") for row in view.of("memorisation", arm) if averages(row)
        ]
    lines = lines_of(groups)
    extent = window([line.estimate for line in lines])
    rows = [row for arm in arms for row in (*view.of("memorisation", arm), *view.rescaled("memorisation", arm))]
    chart = forest(lines, unit="points", x_title="points", extent=extent, references=[Reference(0.0)])
    name = "Memorisation, percentage points"
    legend = (Key("distilled", "diamond", RUST), Key("control", "diamond", SLATE))
    figure = Figure(
        "memorisation",
        name,
        CAPTION + (LEAK if view.of("memorisation", ArmKind.LEAK) else ""),
        [FigurePanel(chart, "", height_of(lines), name)],
        estimates_table(rows, name),
        legend,
        finding=findings.memorised(view, arms),
    )
    return Section("memorisation", title, _lead(view), [figure], short="Memorisation")


def _cannot_be_said(view: View, arms: list[str]) -> str:
    """Say why memorisation has no value anywhere: a role without a benchmark, else the estimates' own reasons."""
    lacking = [role for role in ("targeted", "parallel") if not view.in_role(role)]
    if lacking:
        return f"Cannot be said: no {listing(lacking)} benchmark."
    reasons = dict.fromkeys(row["reason"] for arm in arms for row in view.of("memorisation", arm))
    return f"Cannot be said: {listing(reasons)}."


def _lead(view: View) -> list[str]:
    """Say what points and item logits together show of each distilled arm; `estimate.scales` wrote it in the notes."""
    sentences = [
        fill("<code>{arm}</code>: {said}", arm=row["arm"], said=row["note"])
        for arm in view.distilled
        for row in view.of("memorisation", arm)
        if averages(row) and row["value"] is not None and row.get("note")
    ]
    if sentences:
        return [SCALES, *sentences]
    above = [
        row["arm"]
        for arm in view.distilled
        for row in view.of("memorisation", arm)
        if averages(row) and row["value"] is not None and row["low"] is not None and row["low"] > 0
    ]
    if above:
        return [fill("The whole interval lies above zero in {arms}.", arms=codes(dict.fromkeys(above)))]
    return ["In no distilled arm does the whole interval lie above zero."]
