"""Predictive distributions are distributions, stay within what a score can do, and score as the definitions say."""

from __future__ import annotations

import numpy as np
import pytest

from gauger.forecast.mixture import MixedForecast
from gauger.forecast.predictive import Predictive, Spread

SCALES = ("logit", "arcsine", "points")


def one(scale: str, start: float = 0.3, mean: float = 0.4, sd: float = 0.5, df: float = 5.0) -> Predictive:
    if scale == "points":
        mean, sd = 20.0 * mean, 25.0 * sd
    if scale == "arcsine":
        mean, sd = 0.3 * mean, 0.4 * sd
    known = np.array([mean]), np.array([0.3 * sd**2]), np.array([0.7 * sd**2]), np.zeros(1), np.array([start])
    return Predictive(scale, *known, np.array([[1.0, df]]))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("start", [0.02, 0.5, 0.97])
def test_no_change_leaves_the_score_below_0_or_above_100(scale: str, start: float) -> None:
    values = one(scale, start, sd=3.0).quantiles(np.array([1e-6, 0.01, 0.5, 0.99, 1 - 1e-6]))[0]
    assert (np.diff(values) >= 0).all()
    assert values[0] >= -100 * start - 1e-6
    assert values[-1] <= 100 * (1 - start) + 1e-6


@pytest.mark.parametrize("scale", SCALES)
def test_probability_undoes_the_quantile(scale: str) -> None:
    at = np.array([0.03, 0.2, 0.5, 0.8, 0.97])
    p = one(scale)
    back = [float(p.cdf(np.array([q]))[0]) for q in p.quantiles(at)[0]]
    assert back == pytest.approx(at, abs=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_the_density_integrates_to_the_probability(scale: str) -> None:
    p = one(scale)
    grid = np.linspace(-20.0, 40.0, 20001)
    density = np.exp([float(p.log_density(np.array([x]))[0]) for x in grid[::40]])
    area = float(np.trapezoid(density, grid[::40]))
    assert area == pytest.approx(float(p.cdf(np.array([40.0]))[0] - p.cdf(np.array([-20.0]))[0]), abs=1e-3)


@pytest.mark.parametrize("scale", SCALES)
def test_the_crps_is_its_definition(scale: str) -> None:
    p = one(scale)
    rng = np.random.default_rng(0)
    draws = p.quantiles(rng.random(1600))[0]
    for change in (-10.0, 3.0, 30.0):
        literal = np.abs(draws - change).mean() - 0.5 * np.abs(draws[:800, None] - draws[None, 800:]).mean()
        assert float(p.crps(np.array([change]))[0]) == pytest.approx(literal, rel=0.1)  # 1,600 draws: 3 % each term


def test_width_and_tail_widen_and_sampling_error_can_be_left_out() -> None:
    p = one("logit", df=200.0)

    def width(q: Predictive) -> float:
        low, high = q.quantiles(np.array([0.025, 0.975]))[0]
        return float(high - low)

    assert width(p.with_spread(Spread(2.0, 200.0))) > width(p)
    assert width(p.with_spread(Spread(1.0, 3.0))) > width(p)
    assert width(p.of_the_mean()) < width(p)
    noisy = Predictive("logit", p.mean, p.of_mean, p.of_new, np.ones(1), p.start, p.spread)
    assert width(noisy.true_effects()) == pytest.approx(width(p))
    assert width(noisy) > width(p)


def test_an_unknown_widens_on_average() -> None:
    """The law of total variance, in the mixture itself: a known field's mean variance is at most the unknown's."""
    parts = [one("logit", mean=m) for m in (-0.4, 0.1, 0.9)]
    all_of = Predictive("logit", *(np.concatenate([getattr(p, n) for p in parts]) for n in
                        ("mean", "of_mean", "of_new", "sampling", "start", "spread")))  # fmt: skip
    together = MixedForecast.of(all_of).sd ** 2
    known = np.mean([MixedForecast.of(p).sd ** 2 for p in parts])
    assert together > known * 1.2


def test_a_mixture_reads_its_probabilities() -> None:
    p = one("logit")
    mixture = MixedForecast.of(Predictive("logit", *(np.repeat(getattr(p, n), 40, axis=0) for n in
                         ("mean", "of_mean", "of_new", "sampling", "start", "spread"))))  # fmt: skip
    assert mixture.below(10.0) == pytest.approx(float(p.cdf(np.array([10.0]))[0]), abs=0.002)
    assert mixture.quantile(0.9) == pytest.approx(float(p.quantiles(np.array([0.9]))[0, 0]), abs=0.1)
