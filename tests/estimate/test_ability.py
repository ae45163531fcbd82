"""Uplift against starting ability and size: planted slopes come back, a literal regression agrees."""

from __future__ import annotations

import numpy as np
import pytest

from gauger.estimate.scaling.ability import (
    uplift_against_ability,
    uplift_against_score,
    uplift_against_size,
    uplift_slope,
)


def test_uplift_falls_with_starting_ability_where_it_was_planted_so() -> None:
    rng = np.random.default_rng(4)
    score = rng.uniform(0.1, 0.9, 30)
    ability = np.log(score / (1 - score))
    uplift = 0.2 - 0.05 * ability + 0.01 * rng.standard_normal(30)
    found = uplift_against_ability(score.tolist(), uplift.tolist(), 0.01**2 * np.eye(30))
    assert found is not None
    assert found.low < -0.05 < found.high
    assert found.slope == pytest.approx(-0.05, abs=0.01)
    assert found.at_mean == pytest.approx(0.2 - 0.05 * ability.mean(), abs=0.01)
    assert uplift_against_ability([0.5, 0.6, 0.7], [0.1, 0.1, 0.1], 0.01 * np.eye(3)) is None


def test_uplifts_that_share_replicates_say_less_about_the_level() -> None:
    score, uplift = np.linspace(0.2, 0.8, 8).tolist(), [0.1] * 8
    apart = uplift_against_ability(score, uplift, 0.001 * np.eye(8))
    shared = uplift_against_ability(score, uplift, 0.001 * (0.1 * np.eye(8) + 0.9))
    assert apart is not None
    assert shared is not None
    assert shared.slope == pytest.approx(apart.slope, abs=1e-9)


def test_equal_and_independent_uplifts_are_plain_least_squares() -> None:
    """With one variance for all, weights are equal whatever the heterogeneity: Knapp-Hartung is ordinary regression."""
    x, y = np.array([1.0, 2.0, 4.0, 5.0, 8.0]), np.array([0.10, 0.12, 0.08, 0.20, 0.21])
    found = uplift_slope(x, y.tolist(), 1e-4 * np.eye(5))
    assert found is not None
    slope = sum((x - x.mean()) * (y - y.mean())) / sum((x - x.mean()) ** 2)
    residual = y - y.mean() - slope * (x - x.mean())
    se = np.sqrt(sum(residual**2) / 3 / sum((x - x.mean()) ** 2))
    assert found.slope == pytest.approx(slope, rel=1e-9)
    assert found.se == pytest.approx(se, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((slope - 3.18244630528371 * se, slope + 3.18244630528371 * se))
    assert (found.at_mean, found.mean, found.n, found.df) == pytest.approx((y.mean(), 4.0, 5, 3.0))


def test_the_units_are_a_logit_ten_points_and_a_doubling() -> None:
    score, covariance = [0.2, 0.3, 0.5, 0.7], 1e-4 * np.eye(4)
    by_score = uplift_against_score(score, [0.2 + 0.4 * s for s in score], covariance)
    by_size = uplift_against_size([1e4, 2e4, 4e4, 8e4], [0.1, 0.2, 0.3, 0.4], covariance)
    logits = [float(np.log(s / (1 - s))) for s in score]
    by_ability = uplift_against_ability(score, [0.1 - 0.03 * one for one in logits], covariance)
    assert by_score is not None
    assert by_size is not None
    assert by_ability is not None
    assert by_score.slope == pytest.approx(0.04)
    assert by_size.slope == pytest.approx(0.1)
    assert by_ability.slope == pytest.approx(-0.03)
    assert uplift_against_size([1e4, 1e4, 2e4, 4e4], [0.1, 0.2, 0.3, 0.4], covariance) is None


@pytest.mark.parametrize("against", [uplift_against_ability, uplift_against_score, uplift_against_size])
def test_intervals_are_of_95_percent_where_no_level_is_given(against) -> None:
    given = [0.2, 0.4, 0.5, 0.7, 0.8], [0.1, 0.3, 0.2, 0.1, 0.4], 0.01 * np.eye(5)
    assert against(*given) == against(*given, 0.95) != against(*given, 0.9)


def test_a_slightly_indefinite_covariance_is_mended() -> None:
    covariance = np.full((4, 4), 1e-4) + np.diag([1e-6, 1e-6, 1e-6, -2e-6])
    assert np.linalg.eigvalsh(covariance)[0] < 0
    found = uplift_slope(np.arange(4.0), [0.1, 0.13, 0.14, 0.2], covariance)
    assert found is not None
    assert found.low < found.slope < found.high
