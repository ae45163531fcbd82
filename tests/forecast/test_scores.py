"""Groups hang together, folds keep them whole, and scores are what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest

from gauger.forecast.choose import fit_spread, pick
from gauger.forecast.forms import FORMS
from gauger.forecast.groups import folds_of, laboratory_of
from gauger.forecast.predictive import Predictive
from gauger.forecast.scores import coverage_interval, gains, mean_interval, score_rows, summary_of


def standard(m: int, width: float = 1.0) -> Predictive:
    zero = np.zeros(m)
    return Predictive(
        "points", zero, zero, np.full(m, 25.0 * width**2), zero, np.full(m, 0.5), np.tile([1.0, 200.0], (m, 1))
    )


def test_folds_never_divide_a_group() -> None:
    groups = np.random.default_rng(0).integers(0, 17, 300)
    fold = folds_of(groups, 5)
    assert all(len(set(fold[groups == one])) == 1 for one in range(17))
    assert np.bincount(fold).max() < 2 * np.bincount(fold).min()


def test_laboratories_are_read_by_the_longest_beginning() -> None:
    assert laboratory_of("olmo3-2025") == laboratory_of("tmax-2026") == "Ai2"
    assert laboratory_of("nobody-2031") == "nobody-2031"


def test_a_calibrated_forecast_covers_and_a_narrow_one_does_not() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 10)
    change = 5.0 * rng.standard_normal(600)
    good, narrow = (summary_of(score_rows(standard(600, w), change), groups) for w in (1.0, 0.5))
    assert good["coverage_95_low"] <= 0.95 <= good["coverage_95_high"]  # type: ignore[operator]
    assert narrow["coverage_95_high"] < 0.95  # type: ignore[operator]
    assert good["crps"] < narrow["crps"]  # type: ignore[operator]
    assert sum(good["pit"]) == pytest.approx(1.0)  # type: ignore[arg-type]
    # CRPS of a calibrated normal: sd / sqrt(pi); its Monte Carlo error over 600 draws is 3 %
    assert good["crps"] == pytest.approx(5.0 / np.sqrt(np.pi), rel=0.1)


def test_a_group_counts_once() -> None:
    change = np.array([0.0] * 50 + [40.0, 40.0])
    groups = np.array([0] * 50 + [1, 2])
    found = summary_of(score_rows(standard(52), change), groups)
    assert found["coverage_95"] == pytest.approx(1 / 3)


def test_too_few_groups_have_no_interval() -> None:
    assert mean_interval(np.array([1.0, 2.0])).reason == "fewer than three groups"
    assert coverage_interval(np.array([1.0, 0.0])).value is None


def test_a_gain_is_claimed_only_where_its_interval_lies_above_0() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 5)
    change = 5.0 * rng.standard_normal(200)
    good, bad = score_rows(standard(200), change), score_rows(standard(200, 4.0), change)
    assert gains(good, {"a": bad}, groups)["predictors_help"]
    assert not gains(bad, {"a": good, "b": bad}, groups)["predictors_help"]
    assert gains(bad, {"a": good, "b": bad}, groups)["best_baseline"] == "a"
    assert not gains(good, {"a": good}, groups)["predictors_help"]


def test_a_regression_is_picked_only_where_it_is_surely_better() -> None:
    base = np.linspace(5.0, 9.0, 30)
    noise = np.where(np.arange(30) % 2, 3.0, -3.0)
    same = {form.name: base + 1.0 for form in FORMS} | {"mean by role": base}
    assert pick(FORMS, same).name == "mean by role"
    assert pick(FORMS, {**same, "all predictors, angles": base - 0.1 + noise}).name == "mean by role"
    assert pick(FORMS, {**same, "all predictors, angles": base - 0.5 + noise / 30}).name == "all predictors, angles"


def test_width_is_learned_from_errors() -> None:
    change = 5.0 * np.random.default_rng(3).standard_normal(400)
    weight = np.ones(400)
    assert fit_spread(standard(400, 0.5), change, weight).width == pytest.approx(2.0, rel=0.12)
    heavy = 3.0 * np.random.default_rng(4).standard_t(3, 400)
    assert fit_spread(standard(400, 0.6), np.clip(heavy, -49, 49), weight).df <= 5
