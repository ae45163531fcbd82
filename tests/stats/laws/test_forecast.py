"""Back-test and forecasts: who is held out, how far, how laws are weighted, and what stretches an interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from law_cases import grid, planted

from gauger.stats.laws import LAWS, Points, Search, fit_ensemble, fit_law, predict
from gauger.stats.laws.backtest import Backtest, axes_beyond, backtest, beyond, scale_cuts
from gauger.stats.laws.competition import independent_cuts, kernel, law_weights
from gauger.stats.laws.forecast import curve_draws
from gauger.stats.laws.supervised import KAPLAN_2020
from gauger.stats.laws.widening import Reach, held_out, missed, stretches
from gauger.stats.student import t_quantile

THREE = [LAWS[name] for name in ("hoffmann", "interaction", "kaplan")]
FEW = Search(starts=20)


@pytest.fixture(scope="module")
def ensemble():
    return fit_ensemble(planted(), THREE, 60, FEW)


def test_cuts_fit_the_smaller_and_hold_out_the_larger() -> None:
    some = grid()
    cuts = scale_cuts(some, 9)
    assert 2 <= len(cuts) <= 16
    by = dict.fromkeys(("log_flops", "log_n", "log_d"), 0)
    for cut in cuts:
        assert cut.sum() >= max(9, 0.35 * len(some))
        for axis in by:
            scale = getattr(some, axis)
            by[axis] += bool(scale[cut].max() < scale[~cut].min())
    assert min(by.values()) >= 2
    assert len({tuple(cut) for cut in cuts}) == len(cuts)
    assert scale_cuts(some.take(np.arange(9)), 9) == []
    ten = Points(np.geomspace(1e8, 1e9, 10), np.full(10, 1e9), loss=np.linspace(3, 2, 10))
    assert min(cut.sum() for cut in scale_cuts(ten, 5)) == 5, "just enough is enough"


def test_distance_is_the_largest_excess_in_efolds() -> None:
    fitted = Points(np.array([1e8, 1e9]), np.array([1e10, 1e9]))
    new = Points(np.array([1e8, 1e9, 2e9]), np.array([1e9, 1e10, 1e10]))
    # The second has neither more parameters nor tokens than were seen, but ten times the largest compute.
    assert beyond(new, fitted) == pytest.approx([0.0, np.log(10), np.log(20)])


def test_held_out_errors_are_those_of_a_fit_without_them() -> None:
    some = planted(seed=1)
    test = backtest(some, THREE[:1], FEW, prior=False)
    cut = scale_cuts(some, 8)[0]
    alone = fit_law(some.take(cut), THREE[0], FEW)
    ahead = some.take(~cut)
    error = np.log(ahead.loss) - THREE[0].evaluate(alone.theta[None], ahead)[0][0]
    assert test.error[0, test.cut == 0] == pytest.approx(error, abs=2e-4)
    assert (test.point[test.cut == 0] == np.flatnonzero(~cut)).all()
    assert (test.spread > 0).all()


def test_axes_tell_a_larger_model_from_a_longer_run() -> None:
    fitted = Points(np.array([1e8, 1e9]), np.array([1e10, 1e9]))
    new = Points(np.array([2e9, 1e9]), np.array([1e9, 3e10]))
    assert axes_beyond(new, fitted) == pytest.approx(np.array([[np.log(2), 0.0], [0.0, np.log(3)]]))


def test_the_planted_law_is_preferred(ensemble) -> None:
    assert ensemble.weights.sum() == pytest.approx(1.0)
    assert ensemble.weights[0] + ensemble.weights[1] > 0.95  # interaction contains hoffmann
    other = fit_ensemble(planted(law="kaplan", truth=KAPLAN_2020), [THREE[0], THREE[2]], 50, FEW)
    assert other.weights[0] < 0.05 < other.weights[1]


def made(error: np.ndarray, axes: np.ndarray | None = None, cut: np.ndarray | None = None) -> Backtest:
    """A back-test whose laws all claimed a standard deviation of 1."""
    size = error.shape[1]
    axes = np.ones((size, 2)) if axes is None else axes
    cut = np.zeros(size, int) if cut is None else cut
    ones = np.ones_like(error)
    return Backtest(np.arange(size), cut, axes.max(axis=1), axes, error, 0.6 * ones, 0.8 * ones)


def test_weights_follow_the_held_out_density_and_the_prior() -> None:
    # Two laws, four held-out points of one cut; one errs by 0, the other by 3 standard deviations everywhere.
    test = made(np.array([[0.0] * 4, [3.0] * 4]))
    ratio = np.exp(-3.0 * np.log(1 + 9 / 5) * 0.5)
    assert law_weights(test, THREE[:2]) == pytest.approx(np.array([1.0, ratio]) / (1.0 + ratio))
    # Kaplan's law, without a floor, enters with a tenth of the others' weight.
    assert law_weights(None, THREE) == pytest.approx(np.array([1, 1, 0.1]) / 2.1)
    assert law_weights(test, [THREE[2], THREE[0]]) == pytest.approx(np.array([0.1, ratio]) / (0.1 + ratio))


def test_weights_are_those_of_the_distance_that_is_forecast() -> None:
    # The first law is right about longer runs, the second about larger models.
    axes = np.array([[0.0, 2.0], [0.0, 2.0], [2.0, 0.0], [2.0, 0.0]])
    test = made(np.array([[0.0, 0.0, 3.0, 3.0], [3.0, 3.0, 0.0, 0.0]]), axes, np.array([0, 1, 2, 3]))
    longer, larger = law_weights(test, THREE[:2], np.array([0.0, 2.0])), law_weights(test, THREE[:2], axes[2])
    assert longer[0] > 0.8
    assert larger == pytest.approx(longer[::-1])
    assert kernel(test, np.array([0.0, 2.0])) == pytest.approx([1, 1, 0, 0], abs=1e-3)
    assert independent_cuts(test, np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(2.0)


def test_one_cut_is_one_extrapolation_however_many_points_it_holds_out() -> None:
    few, many = (law_weights(made(np.array([[0.0] * n, [2.0] * n])), THREE[:2]) for n in (2, 40))
    assert few == pytest.approx(many)


def test_intervals_widen_with_distance_and_with_the_level(ensemble) -> None:
    far = Points(np.geomspace(1.5e9, 1e12, 6), np.geomspace(3e10, 2e13, 6))
    forecast = predict(ensemble, far)
    width = forecast.high - forecast.low
    assert (np.diff(width) > 0).all()
    assert (forecast.low < forecast.value).all()
    assert (forecast.value < forecast.high).all()
    narrow = predict(ensemble, far, level=0.5)
    assert (narrow.high - narrow.low < width).all()


def test_what_the_back_test_misses_widens_in_proportion_to_distance() -> None:
    # Errors of twice the claim at distance 1: s (1 + NEAR) is the root of 4 - 1.
    seen = held_out(made(np.full((1, 6), 2.0), cut=np.arange(6)), np.ones(1))
    extra, cuts = missed(seen, 1.0, np.ones(2))
    assert extra == pytest.approx(np.sqrt(3.0))
    assert cuts == pytest.approx(6.0)
    assert missed(seen, 8.0, np.full(2, 8.0))[0] == pytest.approx(np.sqrt(3.0) * 8.3 / 1.3)  # in proportion
    reach = Reach(np.array([1.0, 8.0]), np.array([[1.0, 1.0], [8.0, 8.0]]))
    near, far = stretches(seen, reach, np.ones(2), 0.95, np.inf)
    # Total variance 4 of which 3 rest on six cuts: 16 / (9 / 6) degrees of freedom.
    assert near == pytest.approx(2.0 * t_quantile(0.975, 16 / 1.5) / 1.959964, rel=1e-5)
    assert far > 5 * near
    # A miss does not shrink when the claim does: more points of a law that is wrong are no help.
    assert stretches(seen, reach, np.full(2, 1e-3), 0.95, np.inf)[0] * 1e-3 > 1.7


def test_errors_within_their_claims_widen_nothing() -> None:
    seen = held_out(made(np.full((1, 6), 0.9), cut=np.arange(6)), np.ones(1))
    reach = Reach(np.ones(1), np.ones((1, 2)))
    assert stretches(seen, reach, np.ones(1), 0.95, np.inf) == pytest.approx([1.0])
    assert stretches(None, reach, np.ones(1), 0.95, 5.0) == pytest.approx([1.0])


def test_points_without_noise_miss_nothing_and_say_so_without_a_warning() -> None:
    seen = held_out(made(np.full((1, 6), 2.0), cut=np.arange(6)), np.ones(1))
    exact = replace(seen, error=np.zeros(6), claimed=np.zeros(6))
    assert missed(exact, 1.0, np.ones(2)) == (0.0, pytest.approx(6.0))
    half = replace(
        seen, error=np.array([0.0, 0.0, 0.0, 2.0, 2.0, 2.0]), claimed=np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    )
    assert 0.0 < missed(half, 1.0, np.ones(2))[0] <= np.sqrt(3.0)


def test_a_cut_is_judged_by_the_others() -> None:
    error = np.array([[9.0, 0.5, 0.5]])
    seen = held_out(made(error, cut=np.arange(3)), np.ones(1))
    assert missed(seen, 1.0, np.ones(2))[0] > 3.0
    assert missed(seen, 1.0, np.ones(2), without=0)[0] == 0.0


def test_the_interval_holds_the_prediction_of_every_law_in_the_race(ensemble) -> None:
    far = Points(np.array([1e12]), np.array([2e13]))
    forecast = predict(ensemble, far)
    weights = law_weights(ensemble.test, ensemble.laws, ensemble.reach(far).axes[0])
    for weight, curve in zip(weights, ensemble.curves, strict=True):
        if weight >= 0.05:
            assert forecast.low[0] <= curve.mean(far)[0] <= forecast.high[0]
    # A race that only the mixture's draws would decide: two laws of equal weight and no scatter stand far apart.
    both = replace(ensemble, test=None, fits=ensemble.fits[::2], draws=ensemble.draws[::2], curves=ensemble.curves[::2])
    ends = [curve.mean(far)[0] for curve in both.curves]
    forecast = predict(both, far)
    assert forecast.low[0] <= min(ends)
    assert forecast.high[0] >= max(ends)


def test_disagreement_between_laws_counts_as_uncertainty(ensemble) -> None:
    test = ensemble.test
    seen = held_out(test, np.array([0.5, 0.0, 0.5]))
    error, claimed = seen.error, seen.claimed
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
