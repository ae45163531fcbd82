"""A study's scale on planted laws: held-out cells, equivalents and crossings come out as planted."""

import math

import numpy as np
import pytest

from gauger.estimate.scaling.fit import FitRequest
from gauger.estimate.scaling.study_points import CONTROL, ScalePoint, outcome_of, scale_document
from gauger.stats.laws.fit import Search

SIZES, BUDGETS = (1e4, 3e4, 1e5, 3e5), (0.25, 0.5, 1.0, 2.0, 4.0)
REQUEST = FitRequest(draws=200, search=Search(starts=60))
FEW = FitRequest(draws=40, search=Search(starts=12))
"""Enough where no number of a fit is looked at."""


def loss(n_params, n_tokens):
    """A supervised law in N and D (Hoffmann et al. 2022, Approach 3's form)."""
    return 0.8 + 12.0 / n_params**0.3 + 40.0 / n_tokens**0.35


def point(n_params, budget, *, saved=1.0, noise=0.0, **fields):
    """One cell; a teacher that saves a factor of tokens moves along the control's own curve."""
    tokens = 1e5 * budget
    curve = fields.pop("curve", CONTROL if saved == 1.0 else "distilled")
    own = {
        "arm": f"{curve}:{n_params:g}:{budget:g}",
        "curve": curve,
        "n_params": int(n_params),
        "n_tokens": tokens,
        "budget": budget,
        "student": f"{n_params:g}",
        "accuracy": 0.5,
        "accuracy_se": 0.02,
        "loss": loss(n_params, saved * tokens) * math.exp(noise),
        "loss_se": 0.01,
        "n_items": 200,
        "n_replicates": 3,
    }
    return ScalePoint(**own | fields)


def grid(saved=1.0, scatter=0.004, seed=0):
    rng = np.random.default_rng(seed)
    return [point(n, b, saved=saved, noise=scatter * rng.standard_normal()) for n in SIZES for b in BUDGETS]


@pytest.fixture(scope="module")
def found():
    return scale_document(grid() + grid(saved=2.0, seed=1), "near", 3, REQUEST)


def test_the_cells_of_most_compute_are_left_out_and_predicted(found):
    held = [p for p in found["points"] if p["held_out"]]
    for curve in (CONTROL, "distilled"):
        mine = [p for p in found["points"] if p["curve"] == curve]
        largest = sorted(mine, key=lambda p: 6 * p["n_params"] * p["n_tokens"])[-3:]
        assert {p["arm"] for p in held if p["curve"] == curve} == {p["arm"] for p in largest}
    fitted = {one["curve"]: one["n"] for one in found["curves"]}
    assert fitted == {CONTROL: len(SIZES) * len(BUDGETS) - 3, "distilled": len(SIZES) * len(BUDGETS) - 3}
    assert found["covered"]["of"] == 6
    assert found["covered"]["inside"] >= 5
    for row in found["predicted"]:
        assert row["inside"] == (row["low"] <= row["measured"] <= row["high"])
        assert row["value"] == pytest.approx(row["measured"], rel=0.05)


def test_a_teacher_that_saves_half_of_the_tokens_is_worth_two(found):
    inner = [row for row in found["equivalents"] if row["budget"] <= 1.0]
    assert len(inner) == len(SIZES) * 3
    gains = [row["data"]["value"] for row in inner if row["data"]["censored"] == "no"]
    assert np.median(gains) == pytest.approx(2.0, rel=0.15)
    assert all(row["data"] | {} == row["compute"] | {} for row in inner), "a teacher whose compute is not counted"


def test_what_the_teacher_computed_is_taken_from_its_worth_in_compute_alone(found):
    """Answers that took as much as the training halve the compute-equivalent gain, by hand, and leave the data's."""
    as_much = [
        point(
            n, b, saved=2.0, teacher_flops=6.0 * n * 1e5 * b, noise=0.004 * np.random.default_rng(1).standard_normal()
        )
        for n in SIZES
        for b in BUDGETS[:2]
    ]
    rows = scale_document(grid() + as_much, "near", 0, FEW)["equivalents"]
    known = [row for row in rows if row["data"]["censored"] == "no"]
    assert known
    for row in known:
        assert row["compute"]["value"] == pytest.approx(row["data"]["value"] / 2)


def test_a_cell_without_a_loss_is_not_held_against_a_curve_of_losses():
    """Its accuracy of 0.5 would be a loss that no control reaches: an endless worth."""
    lost = point(1e4, 1.0, saved=2.0, loss=None, loss_se=None)
    others = [cell for cell in grid(saved=2.0) if cell.arm != lost.arm]
    rows = scale_document([*grid(), *others, lost], "near", 0, FEW)["equivalents"]
    assert lost.arm not in {row["arm"] for row in rows}
    assert len(rows) == len(SIZES) * len(BUDGETS) - 1


def test_the_control_never_catches_a_teacher_that_always_saves_half(found):
    assert {row["tokens"] for row in found["crossings"]} == {None}
    *smaller, largest = found["crossings"]
    assert all("stays ahead" in row["text"] for row in smaller)
    assert "undecided: of the curves that fit, 92% keep the distilled arm ahead" in largest["text"], "not nearly all"


def test_curves_are_drawn_for_every_student_within_the_budgets_that_were_run(found):
    lines = found["lines"]
    assert {line["curve"] for line in lines} == {CONTROL, "distilled"}
    assert {line["student"] for line in lines} == {f"{n:g}" for n in SIZES}
    assert all(line["low"] <= line["value"] <= line["high"] for line in lines)
    assert min(line["n_tokens"] for line in lines) == pytest.approx(1e5 * min(BUDGETS))


def test_each_base_has_curves_of_its_own_and_its_own_control():
    """By hand: bases 0.3 nats apart, and a teacher that saves nothing. Pooled, the weak base would be worth 0.1x."""
    rng = np.random.default_rng(0)
    cells = [
        point(1e4, b, curve=curve, base=base, student=base, loss=0.8 + off + 20.0 / (1e5 * b) ** 0.35 + noise)
        for curve in (CONTROL, "distilled")
        for base, off in (("weak", 0.3), ("strong", 0.0))
        for b in (0.125, 0.25, *BUDGETS[1:], 8.0)
        for noise in 0.002 * rng.standard_normal(1)
    ]
    made = scale_document(cells, "near", 0, FEW)
    assert [curve["curve"] for curve in made["curves"]] == [
        f"{curve}, {base}" for curve in (CONTROL, "distilled") for base in ("weak", "strong")
    ]
    assert {(line["curve"], line["student"]) for line in made["lines"]} == {
        (curve, base) for curve in (CONTROL, "distilled") for base in ("weak", "strong")
    }
    assert {(row["curve"], row["student"]) for row in made["crossings"]} == {
        ("distilled", b) for b in ("weak", "strong")
    }
    inner = [row for row in made["equivalents"] if 0.25 <= row["budget"] <= 2.0]
    assert {row["student"] for row in inner} == {"weak", "strong"}
    for row in inner:
        assert row["data"]["value"] == pytest.approx(1.0, rel=0.25)


def test_more_held_out_than_there_are_leaves_nothing_to_fit():
    few = [point(1e4, b) for b in BUDGETS[:3]]
    for count in (3, 4, 5):
        made = scale_document(few, "near", count, FEW)
        assert all(row["held_out"] for row in made["points"])
        assert "--law" not in made["curves"][0]["reason"]


def test_too_few_cells_give_a_reason_and_no_curve():
    few = [point(1e4, b) for b in BUDGETS[:3]] + [point(1e4, b, saved=2.0) for b in BUDGETS[:3]]
    found = scale_document(few, "near", 1, REQUEST)
    assert all(one["reason"] for one in found["curves"])
    assert found["equivalents"] == found["crossings"] == found["lines"] == []
    assert found["covered"] == {"inside": 0, "of": 0}
    assert [row["inside"] for row in found["predicted"]] == [None, None]


def test_without_losses_curves_are_of_the_accuracy():
    assert outcome_of(point(1e4, 1.0, loss=None)) == 0.5
    assert outcome_of(point(1e4, 1.0)) == pytest.approx(loss(1e4, 1e5))


def test_the_same_points_give_the_same_document():
    points = grid()
    assert scale_document(points, "near", 2, FEW) == scale_document(points, "near", 2, FEW)
