"""Student's t, the plain panel, items-only intervals, the item part's least value and counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossed_cases import clustered, drawn, fixed_base
from scipy import stats

from gauger.stats.bootstrap import bootstrap_items, items_only
from gauger.stats.crossed.contrast import estimate_contrasts
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.item_part import item_part
from gauger.stats.crossed.panel import panel_of
from gauger.stats.crossed.sample_sizes import smallest_replication
from gauger.stats.student import probability_above, t_cdf, t_quantile


@pytest.mark.parametrize("df", [1.0, 2.5, 30.0, 1e6, np.inf])
def test_student(df: float) -> None:
    """scipy.special inverts by root finding: 1e-8 relative."""
    for p in (0.001, 0.3, 0.975):
        np.testing.assert_allclose(t_quantile(p, df), stats.t.ppf(p, df), rtol=1e-7)
        np.testing.assert_allclose(t_cdf(t_quantile(p, df), df), p, rtol=1e-7)
    assert np.isnan(t_quantile(0.975, np.nan))
    assert [float(t_quantile(end, 5.0)) for end in (0, 1)] == [-np.inf, np.inf]


def test_probability_above_a_threshold() -> None:
    np.testing.assert_allclose(probability_above(0.3, 0.1, 5.0, 0.1), stats.t.cdf(2, 5))
    certain = probability_above([0.3, 0.1, -0.2], 0.0, 5.0, 0.1)
    np.testing.assert_array_equal(certain, [1.0, 0.5, 0.0])


def test_plain_panel() -> None:
    apart, together = panel_of(drawn(1)), panel_of(drawn(1), paired=True)
    assert len(np.unique(apart.replicates)) == 12
    assert (together.replicates == together.replicates[0]).all()
    assert set(apart.units[0]).isdisjoint(apart.units[1])
    assert (apart.n_arms, apart.n_benchmarks) == (3, 2)


def test_items_only_by_hand() -> None:
    y = drawn(2, arms=2, items=(40,))[0]
    y[0, 1, 3] = y[1, :, 5] = np.nan
    found = items_only(y[1], y[0])
    d = [np.nanmean(y[1, :, i]) - np.nanmean(y[0, :, i]) for i in range(40) if i != 5]
    np.testing.assert_allclose(found.value, np.mean(d))
    np.testing.assert_allclose(found.se, np.std(d, ddof=1) / np.sqrt(39))
    np.testing.assert_allclose(found.high - found.value, 1.959963984540054 * found.se)
    assert items_only(y[1], y[0], level=0.8).high < found.high


def test_bootstrap_agrees_with_the_normal_interval() -> None:
    """4,000 resamples: quantiles err by 0.024 standard errors each way (one sd); 0.15 also leaves room for skewness."""
    y = drawn(3, arms=2, items=(200,))[0]
    plain, drawn_ = items_only(y[1], y[0]), bootstrap_items(y[1], y[0], np.random.default_rng(1), 4000)
    assert drawn_.value == plain.value
    assert abs(drawn_.low - plain.low) < 0.15 * plain.se
    assert abs(drawn_.high - plain.high) < 0.15 * plain.se


def test_items_only_with_too_few_items() -> None:
    one = np.array([[0.5, np.nan]]), np.array([[0.25, 0.5]])
    for found in (items_only(*one), bootstrap_items(*one, np.random.default_rng(1))):
        assert found.value == 0.25
        assert np.isnan([found.se, found.low, found.high]).all()
    assert np.isnan(items_only(np.full((1, 2), np.nan), one[1]).value)


def test_rare_items_count_near_a_bound_only() -> None:
    """One wrong answer in 300: the spread of the items is that of one item, the least value that of two."""
    y = np.ones((2, 3, 100))
    y[1, 0, 7] = 0.0
    w = np.array([[[-1.0], [1.0]]])
    near = item_part(crossed_components(panel_of([y])), ContrastRows.of(w))
    assert near.least[0] > near.variance[0]
    np.testing.assert_allclose(near.least[0], 2 / 3 * (299 / 300) ** 2 / 100**2)
    middle = item_part(crossed_components(panel_of(drawn(1, arms=2, items=(100,), graded=False))), ContrastRows.of(w))
    assert middle.least[0] < middle.variance[0]


def test_a_benchmark_without_a_single_difference_is_the_documented_gap() -> None:
    y = np.ones((2, 3, 100))
    found = estimate_contrasts(panel_of([y]), np.array([[[-1.0], [1.0]]]))
    assert (found.value[0], found.se[0]) == (0.0, 0.0)
    assert found.undefined.tolist() == [None]


def test_smallest_replication_leaves_fixed_models_out() -> None:
    components = crossed_components(fixed_base())
    w = np.zeros((3, 3, 2))
    w[0, [0, 1], 0] = [-1, 1]
    w[1, 0, 0] = 1
    w[2, 2, 1] = 1
    assert smallest_replication(components, ContrastRows.of(w)).tolist() == [4, 1, 4]


def test_arms_that_answered_different_clusters_answered_all_of_them_together() -> None:
    """Two benchmarks that share clusters, on each of which either arm answered ten of thirty: twenty are touched."""
    y = np.random.default_rng(3).random((2, 3, 30))
    y[0, :, :20] = y[1, :, 10:] = np.nan
    panel = replace(panel_of([y, y.copy()]), units=(np.arange(30), np.arange(30)))
    w = np.zeros((1, 2, 2))
    w[0, 0], w[0, 1] = 0.5, -0.5
    assert item_part(crossed_components(panel), ContrastRows.of(w)).df.tolist() == [19.0]


def test_missing_clusters_are_not_counted() -> None:
    panel = clustered()
    panel.scores[0][:, :, panel.units[0] == 7] = np.nan
    w = np.zeros((1, 3, 2))
    w[0, :2, 0] = [-1, 1]
    found = estimate_contrasts(panel, w)
    assert (found.n_items[0], found.n_clusters[0]) == (11, 3)
