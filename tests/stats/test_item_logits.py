"""Mean scores as item logits: the model inverted, and a uniform lift found again on benchmarks of any difficulty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from gauger.stats.item_logits import MOST_SPREAD, item_spread, to_item_logits


@pytest.mark.parametrize("sd", [0.0, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("eta", [-3.0, -0.5, 0.0, 2.0])
def test_the_logit_is_the_one_whose_expected_score_is_the_mean(eta: float, sd: float) -> None:
    """Gauss and Hermite's 25 nodes against adaptive integration: 1e-3 logits at a spread of 3."""
    mean = quad(lambda z: expit(eta + sd * z) * norm.pdf(z), -9, 9, epsabs=1e-12)[0]
    found = to_item_logits(np.array([mean]), sd)
    assert found.eta[0] == pytest.approx(eta, abs=2e-3 if sd == 3.0 else 1e-5)


def test_slopes_are_derivatives() -> None:
    mean, step = np.array([0.1, 0.4, 0.9]), 1e-5
    found = to_item_logits(mean, 1.2)
    above, below = (to_item_logits(mean + sign * step, 1.2).eta for sign in (1, -1))
    np.testing.assert_allclose(found.slope, (above - below) / (2 * step), rtol=1e-6)
    wider, narrower = (to_item_logits(mean, 1.2 + sign * step).eta for sign in (1, -1))
    np.testing.assert_allclose(found.by_spread, (wider - narrower) / (2 * step), rtol=1e-5, atol=1e-8)


def test_means_at_bounds_or_missing_have_no_logit() -> None:
    found = to_item_logits(np.array([0.0, 1.0, np.nan, 0.5]), 1.0)
    assert np.isfinite(found.eta).tolist() == [False, False, False, True]
    assert not np.isfinite(to_item_logits(np.array([0.5]), np.nan).eta).any()


@pytest.mark.parametrize(("replicates", "within"), [(3, True), (1, False)])
def test_the_spread_of_difficulty_is_found_again_with_its_error(replicates: int, within: bool) -> None:
    """200 draws of 300 items: the mean within 4 of its standard errors, the stated variance within 30 %."""
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        p = expit(np.array([-1.0, 0.0, 1.0])[:, None] - 1.5 * rng.standard_normal(300))
        scores = (rng.random((3, replicates, 300)) < p[:, None]).astype(float)
        found.append(item_spread(scores, np.arange(300)))
    sd = np.array([one.sd for one in found])
    assert abs(sd.mean() - 1.5) < 4 * sd.std() / np.sqrt(200) + 0.01
    assert np.mean([one.variance for one in found]) == pytest.approx(sd.var(), rel=0.3)
    assert {one.within_arms for one in found} == {within}


def test_a_uniform_lift_is_uniform_in_item_logits_and_in_nothing_else() -> None:
    """+1 logit on every item of an easy and of a middling benchmark: points say 2 : 1, logits of the mean .8 : 1."""
    nodes, w = np.polynomial.hermite_e.hermegauss(99)
    w = w / w.sum()
    mean = {
        (level, lift): expit(level + lift + sd * nodes) @ w for level, sd in ((0.0, 2.0), (3.0, 0.5)) for lift in (0, 1)
    }
    lifts = {level: mean[level, 1] - mean[level, 0] for level in (0.0, 3.0)}
    assert lifts[0.0] > 3 * lifts[3.0]
    of_mean = {level: np.diff(np.log([mean[level, k] / (1 - mean[level, k]) for k in (0, 1)]))[0] for level in lifts}
    assert of_mean[0.0] < 0.75 * of_mean[3.0]
    for level, sd in ((0.0, 2.0), (3.0, 0.5)):
        found = to_item_logits(np.array([mean[level, 0], mean[level, 1]]), sd)
        assert np.diff(found.eta)[0] == pytest.approx(1.0, abs=1e-3)


def test_answers_that_never_vary_within_an_item_have_the_widest_spread() -> None:
    scores = np.broadcast_to((np.arange(100) % 2).astype(float), (2, 3, 100))
    assert item_spread(scores, np.arange(100)).sd == pytest.approx(MOST_SPREAD)
    assert np.isnan(item_spread(scores[:1, :1], np.arange(100)).sd)
