"""Writes the chapters of runs side by side: every verdict, what one finds beyond another, and what differs in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from gauger.records import Scale
from gauger.report.blocks import Callout, Figure, FigurePanel, HtmlTable, Key, Section, TableCell
from gauger.report.document_view import Row, View, defined
from gauger.report.forest import ForestLine, Reference, forest, height_of, lines_of, window
from gauger.report.palette import MUTED, role_colour
from gauger.report.tables import label_of, note_cell, place_of, value_cell
from gauger.report.wording import (
    codes,
    estimand,
    fill,
    interval,
    printable,
    quantity,
    set_of,
    several,
    unit_of,
    with_unit,
)

SHOWN = ("uplift_difference", "gain_difference")
"""Estimands that get a figure, in this order; the first that the document has."""
OUTCOMES = {"major": "good", "minor": "good", "invalid": "bad"}
VALUE_LIMIT = 80
"""Characters of a setting's value that are shown."""


def sentence(view: View) -> Markup:
    """Return what the runs conclude, and what the judged number differs by, in plain words."""
    runs = view.study["runs"]
    outcomes = [
        fill("<code>{run}</code>: {outcome}", run=run["run"], outcome=_outcome(run["verdict"]))
        for run in runs
        if run["verdict"]
    ]
    if not outcomes:
        return _differences(view)
    return Markup("{}. {}").format(Markup(", ").join(outcomes), _differences(view))


def _outcome(verdict: Row | None) -> str:
    return "no verdict rule" if verdict is None else str(verdict["outcome"]).replace("_", " ")


def _differences(view: View) -> Markup:
    rows = view.study["judged"] or _headlines(view)
    return Markup(" ").join(_told(row) for row in rows)


def _headlines(view: View) -> Sequence[Row]:
    """Return, of records tables, one average a run: of the nearest role that all have."""
    by_run: dict[str, Row] = {}
    for row in view.estimates:
        if row["estimand"] == SHOWN[0] and row["scale"] == Scale.POINTS:
            known = by_run.get(row["run"])
            if known is None or (known["benchmark"] is not None and row["benchmark"] is None):
                by_run[row["run"]] = row
    return list(by_run.values())


def _told(row: Row) -> Markup:
    label = estimand(row["estimand"].removesuffix("_difference")).label
    about = {"label": label, "run": row["run"], "against": row["against"], "where": place_of(row)}
    if row["value"] is None:
        text = "What {label} on {where} is in <code>{run}</code> beyond <code>{against}</code> is undefined: {reason}."
        return fill(text, reason=row["reason"], **about)
    size = f"{with_unit(row['value'], unit_of(row))} (95 % interval {set_of(row, unit_of(row))})"
    conclusion = _conclusion(row)
    text = "In <code>{run}</code>, {label} on {where} lies {size} from that in <code>{against}</code>: {said}."
    return fill(text, size=size, said=conclusion, **about)


def _conclusion(row: Row) -> str:
    """Say what an interval allows to say; a difference that may be nothing is not called none."""
    low, high = row["low"], row["high"]
    if low is not None and low > 0:
        return "more"
    if high is not None and high < 0:
        return "less"
    return "no difference is shown, and none is ruled out" if (low, high) != (0.0, 0.0) else "the same models"


def verdicts(view: View) -> Section:
    """Return the chapter that comes first: every run with its verdict, and the judged difference."""
    judged = {row["run"]: row for row in view.study["judged"] or _headlines(view)}
    rows = [_run_row(run, judged.get(run["run"])) for run in view.study["runs"]]
    columns = ("Run", "Verdict", "Its own value", "Interval", "Beyond the first", "Interval", "As if unrelated")
    table = HtmlTable(columns, rows, "The number that the verdict judges", numeric=frozenset({2, 3, 4, 5, 6}))
    warnings = view.rows("warnings")
    boxes = [Callout("warn", "Warnings of the runs", warnings)] if warnings else []  # type: ignore[arg-type]
    return Section("verdicts", "Side by side", [sentence(view), *_pairing(view)], summary=table, callouts=boxes)


def _run_row(run: Row, judged: Row | None) -> Sequence[TableCell | str]:
    verdict = run["verdict"]
    own = (verdict or {}).get("estimate")
    name, outcome = TableCell(run["run"], kind="code"), _outcome(verdict)
    first: list[TableCell | str] = [name, TableCell(outcome, kind=OUTCOMES.get(outcome, "warn") if verdict else "")]
    if own is not None:
        unit = unit_of(own)
        first += [value_cell(own), "" if own["value"] is None else set_of(own, unit)]
    else:
        value = None if judged is None else judged["value_run"]
        first += ["–" if value is None else quantity(value, unit_of(judged or {})), ""]
    if judged is None:
        return [*first, "–", "", ""]
    return [*first, value_cell(judged), _interval(judged), _unpaired(judged)]


def _interval(row: Row) -> TableCell:
    if row["value"] is None:
        return TableCell("")
    return TableCell(set_of(row, unit_of(row)), title=row["note"] or "", sort=row["low"])


def _unpaired(row: Row) -> TableCell:
    if row["value"] is None or row["unpaired_low"] is None:
        return TableCell("–")
    text = interval(row["unpaired_low"], row["unpaired_high"], unit_of(row))
    return TableCell(text, title="As if the runs shared neither items nor seeds nor models", kind="undefined")


def _pairing(view: View) -> list[Markup]:
    """Say of every pair what the intervals use."""
    sentences = []
    for pair in view.study["pairs"]:
        shared = pair["shared_arms"]
        same = (
            fill("the models of {arms} are the same in both", arms=codes(shared)) if shared else "no model is the same"
        )
        text = "<code>{run}</code> and <code>{against}</code>: {items}, {seeds}, and {same}; intervals use that."
        items = "the same items" if pair["same_items"] else "different items"
        seeds = "replicates of the same number share their seed" if pair["same_seeds"] else "different seeds"
        sentences.append(fill(text, run=pair["run"], against=pair["against"], items=items, seeds=seeds, same=same))
    return sentences


def settings(view: View) -> Section | None:
    """Return the chapter of settings that are not alike; None where there are none to show."""
    rows = view.study["settings"]
    names = [run["run"] for run in view.study["runs"]]
    if not rows or any(len(row["values"]) != len(names) for row in rows):
        return None
    table = HtmlTable(
        ("Setting", *names), [[TableCell(row["key"], kind="code"), *map(_value, row["values"])] for row in rows]
    )
    lead = f"{several(len(rows), 'setting')} of the study {'is' if len(rows) == 1 else 'are'} not alike in all runs."
    return Section("settings", "What differs between the runs", [lead], tables=[table], short="Settings")


def _value(value: Any) -> TableCell:
    text = json.dumps(value, ensure_ascii=False) if value is not None else "–"
    shown = text if len(text) <= VALUE_LIMIT else f"{text[:VALUE_LIMIT]}…"
    return TableCell(printable(shown), kind="code", title=printable(text))


def differences(view: View) -> Section | None:
    """Return the chapter of differences by benchmark, one figure for each run that is set against the first."""
    name = next((candidate for candidate in SHOWN if any(row["estimand"] == candidate for row in view.estimates)), None)
    if name is None:
        return None
    rows = [row for row in view.estimates if row["estimand"] == name and row["arm"] in view.distilled]
    runs = list(dict.fromkeys(row["run"] for row in rows))
    figures = [
        _figure(view, place, run, [row for row in rows if row["run"] == run]) for place, run in enumerate(runs, 1)
    ]
    label = estimand(name.removesuffix("_difference")).label
    return Section(
        "differences", f"Where does {label} differ?", figures=figures, short=f"{label.capitalize()} by benchmark"
    )


def _figure(view: View, place: int, run: str, rows: Sequence[Row]) -> Figure:
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    extent = window(rows)
    panels = []
    for arm in arms:
        here = [row for row in rows if row["arm"] == arm]
        lines = _lines(view, here)
        chart = forest(
            lines, unit="points", x_title=f"points beyond {rows[0]['against']}", extent=extent,
            references=[Reference(0.0)], ticks=8 if len(arms) == 1 else 5,
        )  # fmt: skip
        panels.append(FigurePanel(chart, arm, height_of(lines), f"{arm}: differences of {run} by benchmark"))
    roles = dict.fromkeys(row["role"] for row in rows if row["role"])
    legend = [Key(f"{role} benchmark", "circle", role_colour(role)) for role in roles]
    legend.append(Key("mean over a role", "diamond", MUTED))
    caption = (
        f"How many points more an arm gains over its control in {run} than in {rows[0]['against']}. Thick bars are the "
        "paired intervals, thin ones hold for all of them at once."
    )
    title = _finding(run, str(rows[0]["against"]), rows)
    name = f"differences-{place}"
    return Figure(name, title, caption, panels, _table(rows, ""), legend, wide=len(panels) == 1)


def _finding(run: str, against: str, rows: Sequence[Row]) -> str:
    """Say what a figure shows: on how many benchmarks the simultaneous intervals leave zero out."""
    single = [row for row in defined(rows) if row["benchmark"]]
    if not single:
        return f"{run} against {against}: nothing could be compared benchmark by benchmark"
    more = sum(_end(row, "low") > 0 for row in single)
    less = sum(_end(row, "high") < 0 for row in single)
    if not more + less:
        return f"{run} and {against} differ visibly in none of {several(len(single), 'comparison')}"
    parts = [f"more in {more}" if more else "", f"less in {less}" if less else ""]
    return f"{run} gains {' and '.join(filter(None, parts))} of {several(len(single), 'comparison')} than {against}"


def _end(row: Row, end: str) -> float:
    simultaneous = row[f"simultaneous_{end}"]
    value = row[end] if simultaneous is None else simultaneous
    return float(0.0 if value is None else value)


def _lines(view: View, rows: Sequence[Row]) -> list[ForestLine]:
    groups: dict[str, list[ForestLine]] = {}
    for role in view.roles:
        single = [row for row in rows if row["role"] == (role or None) and row["benchmark"]]
        means = [row for row in rows if row["benchmark"] is None and row["role"] == (role or None)]
        members = [ForestLine(row["benchmark"], row, role_colour(role)) for row in single]
        members += [ForestLine(f"mean, {role or 'all'}", row, role_colour(role), "diamond") for row in means]
        groups[role or ""] = members
    return lines_of(groups)


def _table(rows: Sequence[Row], caption: str) -> HtmlTable:
    columns = ("Run", "Estimand", "Arm", "Against", "Benchmark", "In the run", "In the first", "Difference", "Interval",
               "As if unrelated", "Note")  # fmt: skip
    body: list[list[TableCell | str]] = [
        [
            TableCell(row["run"], kind="code"), label_of(row), TableCell(row["arm"], kind="code"),
            TableCell(row["control"] or "–", kind="code"), place_of(row), *_both(row), value_cell(row), _interval(row),
            _unpaired(row), note_cell(row),
        ]
        for row in rows
    ]  # fmt: skip
    return HtmlTable(columns, body, caption, numeric=frozenset({5, 6, 7, 8, 9}))


def _both(row: Row) -> Sequence[str]:
    unit = estimand(row["estimand"].removesuffix("_difference")).unit
    return ["–" if row[name] is None else quantity(row[name], unit) for name in ("value_run", "value_against")]


def every_difference(view: View) -> Section:
    """Return the chapter with every number."""
    lead = (
        "Differences are in percentage points, of shares too. The interval “as if unrelated” adds the two runs' own "
        "variances, which ignores the items, seeds and models that they share: it stands here for comparison alone."
    )
    table = _table(view.estimates, "")
    return Section("every-difference", "Every difference", [lead], tables=[replace(table, filters=(0, 1, 2))])


CHAPTERS = (verdicts, settings, differences, every_difference)
"""In reading order."""
