"""Both engines against the definition, and every derivative against differences."""

from __future__ import annotations

import numpy as np
import pytest
import random_effects_cases as cases
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import ConvergenceError
from gauger.stats.random_effects import MetaData
from gauger.stats.random_effects.dense import DenseEngine, dependent_blocks
from gauger.stats.random_effects.engine import engine_for
from gauger.stats.random_effects.fitting import likelihood_of
from gauger.stats.random_effects.moments import Moments, likelihood
from gauger.stats.random_effects.nested import NestedEngine, tree_of

TAU2 = np.array([0.08, 0.03, 0.05])
DATA = {
    "independent": cases.studies(1),
    "shared within arms": cases.shared_within_arm(2),
    "shared across arms": cases.shared_across_arms(3),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_likelihood_is_the_definition(name: str, method: str) -> None:
    at = likelihood_of(DATA[name], method)(TAU2)
    assert at.value == pytest.approx(cases.slow_log_likelihood(DATA[name], TAU2, method), rel=1e-11)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_gradient_and_hessian_are_derivatives(name: str, method: str) -> None:
    """Central differences with h = 1e-5: truncation about h^2 = 1e-10, rounding about 1e-15 / h = 1e-10, both relative
    to third derivatives of size 1e4 and slopes of size 1e2: 1e-5 relative is safe and far below any wrong term."""
    function, h = likelihood_of(DATA[name], method), 1e-5
    at = function(TAU2)
    for k, unit in enumerate(np.eye(3)):
        up, down = function(TAU2 + h * unit), function(TAU2 - h * unit)
        assert (up.value - down.value) / (2 * h) == pytest.approx(at.gradient[k], rel=1e-5, abs=1e-4)
        np.testing.assert_allclose((up.gradient - down.gradient) / (2 * h), at.hessian[k], rtol=1e-5, atol=1e-2)


def same(one: Moments, other: Moments) -> None:
    for left, right in ((one.logdet.parts, other.logdet.parts), (one.cross.parts, other.cross.parts)):
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-9 * np.abs(right).max())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    levels=st.sampled_from([(0,), (2,), (0, 2), (0, 1), (1,), (0, 1, 2)]),
    shared=st.sampled_from(["none", "in arms", "over studies"]),
    zero=st.booleans(),
)
def test_tree_equals_dense_blocks(seed: int, levels: tuple[int, ...], shared: str, zero: bool) -> None:
    base = cases.studies(seed)
    kept = MetaData(base.effect, base.variance, tuple(base.levels[i] for i in levels), base.moderators)
    if shared == "in arms":
        kept = cases.with_shared(kept, base.levels[1] * 2 + np.arange(40) % 2)
    if shared == "over studies":
        kept = cases.with_shared(kept, base.levels[0] // 2)
    tree = tree_of(kept)
    assert tree is not None
    tau2 = np.random.default_rng(seed).uniform(0.01, 0.2, len(levels))
    tau2[0] *= not zero
    nested, dense = NestedEngine(kept, tree), DenseEngine(kept)
    same(nested.moments(tau2), dense.moments(tau2))
    right = np.random.default_rng(seed).normal(size=(40, 2))
    np.testing.assert_allclose(nested.solve(tau2, right), dense.solve(tau2, right), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        cases.marginal_matrix(kept, tau2) @ nested.solve(tau2, right), right, rtol=1e-8, atol=1e-10
    )


def test_crossing_controls_have_no_tree() -> None:
    assert tree_of(DATA["shared across arms"]) is None
    assert isinstance(engine_for(DATA["shared across arms"]), DenseEngine)
    assert isinstance(engine_for(DATA["shared within arms"]), NestedEngine)


def test_blocks_are_where_m_is_not_zero() -> None:
    data = cases.with_shared(cases.studies(5), cases.studies(5).levels[0] // 3)
    blocks = dependent_blocks(data)
    label = np.empty(len(data), dtype=int)
    for number, rows in enumerate(blocks):
        label[rows] = number
    M = cases.marginal_matrix(data, np.ones(3))
    assert len(blocks) == 3
    assert (M[label[:, None] != label[None, :]] == 0.0).all()


def test_covariance_blocks_tie_rows() -> None:
    block = np.array([[0.05, 0.02], [0.02, 0.06]])
    data = MetaData([0.1, 0.4, 0.3], [1.0, 0.1, 1.0], covariance=((np.array([0, 2]), block),))
    assert sorted(map(len, dependent_blocks(data))) == [1, 2]
    assert data.variance.tolist() == [0.05, 0.1, 0.06]
    at = likelihood_of(data, "ML")(np.array([0.02]))
    assert at.value == pytest.approx(cases.slow_log_likelihood(data, np.array([0.02]), "ML"), rel=1e-12)


def test_an_impossible_covariance_is_an_error() -> None:
    block = np.array([[0.05, 0.09], [0.09, 0.05]])
    data = MetaData([0.1, 0.4, 0.3], [1.0, 0.1, 1.0], covariance=((np.array([0, 2]), block),))
    with pytest.raises(ConvergenceError, match="not positive definite"):
        DenseEngine(data).moments(np.zeros(1))


def test_a_singular_design_is_an_error() -> None:
    moments = DenseEngine(cases.studies(1)).moments(TAU2)
    moments.cross.parts[0, :2, :2] = 1.0
    with pytest.raises(ConvergenceError, match="X'WX"):
        likelihood(moments, 40, "REML")


def test_groups_are_found_whatever_number_comes_first() -> None:
    """In the order of studies the first control group is called 1 and the second 0: each is a group all the same."""
    base = cases.studies(3, 12, 3)
    data = MetaData(base.effect, base.variance, (base.levels[0],), base.moderators)
    data = cases.with_shared(data, np.array([1, 0, 2])[base.levels[0]])
    tree = tree_of(data)
    assert tree is not None
    same(NestedEngine(data, tree).moments(np.array([0.1])), DenseEngine(data).moments(np.array([0.1])))
