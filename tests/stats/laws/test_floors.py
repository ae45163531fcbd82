"""Floors: what points do not say comes from the prior, what they do say overrules it, and beliefs pull as far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from law_cases import grid, planted

from gauger.stats.laws import LAWS, LawFit, Points, Search, fit_ensemble, fit_law
from gauger.stats.laws.bootstrap import unit_weights
from gauger.stats.laws.floors import Integrated, _look, draw_integrated, integrate
from gauger.stats.laws.minimise import minimise
from gauger.stats.laws.supervised import BESIROGLU_2024
from gauger.stats.laws.windows import windows

FEW = Search(starts=30)


def whole(fitted: LawFit) -> Integrated:
    units = np.array([float(len(fitted.points))])
    return integrate(fitted.problem, fitted.theta[None], fitted.weights[None], units, fitted.noise)


def floors(one: Integrated) -> np.ndarray:
    return one.low[0] + one.step[0] * (np.arange(one.mass.shape[1]) + 0.5)


def short(seed: int = 3) -> Points:
    """Twelve budgets over a factor of four: nothing tells a power law's floor."""
    tokens = np.geomspace(1e8, 4e8, 12)
    scatter = np.exp(0.01 * np.random.default_rng(seed).standard_normal(12))
    return Points(np.full(12, 1e8), tokens, loss=(1.8 + 2e3 / tokens**0.38) * scatter)


def test_points_that_show_the_floor_overrule_the_prior() -> None:
    one = whole(fit_law(planted(noise=0.002), LAWS["hoffmann"], FEW))
    mean = float(one.mass[0] @ floors(one))
    assert mean == pytest.approx(BESIROGLU_2024["E"], abs=0.05)
    assert one.mass.sum() == pytest.approx(1.0)
    spread = float(np.sqrt(one.mass[0] @ (floors(one) - mean) ** 2))
    assert spread < 0.05
    far = Points(np.array([1e11]), np.array([2e12]))
    truth = np.log(1.8172 + 482.01 / 1e11**0.3478 + 2085.43 / 2e12**0.3658)
    assert one.mean(far)[0, 0] == pytest.approx(truth, abs=0.02)


def test_points_that_do_not_show_it_leave_the_prior_in_place() -> None:
    some = short()
    fitted = fit_law(some, LAWS["power"], FEW)
    one = whole(fitted)
    share = floors(one) / some.loss.min()
    mean = float(one.mass[0] @ share)
    assert mean == pytest.approx(2 / 3, abs=0.06)
    assert float(np.sqrt(one.mass[0] @ (share - mean) ** 2)) == pytest.approx(0.149, abs=0.04)
    # The adversary: the best fit alone takes whatever floor the noise asks for.
    best, means = [], []
    for seed in range(6):
        some = short(seed)
        fitted = fit_law(some, LAWS["power"], FEW)
        best.append(fitted.values[0] / some.loss.min())
        means.append(float(whole(fitted).mass[0] @ (floors(whole(fitted)) / some.loss.min())))
    assert np.ptp(means) < 0.2
    assert np.ptp(best) > 3 * np.ptp(means)


def test_draws_take_every_floor_as_often_as_its_mass_says() -> None:
    one = whole(fit_law(short(), LAWS["power"], FEW))
    rng = np.random.default_rng(0)
    drawn = np.exp(draw_integrated(one, unit_weights(short(), 400, rng), rng)[0][:, 0])
    assert drawn.mean() == pytest.approx(float(one.mass[0] @ floors(one)), rel=0.02)
    share = ((drawn - one.low[0]) / one.step[0]).astype(int)
    assert np.bincount(share, minlength=12) / 400 == pytest.approx(one.mass[0], abs=0.004)


def test_a_law_without_floor_and_beliefs_is_its_best_fit() -> None:
    fitted = fit_law(planted(), LAWS["kaplan"], FEW)
    one = whole(fitted)
    assert one.mass == pytest.approx(np.ones((1, 1)))
    assert one.mean(grid())[0] == pytest.approx(LAWS["kaplan"].evaluate(fitted.theta[None], grid())[0][0])


def test_beliefs_pull_exponents_together_and_give_way_to_points() -> None:
    def gap(one: Integrated) -> float:
        middle = one.theta[0, int(one.mass[0].argmax())]
        return abs(float(middle[3] - middle[4]))

    law = LAWS["hoffmann"]
    free = replace(law, beliefs=())
    noisy = planted(noise=0.02, seed=2).take(np.arange(0, 42, 3))
    assert gap(whole(fit_law(noisy, law, FEW))) < 0.6 * gap(whole(fit_law(noisy, free, FEW)))
    apart = {"E": 1.8, "A": 482.0, "B": 8.6e5, "alpha": 0.35, "beta": 0.65}
    clear = planted(noise=0.001, truth=apart)
    assert gap(whole(fit_law(clear, law, FEW))) == pytest.approx(np.log(0.65 / 0.35), abs=0.15)


def test_the_fit_that_is_reported_knows_no_prior() -> None:
    some = planted()
    one, other = fit_law(some, LAWS["hoffmann"], FEW), fit_law(some, replace(LAWS["hoffmann"], beliefs=()), FEW)
    assert (one.theta == other.theta).all()


def test_the_second_window_is_the_upper_half_by_compute_where_it_is_enough() -> None:
    some = planted()
    all_, upper = windows(LAWS["hoffmann"], some, np.ones((1, 42)))
    assert (all_ == 1).all()
    assert some.log_flops[upper > 0].min() >= np.median(some.log_flops)
    assert upper.sum() == (some.log_flops >= np.median(some.log_flops)).sum()
    few = np.zeros((1, 42))
    few[0, :12] = 1.0
    assert (windows(LAWS["interaction"], some, few) == few).all()
    assert windows(LAWS["kaplan"], some, np.ones((1, 42))).shape == (1, 42)


def test_models_too_small_for_the_law_move_the_forecast_by_half_as_much() -> None:
    some = planted(noise=0.003)
    small = some.n_params == some.n_params.min()
    bent = replace(some, loss=np.where(small, 1.08 * some.loss, some.loss))
    far = Points(np.array([2e10]), np.array([4e11]))
    wanted = np.log(1.8172 + 482.01 / 2e10**0.3478 + 2085.43 / 4e11**0.3658)
    law = LAWS["hoffmann"]
    both = fit_ensemble(bent, [law], 60, FEW).curves[0].mean(far)[0]
    # The adversary: one fit to all points.
    alone = whole(fit_law(bent, law, FEW)).mean(far)[0, 0]
    assert abs(both - wanted) < 0.75 * abs(alone - wanted)


def test_the_objective_by_which_floors_are_weighed_is_the_one_that_is_fitted() -> None:
    """Huber's loss, also of a point that lies far off; and the share of points that count in full."""
    points = planted()
    loss = points.loss.copy()
    loss[3] *= 1.2
    fitted = fit_law(replace(points, loss=loss), LAWS["hoffmann"], FEW)
    best = minimise(fitted.problem, fitted.theta[None], fitted.weights[None])
    objective, power = _look(fitted.problem, best.theta, fitted.weights[None])
    residual = np.abs(LAWS["hoffmann"].evaluate(best.theta, fitted.points)[0][0] - fitted.problem.observed)
    size = residual / fitted.problem.scale
    assert size.max() > fitted.problem.delta
    np.testing.assert_allclose(objective, best.objective, rtol=1e-9)
    weights = fitted.weights
    np.testing.assert_allclose(power, 1 - 0.5 * weights[size <= fitted.problem.delta].sum() / weights.sum())
