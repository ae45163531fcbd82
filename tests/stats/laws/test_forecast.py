"""Back-test and forecasts: who is held out, how far, how laws are weighted, and what stretches an interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from law_cases import grid, planted

from gauger.stats.laws import LAWS, Points, Search, fit_ensemble, fit_law, predict
from gauger.stats.laws.backtest import Backtest, backtest, beyond, scale_cuts
from gauger.stats.laws.forecast import curve_draws, held_out, law_weights, stretches
from gauger.stats.laws.supervised import KAPLAN_2020

THREE = [LAWS[name] for name in ("hoffmann", "interaction", "kaplan")]
FEW = Search(starts=20)


@pytest.fixture(scope="module")
def ensemble():
    return fit_ensemble(planted(), THREE, 60, FEW)


def test_cuts_fit_the_smaller_and_hold_out_the_larger() -> None:
    some = grid()
    cuts = scale_cuts(some, 9)
    assert 2 <= len(cuts) <= 8
    for cut in cuts:
        assert some.log_flops[cut].max() < some.log_flops[~cut].min()
        assert cut.sum() >= max(9, 0.35 * len(some))
    assert scale_cuts(some.take(np.arange(9)), 9) == []


def test_distance_is_the_largest_excess_in_efolds() -> None:
    fitted = Points(np.array([1e8, 1e9]), np.array([1e10, 1e9]))
    new = Points(np.array([1e8, 1e9, 2e9]), np.array([1e9, 1e10, 1e10]))
    # The second has neither more parameters nor tokens than were seen, but ten times the largest compute.
    assert beyond(new, fitted) == pytest.approx([0.0, np.log(10), np.log(20)])


def test_held_out_errors_are_those_of_a_fit_without_them() -> None:
    some = planted(seed=1)
    test = backtest(some, THREE[:1], FEW)
    cut = scale_cuts(some, 8)[0]
    alone = fit_law(some.take(cut), THREE[0], FEW)
    ahead = some.take(~cut)
    error = np.log(ahead.loss) - THREE[0].evaluate(alone.theta[None], ahead)[0][0]
    assert test.error[0, test.cut == 0] == pytest.approx(error, abs=2e-4)
    assert (test.point[test.cut == 0] == np.flatnonzero(~cut)).all()
    assert (test.spread > 0).all()


def test_the_planted_law_is_preferred(ensemble) -> None:
    assert ensemble.weights.sum() == pytest.approx(1.0)
    assert ensemble.weights[0] + ensemble.weights[1] > 0.95  # interaction contains hoffmann
    other = fit_ensemble(planted(law="kaplan", truth=KAPLAN_2020), [THREE[0], THREE[2]], 50, FEW)
    assert other.weights[0] < 0.05 < other.weights[1]


def test_weights_follow_the_held_out_density() -> None:
    # Two laws, four held-out points, equal claims; one errs by 0, the other by 3 standard deviations everywhere.
    error = np.array([[0.0] * 4, [3.0] * 4])
    test = Backtest(np.arange(4), np.zeros(4, int), np.ones(4), error, np.ones((2, 4)) * 0.6, np.ones((2, 4)) * 0.8)
    ratio = np.exp(-3.0 * np.log(1 + 9 / 5) * 4 / 4.0)
    assert law_weights(test, 2) == pytest.approx(np.array([1.0, ratio]) / (1.0 + ratio))
    assert law_weights(None, 4) == pytest.approx([0.25] * 4)


def test_intervals_widen_with_distance_and_with_the_level(ensemble) -> None:
    far = Points(np.geomspace(1.5e9, 1e12, 6), np.geomspace(3e10, 2e13, 6))
    forecast = predict(ensemble, far)
    width = forecast.high - forecast.low
    assert (np.diff(width) > 0).all()
    assert (forecast.low < forecast.value).all()
    assert (forecast.value < forecast.high).all()
    narrow = predict(ensemble, far, level=0.5)
    assert (narrow.high - narrow.low < width).all()
    reach = ensemble.test.distance.max()
    assert (forecast.stretch[forecast.distance > reach] > 1.0).all()


def test_errors_in_the_back_test_stretch_intervals_and_good_ones_do_not(ensemble) -> None:
    distance = np.array([1.0])
    fine = replace(ensemble, test=replace(ensemble.test, error=np.zeros_like(ensemble.test.error)))
    assert stretches(fine, distance) == pytest.approx([1.0])
    wrong = replace(ensemble, test=replace(ensemble.test, error=ensemble.test.error + 0.05))
    assert stretches(wrong, distance)[0] > 1.5
    only = replace(wrong, test=replace(wrong.test, cut=np.zeros_like(wrong.test.cut)))
    assert stretches(only, distance, without=0) == pytest.approx([1.0])


def test_disagreement_between_laws_counts_as_uncertainty(ensemble) -> None:
    test = ensemble.test
    error, claimed = held_out(replace(ensemble, weights=np.array([0.5, 0.0, 0.5])))
    assert error == pytest.approx(0.5 * (test.error[0] + test.error[2]))
    between = 0.25 * (test.error[0] - test.error[2]) ** 2
    within = 0.5 * (test.spread[[0, 2]] ** 2 + test.noise[[0, 2]] ** 2).sum(axis=0)
    assert claimed == pytest.approx(np.sqrt(between + within))


def test_draws_of_the_curve_carry_no_noise_of_a_point(ensemble) -> None:
    inside = Points(np.array([2e8]), np.array([4e9]))
    curve = curve_draws(ensemble, inside, 400)
    forecast = predict(ensemble, inside)
    assert curve.std() < 0.5 * (forecast.high - forecast.low)[0] / 2
    assert np.median(curve) == pytest.approx(forecast.value[0], abs=0.002)


def test_the_same_seed_gives_the_same_answer() -> None:
    far, some = Points(np.array([1e8]), np.array([6e10])), planted().take(np.arange(0, 42, 2))
    one, other, third = (fit_ensemble(some, [LAWS["power"]], 50, Search(10, seed=seed)) for seed in (1, 1, 2))
    assert predict(one, far).low == predict(other, far).low != predict(third, far).low
