"""Abilities turned into answers: expectations against slow, literal sums, and intercepts found back."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import t as student

from gauger.estimate.calibrate.item_models import PROBIT_TO_LOGIT, ItemModel


def quantiles(n):
    """n equally likely values of a standard normal distribution."""
    return [NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)]


def expit(x):
    return 1 / (1 + math.exp(-x))


def model(link, item_sd=0.8, discrimination_sd=0.0, heavy_tails=False):
    return ItemModel(link, item_sd, discrimination_sd, heavy_tails)


@pytest.mark.parametrize("eta", [-1.2, 0.0, 0.7])
def test_a_probit_of_normal_numbers_is_a_probit(eta):
    """P(eta + item + replicate + noise > 0) with standard deviations 0.8, 0.5 and 1."""
    expected = model("points").expected(np.array([eta]), np.array([0.5]))[0]
    # 2000 quantiles in the place of a normal distribution: their variance is 0.999 of its
    assert expected == pytest.approx(NormalDist().cdf(eta / math.sqrt(0.8**2 + 0.5**2 + 1)), abs=2e-4)


@pytest.mark.parametrize("eta", [-1.2, 0.7])
def test_a_logit_is_averaged_over_items_and_replicates(eta):
    literal = np.mean(
        [expit(eta + 0.8 * item + 0.5 * seed) for item, seed in itertools.product(quantiles(300), repeat=2)]
    )
    assert model("logit").expected(np.array([eta]), np.array([0.5]))[0] == pytest.approx(literal, abs=5e-4)


def test_unequal_discrimination_multiplies_ability_item_and_noise_and_averages_to_one():
    s, eta, sd = 0.6, 0.9, 0.4
    numbers = quantiles(50)
    a = {z: math.exp(s * z - s * s / 2) for z in quantiles(50)}
    literal = np.mean([expit(a[z] * (eta + 0.8 * b + sd * c)) for z, b, c in itertools.product(numbers, repeat=3)])
    two = model("two_parameter", discrimination_sd=s)
    # fifty quantiles have 0.97 of a normal distribution's variance
    assert two.expected(np.array([eta]), np.array([sd]))[0] == pytest.approx(literal, abs=3e-3)
    assert np.exp(two.log_a(np.array(quantiles(20_000)))).mean() == pytest.approx(1.0, abs=1e-3)
    assert two.expected(np.array([eta]), np.array([sd]))[0] != pytest.approx(
        model("logit").expected(np.array([eta]), np.array([sd]))[0], abs=3e-3
    )


def test_answers_of_one_ability():
    latent, log_a = np.array([-0.5, 0.3]), np.array([0.0, 0.4])
    assert model("points").probability(latent, log_a) == pytest.approx([NormalDist().cdf(x) for x in latent])
    literal = [expit(-0.5), expit(math.exp(0.4) * 0.3)]
    assert model("two_parameter").probability(latent, log_a) == pytest.approx(literal)
    assert (model("points").unit, model("logit").unit) == (1.0, PROBIT_TO_LOGIT)


def test_heavy_tails_have_the_same_spread_and_longer_ends():
    heavy, plain = model("logit", heavy_tails=True)._replicates(200), model("logit")._replicates(200)
    middle = (np.arange(200) + 0.5) / 200
    assert heavy == pytest.approx(student.ppf(middle, 3) / math.sqrt(3))
    assert plain == pytest.approx(quantiles(200))
    assert heavy[-1] > 1.4 * plain[-1]
    assert heavy[150] < plain[150], "and a narrower middle"


@pytest.mark.parametrize("link", ["points", "logit"])
def test_intercepts_give_the_means_back(link):
    means, sd = np.array([[0.2, 0.5, 0.8], [0.5, 0.5, 0.8]]), np.array([[0.1, 0.2, 0.2], [0.2, 0.3, 0.2]])
    kind = model(link)
    intercepts = kind.solve(means, sd)
    assert intercepts.shape == (2, 3)
    assert kind.expected(intercepts, sd) == pytest.approx(means, abs=1e-10)
    assert intercepts[0, 1] == intercepts[1, 0], "pairs that are alike are solved once"
    assert intercepts[0, 2] == intercepts[1, 2]
