"""Dividing replicates over arms: against full search, Neyman's rule, and what must always hold."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.stats.allocate import Spending, cost_of, divide, divide_equally, variance_of


def literal_variance(covariance, replicates):
    """Simulate nothing: average R_a paired draws each, and add up who shares which draws."""
    n = max(replicates)
    total = 0.0
    for a, c in product(range(len(replicates)), repeat=2):
        for r, q in product(range(n), repeat=2):
            if r < replicates[a] and q < replicates[c] and r == q:
                total += covariance[a, c] / replicates[a] / replicates[c]
    return total


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=3, max_size=3), st.integers(0, 99))
def test_the_variance_is_that_of_means_over_shared_replicates(replicates, seed):
    root = np.random.default_rng(seed).normal(size=(3, 3))
    covariance = root @ root.T
    found = variance_of(covariance, np.array(replicates), item=0.25)
    assert found == pytest.approx(0.25 + literal_variance(covariance, replicates), rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_close_to_the_best_of_all_divisions(seed):
    """Within 5 % of the smallest variance that full search finds, with shared costs and paired arms."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 3))
    covariance = root @ root.T if seed % 2 else np.diag(rng.random(3) + 0.05)
    spendings = [Spending(float(rng.integers(1, 5)), (a,)) for a in range(3)] + [Spending(2.0, (0, 1))]
    found = divide(covariance, spendings, 50.0)
    assert found is not None
    every = (np.array(r) for r in product(range(2, 46), repeat=3) if r[2] + r[1] + r[0] <= 70)
    best = min(variance_of(covariance, r) for r in every if cost_of(spendings, r) <= 50.0)
    assert best * (1 - 1e-12) <= found.variance <= 1.05 * best
    equal = divide_equally(covariance, spendings, 50.0)
    assert equal is not None
    assert found.variance <= equal.variance * (1 + 1e-12)
    assert found.cost <= 50.0


def test_neymans_rule_for_independent_arms():
    covariance = np.diag([1.0, 4.0, 16.0])
    spendings = [Spending(1.0, (0,)), Spending(1.0, (1,)), Spending(4.0, (2,))]
    found = divide(covariance, spendings, 1000.0, most=500)
    assert found is not None
    wanted = np.sqrt(np.diag(covariance) / np.array([1.0, 1.0, 4.0]))
    np.testing.assert_allclose(found.replicates / found.replicates[0], wanted / wanted[0], rtol=0.03)


def test_fixed_models_get_none_and_paired_opposites_stay_together():
    covariance = np.zeros((3, 3))
    covariance[:2, :2] = [[1.0, -0.9], [-0.9, 1.0]]
    found = divide(covariance, [Spending(1.0, (0,)), Spending(1.0, (1,))], 20.0)
    assert found is not None
    assert found.replicates.tolist() == [10, 10, 0]


def test_too_small_a_budget_gives_nothing():
    spendings = [Spending(1.0, (0,)), Spending(1.0, (1,))]
    assert divide(np.eye(2), spendings, 3.9) is None
    assert divide(np.eye(2), spendings, 4.0) is not None
    assert divide(np.zeros((2, 2)), spendings, 100.0) is None
    assert divide_equally(np.eye(2), spendings, 1.0) is None


def test_a_budget_that_pays_exactly_so_many_pays_them_whatever_rounding_does():
    """0.3 / 0.1 is 2.9999999999999996 in floating point, and was two replicates."""
    division = divide_equally(np.eye(1), [Spending(0.1, (0,))], 0.3)
    assert division is not None
    assert division.replicates.tolist() == [3]


def test_a_shared_prefix_is_paid_once():
    spendings = [Spending(10.0, (0, 1)), Spending(1.0, (0,)), Spending(1.0, (1,))]
    assert cost_of(spendings, np.array([3, 5])) == 58.0
