"""Crossed variance parts: recomputed answer by answer, equal to mean squares on balanced data, unbiased when ragged."""

from __future__ import annotations

import numpy as np
import pytest
from crossed_cases import PANELS, clustered, drawn, fixed_base, literal_components, ragged, sharing_clusters

from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.item_part import item_part
from gauger.stats.crossed.panel import Panel, panel_of

# Sums of at most a few hundred terms of size 1 in double precision: 1e-12 leaves a factor of ten.
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


@pytest.mark.parametrize("name", PANELS)
def test_equals_the_literal_recomputation(name: str) -> None:
    panel = PANELS[name]()
    found, wanted = crossed_components(panel), literal_components(panel)
    np.testing.assert_allclose(found.mean.ravel(), list(wanted.mean.values()), **TOLERANCE)
    np.testing.assert_allclose(found.item.written_out(), wanted.item, **TOLERANCE)
    np.testing.assert_allclose(found.shown_covariance(), wanted.replicate, **TOLERANCE)
    np.testing.assert_allclose(found.shared.written_out(), wanted.shared, **TOLERANCE)


def test_balanced_parts_are_mean_squares() -> None:
    y = drawn(11, arms=1, replicates=5, items=(17,))[0][0]
    rows, items = y.shape
    effect_i, effect_r = y.mean(axis=0) - y.mean(), y.mean(axis=1) - y.mean()
    left = y - y.mean() - effect_i - effect_r[:, None]
    ms_item = rows * (effect_i**2).sum() / (items - 1)
    ms_replicate = items * (effect_r**2).sum() / (rows - 1)
    ms_residual = (left**2).sum() / ((rows - 1) * (items - 1))
    found = crossed_components(panel_of([y[None]]))
    np.testing.assert_allclose(found.item.written_out()[0, 0], ms_item / y.size)
    np.testing.assert_allclose(found.shown_covariance()[0, 0], ms_replicate / y.size)
    np.testing.assert_allclose(found.shared.written_out()[0, 0], ms_residual / y.size)


def test_counts() -> None:
    found = crossed_components(ragged())
    assert found.n_replicates.tolist() == [[4, 3], [4, 4], [3, 3]]
    assert found.n_items[1, 0] == 14, "the item that the second arm never answered"
    assert found.n_clusters[0].tolist() == [8, 11]


def test_an_arm_with_one_replicate_has_no_replicate_part() -> None:
    found = crossed_components(fixed_base())
    assert (found.shown_covariance()[:2] == 0).all()
    assert (found.shared.written_out()[:2] == 0).all()
    assert (np.diag(found.item.written_out()) > 0).all()


def test_arms_share_replicate_parts_only_where_they_hold_the_same_id() -> None:
    found = crossed_components(fixed_base())
    assert (found.shown_covariance()[2:4, 4:] != 0).all(), "the second and third arm share two of their replicates"
    apart = crossed_components(panel_of(drawn(7)))
    assert (apart.shown_covariance()[:2, 2:] == 0).all()


def test_benchmarks_share_item_parts_only_where_they_share_clusters() -> None:
    assert (crossed_components(sharing_clusters()).item.written_out()[0, 1::2] != 0).all()
    assert (crossed_components(clustered()).item.written_out()[0, 1::2] == 0).all()
    assert crossed_components(sharing_clusters()).blocks == ((0, 1),)
    assert crossed_components(clustered()).blocks == ((0,), (1,))


def item_df(panel: Panel) -> np.ndarray:
    """Degrees of freedom of the first arm's mean on each benchmark."""
    weights = np.zeros((panel.n_benchmarks, panel.n_arms, panel.n_benchmarks))
    weights[np.arange(panel.n_benchmarks), 0, np.arange(panel.n_benchmarks)] = 1.0
    return item_part(crossed_components(panel), ContrastRows.of(weights)).df


def test_cluster_degrees_of_freedom() -> None:
    sizes = np.array([4, 3, 6, 2])
    np.testing.assert_allclose(item_df(clustered())[0], (sizes**2).sum() ** 2 / (sizes**4).sum() - 1)
    np.testing.assert_allclose(item_df(panel_of(drawn(1))), [14, 10])


def test_clusters_matter() -> None:
    scores = drawn(4)
    alone, together = crossed_components(panel_of(scores)), crossed_components(clustered())
    assert not np.allclose(np.diag(alone.item.written_out()), np.diag(together.item.written_out()))


def test_a_benchmark_without_scores() -> None:
    scores = drawn(1)
    scores[1][:] = np.nan
    found = crossed_components(panel_of(scores))
    assert np.isnan(found.mean[:, 1]).all()
    assert (found.item.written_out()[1::2] == 0).all()
    assert found.n_items[:, 1].tolist() == [0, 0, 0]


def test_unbiased_with_missing_answers_and_a_lost_replicate() -> None:
    """4,000 arms, each a study of its own: the sampling error of a variance from that many estimates is 2.2 %, so 8 %
    is more than three of them. Scaling by R / (R - 1), as if nothing were missing, claims half of the variance."""
    rng = np.random.default_rng(12)
    holes = rng.random((1, 3, 12)) < 0.25
    holes[0, 2, 4:] = True
    estimates, claimed = [], []
    for _ in range(10):
        y = rng.normal(0, 0.1, (400, 1, 12)) + rng.normal(0, 0.1, (400, 3, 1)) + rng.normal(0, 0.1, (400, 3, 12))
        y[np.broadcast_to(holes, y.shape)] = np.nan
        found = crossed_components(panel_of([y]))
        estimates.extend(found.mean[:, 0])
        claimed.extend(np.diag(found.item.written_out() + found.shown_covariance() - found.shared.written_out()))
    assert abs(np.mean(claimed) / np.var(estimates) - 1) < 0.08


def test_wrong_shapes_are_refused() -> None:
    scores = tuple(drawn(1))
    good = panel_of(list(scores))
    with pytest.raises(ValueError, match="one per benchmark"):
        Panel(scores, good.units[:1], good.replicates)
    with pytest.raises(ValueError, match=r"expected \(3, 4, 14\)"):
        Panel(scores, (good.units[0][1:], good.units[1]), good.replicates)
