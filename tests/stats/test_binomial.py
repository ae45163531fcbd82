"""Exact binomial intervals hold at every p, and the share behind an imperfect test has its nominal cover."""

import numpy as np
import pytest
from scipy.stats import binom

from gauger.errors import UserError
from gauger.stats import TestCounts, binomial_interval, rogan_gladen


@pytest.mark.parametrize("n", [1, 7, 40])
def test_ends_are_where_a_tail_is_half_of_what_may_be_missed(n):
    for x in range(n + 1):
        found = binomial_interval(x, n, 0.9)
        if x:
            assert binom.sf(x - 1, n, found.low) == pytest.approx(0.05)
        if x < n:
            assert binom.cdf(x, n, found.high) == pytest.approx(0.05)
    assert binomial_interval(0, n).low == 0.0
    assert binomial_interval(n, n).high == 1.0


def test_golden_values():
    """R: binom.test(7, 20)$conf.int = 0.1539092 0.5921885."""
    found = binomial_interval(7, 20)
    assert (found.low, found.high) == pytest.approx((0.1539092, 0.5921885), abs=1e-7)


def test_nothing_tried_is_undefined_and_impossible_counts_are_refused():
    assert binomial_interval(0, 0).value is None
    assert binomial_interval(0, 0).reason == "nothing was tried"
    with pytest.raises(UserError):
        binomial_interval(3, 2)


def test_the_share_behind_a_test():
    """By hand: p = .3, Se = .8, Sp = .95: (.3 + .95 - 1) / (.8 + .95 - 1) = 1/3."""
    found = rogan_gladen(TestCounts(30, 100, 80, 100, 5, 100))
    assert found.value == pytest.approx(1 / 3)
    assert found.low < 1 / 3 < found.high
    perfect = rogan_gladen(TestCounts(300, 1000, 10**6, 10**6, 0, 10**6))
    assert (perfect.value, perfect.low, perfect.high) == pytest.approx((0.3, 0.2725, 0.3295), abs=1e-3)


def test_a_test_that_says_nothing_gives_no_share():
    assert rogan_gladen(TestCounts(3, 100, 5, 100, 1, 100)).reason == "not detectable at this recall"
    assert rogan_gladen(TestCounts(3, 100, 0, 0, 1, 100)).reason == "nothing was tried"


@pytest.mark.parametrize(
    ("share", "se", "sp"), [(0.1, 0.95, 0.99), (0.02, 0.9, 0.999), (0.5, 0.7, 0.99), (0.3, 0.5, 0.95)]
)
def test_intervals_cover_at_their_level(share, se, sp):
    """2000 draws: the standard error of a cover of .95 is .005, so .935 is three of them below."""
    rng = np.random.default_rng(4)
    draws, n, m = 2000, 400, 200
    flagged = rng.binomial(n, share * se + (1 - share) * (1 - sp), draws)
    true, false = rng.binomial(m, se, draws), rng.binomial(m, 1 - sp, draws)
    found = [
        rogan_gladen(TestCounts(int(a), n, int(b), m, int(c), m)) for a, b, c in zip(flagged, true, false, strict=True)
    ]
    assert np.mean([one.low <= share <= one.high for one in found]) > 0.935
    naive = [binomial_interval(int(a), n) for a in flagged]
    assert np.mean([one.low <= share <= one.high for one in naive]) < 0.935 or se >= 0.9
