"""Max-t and Holm: exact cases, bounds that hold whatever the correlation, and Holm by a literal loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gauger.stats import simultaneous
from gauger.stats.simultaneous import critical_values, holm, max_t

FAST = 2**14
"""Draws for properties: a tail probability of 0.05 has a standard error of 0.0017."""


def equal(n: int, rho: float) -> np.ndarray:
    return np.full((n, n), rho) + (1 - rho) * np.eye(n)


def test_a_family_of_one_is_a_plain_t_interval() -> None:
    """262,144 draws: the tail 0.05 is met to 0.0004 × 4."""
    found = max_t(np.array([0.3]), np.array([[0.01]]), np.array([6.0]))
    assert abs(2 * stats.t.sf(found.critical[0], 6) - 0.05) < 0.0017
    assert abs(found.p_adjusted[0] - 2 * stats.t.sf(3, 6)) < 0.0017
    np.testing.assert_allclose(found.p_holm, 2 * stats.t.sf(3, 6))


def test_independent_normals_meet_sidak() -> None:
    found = max_t(np.zeros(6), np.eye(6), np.full(6, np.inf))
    joint = (1 - 2 * stats.norm.sf(found.critical[0])) ** 6
    assert abs(joint - 0.95) < 0.0017


def test_contrasts_that_are_one_another_count_once() -> None:
    one = max_t(np.array([0.3]), np.array([[0.01]]), np.array([6.0]), most_draws=FAST)
    many = max_t(np.full(5, 0.3), np.full((5, 5), 0.01), np.full(5, 6.0), most_draws=FAST)
    assert abs(2 * stats.t.sf(many.critical[0], 6) - 2 * stats.t.sf(one.critical[0], 6)) < 0.01


@settings(deadline=None, max_examples=20)
@given(st.floats(-0.2, 0.98), st.floats(2, 60), st.integers(2, 6))
def test_between_one_contrast_and_bonferroni(rho: float, df: float, n: int) -> None:
    found = max_t(np.linspace(0, 4, n), equal(n, max(rho, -0.9 / n)), np.full(n, df), most_draws=FAST)
    tail = 2 * stats.t.sf(found.critical[0], df)
    assert 0.05 / n - 0.007 < tail < 0.05 + 0.007
    assert (found.p_adjusted >= 2 * stats.t.sf(np.linspace(0, 4, n), df) - 1e-12).all()
    assert (np.diff(found.p_adjusted) <= 0).all()


def test_correlation_matters() -> None:
    tight, loose = (max_t(np.zeros(8), equal(8, rho), np.full(8, 6.0), most_draws=FAST) for rho in (0.95, 0.0))
    assert tight.critical[0] < loose.critical[0] - 0.3


def test_level_matters() -> None:
    low, high = (max_t(np.zeros(3), np.eye(3), np.full(3, 9.0), level, FAST).critical[0] for level in (0.8, 0.99))
    assert low < high


def test_unequal_degrees_of_freedom_share_the_error_equally() -> None:
    """Marginal tails are equal; draws round df to classes of a factor 1.19, which does not touch the final quantile."""
    df = np.array([2.0, 5.0, 50.0, np.inf])
    found = max_t(np.zeros(4), np.eye(4), df, most_draws=FAST)
    tails = 2 * stats.t.sf(found.critical, df)
    np.testing.assert_allclose(tails, tails[0], rtol=1e-5)
    assert (np.diff(found.critical) < 0).all()


def test_the_same_input_gives_the_same_answer() -> None:
    one, other = (max_t(np.ones(4), equal(4, 0.5), np.full(4, 8.0), most_draws=FAST) for _ in range(2))
    np.testing.assert_array_equal(one.p_adjusted, other.p_adjusted)
    np.testing.assert_array_equal(one.critical, other.critical)


def test_order_and_scale_do_not_matter() -> None:
    """Another order is another draw of the same distribution: tails agree to 4 × 0.0017 × sqrt(2)."""
    rng = np.random.default_rng(1)
    root = rng.standard_normal((5, 5))
    covariance, value = root @ root.T, rng.standard_normal(5)
    order = np.array([3, 1, 4, 0, 2])
    plain = max_t(value, covariance, np.full(5, 7.0), most_draws=FAST)
    turned = max_t(9 * value[order], 81 * covariance[np.ix_(order, order)], np.full(5, 7.0), most_draws=FAST)
    np.testing.assert_allclose(turned.p_adjusted, plain.p_adjusted[order], atol=0.01)
    np.testing.assert_allclose((turned.high - turned.low) / 9, (plain.high - plain.low)[order], rtol=0.03)


def test_undefined_and_certain_contrasts_are_left_out() -> None:
    covariance = np.diag([1.0, np.nan, 0.0, 1.0])
    found = max_t(np.array([2.0, np.nan, 1.0, 0.5]), covariance, np.full(4, 9.0), most_draws=FAST)
    alone = max_t(np.array([2.0, 0.5]), np.eye(2), np.full(2, 9.0), most_draws=FAST)
    assert np.isnan(found.p_adjusted).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(found.p_adjusted[[0, 3]], alone.p_adjusted)
    nothing = max_t(np.array([np.nan]), np.array([[np.nan]]), np.array([3.0]))
    assert np.isnan(nothing.critical).all()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_by_a_literal_loop(p: list[float]) -> None:
    order = sorted(range(len(p)), key=lambda k: p[k])
    wanted, largest = [0.0] * len(p), 0.0
    for step, k in enumerate(order):
        largest = max(largest, (len(p) - step) * p[k])
        wanted[k] = min(largest, 1.0)
    np.testing.assert_allclose(holm(np.array(p)), wanted)


def test_holm_leaves_out_what_is_unknown() -> None:
    found = holm(np.array([0.01, np.nan, 0.04]))
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])


@pytest.mark.parametrize("df", [4.0, np.inf])
def test_family_error_is_held(df: float) -> None:
    """4,000 families of 6 under the null: Monte Carlo error 0.0034, so 0.012 is allowed; unadjusted intervals err in
    0.2 of them."""
    rng = np.random.default_rng(2)
    critical = max_t(np.zeros(6), equal(6, 0.4), np.full(6, df), most_draws=FAST).critical[0]
    z = rng.standard_normal((4000, 6)) @ np.linalg.cholesky(equal(6, 0.4)).T
    if np.isfinite(df):
        z /= np.sqrt(rng.chisquare(df, (4000, 1)) / df)
    assert abs(np.mean(np.abs(z).max(axis=1) > critical) - 0.05) < 0.012
    assert np.mean(np.abs(z).max(axis=1) > stats.t.ppf(0.975, df)) > 0.12


def grid(arms: int, benchmarks: int) -> np.ndarray:
    """Correlations of arms x benchmarks: .8 on one benchmark (the same items), .3 of one arm, .2 of all others."""
    arm, benchmark = np.arange(arms * benchmarks) // benchmarks, np.arange(arms * benchmarks) % benchmarks
    found = 0.2 + 0.6 * (benchmark[:, None] == benchmark) + 0.1 * (arm[:, None] == arm)
    np.fill_diagonal(found, 1.0)
    return found


@pytest.mark.parametrize(("landmarks", "wider"), [(10, 0.05), (30, 0.03), (100, 0.005)])
def test_a_large_family_drawn_through_landmarks_is_that_of_its_whole_correlation(landmarks, wider, monkeypatch) -> None:
    """Both are drawn, 2^17 times: a critical value is known to 0.3 %; the limit is 0.5 %."""
    monkeypatch.setattr(simultaneous, "LANDMARKS", landmarks)
    correlation, df = grid(10, 10), np.full(100, 12.0)
    whole = max_t(np.zeros(100), correlation, df, most_draws=2**17).critical[0]
    found = critical_values(lambda i, j: correlation[np.ix_(i, j)], df, most_draws=2**17)
    alone = stats.t.isf((1 - 0.95 ** (1 / 100)) / 2, 12)
    assert -0.005 < found[0] / whole - 1 < wider
    assert alone / whole - 1 > 0.06, "drawn as if independent it would fail"
    assert (found == found[0]).all()


def test_a_large_family_asks_for_its_landmarks_alone(monkeypatch) -> None:
    monkeypatch.setattr(simultaneous, "LANDMARKS", 10)
    asked, correlation = [], grid(30, 20)
    critical_values(lambda i, j: asked.append((len(i), len(j))) or correlation[np.ix_(i, j)], np.full(600, 9.0))
    assert asked == [(600, 10)]
