"""Made-up tables with the traps of published ones: late floors, links that part above, checkpoints, mixtures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gauger.errors import UserError
from gauger.estimate.scaling.accuracy import AccuracyLink, lay_out
from gauger.estimate.scaling.fit import FitRequest, fit_points
from gauger.stats.laws import LAWS, Points, Search, fit_law
from gauger.stats.laws.bootstrap import draw, unit_weights

REQUEST = FitRequest(draws=100, search=Search(starts=30))


def overtrained(seed: int = 0) -> Points:
    """Four sizes of 10M to 400M, each at 5 to 640 tokens per parameter; the shortest runs ended in their warm-up."""
    sizes, ratios = np.array([1.1e7, 7.9e7, 1.5e8, 4.1e8]), 5.0 * 2.0 ** np.arange(8)
    n, ratio = (one.ravel() for one in np.meshgrid(sizes, ratios, indexing="ij"))
    loss = truth(n, n * ratio) * np.exp(0.006 * np.random.default_rng(seed).standard_normal(len(n)))
    return Points(n, n * ratio, loss=np.where(ratio == 5.0, 1.08 * loss, loss))


def truth(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """A tied law with the floor at six tenths of the lowest loss seen."""
    return 1.6 + 120.0 / n**0.24 + 170.0 / d**0.24


def test_a_floor_that_small_models_do_not_show_is_not_taken_for_none() -> None:
    some, far = overtrained(), Points(np.array([6.9e9]), np.array([1.38e11]))
    wanted = float(truth(far.n_params, far.n_tokens)[0])
    document = fit_points(some, REQUEST, far)
    row = document["predictions"][0]
    assert row["low"] < wanted < row["high"]
    assert abs(row["value"] / wanted - 1) < 0.04
    weights = {one["law"]: one["weight"] for one in document["laws"]}
    assert weights["kaplan"] < 0.2
    # The adversary: the law without a floor, which held-out points within the data hardly tell apart.
    naive = fit_law(some, LAWS["kaplan"], REQUEST.search)
    lost = np.exp(naive.law.evaluate(naive.theta[None], far)[0][0, 0]) / wanted - 1
    assert lost < -0.08


def linked(seed: int = 1, checkpoints: int = 1) -> Points:
    """Sixteen runs whose accuracy leaves its floor along a Gompertz curve, of which under half is seen."""
    n = np.repeat([1.9e8, 3.7e8, 7.6e8, 1.28e9], 4)
    d = n * np.tile([20.0, 40.0, 100.0, 200.0], 4)
    rng = np.random.default_rng(seed)
    rows = []
    for run, (size, tokens) in enumerate(zip(n, d, strict=True)):
        for share in np.linspace(0.4, 1.0, checkpoints) if checkpoints > 1 else [1.0]:
            lag = 1.0 + 0.06 * (1.0 - share)  # a learning rate that has not come down
            loss = lag * (0.55 + 60.0 / size**0.28 + 190.0 / (share * tokens) ** 0.3)
            rows.append((size, share * tokens, loss * np.exp(0.004 * rng.standard_normal()), run))
    table = np.array(rows)
    accuracy = 0.25 + 0.75 * np.exp(-np.exp(5.0 * (table[:, 2] - 0.80)))
    seen = rng.binomial(1000, accuracy) / 1000
    items = np.full(len(table), 1000.0)
    return Points(*table[:, :3].T[:2], loss=table[:, 2], accuracy=seen, n_items=items, run=table[:, 3].astype(int))


FAR = Points(np.array([6.9e9]), np.array([3.9e12]))


SEEN_LOSS = [
    1.2404,
    1.1748,
    1.0981,
    1.0508,
    1.1300,
    1.0616,
    0.9992,
    0.9572,
    1.0194,
    0.9730,
    0.9158,
    0.8834,
    0.9496,
    0.9116,
    0.8611,
    0.8381,
]
SEEN_ACCURACY = [
    0.244,
    0.257,
    0.236,
    0.276,
    0.265,
    0.264,
    0.283,
    0.303,
    0.276,
    0.331,
    0.360,
    0.421,
    0.342,
    0.404,
    0.420,
    0.442,
]
"""Sixteen made-up models; true accuracies are 0.25 + 0.75 exp(-exp(5 (loss - 0.80))), and 0.670 at the target."""


def test_the_link_owns_up_to_ceilings_and_forms_that_it_has_not_seen() -> None:
    some = replace(linked(), loss=np.array(SEEN_LOSS), accuracy=np.array(SEEN_ACCURACY), run=None)
    document = fit_points(some, REQUEST, FAR)
    found = document["predictions"][0]["accuracy"]
    assert found["low"] < 0.670 < found["high"]
    assert found["high"] - found["low"] < 0.5
    assert found["direct"] is not None
    # The adversary: refits of one logistic link, whose ceiling seldom leaves where it was put, at the predicted loss.
    fitted = fit_law(some, LAWS["link"], REQUEST.search)
    refits = draw(fitted, unit_weights(fitted.points, 200, np.random.default_rng(0)))
    at = Points(np.ones(1), np.ones(1), loss=np.array([document["predictions"][0]["value"]]))
    naive = np.quantile(fitted.law.evaluate(refits.theta, at)[0][:, 0], [0.025, 0.975])
    assert naive[1] < 0.670


def test_a_ceiling_at_its_bound_does_not_enter_by_refits_that_never_leave_it() -> None:
    link = AccuracyLink.of(linked(), 100, Search(starts=30))
    assert link is not None
    for curve in link.ensemble.curves:
        ceilings = curve.refits[:, curve.fit.law.names.index("ceiling")]
        assert ceilings.std() > 0.02
        assert ceilings.max() < 1.0
        assert ceilings.min() > linked().accuracy.max() - 1e-9


def test_checkpoints_are_points_of_the_link_and_not_of_the_law_of_scale() -> None:
    some = linked(checkpoints=4)
    document = fit_points(some, REQUEST, FAR)
    assert document["n"] == 16
    assert document["accuracy_link"]["n"] == 64
    assert any("48 checkpoints from within 16 runs are points of the link" in one for one in document["warnings"])
    alone = fit_points(some.finished(), REQUEST, FAR)
    assert alone["predictions"][0]["value"] == document["predictions"][0]["value"]
    # The adversary: checkpoints taken for models bend the law, which then predicts far lower at scale.
    bent = fit_points(replace(some, run=None, accuracy=None), REQUEST, FAR)
    assert bent["predictions"][0]["value"] != pytest.approx(document["predictions"][0]["value"], rel=0.01)


def test_every_run_weighs_as_one_in_the_link() -> None:
    laid = lay_out(linked(checkpoints=4), 2.0, 0.1)
    assert np.bincount(laid.group, laid.weight) == pytest.approx(np.ones(16))
    one = lay_out(linked(), 2.0, 0.1)
    assert one.log_d == pytest.approx((2.0 - linked().loss) / 0.1)


def test_the_last_checkpoint_of_a_run_is_that_of_most_tokens() -> None:
    ones = np.ones(5)
    some = Points(ones, np.array([3.0, 1.0, 2.0, 9.0, 8.0]), loss=ones, run=np.array([0, 0, 0, 1, 1]))
    assert some.finished().n_tokens.tolist() == [3.0, 9.0]
    assert some.finished().run is None
    assert replace(some, run=None).finished().n_tokens.tolist() == some.n_tokens.tolist()


def mixed(count: int = 24, seed: int = 0) -> Points:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(3), count)
    loss = (1.1 + np.exp(shares @ np.array([-2.5, 0.3, 0.8]))) * np.exp(0.003 * rng.standard_normal(count))
    return Points(np.full(count, 7e7), np.full(count, 3e10), loss=loss, shares=shares)


def test_mixtures_of_domains_are_fitted_by_their_own_law() -> None:
    wanted = replace(mixed(8, seed=5), loss=None)
    document = fit_points(mixed(), REQUEST, wanted)
    assert document["law"] == "mixture-3"
    values = {one["name"]: one["value"] for one in document["parameters"]}
    assert values["c"] == pytest.approx(1.1, abs=0.08)
    assert values["t_1"] == pytest.approx(-2.5, abs=0.4)
    truth_ = 1.1 + np.exp(wanted.shares @ np.array([-2.5, 0.3, 0.8]))
    assert [one["value"] for one in document["predictions"]] == pytest.approx(truth_, rel=0.01)
    # The adversary: a straight line in the shares.
    line = np.linalg.lstsq(mixed().shares, mixed().loss, rcond=None)[0]
    assert np.abs(wanted.shares @ line - truth_).max() > 5 * 0.01


def test_five_points_are_enough_for_the_tied_law_and_for_no_other() -> None:
    some = overtrained()
    ratio = some.n_tokens / some.n_params
    five = some.take((ratio == 20.0) | ((ratio == 320.0) & (some.n_params < 2e7)))
    assert fit_points(five, replace(REQUEST, law="tied"))["n"] == 5
    with pytest.raises(UserError, match="at least 7 points for the law 'hoffmann'"):
        fit_points(five, replace(REQUEST, law="hoffmann"))
