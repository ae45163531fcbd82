"""The tables of a study's scale: every cell, predictions of the largest, fitted laws, equivalents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gauger.report.blocks import Cell, Table
from gauger.report.wording import count, interval, number, percent, quantity

HELD = {True: Cell("inside", kind="good"), False: Cell("outside", kind="bad"), None: Cell("not predicted")}


def points_table(scaling: Mapping[str, Any]) -> Table:
    """List every cell."""
    body = [
        [
            Cell(point["curve"]),
            Cell(point["student"]),
            Cell(number(point["budget"], 2), sort=point["budget"]),
            Cell(count(point["n_params"]), sort=point["n_params"]),
            Cell(count(round(point["n_tokens"])), sort=point["n_tokens"]),
            Cell("" if point["loss"] is None else number(point["loss"], 3), sort=point["loss"]),
            Cell("" if point["accuracy"] is None else percent(point["accuracy"], 1), sort=point["accuracy"]),
            Cell("" if point["uplift"] is None else quantity(point["uplift"], "points"), sort=point["uplift"]),
            Cell("" if point["uplift"] is None else interval(point["uplift_low"], point["uplift_high"], "points")),
            Cell("left out" if point["held_out"] else ""),
        ]
        for point in scaling["points"]
    ]
    columns = ("Curve", "Student", "Budget", "Weights", "Tokens", "Loss", "Score", "Uplift", "Interval", "Fit")
    return Table(columns, body, "Every cell of the scale", numeric=frozenset(range(2, 9)))


def predicted_table(scaling: Mapping[str, Any]) -> Table:
    """Hold the predictions of the largest cells against what was measured."""
    body: list[list[Cell | str]] = [
        [
            Cell(row["arm"], kind="code"),
            number(row["measured"], 3) if row["measured"] is not None else "",
            number(row["value"], 3) if "value" in row else "",
            f"{number(row['low'], 3)} to {number(row['high'], 3)}" if "value" in row else "",
            number(row["efolds_beyond"], 2) if "value" in row else "",
            Cell("inside", kind="good")
            if row["inside"]
            else Cell("outside" if row["inside"] is False else "not predicted"),
        ]
        for row in scaling["predicted"]
    ]
    columns = ("Cell left out", "Measured", "Predicted", "Interval", "e-folds beyond", "Held?")
    return Table(columns, body, "Predictions of the largest cells", numeric=frozenset({1, 2, 3, 4}))


def fits_table(scaling: Mapping[str, Any]) -> Table:
    """Say which laws were fitted, how they did in the back-test, and what to know of them."""
    body: list[list[Cell | str]] = []
    for one in scaling["curves"]:
        if one.get("reason"):
            body.append([Cell(one["curve"]), Cell(one["reason"], kind="undefined"), "", "", ""])
            continue
        validation = one["validation"]
        known = validation["coverage"] is not None
        body.append(
            [
                Cell(one["curve"]),
                Cell(", ".join(f"{law['law']} {percent(law['weight'])}" for law in one["laws"][:3])),
                Cell(count(one["n"])),
                Cell(percent(validation["coverage"]) if known else "not checked"),
                Cell(" ".join(f"{text}." for text in one["warnings"]) or "none"),
            ]
        )
    columns = ("Curve", "Laws and their weights", "Points", "Back-test coverage", "Warnings")
    return Table(columns, body, "Fitted laws", numeric=frozenset({2, 3}))


def equivalents_table(scaling: Mapping[str, Any]) -> Table:
    """Say what the teacher was worth in data and compute."""
    body: list[list[Cell | str]] = [
        [
            row["curve"],
            row["student"],
            Cell(number(row["budget"], 2), sort=row["budget"]),
            row["data"]["text"],
            row["compute"]["text"],
        ]
        for row in scaling["equivalents"]
    ]
    columns = ("Curve", "Student", "Budget", "Data-equivalent", "Compute-equivalent")
    return Table(columns, body, "What the teacher was worth in data and compute", numeric=frozenset({2}))
