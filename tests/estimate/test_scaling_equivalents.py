"""Equivalents on curves known by formula: inside, beyond, below; compute, savings, crossing points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gauger.errors import UserError
from gauger.estimate.scaling.crossings import _end, _not_within, crossing, supported
from gauger.estimate.scaling.equivalents import Distilled, Gain, compute_equivalent, data_equivalent, saved
from gauger.stats.laws import LAWS, Ensemble, Points, Search, fit_ensemble

N = 1e8


def curve(e: float, b: float, beta: float, noise: float = 0.002, seed: int = 0) -> Ensemble:
    tokens = np.geomspace(1e6, 1e9, 24)
    loss = (e + b / tokens**beta) * np.exp(noise * np.random.default_rng(seed).standard_normal(24))
    return fit_ensemble(Points(np.full(24, N), tokens, loss=loss), [LAWS["power"]], 200, Search(starts=20))


@pytest.fixture(scope="module")
def control() -> Ensemble:
    return curve(2.0, 60.0, 0.28)


def test_a_point_on_the_curve_is_worth_its_own_tokens(control: Ensemble) -> None:
    gain = data_equivalent(control, Distilled(N, 1e8, 2.0 + 60.0 / 1e8**0.28))
    assert gain.censored == "no"
    assert gain.value == pytest.approx(1.0, rel=0.15)
    assert gain.low < 1.0 < gain.high


def test_a_better_point_is_worth_what_the_inverted_law_says(control: Ensemble) -> None:
    loss = 2.0 + 60.0 / 5e8**0.28
    gain = data_equivalent(control, Distilled(N, 1e8, loss, se=0.002))
    assert gain.value == pytest.approx(5.0, rel=0.2)
    assert gain.low < 5.0 < gain.high
    sure = data_equivalent(control, Distilled(N, 1e8, loss, se=0.0))
    assert sure.high / sure.low < gain.high / gain.low


def test_where_the_control_never_gets_the_gain_is_censored(control: Ensemble) -> None:
    gain = data_equivalent(control, Distilled(N, 1e8, 1.9))
    largest = supported(control, N)[-1]
    assert (gain.value, gain.high, gain.censored) == (None, None, "above")
    assert gain.limit == pytest.approx(largest / 1e8)
    assert gain.text == f">{gain.limit:.2g}x"
    worse = data_equivalent(control, Distilled(N, 1e8, 5.0))
    assert (worse.value, worse.censored) == (None, "below")
    assert worse.limit == pytest.approx(0.01)
    assert worse.text == "<0.01x"


def test_support_ends_where_the_back_test_does(control: Ensemble) -> None:
    reach = control.test.distance.max()
    assert supported(control, N)[-1] == pytest.approx(1e9 * np.exp(reach))
    assert supported(replace(control, test=None), N)[-1] == pytest.approx(1e9)
    with pytest.raises(UserError, match="parameters above 0"):
        supported(control, 0.0)
    np.testing.assert_array_equal(supported(control, 1.0), supported(control, N))


def test_the_teachers_compute_is_charged(control: Ensemble) -> None:
    point = Distilled(N, 1e8, 2.0 + 60.0 / 5e8**0.28)
    free = compute_equivalent(control, point)
    assert free.value == pytest.approx(data_equivalent(control, point).value)
    dear = compute_equivalent(control, replace(point, teacher_flops=6 * N * 1e8 * 4))
    assert dear.value == pytest.approx(free.value / 5)


def test_savings_are_tokens_over_what_was_spent(control: Ensemble) -> None:
    point = Distilled(N, 1e8, 2.0 + 60.0 / 5e8**0.28, teacher_tokens=2e6, queries=1e4, dollars=50.0)
    found, gain = saved(control, point), data_equivalent(control, point)
    assert set(found) == {"tokens", "per_teacher_token", "per_query", "per_dollar"}
    assert found["tokens"].value == pytest.approx((gain.value - 1) * 1e8)
    assert found["per_teacher_token"].low == pytest.approx((gain.low - 1) * 1e8 / 2e6)
    assert found["per_dollar"].value == pytest.approx(found["tokens"].value / 50)
    assert set(saved(control, Distilled(N, 1e8, 2.4))) == {"tokens"}


def test_accuracies_rise_where_losses_fall() -> None:
    tokens = np.geomspace(1e6, 1e9, 24)
    accuracy = 0.9 - 30.0 / tokens**0.28
    some = Points(np.full(24, N), tokens, accuracy=accuracy, accuracy_se=np.full(24, 0.004))
    control = fit_ensemble(some, [LAWS["error-tokens"]], 200, Search(starts=20))
    gain = data_equivalent(control, Distilled(N, 1e7, 0.9 - 30.0 / 3e7**0.28, se=0.004))
    assert gain.value == pytest.approx(3.0, rel=0.2)


def test_the_crossing_point_is_where_the_curves_meet(control: Ensemble) -> None:
    distilled = curve(2.2, 8.0, 0.2, seed=1)  # better while tokens are few, with a higher floor
    tokens = np.geomspace(1e6, 1e9, 100001)
    gap = (2.2 + 8.0 / tokens**0.2) - (2.0 + 60.0 / tokens**0.28)
    meets = tokens[np.flatnonzero(np.diff(np.sign(gap)) > 0)[0]]
    found = crossing(control, distilled, N)
    assert found.tokens == pytest.approx(meets, rel=0.2)
    assert found.low < meets < found.high
    assert found.share > 0.95
    assert "the control catches up" in found.text


def test_a_crossing_outside_the_data_is_not_a_number(control: Ensemble) -> None:
    ahead = crossing(control, curve(1.5, 55.0, 0.28, seed=2), N)
    assert (ahead.tokens, ahead.low, ahead.high) == (None, None, None)
    assert "not within the data" in ahead.text
    behind = crossing(control, curve(2.5, 65.0, 0.28, seed=3), N)
    assert behind.tokens is None
    assert "at least as good throughout" in behind.text


def test_curves_of_one_truth_put_neither_arm_ahead() -> None:
    """Beside it the naive sentence, that of the larger number of draws: it names a leader where there is none."""
    pairs = [(curve(2.0, 60.0, 0.28, 0.03, seed), curve(2.0, 60.0, 0.28, 0.03, seed + 50)) for seed in (4, 5, 6)]
    texts = [crossing(*pair, N).text for pair in pairs]
    assert not any("stays ahead" in text or "at least as good" in text for text in texts)
    assert all("of the curves that fit" in text for text in texts)
    naive = [crossing(*pair, N, level=0.5).text for pair in pairs]
    assert any("at least as good throughout" in text for text in naive)


@pytest.mark.parametrize(
    ("behind", "share", "text"),
    [
        (0.95, 0.01, "the control is at least as good throughout"),
        (0.05, 0.0, "the distilled arm stays ahead"),
        (0.94, 0.06, "undecided"),
        (0.4, 0.3, "undecided: of the curves that fit, 30% keep the distilled arm ahead throughout the data, 40% the"),
    ],
)
def test_no_arm_is_ahead_throughout_unless_nearly_all_draws_say_so(behind: float, share: float, text: str) -> None:
    assert text in _not_within(behind, share, 0.95)


def test_an_end_of_a_crossing_outside_the_data_says_on_which_side() -> None:
    assert (_end(None, "below the data"), _end(None, "beyond the data"), _end(2e6, "x")) == (
        "below the data",
        "beyond the data",
        "2e+06",
    )


def test_a_gain_says_itself_in_words() -> None:
    assert Gain(3.14159, 2.2, 5.0, "no", None).text == "3.1x (2.2x to 5x)"
    assert Gain(3.0, 2.0, None, "no", None).text == "3x (2x to beyond support)"
