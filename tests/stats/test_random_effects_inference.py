"""Profile and Q-profile intervals, Egger, influence, weights and permutation: their definitions, slowly."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import random_effects_cases as cases

from gauger.errors import UserError
from gauger.stats.random_effects import (
    MetaData,
    classical_egger_test,
    fit,
    influence,
    leave_one_out,
    permutation_test,
    profile_intervals,
    q_profile_interval,
    row_weights,
    small_study_test,
)

EFFECT = np.array([0.3, 0.8, -0.1, 0.5, 0.9, 0.2, 0.6])
VARIANCE = np.array([0.02, 0.09, 0.03, 0.05, 0.2, 0.01, 0.07])
MEAN = MetaData(EFFECT, VARIANCE)


def test_profile_ends_are_where_the_ratio_test_starts_to_reject() -> None:
    fitted = fit(cases.shared_across_arms(2))
    for component, interval in enumerate(profile_intervals(fitted)):
        assert interval.name == fitted.data.level_names[component]
        assert interval.low <= interval.tau2 <= (interval.high or 0.0)
        for end in (interval.low, interval.high):
            if not end:
                continue
            held = np.full(3, np.nan)
            held[component] = end
            drop = 2 * (fitted.log_likelihood - fit(fitted.data, tau2=held).log_likelihood)
            assert drop == pytest.approx(3.841458820694124, rel=1e-6)


def test_a_profile_can_be_unbounded() -> None:
    """Two rows: the likelihood falls like log(tau2), so the end of the interval explodes with the coverage."""
    fitted = fit(MetaData([0.0, 1.0], [0.1, 0.1]))
    near, far = profile_intervals(fitted, 0.5)[0], profile_intervals(fitted, 0.99)[0]
    assert near.high is not None
    assert far.high is not None
    assert far.high > 20 * near.high
    assert profile_intervals(fitted, 1.0 - 1e-15)[0].high is None


def test_q_profile_ends() -> None:
    low, high = q_profile_interval(MEAN, 0.9)
    assert low < fit(MEAN).tau2[0] < high

    def q(t: float) -> float:
        w = 1 / (VARIANCE + t)
        return float(sum(w * (EFFECT - sum(w * EFFECT) / sum(w)) ** 2))

    assert q(low) == pytest.approx(12.591587243743977, rel=1e-8)  # chi-squared_6 at 0.95
    assert q(high) == pytest.approx(1.635382894327907, rel=1e-8)
    assert q_profile_interval(MetaData([0.1, 0.1, 0.1], [1.0, 1.0, 1.0])) == (0.0, 0.0)
    with pytest.raises(UserError, match="Q-profile"):
        q_profile_interval(cases.studies(1))


def test_egger_slope_is_a_moderator() -> None:
    data = cases.studies(3)
    found = small_study_test(data, robust=data.levels[0])
    byhand = MetaData(data.effect, data.variance, data.levels, np.column_stack([data.design, np.sqrt(data.variance)]))
    slope = fit(byhand, robust=data.levels[0]).coefficients[2]
    assert (found.slope.estimate, found.slope.se, found.slope.p) == (slope.estimate, slope.se, slope.p)
    assert found.slope.name == "se"
    assert found.at_zero is None, "with moderators there is no single effect to extrapolate to"
    with pytest.raises(UserError, match="Did you mean 'variance'"):
        small_study_test(MEAN, predictor="varianc")  # type: ignore[arg-type]


def test_egger_finds_what_it_looks_for() -> None:
    """Planted: effect = 0.1 + 2 se. The slope is found, and the extrapolation undoes it."""
    rng = np.random.default_rng(5)
    variance = rng.uniform(0.005, 0.3, 60)
    data = MetaData(0.1 + 2 * np.sqrt(variance) + rng.normal(size=60) * np.sqrt(variance), variance)
    for found in (small_study_test(data, level=0.999), classical_egger_test(data, level=0.999)):
        assert found.slope.low < 2.0 < found.slope.high
        assert found.slope.p < 1e-4
        assert found.at_zero is not None
        assert found.at_zero.low < 0.1 < found.at_zero.high
    assert fit(data).coefficients[0].low > 0.1


def test_classical_egger_is_for_independent_rows() -> None:
    with pytest.raises(UserError, match="independent rows"):
        classical_egger_test(cases.studies(1))


def test_leaving_out_equals_fitting_the_rest() -> None:
    data = cases.shared_across_arms(7)
    fitted = fit(data, test="t")
    for left in leave_one_out(fitted, robust=data.levels[0]):
        kept = data.levels[0] != int(left.label)
        cases.assert_same_fit(left.fitted, fit(data.take(kept), test="t", robust=data.levels[0][kept]), rtol=1e-6)
        assert left.rows == (~kept).sum()
    with pytest.raises(UserError, match="one label per row"):
        leave_one_out(fitted, [1, 2])


def test_influence_and_weights() -> None:
    data = cases.shared_within_arm(8)
    alone = MetaData(data.effect, data.variance, data.levels, None, shared_group=data.shared_group,
                     shared_variance=data.shared_variance)  # fmt: skip
    fitted = fit(alone)
    found = influence(fitted)
    assert found.weight.sum() == pytest.approx(1.0, rel=1e-12)
    assert row_weights(alone, fitted.found) @ alone.effect == pytest.approx(fitted.beta[0], rel=1e-10)
    np.testing.assert_allclose(found.cooks_distance, (fitted.beta - found.beta)[:, 0] ** 2 / fitted.vcov[0, 0])
    moved = alone.effect.copy()
    moved[alone.levels[0] == 3] += 5.0
    shifted = MetaData(moved, alone.variance, alone.levels, None, shared_group=alone.shared_group,
                       shared_variance=alone.shared_variance)  # fmt: skip
    assert influence(fit(shifted)).cooks_distance.argmax() == 3


def test_sign_permutation_by_hand() -> None:
    def statistic(effect: np.ndarray) -> float:
        one = fit(MetaData(effect, VARIANCE)).coefficients[0]
        return abs(one.statistic)

    observed = statistic(EFFECT)
    extreme = [statistic(np.array(signs) * EFFECT) >= observed - 1e-9 for signs in product([1, -1], repeat=7)]
    found = permutation_test(MEAN, draws=128)
    assert found.exact
    assert found.arrangements == 128
    assert found.p[0] == pytest.approx(np.mean(extreme))


def test_drawn_permutations_approach_the_exact_ones() -> None:
    """Standard error of a drawn p near 0.05 with 2,000 draws: 0.005; four of them."""
    data = MetaData(EFFECT, VARIANCE, (), np.column_stack([np.ones(7), [1, 2, 4, 3, 7, 1, 5]]))
    exact = permutation_test(data, draws=5040)
    drawn = permutation_test(data, draws=2000, rng=np.random.default_rng(3))
    assert exact.exact
    assert exact.arrangements == 5040 // 2
    assert not drawn.exact
    assert abs(drawn.p[1] - exact.p[1]) < 4 * (exact.p[1] * (1 - exact.p[1]) / 2000) ** 0.5
    assert permutation_test(data, draws=2000, rng=np.random.default_rng(3)).p[1] == drawn.p[1]


def test_permutation_mistakes() -> None:
    with pytest.raises(UserError, match="random generator"):
        permutation_test(MEAN, draws=10)
    with pytest.raises(UserError, match="independent rows"):
        permutation_test(cases.studies(1))
