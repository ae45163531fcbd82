"""Writes the chapters of the statistics: distributions, nearest studies, distance, back-test, inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gauger.report.blocks import Figure, FigurePanel, HtmlTable, Key, Section, TableCell
from gauger.report.forecast import figures as draw
from gauger.report.forecast.chapters import predictions_table
from gauger.report.palette import BLUE, GREEN, ORANGE, RUST, SLATE
from gauger.report.wording import count, number, percent


def distributions(document: Mapping[str, Any]) -> Section:
    """Predictive distributions by role, at the largest dose that is answered."""
    found = []
    for role in dict.fromkeys(one["role"] for one in document["predictions"]):
        answered = [one for one in document["predictions"] if one["role"] == role and one["answer"] == "yes"]
        if not answered:
            continue
        dose = max((one["exchanges"] or 0.0) for one in answered)
        mine = [one for one in answered if (one["exchanges"] or 0.0) == dose]
        chart = draw.distribution(mine, document["edges"], mine[0]["minor"], mine[0]["major"])
        colours = (BLUE, RUST, GREEN, ORANGE)
        keys = [Key(draw.CONTROLS[one["control"]], "bar", colours[k % 4]) for k, one in enumerate(mine)]
        found.append(
            Figure(
                f"distribution-{role}",
                f"{role.capitalize()} benchmarks at {count(dose) if dose else 'an unknown number of'} exchanges",
                f"Distribution of the true uplift in a new study like this; dashed lines are the thresholds. "
                f"Form: {mine[0]['form']}.",
                [FigurePanel(chart, "", 280, f"Predictive distribution, {role}", labelled=False)],
                predictions_table(mine),
                keys,
            )
        )
    return Section(
        "distributions",
        "Predictive distributions",
        figures=found,
        tables=[predictions_table(document["predictions"])],
        short="Distributions",
    )


def nearest(document: Mapping[str, Any]) -> Section | None:
    """The nearest studies, one by one."""
    lines = document["nearest"]
    if not lines:
        return None
    chart, height = draw.nearest_forest(lines)
    rows = [
        [
            one["study"],
            number(one["distance"], 2),
            one["student"],
            one["control"],
            count(one["samples"]),
            one["benchmarks"],
            number(one["start"]),
            number(one["uplift"], signed=True),
        ]
        for one in lines
    ]
    table = HtmlTable(
        ("Study", "Distance", "Student", "Control", "Samples", "Benchmarks", "Start", "Uplift"),
        rows,
        numeric=frozenset({1, 4, 6, 7}),
    )
    figure = Figure(
        "nearest",
        "What the nearest studies found",
        "Nearest first. Dot: mean of the study's nearest rows; bar: their range. Distance is 0 for a study alike in "
        "every "
        "predictor and 1 for one that differs in all.",
        [FigurePanel(chart, "", height, "Nearest studies", labelled=False)],
        table,
    )
    return Section("nearest", "The evidence nearest to the scenario", figures=[figure], short="Nearest studies")


def sensitivity(document: Mapping[str, Any]) -> Section | None:
    """Which input moves the answer."""
    lines = document["sensitivity"]
    if not lines:
        return None
    chart, height = draw.sensitivity_bars(lines)
    rows = [
        [one["label"], percent(one["probability_low"]), one["low_at"], percent(one["probability_high"]), one["high_at"]]
        for one in lines
    ]
    figure = Figure(
        "sensitivity",
        "One input at a time",
        "Each input moves over what the literature holds (numbers from its 10th to its 90th percentile), all else "
        "as the scenario "
        "has it. What the chosen form does not use moves nothing: it did not help to forecast studies left out.",
        [FigurePanel(chart, "", height, "Sensitivity of the probability of a major uplift", labelled=False)],
        HtmlTable(("Input", "Least", "at", "Most", "at"), rows, numeric=frozenset({1, 3})),
        [Key("least", "circle", SLATE), Key("most", "circle", RUST)],
    )
    return Section("sensitivity", "What moves the answer", figures=[figure], short="Sensitivity")


def back_test(document: Mapping[str, Any]) -> Section:
    """Coverage, scores and gains on studies left out; calibration; widening beyond the data."""
    found = document["back_test"]
    if found["reason"]:
        return Section("back-test", "Back-test", [found["reason"]])
    rows = []
    for one in [*found["roles"], *found["years"]]:
        rows.append(
            [
                one["role"],
                one["left_out"],
                f"{one['rows']} in {one['groups']}",
                *(_coverage(one, level) for level in (50, 80, 95)),
                number(one["width_95"], 0),
                number(one["crps"], 2),
                f"{one['best_baseline']}: {one['crps_baseline']:.2f}",
                _gain(one, "crps_gain"),
                _gain(one, "log_score_gain"),
            ]
        )
    head = (
        "Role",
        "Left out",
        "Rows in groups",
        "50 % holds",
        "80 % holds",
        "95 % holds",
        "Width",
        "CRPS",
        "Best baseline",
        "Gain in CRPS",
        "Gain in log score",
    )
    table = HtmlTable(
        head,
        rows,
        "Forecasts of studies that were not seen; everything chosen inside the rest",
        numeric=frozenset(range(3, 11)),
    )
    figure = Figure(
        "calibration",
        "Where results fell in their forecasts",
        "Level lines at 10 % would be perfect calibration; a hump in the middle means intervals that are too wide.",
        [FigurePanel(draw.pit_histogram(found["roles"]), "", 300, "PIT histogram by role", labelled=False)],
        _extrapolation(found),
        [Key("targeted", "line", RUST), Key("fresh", "line", BLUE), Key("held-out", "line", SLATE)],
    )
    chosen = "; ".join(
        f"{role}: " + ", ".join(f"{form} in {n} of {sum(forms.values())} parts" for form, n in forms.items())
        for role, forms in found["chosen"].items()
    )
    lead = [document["warnings"][0], f"Chosen inside the training parts: {chosen}."]
    return Section(
        "back-test",
        "How such forecasts did on studies left out",
        lead,
        [figure],
        [table, _extrapolation(found)],
        short="Back-test",
    )


def _extrapolation(found: Mapping[str, Any]) -> HtmlTable:
    words = {"samples": "dose", "start": "starting score", "size": "student's size"}
    rows = [
        [
            words[one["predictor"]],
            f"{one['from']:g} to {one['to']:g}",
            f"{one['rows']} in {one['groups']}",
            TableCell("–", one["reason"] or "") if one["coverage_95"] is None else percent(one["coverage_95"]),
            TableCell("–", one["reason"] or "") if one["factor"] is None else number(one["factor"], 2),
        ]
        for one in found["extrapolation"]
    ]
    return HtmlTable(
        ("Predictor", "Doublings beyond", "Rows in groups", "95 % holds, before widening", "Width factor"),
        rows,
        "Forecasts beyond the training data, by distance",
        numeric=frozenset({3, 4}),
    )


def _coverage(one: Mapping[str, Any], level: int) -> str:
    value, low, high = (one[f"coverage_{level}{end}"] for end in ("", "_low", "_high"))
    return "–" if value is None else f"{percent(value)} ({percent(low)} to {percent(high)})"


def _gain(one: Mapping[str, Any], name: str) -> str:
    if one[name] is None:
        return "–"
    return f"{number(one[name], 2, signed=True)} ({number(one[f'{name}_low'], 2)} to {number(one[f'{name}_high'], 2)})"


def inputs(document: Mapping[str, Any]) -> Section:
    """Everything that the scenario states, and the studies that entered."""
    rows = _flat(document["scenario"])
    tables = [HtmlTable(("Field", "Value"), rows, "The scenario; unknown means integrated over, never guessed")]
    if document["studies"]:
        studies = [[one["run"], one["world"], count(one["rows"]), one["enters_as"]] for one in document["studies"]]
        tables.append(
            HtmlTable(("Run", "World", "Results", "Enters as"), studies, "Controlled studies", numeric=frozenset({2}))
        )
    return Section("inputs", "What went in", tables=tables, short="Inputs")


def _flat(value: Any, key: str = "") -> list[Sequence[TableCell | str]]:
    if isinstance(value, Mapping):
        return [row for name, inner in value.items() for row in _flat(inner, f"{key}.{name}" if key else str(name))]
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        return [row for place, inner in enumerate(value, 1) for row in _flat(inner, f"{key} {place}")]
    return [[key, ", ".join(map(str, value)) if isinstance(value, list) else str(value)]]
