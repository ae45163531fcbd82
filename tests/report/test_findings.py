"""Titles that are findings: each rule on both sides of its border, and no finding where nothing has a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gauger.report import findings, scale_findings
from gauger.report.chapters import chapters
from gauger.report.document_view import View
from gauger.report.export import figure_svg
from gauger.report.page import render


def row(arm: str, estimand: str, role: str | None, ends: tuple[float, float] | None, **more: Any) -> dict[str, Any]:
    """An average over a role, with its interval; without ends it is undefined."""
    low, high = ends or (None, None)
    value = None if ends is None else (ends[0] + ends[1]) / 2
    return {
        "estimand": estimand, "arm": arm, "control": "matched", "benchmark": None, "role": role, "over": role,
        "value": value, "low": low, "high": high, "simultaneous_low": None, "simultaneous_high": None,
        "kind": "interval", "scale": "points", "reason": None if ends else "arm missing", "level": 0.95,
        "n_items": 10, "n_replicates": 2, "note": None,
    } | more  # fmt: skip


def view(*rows: dict[str, Any], roles: tuple[str, ...] = ("targeted", "near"), **more: Any) -> View:
    arms = [{"name": name, "kind": "distilled", "description": ""} for name in dict.fromkeys(r["arm"] for r in rows)]
    benchmarks = [{"name": f"{role}-quiz", "role": role, "n_items": 10} for role in roles]
    document = {"schema": "gauger.estimates/2", "study": {}, "estimates": rows, "arms": arms, "benchmarks": benchmarks}
    return View({**document, **more})


UP, DOWN, OPEN = (0.01, 0.2), (-0.2, -0.01), (-0.1, 0.1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 1),
        ({"low": -0.01}, 0),
        ({"low": 0.0}, 0),
        ({"low": -0.3, "high": -0.1}, -1),
        ({"simultaneous_low": -0.01, "simultaneous_high": 0.3}, 0),
        ({"simultaneous_low": 0.001, "simultaneous_high": 0.3}, 1),
        ({"kind": "outside"}, 0),
        ({"kind": "everything", "low": None, "high": None}, 0),
        ({"kind": "above", "high": None}, 1),
        ({"value": None}, None),
    ],
)
def test_the_side_takes_the_interval_of_the_family_and_the_kind_of_the_set(changes: dict, expected: int | None) -> None:
    assert findings.side({**row("a", "uplift", "near", (0.05, 0.2)), **changes}) == expected
    assert findings.side(None) is None


@pytest.mark.parametrize(
    ("targeted", "near", "says"),
    [
        (UP, UP, "a: above the control on targeted and near benchmarks"),
        (UP, OPEN, "a: above the control on targeted benchmarks alone"),
        (OPEN, UP, "a: above the control on near benchmarks alone"),
        (UP, DOWN, "a: above the control on targeted and below it on near benchmarks"),
        (OPEN, DOWN, "a: below the control on near benchmarks alone"),
        (OPEN, OPEN, "a: not told apart from the control on targeted and near benchmarks"),
        (UP, None, "a: above the control on targeted benchmarks"),
        (None, None, ""),
    ],
)
def test_uplift_by_role(targeted: Any, near: Any, says: str) -> None:
    found = view(row("a", "uplift", "targeted", targeted), row("a", "uplift", "near", near))
    assert findings.uplift(found, ["a"]) == says


def test_arms_of_which_the_same_is_said_stand_together() -> None:
    rows = [row(arm, "uplift", role, UP) for arm in "ab" for role in ("targeted", "near")]
    rows += [row("c", "uplift", "targeted", UP), row("c", "uplift", "near", OPEN)]
    said = (
        "a and b: above the control on targeted and near benchmarks; c: above the control on targeted benchmarks alone"
    )
    assert findings.uplift(view(*rows), ["a", "b", "c"]) == said


def test_without_means_benchmarks_are_counted() -> None:
    rows = [row("a", "uplift", None, ends, benchmark=f"b{k}", over=None) for k, ends in enumerate((UP, UP, DOWN, OPEN))]
    found = view(*rows, roles=())
    assert findings.uplift(found, ["a"]) == "a: above the control on 2 of 4 benchmarks, below it on 1"


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ((0.51, 0.9), "more than half for a"),
        ((0.1, 0.49), "less than half for a"),
        ((0.1, 0.9), "not told for a"),
        ((0.5, 0.9), "not told for a"),
    ],
)
def test_carry_over_is_more_or_less_than_half_only_with_its_whole_interval(ends: tuple, says: str) -> None:
    assert findings.carryover(view(row("a", "carryover", "near", ends)), ["a"]).endswith(says)
    assert findings.carryover(view(row("a", "carryover", "near", None)), ["a"]) == ""


def test_scores_name_those_that_the_highest_cannot_be_told_from() -> None:
    rows = [row("a", "score", "near", (0.6, 0.8)), row("b", "score", "near", (0.5, 0.62))]
    assert findings.scores(view(*rows)) == "On near benchmarks a scores 70\u202f%; not told apart from it: b"
    rows[1] |= {"high": 0.59}
    assert findings.scores(view(*rows)) == "On near benchmarks a scores 70\u202f% (the highest)"


@pytest.mark.parametrize(
    ("points", "logits", "says"),
    [
        (UP, UP, "Memorisation shows in a"),
        (UP, OPEN, "Memorisation shows in no distilled arm"),
        (OPEN, UP, "Memorisation shows in no distilled arm"),
        (None, None, ""),
    ],
)
def test_memorisation_needs_both_scales(points: Any, logits: Any, says: str) -> None:
    rows = row("a", "memorisation", "targeted", points), row("a", "memorisation", "targeted", logits, scale="logit")
    assert findings.memorised(view(*rows), ["a"]) == says


def test_losses_are_counted_and_the_largest_named() -> None:
    rows = [row("a", "gain", "far", ends, benchmark=f"b{k}") for k, ends in enumerate((DOWN, OPEN, (-0.6, -0.4)))]
    found = view(*rows, roles=("far",))
    says = "2 of 3 changes on far benchmarks are clear losses, the largest a on b2, \u221250.0\u202fpoints"
    assert findings.losses(found, rows) == says
    assert findings.losses(found, rows[1:2]) == "None of 1 change on far benchmarks is a clear loss"
    assert findings.losses(found, []) == ""


@pytest.mark.parametrize(
    ("ends", "says"),
    [((0.3, 0.5), "lies above 25"), ((0.1, 0.24), "lies below 25"), ((0.2, 0.3), "is not told apart from 25")],
)
def test_the_judged_number_lies_where_its_own_interval_lies(ends: tuple, says: str) -> None:
    rule = {"estimand": "gap_recovered", "arm": "a", "threshold": 0.25}
    judged = row("a", "gap_recovered", "near", ends)
    assert says in findings.verdict(judged, rule, "major")
    assert "is not told apart" in findings.verdict({**judged, "kind": "outside"}, rule, "undetermined")
    constant = {**judged, "se": None}
    assert "is not told apart" in findings.verdict(constant, rule, "undetermined")
    assert says in findings.verdict(constant, rule, "major")


def test_the_gap_runs_from_the_least_to_the_most() -> None:
    rows = [row("a", "gap_recovered", "near", (0.1, 0.3)), row("b", "gap_recovered", "near", (0.4, 0.6))]
    assert findings.gap(view(*rows), ["a", "b"]).endswith("from 20\u202f% (a) to 50\u202f% (b)")
    assert findings.gap(view(rows[0]), ["a"]) == "a closed 20\u202f% of the distance to the teacher on near benchmarks"
    assert findings.gap(view(row("a", "gap_recovered", "near", None)), ["a"]) == ""


def test_the_strongest_interaction_is_named_only_where_it_is_told_from_zero() -> None:
    rows = [row("a:b", "shapley_interaction", "near", UP), row("a:c", "shapley_interaction", "near", (-0.4, -0.2))]
    assert findings.interactions(rows).startswith("a and c do each other's work most")
    assert findings.interactions(rows).endswith("on near benchmarks")
    assert findings.interactions(rows[:1]).startswith("a and b help each other most")
    assert findings.interactions([row("a:b", "x", "near", OPEN)]).startswith("No interaction")


def test_who_gains_from_scale() -> None:
    slope = {"curve": "c", "against": "starting score", "slope": 0.1, "low": 0.01, "high": 0.2}
    assert scale_findings.who_gains([slope]) == "c: students who start stronger gain more"
    assert "gain less" in scale_findings.who_gains([slope | {"low": -0.2, "high": -0.01}])
    assert "not told apart" in scale_findings.who_gains([slope | {"low": -0.1}])
    assert scale_findings.who_gains([slope | {"slope": None}]) == ""
    assert scale_findings.held_out({"inside": 2, "of": 3}) == "2 of 3 largest cells lie where the others predict them"
    assert scale_findings.held_out({"inside": 0, "of": 0}) == ""
    curves = [
        {"curve": "control", "verdict": {"holds": False}, "predictions": [{"beyond_back_test": True}]},
        {"curve": "distilled", "verdict": {"holds": True}, "predictions": [{"beyond_back_test": False}]},
        {"curve": "too few", "reason": "2 points", "predictions": []},
    ]
    assert scale_findings.held_out({"inside": 1, "of": 2}, curves) == (
        "1 of 2 largest cells lie where the others predict them; no law holds for control; predictions beyond the "
        "largest distance that was back-tested: control"
    )


def figures(document: dict[str, Any]) -> list[Any]:
    return [one for build in chapters() if (section := build(View(document))) for one in section.figures]


@pytest.mark.parametrize("kind", ["study", "compare"])
def test_every_figure_is_titled_with_its_finding(kind: str, request: pytest.FixtureRequest) -> None:
    document = request.getfixturevalue(kind)
    assert [figure.id for figure in figures(document) if not figure.finding] == []
    assert len(figures(document)) > 2
    page = render(document)
    assert page.count('<p class="shown">') == len(figures(document))


def worth(student: str, budget: float, text: str, value: float | None, limit: float | None = None) -> dict[str, Any]:
    gain = {"value": value, "limit": limit, "text": text}
    return {"curve": "distilled", "student": student, "budget": budget, "data": gain}


def test_the_worth_at_the_largest_budget_runs_over_all_students() -> None:
    rows = [
        worth("24 x 2", 2.0, "0.3x", 0.3),
        worth("64 x 2", 2.0, ">6x", None, 6.0),
        worth("48 x 2", 2.0, "1x", 1.0),
        worth("64 x 2", 1.0, "9x", 9.0),
    ]
    says = "At the largest budget: 0.3x for 24 x 2 to >6x for 64 x 2 (distilled)"
    assert scale_findings.worth(rows) == scale_findings.worth(rows[::-1]) == says
    assert scale_findings.worth(rows[:1]) == "At the largest budget: 0.3x (distilled)"
    assert scale_findings.worth([]) == ""


def test_uplift_by_compute_keeps_bases_of_different_strength_apart() -> None:
    points = [
        {"curve": "c", "base": f"base of {steps} steps", "flops": flops, "uplift": uplift}
        for steps, uplifts in ((100, (0.01, 0.02)), (400, (0.03, 0.04)))
        for flops, uplift in zip((1e9, 2e9), uplifts, strict=True)
    ]
    assert scale_findings.scaled(points).endswith(
        "+1.0 to +2.0\u202fpoints (c, base of 100 steps); +3.0 to +4.0\u202fpoints (c, base of 400 steps)"
    )


def test_the_teachers_share_is_in_the_title_only_where_its_set_is_an_interval() -> None:
    total, share = row("a+b", "pipeline_gain", "near", UP), row("b", "teacher_share", "near", (0.3, 0.5))
    assert "40\u202f% of it due to the teacher (b)" in findings.ingredients(total, share, ["b"], "near")
    assert findings.ingredients(total, {**share, "kind": "outside"}, ["b"], "near").endswith("on near benchmarks")


def test_names_in_findings_are_escaped_and_drawn_literally(study: dict[str, Any]) -> None:
    document = json.loads(json.dumps(study).replace("expand", "<i>x"))
    assert "<i>x" not in render(document)
    found = next(figure for figure in figures(document) if figure.id == "uplift")
    assert "<i>x" in found.finding
    assert "<i>x" not in figure_svg(found)
