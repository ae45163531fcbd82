"""The fit: a maximum, unchanged by what must not matter, changed by what must, and an error when it fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import random_effects_cases as cases
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import ConvergenceError, UserError
from gauger.stats.random_effects import MetaData, fit, joint_test, search
from gauger.stats.random_effects import fit as fit_function
from gauger.stats.random_effects.fitting import likelihood_of
from gauger.stats.random_effects.maximise import maximise
from gauger.stats.random_effects.moments import Likelihood

BUILDERS = {"independent": cases.studies, "nested": cases.shared_within_arm, "crossing": cases.shared_across_arms}


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_unit_of_the_effects_is_that_of_the_spread(method: Any) -> None:
    """A few precise rows tell of a spread that is far below the variances of the others, in any unit."""
    rng = np.random.default_rng(4)
    variance = np.concatenate([np.full(6, 1e-6), np.full(20, 1.0)])
    effect = 0.01 * rng.standard_normal(26) + np.sqrt(variance) * rng.standard_normal(26)
    spreads = [
        fit(MetaData(effect * unit, variance * unit**2), method=method).tau2 / unit**2 for unit in (1, 1e-4, 1e4)
    ]
    assert 1e-5 < spreads[0] < 1e-3
    assert fit(MetaData(effect, variance), method=method).found.boundary == (False,)
    alike = fit(MetaData(np.full(26, 0.3), variance), method=method)
    assert (alike.tau2.tolist(), alike.found.boundary) == ([0.0], (True,))
    np.testing.assert_allclose(np.ravel(spreads), np.ravel(spreads)[0], rtol=1e-6)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_it_is_a_maximum(name: str, seed: int, method: Any) -> None:
    """The slope is zero inside and points outwards at the boundary; no nearby point is higher."""
    data = BUILDERS[name](seed)
    fitted = fit(data, method=method)
    scale, function = data.variance.mean(), likelihood_of(data, method)
    inside = fitted.tau2 > 0
    assert np.abs(fitted.found.at.gradient[inside]).max(initial=0.0) * scale < 1e-7
    assert (fitted.found.at.gradient[~inside] <= 1e-9).all()
    assert fitted.found.boundary == tuple((~inside).tolist())
    rng = np.random.default_rng(seed)
    for _ in range(20):
        nearby = np.maximum(fitted.tau2 + rng.normal(size=3) * 0.05 * scale, 0.0)
        assert function(nearby).value <= fitted.log_likelihood + 1e-9


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(1e-3, 1e3), shift=st.floats(-5, 5))
def test_scale_and_shift(seed: int, factor: float, shift: float) -> None:
    """y -> factor * y + shift, V -> factor^2 V: tau2 scales with the square, tests do not move."""
    data = cases.shared_within_arm(seed)
    assert data.shared_variance is not None
    moved = MetaData(
        factor * data.effect + shift,
        factor**2 * data.variance,
        data.levels,
        data.moderators,
        shared_group=data.shared_group,
        shared_variance=factor**2 * data.shared_variance,
    )
    one, two = fit(data), fit(moved)
    np.testing.assert_allclose(two.tau2, factor**2 * one.tau2, rtol=1e-6, atol=1e-7 * factor**2)
    assert two.coefficients[1].p == pytest.approx(one.coefficients[1].p, rel=1e-5)
    assert two.beta[0] == pytest.approx(factor * one.beta[0] + shift, rel=1e-6, abs=1e-6 * factor)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), crossing=st.booleans())
def test_order_and_labels_do_not_matter(seed: int, crossing: bool) -> None:
    data = (cases.shared_across_arms if crossing else cases.shared_within_arm)(seed)
    order = np.random.default_rng(seed).permutation(len(data))
    named = MetaData(
        data.effect[order],
        data.variance[order],
        tuple(np.array([f"g{(7 * code) % 1009}" for code in codes[order]]) for codes in data.levels),  # type: ignore[arg-type]
        data.design[order],
        shared_group=None if data.shared_group is None else data.shared_group[order],
        shared_variance=None if data.shared_variance is None else data.shared_variance[order],
    )
    cases.assert_same_fit(fit(data), fit(named), rtol=1e-6)


def test_inner_labels_need_only_be_unique_within_outer_groups() -> None:
    study, row = np.repeat([0, 1, 2], 4), np.tile([0, 1, 2, 3], 3)
    base = cases.studies(3, n=12, groups=3)
    repeated = MetaData(base.effect, base.variance, (study, row))
    unique = MetaData(base.effect, base.variance, (study, np.arange(12)))
    cases.assert_same_fit(fit(repeated), fit(unique))


def test_zero_components_leave_the_simpler_model() -> None:
    """tau2 fixed at 0 for the study level equals the model without it; fixed at the estimates, the fit itself."""
    data = cases.studies(4)
    without = MetaData(data.effect, data.variance, data.levels[2:], data.moderators)
    held = fit(data, tau2=[0.0, 0.0, np.nan])
    assert held.tau2[2] == pytest.approx(fit(without).tau2[0], rel=1e-7)
    full = fit(data)
    cases.assert_same_fit(fit(data, tau2=full.tau2), full)


def test_shared_controls_matter() -> None:
    data = cases.shared_within_arm(6)
    apart = MetaData(data.effect, data.variance, data.levels, data.moderators)
    assert fit(data).coefficients[0].se != pytest.approx(fit(apart).coefficients[0].se, rel=1e-3)


def test_options_matter() -> None:
    data = cases.studies(7)
    p = {
        (method, test, df): fit(data, method=method, test=test, df=df).coefficients[1].p  # type: ignore[arg-type]
        for method in ("REML", "ML")
        for test, df in (("z", "residual"), ("t", "residual"), ("t", "contain"), ("knapp-hartung", "residual"))
    }
    assert len(set(p.values())) == len(p) - 2, "x varies within rows only: containment is residual for it"
    contained = fit(data, test="t", df="contain").coefficients
    assert (contained[0].df, contained[1].df) == (7 - 2, 40 - 2)


def test_knapp_hartung_is_its_formula() -> None:
    data = MetaData([0.1, 0.5, 0.3, 0.9, -0.2], [0.04, 0.1, 0.02, 0.08, 0.05])
    plain, scaled = fit(data), fit(data, test="knapp-hartung")
    w = 1.0 / (data.variance + plain.tau2[0])
    mean = sum(w * data.effect) / sum(w)
    factor = sum(w * (data.effect - mean) ** 2) / 4
    assert scaled.coefficients[0].se == pytest.approx(plain.coefficients[0].se * factor**0.5, rel=1e-12)
    assert scaled.coefficients[0].df == 4.0


def test_the_higher_of_two_modes() -> None:
    """Interior mode at 0.0323 (-2.68932) and a higher one at zero (-2.68889), found by scanning."""
    effect = [-0.88931133, -1.58538866, -1.34807315, -1.44155119, -0.21754732, -0.78611559]
    variance = [0.32558477, 0.19458112, 0.41536797, 0.02001003, 0.05121017, 0.00690562]
    moderator = np.column_stack([np.ones(6), [44, 55, 42, 52, 13, 44]])
    worst = 0.0
    rng = np.random.default_rng(0)
    for _ in range(60):
        order = rng.permutation(6)
        data = MetaData(np.array(effect)[order], np.array(variance)[order], (), moderator)
        function = likelihood_of(data)
        grid = max(function(np.array([t])).value for t in np.linspace(0.0, 1.0, 101))
        worst = max(worst, grid - fit(data).log_likelihood)
    assert worst < 1e-3, "the fit is never below the best of a grid by more than the grid's own error"


def test_unknown_options() -> None:
    data = cases.studies(1)
    with pytest.raises(UserError, match="Did you mean 'REML'"):
        fit_function(data, method="REM")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="knapp-hartung"):
        fit(data, test="knha")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="fixed tau2 >= 0"):
        search(data, tau2=[-1.0, 0.0, 0.0])


class Line:
    """A log-likelihood value = slope * tau2 that claims this gradient and Hessian everywhere."""

    def __init__(self, slope: float, gradient: float, hessian: float) -> None:
        self.slope, self.gradient, self.hessian = slope, gradient, hessian

    def value(self, tau2: np.ndarray) -> float:
        return self.slope * float(tau2[0])

    def __call__(self, tau2: np.ndarray) -> Likelihood:
        one = np.ones(1)
        return Likelihood(self.value(tau2), self.gradient * one, self.hessian * np.eye(1), one, np.eye(1), 1.0)


def test_no_maximum_is_an_error() -> None:
    """A likelihood that rises for ever, and one whose gradient lies."""
    free = np.ones(1, dtype=bool)
    with pytest.raises(ConvergenceError, match="did not converge"):
        maximise(Line(1.0, 1.0, -1e-3), np.ones(1), free, 1.0)
    with pytest.raises(ConvergenceError, match="did not converge"):
        maximise(Line(-1.0, 1.0, -1.0), np.ones(1), free, 1.0)


def test_joint_test_of_one_column_is_its_own_test() -> None:
    data = cases.studies(8)
    for options in ({"test": "z"}, {"test": "t"}, {"robust": data.levels[0]}):
        fitted = fit(data, **options)  # type: ignore[arg-type]
        joint, own = joint_test(fitted), fitted.coefficients[1]
        assert joint.p == pytest.approx(own.p, rel=1e-9)
        assert joint.statistic == pytest.approx(own.statistic**2, rel=1e-9)


def test_joint_test_needs_moderators() -> None:
    with pytest.raises(UserError, match="moderators to test"):
        joint_test(fit(MetaData([0.1, 0.2, 0.4], [0.1, 0.1, 0.1])))


def test_prediction_interval() -> None:
    fitted = fit(cases.studies(9), test="t", df="contain")
    found, mean = fitted.prediction([1.0, 0.5]), fitted.contrast([1.0, 0.5])
    half = (found.prediction_high - found.prediction_low) / 2
    quantile = (mean.high - mean.low) / 2 / mean.se
    assert half == pytest.approx(quantile * (mean.se**2 + fitted.tau2.sum()) ** 0.5, rel=1e-12)
    with pytest.raises(UserError, match="moderator values"):
        fitted.prediction()
    with pytest.raises(UserError, match="2 weights"):
        fitted.contrast([1.0])


def test_i2_shares() -> None:
    fitted = fit(cases.shared_within_arm(10))
    spread = fitted.heterogeneity
    V, X = cases.sampling_matrix(fitted.data), fitted.data.design
    W = np.linalg.inv(V)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    assert spread.q == pytest.approx(fitted.data.effect @ P @ fitted.data.effect, rel=1e-9)
    assert spread.typical_variance == pytest.approx((40 - 2) / np.trace(P), rel=1e-9)
    assert spread.i2_total == pytest.approx(fitted.tau2.sum() / (fitted.tau2.sum() + spread.typical_variance))
