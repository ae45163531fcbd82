"""Tabulates a study's scale: every cell, predictions of the largest, fitted laws, equivalents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gauger.report.blocks import HtmlTable, TableCell
from gauger.report.wording import count, interval, number, percent, quantity

HELD = {
    True: TableCell("inside", kind="good"),
    False: TableCell("outside", kind="bad"),
    None: TableCell("not predicted"),
}


def points_table(scaling: Mapping[str, Any]) -> HtmlTable:
    """List every cell."""
    body = [
        [
            TableCell(point["curve"]),
            TableCell(point["student"]),
            TableCell(number(point["budget"], 2), sort=point["budget"]),
            TableCell(count(point["n_params"]), sort=point["n_params"]),
            TableCell(count(round(point["n_tokens"])), sort=point["n_tokens"]),
            TableCell("" if point["loss"] is None else number(point["loss"], 3), sort=point["loss"]),
            TableCell("" if point["accuracy"] is None else percent(point["accuracy"], 1), sort=point["accuracy"]),
            TableCell("" if point["uplift"] is None else quantity(point["uplift"], "points"), sort=point["uplift"]),
            TableCell("" if point["uplift"] is None else interval(point["uplift_low"], point["uplift_high"], "points")),
            TableCell("left out" if point["held_out"] else ""),
        ]
        for point in scaling["points"]
    ]
    columns = ("Curve", "Student", "Budget", "Weights", "Tokens", "Loss", "Score", "Uplift", "Interval", "Fit")
    return HtmlTable(columns, body, "Every cell of the scale", numeric=frozenset(range(2, 9)))


def predicted_table(scaling: Mapping[str, Any]) -> HtmlTable:
    """Hold the predictions of the largest cells against what was measured."""
    body: list[list[TableCell | str]] = [
        [
            TableCell(row["arm"], kind="code"),
            number(row["measured"], 3) if row["measured"] is not None else "",
            number(row["value"], 3) if "value" in row else "",
            f"{number(row['low'], 3)} to {number(row['high'], 3)}" if "value" in row else "",
            number(row["efolds_beyond"], 2) if "value" in row else "",
            TableCell("inside", kind="good")
            if row["inside"]
            else TableCell("outside" if row["inside"] is False else "not predicted"),
        ]
        for row in scaling["predicted"]
    ]
    columns = ("Cell left out", "Measured", "Predicted", "Interval", "e-folds beyond", "Held?")
    return HtmlTable(columns, body, "Predictions of the largest cells", numeric=frozenset({1, 2, 3, 4}))


def fits_table(scaling: Mapping[str, Any]) -> HtmlTable:
    """Say which laws were fitted, how they did in the back-test, and what to know of them."""
    body: list[list[TableCell | str]] = []
    for curve in scaling["curves"]:
        if curve.get("reason"):
            body.append([TableCell(curve["curve"]), TableCell(curve["reason"], kind="undefined"), "", "", ""])
            continue
        validation = curve["validation"]
        known = validation["coverage"] is not None
        body.append(
            [
                TableCell(curve["curve"]),
                TableCell(", ".join(f"{law['law']} {percent(law['weight'])}" for law in curve["laws"][:3])),
                TableCell(count(curve["n"])),
                TableCell(percent(validation["coverage"]) if known else "not checked"),
                TableCell(" ".join(f"{text}." for text in curve["warnings"]) or "none"),
            ]
        )
    columns = ("Curve", "Laws and their weights", "Points", "Back-test coverage", "Warnings")
    return HtmlTable(columns, body, "Fitted laws", numeric=frozenset({2, 3}))


def equivalents_table(scaling: Mapping[str, Any]) -> HtmlTable:
    """Say what the teacher was worth in data and compute."""
    body: list[list[TableCell | str]] = [
        [
            row["curve"],
            row["student"],
            TableCell(number(row["budget"], 2), sort=row["budget"]),
            row["data"]["text"],
            row["compute"]["text"],
        ]
        for row in scaling["equivalents"]
    ]
    columns = ("Curve", "Student", "Budget", "Data-equivalent", "Compute-equivalent")
    return HtmlTable(columns, body, "What the teacher was worth in data and compute", numeric=frozenset({2}))
