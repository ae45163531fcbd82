"""Measures which input moves the answer most: one field at a time, all else as the scenario has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gauger.forecast.designs import Rows
from gauger.forecast.distance import nearest_levels
from gauger.forecast.imagine import Imagined
from gauger.forecast.literature import Array
from gauger.forecast.predict import Forecaster
from gauger.forecast.predictors import LONG, ROLES, taught_to_reason

LABELS: Mapping[str, str] = {
    "start": "starting score", "lead": "teacher's lead", "samples": "dose", "size": "student's size",
    "surface": "surface", "method": "method", "student": "student", "hard": "benchmark's hardness",
    "domain": "domain", "access": "access to the teacher", "control": "alternative",
}  # fmt: skip


def sensitivity(forecaster: Forecaster, imagined: Imagined, major: float, widened: float = 1.0) -> list[dict[str, Any]]:
    """Move each predictor over what the literature holds, and report the probability of a major uplift at both ends.

    Numbers move from the 10th to the 90th percentile of the role's rows (every study once); categories over all levels
    that enough studies have. A predictor that the chosen form does not use moves nothing, and says so by its zero.

    Parameters
    ----------
    forecaster : Forecaster
    imagined : Imagined
        Draws of the role and dose that is asked about.
    major : float
        Threshold, points.
    widened : float
        Factor on the width that the forecast itself has.
    """
    role = ROLES[int(imagined.rows.role[0])]
    here = forecaster.literature.take(forecaster.literature.role == int(imagined.rows.role[0]))
    lines = []
    for name in ("start", "lead", "samples", "size"):
        values = here.numbers[name][~np.isnan(here.numbers[name])]
        ends = np.quantile(values, [0.1, 0.9])
        tried = [(_number(name, end), _with_number(imagined, name, end)) for end in ends]
        lines.append(_line(forecaster, name, tried, major, widened))
    for name in ("control", "method", "student", "hard", "domain", "surface", "access"):
        levels = nearest_levels(here, name)
        tried = [(level, _with_level(imagined, name, level)) for level in levels]
        if tried:
            lines.append(_line(forecaster, name, tried, major, widened))
    for line in lines:
        line["role"] = role
    return sorted(lines, key=lambda line: -line["moves"])


def _line(
    forecaster: Forecaster, name: str, tried: list[tuple[str, Imagined]], major: float, widened: float
) -> dict[str, Any]:
    results = []
    for label, rows in tried:
        mixture, _ = forecaster.mixtures(rows, widened)
        results.append((label, 1.0 - mixture.below(major), mixture.mean))
    least, most = min(results, key=lambda result: result[1]), max(results, key=lambda result: result[1])
    return {
        "input": name, "label": LABELS[name], "low_at": least[0], "probability_low": least[1], "mean_low": least[2],
        "high_at": most[0], "probability_high": most[1], "mean_high": most[2], "moves": most[1] - least[1],
    }  # fmt: skip


def _number(name: str, value: float) -> str:
    if name == "start":
        return f"{100 / (1 + np.exp(-value)):.0f} %"
    if name == "samples":
        return f"{10**value:,.0f} samples"
    return f"{2**value:.1f} billion" if name == "size" else f"{value:+.1f} logits"


def _with_number(imagined: Imagined, name: str, value: float) -> Imagined:
    rows = imagined.rows
    numbers = {**rows.numbers, name: np.full(len(rows.role), value)}
    start: Array = imagined.start
    if name == "start":
        start = 1.0 / (1.0 + np.exp(-numbers["start"]))
    return Imagined(Rows(rows.role, numbers, rows.categories, imagined=True), start)


def _with_level(imagined: Imagined, name: str, level: str) -> Imagined:
    rows = imagined.rows
    categories = {**rows.categories, name: np.full(len(rows.role), level)}
    if name in ("method", "domain"):
        pairs = zip(categories["domain"], categories["method"], strict=True)
        categories["reasoning in"] = np.array([taught_to_reason(str(d), str(m)) for d, m in pairs])
        if name == "method" and level in LONG:
            categories["surface"] = np.full(len(rows.role), "reasoning")
    return Imagined(Rows(rows.role, rows.numbers, categories, imagined=True), imagined.start)
