"""The committed simulations of role-specific scatter and of selection keep their claims, which naive rivals do not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "validation" / "role_effects"
with (FOLDER / "results.csv").open(encoding="utf-8", newline="") as file:
    LINES = list(csv.DictReader(file))


def lines(part: str, what: str) -> list[dict[str, str]]:
    found = [line for line in LINES if line["part"] == part and line["what"] == what]
    assert found, (part, what)
    return found


def test_enough_draws() -> None:
    assert all(int(line["draws"]) >= 900 for line in LINES if line["part"] == "coverage")
    assert {line["studies"] for line in lines("coverage", "by role")} == {"10", "20", "40", "60"}
    assert all(line["failed"] == "0" for line in LINES if line["part"] == "coverage")


def test_intervals_by_role_cover_in_every_cell() -> None:
    """Monte Carlo error 0.7 points at 1,000 draws."""
    for line in lines("coverage", "by role"):
        assert 0.92 <= float(line["value"]) <= 0.98
        assert 0.945 <= float(line["prediction"]) <= 0.975


def test_one_variance_fails_visibly_in_prediction() -> None:
    found = lines("coverage", "one variance")
    large = [line for line in found if int(line["studies"]) >= 40]
    assert all(float(line["prediction"]) > 0.99 for line in large if line["role"] == "held-out")
    assert all(float(line["prediction"]) < 0.94 for line in large if line["role"] != "held-out")


@pytest.mark.parametrize(("n", "share"), [("20", 0.35), ("60", 0.15)])
def test_selection_models_repair_what_they_say(n: str, share: float) -> None:
    def bias(what: str) -> float:
        found = next(x for x in lines("selection", what) if (x["studies"], x["role"]) == (n, "chance 0.2"))
        return abs(float(found["value"]))

    plain = bias("no selection")
    assert plain > 1.8
    assert bias("step at 0.025") < 0.1 * plain
    assert bias("average") < share * plain
    assert bias("PET-PEESE") > 0.5 * plain


def test_without_selection_they_leave_the_mean_alone() -> None:
    for line in LINES:
        if line["part"] == "selection" and line["role"] == "chance 1.0":
            assert abs(float(line["value"])) < 0.3


def test_certainty_falls_fault_by_fault() -> None:
    assert [line["value"] for line in LINES if line["part"] == "certainty"] == [
        "high", "moderate", "low", "very low", "very low"
    ]  # fmt: skip
