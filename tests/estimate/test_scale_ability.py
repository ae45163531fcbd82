"""Who gains most in a scale: slopes recomputed literally from students' means, and reasons where there is none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gauger.estimate.design import Design
from gauger.estimate.scaling.ability import uplift_against_ability
from gauger.estimate.scaling.ability_of_scale import (
    NO_BASE,
    NO_UPLIFT,
    NO_VARIATION,
    Lifted,
    Start,
    ability_document,
    joint_uplifts,
)
from gauger.records import ArmInfo

SCORES = (0.06, 0.125, 0.165, 0.415)
STARTS = [Start(f"s{k}", 10_000 * 2**k, score, 200) for k, score in enumerate(SCORES)]
BUDGETS = (0.5, 1.0, 2.0)
PLANTED = np.array([0.05, 0.08, 0.10, 0.20])
CURVE = "distilled, teacher of 500 steps"


def cells(curve: str = CURVE) -> list[Lifted]:
    """Uplift of a student and of a budget add up."""
    return [
        Lifted(f"{one.student}:{budget}", curve, one.student, budget, float(PLANTED[k] + 0.01 * budget))
        for k, one in enumerate(STARTS)
        for budget in BUDGETS
    ]


def independent(n: int, variance: float = 3e-4) -> np.ndarray:
    return variance * np.eye(n)


def rows(document: dict, curve: str = CURVE) -> dict[str, dict]:
    return {row["against"]: row for row in document["slopes"] if row["curve"] == curve}


def literal(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Slope, standard error, mean of an ordinary regression: what equal, independent variances lead to."""
    slope = sum((x - x.mean()) * (y - y.mean())) / sum((x - x.mean()) ** 2)
    residual = y - y.mean() - slope * (x - x.mean())
    return slope, np.sqrt(sum(residual**2) / (len(x) - 2) / sum((x - x.mean()) ** 2)), y.mean()


def test_slopes_are_those_of_a_regression_on_the_students_means() -> None:
    found = rows(ability_document(cells(), independent(12), STARTS))
    y = np.array([np.mean([PLANTED[k] + 0.01 * budget for budget in BUDGETS]) for k in range(4)])
    score = np.array([(200 * s + 0.5) / 201 for s in SCORES])
    expected = {
        "starting ability": np.log(score / (1 - score)),
        "starting score": 10 * score,
        "student's size": np.log2([one.n_params for one in STARTS]),
    }
    t = 4.30265272975
    for against, x in expected.items():
        slope, se, mean = literal(np.asarray(x), y)
        row = found[against]
        assert (row["slope"], row["se"], row["at_mean"]) == pytest.approx((slope, se, mean), rel=1e-6), against
        assert (row["low"], row["high"]) == pytest.approx((slope - t * se, slope + t * se), rel=1e-6)
        assert (row["n"], row["df"], row["reason"], row["budgets"]) == (4, 2.0, None, [0.5, 1.0, 2.0])


def test_cells_of_one_student_do_not_pass_for_students() -> None:
    """Measuring each student at more budgets leaves the degrees of freedom where they are."""
    few = rows(ability_document([c for c in cells() if c.budget == 1.0], independent(4), STARTS))
    many = rows(ability_document(cells(), independent(12), STARTS))
    assert few["starting ability"]["df"] == many["starting ability"]["df"] == 2.0


def test_intervals_cover_planted_slopes_where_cells_that_pass_for_students_do_not() -> None:
    """Eight students that differ by 6 points for other reasons, four budgets, cells of a student half correlated."""
    rng, k, budgets, slope, n = np.random.default_rng(0), 8, 4, -0.04, 150
    ability = np.linspace(-2.7, 0.2, k)
    covariance = np.kron(np.eye(k), 0.03**2 * (0.5 + 0.5 * np.eye(budgets)))
    factor, covered, of_cells = np.linalg.cholesky(covariance), 0, 0
    for _ in range(n):
        score = rng.binomial(200, 1 / (1 + np.exp(-ability))) / 200
        of_student = 0.1 + slope * (ability - ability.mean()) + 0.06 * rng.standard_normal(k)
        uplift = np.repeat(of_student, budgets) + factor @ rng.standard_normal(k * budgets)
        starts = [Start(f"s{i}", 1000, float(one), 200) for i, one in enumerate(score)]
        lifted = [Lifted(f"{i}", CURVE, f"s{i // budgets}", i % budgets, float(one)) for i, one in enumerate(uplift)]
        found = rows(ability_document(lifted, covariance, starts))["starting ability"]
        covered += found["low"] <= slope <= found["high"]
        cells = uplift_against_ability(np.repeat((200 * score + 0.5) / 201, budgets).tolist(), uplift, covariance)
        assert cells is not None
        of_cells += cells.low <= slope <= cells.high
    assert 0.9 <= covered / n <= 0.99
    assert of_cells / n < 0.85


def test_every_curve_has_its_own_slopes() -> None:
    other = [Lifted(c.arm + "x", "another", c.student, c.budget, -c.uplift) for c in cells()]
    found = ability_document([*cells(), *other], independent(24), STARTS)
    for against, row in rows(found).items():
        assert rows(found, "another")[against]["slope"] == pytest.approx(-row["slope"])
    assert len(found["students"]) == 8


def test_a_budget_that_a_student_lacks_is_left_out_for_all() -> None:
    kept = [c for c in cells() if (c.student, c.budget) != ("s2", 0.5)]
    found = ability_document(kept, independent(11), STARTS)
    assert rows(found)["starting ability"]["budgets"] == [1.0, 2.0]
    assert found["students"][0]["uplift"] == pytest.approx(PLANTED[0] + 0.015)


def test_three_students_have_no_slope_but_a_reason() -> None:
    three = [c for c in cells() if c.student != "s3"]
    found = rows(ability_document(three, independent(9), STARTS))
    assert found["starting ability"]["reason"] == "fewer than 4 different starting abilities (3)"
    assert found["student's size"]["reason"] == "fewer than 4 different sizes (3)"
    assert {found["starting ability"][name] for name in ("slope", "se", "low", "high", "df", "at_mean")} == {None}
    assert found["starting ability"]["n"] == 3


def test_four_bases_of_one_size_have_an_ability_slope_alone() -> None:
    starts = [Start(one.student, 10_000, one.score, 200) for one in STARTS]
    found = rows(ability_document(cells(), independent(12), starts))
    assert found["starting ability"]["reason"] is None
    assert found["student's size"]["reason"] == "fewer than 4 different sizes (1)"


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_base_without_any_right_or_wrong_answer_is_drawn_half_an_item_in(score: float) -> None:
    starts = [Start("s0", 10_000, score, 200), *STARTS[1:]]
    x = np.array([(200 * one.score + 0.5) / 201 for one in starts])
    found = rows(ability_document(cells(), independent(12), starts))["starting ability"]
    assert found["mean"] == pytest.approx(np.log(x / (1 - x)).mean())


def test_what_was_not_measured_gives_a_reason() -> None:
    blind = [Start(one.student, one.n_params, None, None) for one in STARTS]
    assert {row["reason"] for row in rows(ability_document(cells(), independent(12), blind)).values()} == {NO_BASE}
    apart = [c for k, c in enumerate(c for c in cells()) if c.budget == BUDGETS[(k // 3) % 3]]
    assert {row["reason"] for row in rows(ability_document(apart, independent(4), STARTS)).values()} == {NO_UPLIFT}
    still = ability_document(cells(), np.zeros((12, 12)), STARTS)
    assert {row["reason"] for row in rows(still).values()} == {NO_VARIATION}
    assert ability_document([], np.zeros((0, 0)), STARTS)["slopes"] == []


def records(rng: np.random.Generator) -> tuple[pl.DataFrame, Design]:
    """Two students x one budget; both distilled arms of a student share its control, whose replicates differ much."""
    arms, lines = [], []
    for student in ("a", "b"):
        control = f"control:{student}"
        arms.append(ArmInfo(control, "matched", ""))
        arms += [ArmInfo(f"distilled:{student}:{t}", "distilled", "", matched=control) for t in (1, 2)]
    for arm in arms:
        for r in range(6):
            level = 0.5 + (0.2 * rng.standard_normal() if arm.kind == "matched" else 0.1)
            lines += [("x", arm.name, r, "near", f"i{i}", float(rng.random() < level)) for i in range(40)]
    absent = ArmInfo("distilled:absent", "distilled", "", matched="control:a")
    columns = ["study", "arm", "replicate", "benchmark", "item", "score"]
    return pl.DataFrame(lines, schema=columns, orient="row"), Design((*arms, absent), {"near": "near"})


def test_uplifts_come_with_the_covariance_of_their_shared_control() -> None:
    table, design = records(np.random.default_rng(5))
    found = joint_uplifts(table, design, "near")
    assert found.arms == ("distilled:a:1", "distilled:a:2", "distilled:b:1", "distilled:b:2")
    mean = dict(table.group_by("arm").agg(pl.col("score").mean()).iter_rows())
    by_hand = [mean[arm] - mean[f"control:{arm.split(':')[1]}"] for arm in found.arms]
    assert found.value == pytest.approx(by_hand)
    correlation = found.covariance / np.sqrt(np.outer(np.diag(found.covariance), np.diag(found.covariance)))
    assert correlation[0, 1] > 0.2
    assert correlation[2, 3] > 0.2
    assert abs(correlation[0, 2]) < correlation[0, 1]
