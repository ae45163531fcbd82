"""Proposed points: exact where the law is linear, never beyond the budget, better than spending it elsewhere."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.stats.laws import LAWS, Points, Search, fit_ensemble
from gauger.stats.laws.next_points import Candidates, candidates_of, next_points

TOKENS = np.geomspace(1e6, 1e8, 12)
FURTHER = np.array([1e6, 1e7, 1e8, 1e9])
TARGET = np.array([1e10])


def straight_line(noise=0.02, weight=1.0):
    """A line in log tokens with a known posterior: covariance at the candidates and the target, from the normal
    equations."""
    x = np.column_stack([np.ones(12), np.log(TOKENS)])
    posterior = noise**2 * np.linalg.inv(x.T @ x)
    at = np.column_stack([np.ones(5), np.log(np.concatenate([FURTHER, TARGET]))])
    return x, at, Candidates(at @ posterior @ at.T, noise, np.array([1.0, 2.0, 4.0, 8.0]), weight)


def test_for_a_line_it_is_the_variance_of_least_squares_with_the_point_added():
    noise = 0.02
    x, at, line = straight_line(noise)
    for i in range(4):
        more = np.vstack([x, at[i]])
        expected = noise**2 * at[4] @ np.linalg.inv(more.T @ more) @ at[4]
        assert line.observe(i).variance == pytest.approx(expected, rel=1e-9)
        assert line.variance - line.falls()[i] == pytest.approx(expected, rel=1e-9)
        twice = np.vstack([more, at[i]])
        expected = noise**2 * at[4] @ np.linalg.inv(twice.T @ twice) @ at[4]
        assert line.observe(i).observe(i).variance == pytest.approx(expected, rel=1e-9)


def test_the_furthest_point_is_worth_most_and_the_budget_decides():
    _, _, line = straight_line()
    assert np.argmax(line.falls()) == 3
    assert next_points([line], 8.0).choices[0].candidate == 3
    poor = next_points([line], 4.0)
    assert all(choice.candidate < 3 for choice in poor.choices)
    assert poor.cost <= 4.0
    assert next_points([line], 0.5).choices == ()


def test_the_curve_that_counts_more_is_served_first():
    _, _, one = straight_line()
    _, _, other = straight_line(weight=3.0)
    found = next_points([one, other], 8.0)
    assert {choice.curve for choice in found.choices} == {1}
    assert found.before == pytest.approx(4 * one.variance)
    assert found.after[0] == one.variance


@given(st.integers(0, 10_000), st.floats(0.1, 50.0))
def test_nothing_is_overspent_and_every_point_helps(seed, budget):
    rng = np.random.default_rng(seed)
    curves = []
    for _ in range(2):
        root = rng.normal(size=(4, 6))
        curves.append(Candidates(root.T @ root, float(rng.uniform(0.1, 2)), rng.uniform(0.5, 5, 5)))
    found = next_points(curves, budget)
    spent = sum(curves[choice.curve].cost[choice.candidate] for choice in found.choices)
    assert spent == pytest.approx(found.cost)
    assert spent <= budget + 1e-9
    variances = [found.before, *(choice.variance for choice in found.choices)]
    assert all(a > b for a, b in itertools.pairwise(variances))
    assert sum(found.after) == pytest.approx(variances[-1])


def test_without_noise_and_spread_nothing_is_proposed():
    known = Candidates(np.zeros((3, 3)), 0.0, np.ones(2))
    assert next_points([known], 10.0).choices == ()


def test_a_fitted_curve_is_narrowed_as_foretold():
    """Observe the proposed points, fit again: the spread at the target is about what was foretold."""
    law = LAWS["power"]
    rng = np.random.default_rng(5)
    truth = 2.0 + 30.0 * TOKENS**-0.2

    def points(tokens, loss=None):
        return Points(np.full(len(tokens), 1e6), tokens, loss=loss)

    measured = truth * np.exp(0.01 * rng.standard_normal(12))
    ensemble = fit_ensemble(points(TOKENS, measured), [law], 400, Search(starts=40, seed=1))
    curve = candidates_of(ensemble, points(FURTHER), points(TARGET), FURTHER)
    chosen = next_points([curve], 1.5e9)
    assert next(choice.candidate for choice in chosen.choices) == 3
    tokens = np.concatenate([TOKENS, FURTHER[[choice.candidate for choice in chosen.choices]]])
    loss = (2.0 + 30.0 * tokens**-0.2) * np.exp(0.01 * rng.standard_normal(len(tokens)))
    loss[:12] = measured
    again = candidates_of(
        fit_ensemble(points(tokens, loss), [law], 400, Search(starts=40, seed=1)),
        points(FURTHER),
        points(TARGET),
        FURTHER,
    )
    foretold, found = np.sqrt(chosen.after[0] / chosen.before), np.sqrt(again.variance / curve.variance)
    assert foretold < 0.8
    assert found < 0.9
