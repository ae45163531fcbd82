"""Cells proposed for a scale: within the budget, on the grid or beyond it, with a reason where there are none."""

import itertools
from dataclasses import asdict

import numpy as np
import pytest

from gauger.estimate.scaling.fit import FitRequest
from gauger.estimate.scaling.next_cells import _stands_in, propose_cells, read_points
from gauger.estimate.scaling.study_points import ScalePoint, points_by_curve
from gauger.stats.laws.fit import Search

REQUEST = FitRequest(draws=200, search=Search(starts=20, seed=3))
SIZES, BUDGETS = (2e4, 4e4, 8e4), (0.5, 1.0, 2.0, 4.0)


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(4)
    found = []
    for curve, gain in (("control", 0.0), ("distilled, teacher of 500 steps", 0.3)):
        for size in SIZES:
            for budget in BUDGETS:
                tokens = 1e5 * budget
                loss = (0.5 + 40 * size**-0.45 + 60 * tokens**-0.4 - gain) * np.exp(0.01 * rng.standard_normal())
                found.append(
                    ScalePoint(f"{curve}:{size:g}:{budget:g}", curve, int(size), tokens, budget, f"{size:g}", None,
                               None, float(loss), 0.01, None, 3)
                )  # fmt: skip
    return found


def test_cells_are_on_the_grid_or_beyond_it_and_paid(points):
    whole = sum(point.flops * point.n_replicates for point in points)
    found = propose_cells(points, 0.5 * whole, REQUEST)
    assert found.cells
    assert (found.target_params, found.target_tokens) == (1.6e5, 8e5)
    assert found.flops == pytest.approx(sum(cell.flops for cell in found.cells))
    assert found.flops <= 0.5 * whole
    there = {(point.curve, float(point.n_params), point.budget) for point in points}
    for cell in found.cells:
        assert cell.known == ((cell.curve, cell.n_params, cell.budget) in there)
        assert min(SIZES) <= cell.n_params <= 2 * max(SIZES)
        assert min(BUDGETS) <= cell.budget <= 2 * max(BUDGETS)
        assert cell.flops == pytest.approx(6 * cell.n_params * 1e5 * cell.budget * 3)
    widths = [1.0, *(cell.narrowing for cell in found.cells)]
    assert all(a > b > 0 for a, b in itertools.pairwise(widths))


def test_the_same_points_give_the_same_cells(points):
    assert propose_cells(points, 1e12, REQUEST) == propose_cells(points, 1e12, REQUEST)


def test_the_controls_curve_of_each_base_counts_once_for_each_of_its_teachers():
    cells = [
        ScalePoint(f"{curve}:{base}", curve, 1, 1.0, 1.0, "s", None, None, 1.0, None, None, 1, base=base)
        for base, teachers in (("weak", 1), ("strong", 2))
        for curve in ("control", *(f"teacher {t}" for t in range(teachers)))
    ]
    by_curve = points_by_curve(cells)
    assert {name: _stands_in(by_curve, name) for name in by_curve} == {
        "control, weak": 1.0, "teacher 0, weak": 1.0,
        "control, strong": 2.0, "teacher 0, strong": 1.0, "teacher 1, strong": 1.0,
    }  # fmt: skip


def test_a_target_that_was_given_is_kept(points):
    found = propose_cells(points, 1e12, REQUEST, (1e6, 1e7))
    assert (found.target_params, found.target_tokens) == (1e6, 1e7)


def test_without_money_or_points_the_reason_is_said(points):
    assert "the budget pays none" in propose_cells(points, 1.0, REQUEST).reason
    few = propose_cells(points[:3], 1e12, REQUEST)
    assert (few.cells, few.flops) == ((), 0.0)
    assert "points" in few.reason


def test_points_are_read_back_from_a_document(points):
    rows = [{**asdict(point), "flops": point.flops, "held_out": False} for point in points]
    assert read_points({"points": rows}) == points
