"""Tables that are odd in one column (constant or inverse accuracies, weights of 0) leave the rest of the fit alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gauger.cli.fit_text import fit_text
from gauger.estimate.scaling.accuracy import AccuracyLink
from gauger.estimate.scaling.fit import FitRequest, choose_laws, fit_points
from gauger.stats.laws import LAWS, Points, Search, fit_law
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


@pytest.mark.parametrize("falling", [lambda loss: 1 - curve(loss), lambda loss: 0.42 + 0.04 * (loss - 2.4)])
def test_a_benchmark_on_which_better_models_do_worse_has_no_link(falling: Callable[[np.ndarray], np.ndarray]) -> None:
    noise = 0.004 * np.random.default_rng(1).standard_normal(20)
    document = fit_points(replace(grid(), accuracy=falling(grid().loss) + noise), REQUEST, ASKED)
    assert not document["accuracy_link"]["verdict"]["holds"]
    first = document["warnings"][0]
    assert first.startswith(
        "link from loss to accuracy: accuracy falls as the loss falls, which no link follows; no law"
    )
    assert "from loss to accuracy: no law holds" in fit_text(document).split("parameter")[0]
    shown = {row["name"]: row["value"] for row in document["accuracy_link"]["parameters"]}
    assert shown["ceiling"] >= shown["floor"]


def test_a_link_that_holds_is_not_refused() -> None:
    noise = 0.01 * np.random.default_rng(1).standard_normal(20)
    document = fit_points(replace(grid(), accuracy=curve(grid().loss) + noise), REQUEST)
    assert document["accuracy_link"]["verdict"]["holds"]
    assert not any("no law holds" in warning for warning in document["warnings"])


@pytest.mark.parametrize("name", ["link", "gompertz"])
def test_a_ceiling_below_the_floor_is_one_at_the_floor(name: str) -> None:
    law, at = LAWS[name].in_order(), Points(np.ones(3), np.ones(3), loss=np.array([1.0, 2.0, 3.0]))
    theta = law.inner(np.array([[0.75, 0.15, 4.0, 2.6], [0.15, 0.75, 4.0, 2.6]]))
    value, gradient = law.evaluate(theta, at)
    assert value[0] == pytest.approx([0.75] * 3)
    assert gradient[0] == pytest.approx(np.array([[1.0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3]))
    plain = LAWS[name].evaluate(theta, at)
    assert value[1].tolist() == plain[0][1].tolist()
    assert gradient[1].tolist() == plain[1][1].tolist()


def test_a_link_whose_best_fit_is_in_order_is_the_plain_one() -> None:
    some = replace(grid(), accuracy=curve(grid().loss))
    fitted = fit_law(some, LAWS["link"], Search(starts=20))
    assert fitted.law is LAWS["link"]
    falling = fit_law(replace(some, accuracy=1 - some.accuracy), LAWS["link"], Search(starts=20))
    floor, ceiling = falling.values[:2]
    assert ceiling >= floor
    assert fitted.values[:2] == pytest.approx([0.25, 0.85], abs=0.02)
