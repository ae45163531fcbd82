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
    figures = []
    for role in dict.fromkeys(prediction["role"] for prediction in document["predictions"]):
        answered = [
            prediction
            for prediction in document["predictions"]
            if prediction["role"] == role and prediction["answer"] == "yes"
        ]
        if not answered:
            continue
        dose = max((prediction["exchanges"] or 0.0) for prediction in answered)
        mine = [prediction for prediction in answered if (prediction["exchanges"] or 0.0) == dose]
        chart = draw.distribution(mine, document["edges"], mine[0]["minor"], mine[0]["major"])
        colours = (BLUE, RUST, GREEN, ORANGE)
        keys = [Key(draw.CONTROLS[prediction["control"]], "bar", colours[k % 4]) for k, prediction in enumerate(mine)]
        figures.append(
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
        figures=figures,
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
            line["study"],
            number(line["distance"], 2),
            line["student"],
            line["control"],
            count(line["samples"]),
            line["benchmarks"],
            number(line["start"]),
            number(line["uplift"], signed=True),
        ]
        for line in lines
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
        [
            line["label"],
            percent(line["probability_low"]),
            line["low_at"],
            percent(line["probability_high"]),
            line["high_at"],
        ]
        for line in lines
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
    tested = document["back_test"]
    if tested["reason"]:
        return Section("back-test", "Back-test", [tested["reason"]])
    rows = []
    for row in [*tested["roles"], *tested["years"]]:
        rows.append(
            [
                row["role"],
                row["left_out"] + (f", width × {row['widened']:.2f}" if "widened" in row else ""),
                f"{row['rows']} in {row['groups']}",
                *(_coverage(row, level) for level in (50, 80, 95)),
                number(row["width_95"], 0),
                number(row["crps"], 2),
                f"{row['best_baseline']}: {row['crps_baseline']:.2f}",
                _gain(row, "crps_gain"),
                _gain(row, "log_score_gain"),
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
        [FigurePanel(draw.pit_histogram(tested["roles"]), "", 300, "PIT histogram by role", labelled=False)],
        _extrapolation(tested),
        [Key("targeted", "line", RUST), Key("fresh", "line", BLUE), Key("held-out", "line", SLATE)],
    )
    chosen = "; ".join(
        f"{role}: " + ", ".join(f"{form} in {n} of {sum(forms.values())} parts" for form, n in forms.items())
        for role, forms in tested["chosen"].items()
    )
    lead = [document["warnings"][0], f"Chosen inside the training parts: {chosen}."]
    return Section(
        "back-test",
        "How such forecasts did on studies left out",
        lead,
        [figure],
        [table, _later(tested), _extrapolation(tested)],
        short="Back-test",
    )


def _later(tested: Mapping[str, Any]) -> HtmlTable:
    """What forecasts of the year after every half-year held before they were widened."""
    rows = [
        [
            f"{cut['cut']:.1f}",
            cut["role"],
            f"{cut['rows']} in {cut['groups']}",
            str(cut["groups_before"]),
            *(percent(cut[f"coverage_{level}"]) for level in (50, 80, 95)),
        ]
        for cut in tested["later"]["cuts"]
    ]
    factor = tested["later"]["factor"]
    asked = tested["later"]["reason"] if factor is None else f"together they ask for a width {factor:.2f} times as wide"
    return HtmlTable(
        ("Known until", "Role", "Rows in groups", "Groups before", "50 % holds", "80 % holds", "95 % holds"),
        rows,
        f"Forecasts of the following year, before widening: {asked}",
        numeric=frozenset({0, 3, 4, 5, 6}),
    )


def _extrapolation(tested: Mapping[str, Any]) -> HtmlTable:
    words = {"samples": "dose", "start": "starting score", "size": "student's size"}
    rows = [
        [
            words[band["predictor"]],
            f"{band['from']:g} to {band['to']:g}",
            f"{band['rows']} in {band['groups']}",
            TableCell("–", band["reason"] or "") if band["coverage_95"] is None else percent(band["coverage_95"]),
            TableCell("–", band["reason"] or "") if band["factor"] is None else number(band["factor"], 2),
        ]
        for band in tested["extrapolation"]
    ]
    return HtmlTable(
        ("Predictor", "Doublings beyond", "Rows in groups", "95 % holds, before widening", "Width factor"),
        rows,
        "Forecasts beyond the training data, by distance",
        numeric=frozenset({3, 4}),
    )


def _coverage(row: Mapping[str, Any], level: int) -> str:
    value, low, high = (row[f"coverage_{level}{end}"] for end in ("", "_low", "_high"))
    return "–" if value is None else f"{percent(value)} ({percent(low)} to {percent(high)})"


def _gain(row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return "–"
    return f"{number(row[name], 2, signed=True)} ({number(row[f'{name}_low'], 2)} to {number(row[f'{name}_high'], 2)})"


def inputs(document: Mapping[str, Any]) -> Section:
    """Everything that the scenario states, and the studies that entered."""
    rows = _flat(document["scenario"])
    tables = [HtmlTable(("Field", "Value"), rows, "The scenario; unknown means integrated over, never guessed")]
    if document["studies"]:
        studies = [
            [study["run"], study["world"], count(study["rows"]), study["enters_as"]] for study in document["studies"]
        ]
        tables.append(
            HtmlTable(("Run", "World", "Results", "Enters as"), studies, "Controlled studies", numeric=frozenset({2}))
        )
    return Section("inputs", "What went in", tables=tables, short="Inputs")


def _flat(value: Any, key: str = "") -> list[Sequence[TableCell | str]]:
    if isinstance(value, Mapping):
        return [row for name, inner in value.items() for row in _flat(inner, f"{key}.{name}" if key else str(name))]
    if isinstance(value, list) and any(isinstance(element, Mapping) for element in value):
        return [row for place, inner in enumerate(value, 1) for row in _flat(inner, f"{key} {place}")]
    return [[key, ", ".join(map(str, value)) if isinstance(value, list) else str(value)]]
