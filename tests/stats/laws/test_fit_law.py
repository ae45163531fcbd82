"""Fits: against SciPy, exact data, weights, errors, bounds, undetermined directions, groups and profiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from law_cases import grid, inner, planted
from scipy.optimize import minimize

from gauger.errors import UserError
from gauger.stats.laws import LAWS, Points, Search, fit_law
from gauger.stats.laws.bootstrap import count_units, draw, interval, unit_weights, wider_tail
from gauger.stats.laws.diagnose import at_bounds, findings, vague_directions
from gauger.stats.laws.fit import robust_scale
from gauger.stats.laws.intervals import parameter_estimates, why_profile
from gauger.stats.laws.minimise import huber, minimise
from gauger.stats.laws.profile import profiles
from gauger.stats.laws.supervised import BESIROGLU_2024

HOFFMANN = LAWS["hoffmann"]
FEW = Search(starts=30)


def test_hubers_loss_by_hand() -> None:
    assert huber(np.array([0.5, -0.5, 2.0, -3.0]), 1.0) == pytest.approx([0.125, 0.125, 1.5, 2.5])


def test_exact_data_give_exact_parameters() -> None:
    fitted = fit_law(planted(noise=0.0), HOFFMANN, FEW)
    truth = [BESIROGLU_2024[name] for name in HOFFMANN.names]
    assert fitted.values == pytest.approx(truth, rel=1e-3)
    assert fitted.objective < 1e-12


def test_scipy_finds_no_better_fit() -> None:
    some = planted()
    fitted = fit_law(some, HOFFMANN, FEW)

    def objective(theta: np.ndarray) -> float:
        e, a, b, alpha, beta = np.exp(theta)
        predicted = np.log(e + a / some.n_params**alpha + b / some.n_tokens**beta)
        return float(huber(predicted - np.log(some.loss), 1e-3).sum())

    assert objective(fitted.theta) == pytest.approx(fitted.objective, rel=1e-9)
    other = min(
        minimize(objective, fitted.theta + shift, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-14}).fun
        for shift in (0.0, 0.02)
    )
    assert fitted.objective <= other * (1 + 1e-6)


def test_a_weight_of_two_is_a_point_twice_and_of_zero_no_point() -> None:
    some = planted()
    weight = np.ones(len(some))
    weight[0], weight[5] = 2.0, 0.0
    rows = np.array([0, *[i for i in range(len(some)) if i != 5]])
    one, other = fit_law(replace(some, weight=weight), HOFFMANN, FEW), fit_law(some.take(rows), HOFFMANN, FEW)
    assert one.objective == pytest.approx(other.objective, rel=1e-6)
    assert one.theta == pytest.approx(other.theta, abs=2e-3)


def test_one_wild_point_hardly_moves_the_fit() -> None:
    some = planted()
    loss = some.loss.copy()
    loss[3] *= 1.5
    one, other = fit_law(some, HOFFMANN, FEW), fit_law(replace(some, loss=loss), HOFFMANN, FEW)
    spread = draw(one, unit_weights(some, 100, np.random.default_rng(0))).theta.std(axis=0)
    assert (np.abs(one.theta - other.theta) < 1.5 * spread).all()


def test_delta_matters() -> None:
    some = planted(seed=4)
    narrow, wide = (fit_law(some, HOFFMANN, Search(30, delta)) for delta in (1e-4, 1.0))
    assert np.abs(narrow.theta - wide.theta).max() > 1e-3


def test_too_few_points_and_missing_columns_are_the_users_mistakes() -> None:
    with pytest.raises(UserError, match="at least 7 points for the law 'hoffmann', got 6"):
        fit_law(planted().take(np.arange(6)), HOFFMANN)
    with pytest.raises(UserError, match="a column 'accuracy'"):
        fit_law(planted(), LAWS["sigmoid"])
    with pytest.raises(UserError, match="a column 'pretrained'"):
        fit_law(planted(), LAWS["transfer"])


def test_a_parameter_held_by_equal_bounds_stays() -> None:
    fitted = fit_law(planted(), HOFFMANN, FEW)
    low, high = (bound.copy() for bound in HOFFMANN.bounds)
    low[0] = high[0] = np.log(1.7)
    held = minimise(fitted.problem, fitted.theta[None], np.ones((1, 42)), bounds=(low, high))
    assert held.theta[0, 0] == np.log(1.7)
    assert held.objective[0] > fitted.objective


def test_one_size_of_model_leaves_its_term_undetermined_and_it_is_said() -> None:
    some = replace(planted(), n_params=np.full(42, 1e8))
    value = HOFFMANN.evaluate(inner(HOFFMANN, BESIROGLU_2024), some)[0][0]
    fitted = fit_law(replace(some, loss=np.exp(value)), HOFFMANN, FEW)
    assert vague_directions(fitted)
    assert any("determined" in one or "told apart" in one for one in findings(fitted))
    draws = draw(fitted, unit_weights(some, 50, np.random.default_rng(0)))
    estimates, reasons = parameter_estimates(fitted, draws)
    assert "a direction that the points do not determine" in reasons
    undetermined = {one.name for one in estimates if one.se is None}
    assert undetermined
    assert undetermined <= {"E", "A", "alpha"}


def test_a_bound_is_reported() -> None:
    """Kaplan's law has no irreducible loss: hoffmann's E runs towards its lower bound, or stays undetermined."""
    n = np.geomspace(1e6, 1e9, 20)
    some = Points(np.full(20, 1e8), n, loss=30.0 * n**-0.1)
    fitted = fit_law(some, LAWS["power"], FEW)
    assert at_bounds(fitted)[0] or fitted.values[0] < 0.05
    assert findings(fitted)


def test_draws_are_wider_for_groups_that_share_their_errors() -> None:
    rng = np.random.default_rng(3)
    some = planted(noise=0.0)
    group = np.arange(42) // 7
    loss = some.loss * np.exp(0.01 * rng.standard_normal(6))[group]
    fitted = fit_law(replace(some, loss=loss, group=group), HOFFMANN, FEW)
    assert count_units(fitted) == 6
    apart = draw(fitted, unit_weights(fitted.points, 200, np.random.default_rng(1), grouped=False))
    together = draw(fitted, unit_weights(fitted.points, 200, np.random.default_rng(1)))
    assert together.theta.std(axis=0)[0] > 1.2 * apart.theta.std(axis=0)[0]
    weights = unit_weights(fitted.points, 5, rng)
    assert np.ptp(weights[:, group == 2], axis=1).max() == 0.0
    estimates, reasons = parameter_estimates(fitted, together)
    assert "6 independent points for 5 parameters" in reasons
    assert {one.method for one in estimates} == {"draws"}


def test_tails_are_taken_further_out_for_few_points() -> None:
    assert wider_tail(0.95, 1e9, 5) == pytest.approx(0.025, rel=1e-6)
    # t(15) = 2.1314 and t(55) = 2.0040 at 97.5 %, by R's qt; pnorm of their negatives.
    assert wider_tail(0.95, 20, 5) == pytest.approx(0.016527, abs=2e-5)
    assert wider_tail(0.95, 60, 5) == pytest.approx(0.022534, abs=2e-5)
    low, high = interval(np.arange(101.0), 0.1)
    assert (low, high) == (10.0, 90.0)


def test_a_profile_of_a_nearly_linear_law_is_its_t_interval() -> None:
    """With normal noise and wide delta, E of a power law with many points: profile against the Gauss-Newton error."""
    rng = np.random.default_rng(5)
    n = np.geomspace(1e6, 1e9, 200)
    loss = np.exp(np.log(1.5 + 40.0 / n**0.25) + 0.002 * rng.standard_normal(200))
    fitted = fit_law(Points(np.full(200, 1e8), n, loss=loss), LAWS["power"], Search(30, delta=1.0))
    _, gradient = fitted.law.evaluate(fitted.theta[None], fitted.points)
    variance = np.linalg.inv(gradient[0] @ gradient[0].T) * fitted.noise**2
    found = profiles(fitted)[2]
    half = 1.97 * np.sqrt(variance[2, 2])
    assert np.log(found.high / found.low) == pytest.approx(2 * half, rel=0.1)
    assert found.low < 0.25 < found.high


def test_only_the_ratio_of_weights_moves_a_profile() -> None:
    some = planted(seed=2)
    fitted = fit_law(replace(some, weight=np.ones(len(some))), HOFFMANN, FEW)
    heavier = replace(fitted, weights=10.0 * fitted.weights)
    ends = [[(one.low, one.high) for one in profiles(fit)] for fit in (fitted, heavier)]
    assert ends[1] == pytest.approx(np.array(ends[0]), rel=1e-3)


def test_few_points_get_profiles_that_hold_the_estimate() -> None:
    some = planted(seed=2).take(np.arange(0, 42, 3))
    fitted = fit_law(some, HOFFMANN, FEW)
    draws = draw(fitted, unit_weights(some, 100, np.random.default_rng(0)))
    assert why_profile(fitted, draws)[0] == "14 independent points for 5 parameters"
    for one in parameter_estimates(fitted, draws)[0]:
        assert one.method == "profile"
        assert one.low is None or one.low <= one.value
        assert one.high is None or one.value <= one.high


def test_standard_errors_of_losses_carry_into_the_weights() -> None:
    some = planted(noise=0.0)
    se = np.where(np.arange(42) % 2 == 0, 0.002, 0.05)
    loss = some.loss + se * np.random.default_rng(1).standard_normal(42)
    fitted = fit_law(replace(some, loss=loss, loss_se=se), HOFFMANN, FEW)
    assert fitted.weights[0] > 50 * fitted.weights[1]
    blind = fit_law(replace(some, loss=loss), HOFFMANN, FEW)
    truth = inner(HOFFMANN, BESIROGLU_2024)[0]
    assert np.abs(fitted.theta - truth)[0] < np.abs(blind.theta - truth)[0] + 0.05


def test_lack_of_fit_is_added_to_standard_errors_that_are_too_small() -> None:
    rng = np.random.default_rng(0)
    empty = grid()
    truth = LAWS["link"].evaluate(np.array([[0.25, 0.9, np.log(3.0), 2.8]]), planted(0.0))[0][0]
    noisy = np.clip(truth + 0.03 * rng.standard_normal(42), 0, 1)
    some = Points(empty.n_params, empty.n_tokens, planted(0.0).loss, noisy, accuracy_se=np.full(42, 0.005))
    fitted = fit_law(some, LAWS["link"], FEW)
    assert np.sqrt(fitted.tau2) == pytest.approx(0.03, rel=0.35)
    honest = fit_law(replace(some, accuracy_se=np.full(42, 0.04)), LAWS["link"], FEW)
    assert honest.tau2 == 0.0


def test_binomial_errors_follow_from_the_number_of_items() -> None:
    some = planted(0.0)
    accuracy = LAWS["link"].evaluate(np.array([[0.25, 0.9, np.log(3.0), 2.8]]), some)[0][0]
    fitted = fit_law(replace(some, accuracy=accuracy, n_items=np.full(42, 400.0)), LAWS["link"], FEW)
    drawn = (accuracy * 400 + 1) / 402
    assert fitted.problem.scale == pytest.approx(np.sqrt(drawn * (1 - drawn) / 400))
    assert fitted.values == pytest.approx([0.25, 0.9, 3.0, 2.8], rel=0.02)


def test_the_robust_scale_of_normal_residuals_is_their_standard_deviation() -> None:
    noise = np.random.default_rng(0).standard_normal(20000)
    # Standard error of a standard deviation of 20,000 draws: 0.5 %; clipping costs at most 1 %.
    assert robust_scale(noise, np.ones(20000), 0) == pytest.approx(1.0, rel=0.02)
    assert robust_scale(np.append(noise, [500.0] * 20), np.ones(20020), 0) == pytest.approx(1.0, rel=0.03)
