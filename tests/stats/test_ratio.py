"""Fieller sets: membership by the test they invert, every kind, limits and invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from gauger.stats import ratio as ratio_module
from gauger.stats.ratio import RatioSet, fieller

effects = st.floats(-1.0, 1.0)
spreads = st.floats(0.01, 0.5)


def contains(found: RatioSet, rho: float) -> bool:
    low = -math.inf if found.low is None else found.low
    high = math.inf if found.high is None else found.high
    if found.kind == "outside":
        return rho <= low or rho >= high
    return low <= rho <= high


@settings(deadline=None)
@given(effects, effects, spreads, spreads, st.floats(-0.95, 0.95), st.floats(1, 60), st.floats(-3, 3))
def test_holds_exactly_the_ratios_that_a_t_test_does_not_reject(
    n: float, d: float, sn: float, sd: float, r: float, df: float, rho: float
) -> None:
    found = fieller(n, d, sn**2, sd**2, r * sn * sd, df)
    variance = sn**2 - 2 * rho * r * sn * sd + rho**2 * sd**2
    t = abs(n - rho * d) / math.sqrt(variance)
    quantile = float(stats.t.ppf(0.975, df))
    assume(abs(t / quantile - 1) > 1e-6)
    assert contains(found, rho) == (t < quantile)
    assert found.text
    assert found.kind in ("bounded", "outside", "whole line")


@settings(deadline=None)
@given(effects, effects, spreads, spreads, st.floats(-0.95, 0.95))
def test_the_estimate_is_in_its_set(n: float, d: float, sn: float, sd: float, r: float) -> None:
    assume(abs(d) > 1e-3)
    found = fieller(n, d, sn**2, sd**2, r * sn * sd, 9)
    assert found.value is not None
    assert contains(found, found.value)


def test_a_known_denominator_divides_the_interval() -> None:
    found = fieller(0.12, 0.3, 0.0009, 0.0, 0.0, 20)
    half = stats.t.ppf(0.975, 20) * 0.03
    np.testing.assert_allclose([found.low, found.high], [(0.12 - half) / 0.3, (0.12 + half) / 0.3], rtol=1e-7)


def test_no_variance_at_all_is_the_ratio_itself() -> None:
    found = fieller(0.12, 0.3, 0.0, 0.0, 0.0, 20)
    np.testing.assert_allclose([found.low, found.value, found.high], 0.4)


@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_scale_does_not_matter(scale: float) -> None:
    plain = fieller(0.12, 0.3, 0.0009, 0.0016, 0.0003, 7)
    scaled = fieller(0.12 * scale, 0.3 * scale, 0.0009 * scale**2, 0.0016 * scale**2, 0.0003 * scale**2, 7)
    np.testing.assert_allclose([scaled.low, scaled.value, scaled.high], [plain.low, plain.value, plain.high])


def test_turning_both_signs_changes_nothing_and_one_sign_mirrors() -> None:
    plain = fieller(0.12, 0.3, 0.0009, 0.0016, 0.0003, 7)
    both, one = fieller(-0.12, -0.3, 0.0009, 0.0016, 0.0003, 7), fieller(-0.12, 0.3, 0.0009, 0.0016, -0.0003, 7)
    np.testing.assert_allclose([both.low, both.high], [plain.low, plain.high])
    np.testing.assert_allclose([one.low, one.high], [-plain.high, -plain.low])


@pytest.mark.parametrize("change", [{"covariance": 0.0008}, {"df": 3}, {"level": 0.8}, {"var_denominator": 0.003}])
def test_each_argument_matters(change: dict[str, float]) -> None:
    base = {"numerator": 0.12, "denominator": 0.3, "var_numerator": 0.0009, "var_denominator": 0.0016, "df": 20}
    base |= {"covariance": 0.0}
    plain, other = fieller(**base), fieller(**base | change)
    assert (plain.low, plain.high) != (other.low, other.high)
    assert plain.value == other.value


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ((4.0, 8.0, 1.0, 1.0, 0.0), "bounded"),
        ((4.0, 1.0, 1.0, 1.0, 0.0), "outside"),
        ((1.0, 1.0, 1.0, 1.0, 0.0), "whole line"),
        ((4.0, 2.0, 1.0, 1.0, 0.0), "unbounded above"),
        ((-4.0, 2.0, 1.0, 1.0, 0.0), "unbounded below"),
        ((0.0, 2.0, 1.0, 1.0, 0.0), "whole line"),
    ],
)
def test_every_kind(numbers: tuple[float, ...], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a quantile of exactly 2 the edge d = t se(d) can be met exactly."""
    monkeypatch.setattr(ratio_module, "t_quantile", lambda *_: 2.0)
    found = fieller(*numbers, df=10)
    assert found.kind == kind
    ends = {"unbounded above": "low", "unbounded below": "high"}
    missing = {"whole line": 2, "unbounded above": 1, "unbounded below": 1}.get(kind, 0)
    assert [found.low, found.high].count(None) == missing
    if kind in ends:
        np.testing.assert_allclose(getattr(found, ends[kind]), math.copysign(0.75, numbers[0]))


def test_a_denominator_of_zero_has_no_estimate() -> None:
    found = fieller(0.3, 0.0, 0.0009, 0.0016, 0.0, 10)
    assert (found.value, found.kind) == (None, "outside")


def test_covers() -> None:
    """4,000 draws of a weak denominator (two standard errors): Monte Carlo error 0.0034, so 0.012 is allowed. The delta
    method covers 0.88 there at a ratio of 0.5, which the same bound refuses."""
    rng = np.random.default_rng(1)
    n, d = rng.normal(1.0, 1.0, 4000), rng.normal(2.0, 1.0, 4000)
    covered = np.mean([contains(fieller(a, b, 1.0, 1.0, 0.0, math.inf), 0.5) for a, b in zip(n, d, strict=True)])
    assert abs(covered - 0.95) < 0.012


def test_a_numerator_and_an_edge_of_nothing_leave_the_one_point_zero():
    """Both roots of a x^2 - 2 b x + c at b = c = 0 are 0: no other end may come of it."""
    found = fieller(0.0, 1.0, 0.0, 0.01, 0.0, 10.0, 0.95)
    assert (found.kind, found.low, found.high) == ("bounded", 0.0, 0.0)
