"""Tables that are odd in one column (constant or inverse accuracies, weights of 0) leave the rest of the fit alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gauger.estimate.scaling.accuracy import AccuracyLink
from gauger.estimate.scaling.fit import FitRequest, choose_laws, fit_points
from gauger.stats.laws import LAWS, Points, Search
from gauger.stats.laws.backtest import Backtest
from gauger.stats.laws.competition import law_weights

from .test_pooled import ASKED, grid

REQUEST = FitRequest("hoffmann", 100, search=Search(starts=10))


def curve(loss: np.ndarray) -> np.ndarray:
    return 0.25 + 0.6 / (1 + np.exp(4 * (loss - 2.6)))


@pytest.mark.parametrize("score", [0.0, 0.25])
def test_one_constant_score_leaves_the_forecast_of_the_loss(score: float) -> None:
    alone = fit_points(grid(), REQUEST, ASKED)
    both = fit_points(replace(grid(), accuracy=np.full(20, score)), REQUEST, ASKED)
    assert both["predictions"] == alone["predictions"]
    assert "accuracy_link" not in both
    assert f"no accuracy is predicted through the loss: all accuracies are alike ({score:g})" in both["warnings"]


def test_an_outcome_that_never_changes_is_named_first() -> None:
    request = replace(REQUEST, law="auto")
    document = fit_points(replace(grid(), loss=None, accuracy=np.zeros(20)), request)
    assert document["warnings"][0].startswith("all accuracy values are alike (0)")


def test_laws_that_claim_and_miss_nothing_weigh_by_their_priors() -> None:
    nothing, at = np.zeros((2, 3)), np.arange(3)
    test = Backtest(at, at, np.ones(3), np.ones((3, 2)), nothing, nothing, nothing)
    assert law_weights(test, [LAWS["link"], LAWS["gompertz"]]) == pytest.approx([0.5, 0.5])


def test_points_of_weight_0_choose_no_law() -> None:
    largest = grid(5, 8)
    some = replace(largest, weight=np.where(largest.n_params < 9e8, 0.0, 1.0))
    names = [law.name for law in choose_laws(some, "auto")]
    assert names == [law.name for law in choose_laws(largest.take(some.weight > 0), "auto")]
    assert "hoffmann" not in names


def test_points_of_weight_0_do_not_lay_out_the_link() -> None:
    some = replace(grid(), accuracy=curve(grid().loss))
    last = Points(np.array([1e4]), np.array([1e7]), loss=np.array([12.0]), accuracy=np.array([0.25]))
    columns = {name: np.append(getattr(some, name), getattr(last, name)) for name in ("n_params", "n_tokens", "loss")}
    more = Points(**columns, accuracy=np.append(some.accuracy, 0.25), weight=np.append(np.ones(20), 0.0))
    links = [AccuracyLink.of(points, 100, Search(starts=10)) for points in (some, more)]
    assert links[0] is not None
    assert links[1] is not None
    assert (links[1].highest, links[1].unit) == pytest.approx((links[0].highest, links[0].unit))
