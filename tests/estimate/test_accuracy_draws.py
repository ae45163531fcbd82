"""Losses that an accuracy is forecast from are drawn as the forecast's interval says, lopsided where it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from gauger.estimate.scaling import accuracy
from gauger.estimate.scaling.accuracy import ALIKE, LEAST_POINTS, AccuracyLink, _losses, why_no_link, with_both
from gauger.stats.laws.distillation import _excess
from gauger.stats.laws.forecast import Forecast
from gauger.stats.laws.points import Points


def test_draws_have_the_quantiles_of_each_half_of_the_interval() -> None:
    """Half of them lie on each side of the value, and z standard errors from it are z of that side's own."""
    zero = np.zeros(1)
    forecast = Forecast(np.array([1.0]), np.array([0.9]), np.array([1.4]), zero, zero, zero)
    drawn = _losses(forecast, 0, np.random.default_rng(0), 200_000, 0.95)
    z = float(ndtri(0.975))
    for at in (-1.0, -0.5, 0.0, 0.5, 1.0, z):
        share = float(np.mean(drawn <= 1.0 + at * (0.1 if at < 0 else 0.4) / z))
        normal = float(np.mean(np.random.default_rng(0).normal(size=200_000) <= at))
        assert share == pytest.approx(normal, abs=1e-12)


def test_a_student_lies_above_its_teacher_by_a_hundredth_of_its_loss_at_least() -> None:
    points = Points(
        np.array([1e8, 1e8, 1e8]),
        np.array([1e9, 1e9, 1e9]),
        loss=np.array([2.5, 2.5, 2.5]),
        teacher_loss=np.array([2.0, 2.499, 3.0]),
    )
    np.testing.assert_allclose(_excess(points), [0.5, 0.025, 0.025])


def test_points_with_both_have_a_loss_and_an_accuracy() -> None:
    one, known = np.ones(4), np.array([0.3, np.nan, 0.5, np.nan])
    both = with_both(Points(one, one, loss=np.array([2.0, 1.9, np.nan, np.nan]), accuracy=known))
    assert both is not None
    assert (both.loss.tolist(), both.accuracy.tolist()) == ([2.0], [0.3])
    assert with_both(Points(one, one, loss=one)) is None


@pytest.mark.parametrize(
    ("through_loss", "direct", "races"),
    [(0.02, 0.02 * ALIKE, True), (0.02, 0.02 * ALIKE * 1.01, False), (None, 9.0, True), (0.02, None, True)],
)
def test_the_direct_forecast_counts_where_its_back_test_is_alike_or_unknown(
    monkeypatch: pytest.MonkeyPatch, through_loss: float | None, direct: float | None, races: bool
) -> None:
    errors = {"through loss": through_loss, "direct": direct}
    monkeypatch.setattr(accuracy, "_rmse", errors.__getitem__)
    assert accuracy._in_the_race(AccuracyLink("through loss", 0.0, 0.0, "direct")) is races


@pytest.mark.parametrize(
    ("count", "why"), [(LEAST_POINTS, None), (LEAST_POINTS - 1, f"it needs {LEAST_POINTS} points")]
)
def test_a_link_needs_its_least_number_of_points(count: int, why: str | None) -> None:
    one = np.ones(count)
    said = why_no_link(Points(one, one, loss=np.linspace(3, 2, count), accuracy=np.linspace(0.3, 0.6, count)))
    assert said is None if why is None else str(said).startswith(why)
