"""Moderated variances: Smyth's moments by loops, limits of the prior, invariances, and the stray of net variances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from gauger.stats.crossed.moderate import (
    VariancePrior,
    fit_variance_prior,
    inverse_trigamma,
    prior_df,
    squeeze_variances,
    trust_in_prior,
)
from gauger.stats.crossed.prior_spread import (
    EXPECTED_STRAY,
    ReplicateVariances,
    cube_root_excess,
    cube_root_mean,
    estimate_stray,
)


def spread(seed: int, n: int = 40, df: float = 4.0, d0: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sigma2 = 0.01 * d0 / rng.chisquare(d0, n)
    return sigma2 * rng.chisquare(df, n) / df, np.full(n, df)


def literal_prior(variances: np.ndarray, df: np.ndarray) -> tuple[float, float]:
    e = [math.log(s2) - float(special.digamma(d / 2)) + math.log(d / 2) for s2, d in zip(variances, df, strict=True)]
    mean = sum(e) / len(e)
    excess = sum((one - mean) ** 2 for one in e) / (len(e) - 1)
    excess -= sum(float(special.polygamma(1, d / 2)) for d in df) / len(df)
    if excess <= 0:
        return sum(d * s2 for d, s2 in zip(df, variances, strict=True)) / sum(df), math.inf
    half = optimize.brentq(lambda x: float(special.polygamma(1, x)) - excess, 1e-6, 1e8, xtol=1e-12, rtol=1e-14)
    return math.exp(mean + float(special.digamma(half)) - math.log(half)), 2 * half


@pytest.mark.parametrize("seed", range(6))
def test_prior_equals_the_literal_moments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    variances, _ = spread(seed)
    df = rng.integers(1, 8, len(variances)).astype(float)
    found = fit_variance_prior(variances, df)
    np.testing.assert_allclose([found.scale, found.df], literal_prior(variances, df), rtol=1e-8)


def test_variances_that_differ_no_more_than_chance_have_an_infinite_prior() -> None:
    found = fit_variance_prior(np.repeat([0.02, 0.03], 5), np.repeat([2.0, 6.0], 5))
    assert found.df == math.inf
    np.testing.assert_allclose(found.scale, (2 * 0.02 + 6 * 0.03) / 8)
    np.testing.assert_allclose(squeeze_variances(np.array([0.01, 0.5]), np.full(2, 3.0), found), found.scale)


def test_squeezing_is_a_weighted_mean() -> None:
    found = squeeze_variances(np.array([0.01, 0.5]), np.array([2.0, 6.0]), VariancePrior(0.04, 4.0))
    np.testing.assert_allclose(found, [(4 * 0.04 + 2 * 0.01) / 6, (4 * 0.04 + 6 * 0.5) / 10])


def test_order_and_scale() -> None:
    variances, df = spread(7)
    plain = fit_variance_prior(variances, df)
    turned = fit_variance_prior(1e4 * variances[::-1], df)
    np.testing.assert_allclose([turned.scale, turned.df], [1e4 * plain.scale, plain.df], rtol=1e-8)


def test_degrees_of_freedom_matter() -> None:
    variances, df = spread(8)
    assert not np.isclose(fit_variance_prior(variances, df).df, fit_variance_prior(variances, df / 2).df)


def test_a_prior_of_variances_of_which_most_are_zero_is_a_number() -> None:
    found = fit_variance_prior(np.array([0.0, 0.0, 0.0, 1e-3]), np.full(4, 3.0))
    assert 0 < found.scale < 1e-3
    assert found.df > 0


def test_too_few_variances() -> None:
    assert fit_variance_prior(np.array([0.3]), np.array([2.0])) == VariancePrior(0.3, 0.0)
    assert math.isnan(fit_variance_prior(np.array([]), np.array([])).scale)
    unusable = fit_variance_prior(np.array([0.3, np.nan, 0.2]), np.array([2.0, 2.0, 0.0]))
    assert unusable == VariancePrior(0.3, 0.0), "neither NaN nor a variance without degrees of freedom counts"


def test_trust_at_its_ends() -> None:
    np.testing.assert_array_equal(trust_in_prior([np.inf, 0.0, 0.0, 3.0], [2.0, 2.0, 0.0, 1.0]), [1, 0, 1, 0.75])


@settings(deadline=None)
@given(st.floats(1e-9, 1e9))
def test_inverse_trigamma_inverts(value: float) -> None:
    # At the limits the inverse is that of the leading term, good to a relative 1e-3 (value > 1e7) and 1e-6 / 2.
    inverse = float(inverse_trigamma(value))
    np.testing.assert_allclose(special.polygamma(1, inverse), value, rtol=2e-6 if value < 1e7 else 2e-3)


def test_prior_df_of_stray() -> None:
    np.testing.assert_allclose(special.polygamma(1, prior_df(0.3) / 2), 0.3)
    assert prior_df(0.0) == np.inf


@pytest.mark.parametrize("df", [1.0, 2.0, 7.0, 40.0])
def test_moments_of_the_cube_root(df: float) -> None:
    first, second = (stats.chi2(df).expect(lambda x, k=k: (x / df) ** (k / 3)) for k in (1, 2))
    np.testing.assert_allclose(cube_root_mean(np.array(df)), first, rtol=1e-6)
    np.testing.assert_allclose(cube_root_excess(np.array(df)), second / first**2 - 1, rtol=1e-5)


def replicate_variances(
    seed: int, arms: float, benchmarks: float, shape: tuple[int, int] = (40, 30), share: float = 1.0
) -> ReplicateVariances:
    """Variances of net part `share` of the expected one, whose logarithms vary by the given amounts."""
    rng = np.random.default_rng(seed)
    sd = np.sqrt(benchmarks) * rng.standard_normal(shape[1]) + np.sqrt(arms) * rng.standard_normal(shape)
    net = np.exp(sd) / np.exp((arms + benchmarks) / 2)
    gross = (1 - share + share * net) * rng.chisquare(3, shape) / 3
    return ReplicateVariances(gross, np.ones(shape), np.full(shape, 1 - share), np.full(shape, 3.0))


@pytest.mark.parametrize("arms", [0.0, 0.15, 0.4])
def test_planted_stray_between_arms_is_found(arms: float) -> None:
    """1,160 free cells, each of variance about 9 × 0.31 × sqrt(2 / 1160) = 0.12 in stray: 0.12 is a wide single error,
    and far from the 0.4 that would be missed if chance were not taken off (9 × cube_root_excess(3) = 1.3)."""
    found = estimate_stray(replicate_variances(1, arms, 0.0), 0.0, 0.0)
    assert abs(found.arms - arms) < 0.12


def test_planted_stray_between_benchmarks_is_found() -> None:
    found = [estimate_stray(replicate_variances(seed, 0.0, 0.4), 0.0, 0.0).benchmarks for seed in range(8)]
    assert abs(np.mean(found) - 0.4) < 0.12
    assert estimate_stray(replicate_variances(1, 0.0, 0.0), 0.0, 0.0).benchmarks < 0.1


def test_only_the_net_part_strays() -> None:
    found = estimate_stray(replicate_variances(2, 0.4, 0.0, (200, 30), share=0.5), 0.0, 0.0)
    assert abs(found.arms - 0.4) < 0.2, "half of the variance is noise; what strays is the other half"


def test_without_evidence_the_expected_stray_holds() -> None:
    nothing = ReplicateVariances(*(np.zeros((3, 2)) for _ in range(4)))
    found = estimate_stray(nothing, 0.0, 0.0)
    np.testing.assert_allclose([found.arms, found.benchmarks], EXPECTED_STRAY)


def test_variances_of_zero_are_data() -> None:
    cells = replicate_variances(3, 0.1, 0.1, (4, 3))
    cells.gross[0, 0] = 0.0
    found = estimate_stray(cells, 0.0, 0.0)
    assert np.isfinite([found.arms, found.benchmarks]).all()
    assert min(found.arms, found.benchmarks) >= 0
