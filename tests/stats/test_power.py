"""Power: the design's variance by hand, planning that inverts it, and the promised power against the noncentral t."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gauger.stats.power import (
    DesignComponents,
    chance_to_settle,
    design_variance,
    half_width,
    items_needed,
    replicates_needed,
    smallest_detectable,
)

PLAN = DesignComponents(item=0.2, replicate=0.0009, residual=0.1)


def test_variance_and_degrees_of_freedom_by_hand() -> None:
    variance, df = design_variance(PLAN, 100, 4)
    item, replicate = 0.2 / 100, 0.0009 / 4 + 0.1 / 400
    np.testing.assert_allclose(variance, item + replicate)
    np.testing.assert_allclose(df, (item + replicate) ** 2 / (item**2 / 99 + replicate**2 / 3))


def test_one_replicate_counts_items_alone() -> None:
    variance, df = design_variance(DesignComponents(0.2, 0.0), 50, 1)
    np.testing.assert_allclose([variance, df], [0.004, 49])
    assert design_variance(DesignComponents(0.0, 0.0), 50, 1) == (0.0, math.inf)


def test_smallest_detectable_has_the_promised_power() -> None:
    """The sum of two t quantiles stands for the noncentral t's: within 0.02 of the power from 10 degrees of freedom."""
    for power in (0.5, 0.8, 0.9):
        variance, df = design_variance(PLAN, 300, 8)
        assert df > 10
        delta = smallest_detectable(PLAN, 300, 8, power=power) / math.sqrt(variance)
        quantile = stats.t.ppf(0.975, df)
        reached = stats.nct.sf(quantile, df, delta) + stats.nct.cdf(-quantile, df, delta)
        assert abs(reached - power) < 0.02


@pytest.mark.parametrize("change", [{"power": 0.95}, {"level": 0.99}])
def test_more_is_asked_of_more(change: dict[str, float]) -> None:
    assert smallest_detectable(PLAN, 300, 4, **change) > smallest_detectable(PLAN, 300, 4)


@pytest.mark.parametrize("change", [{"item": 0.4}, {"replicate": 0.01}, {"residual": 0.9}, {"replicate_df_each": 0.5}])
def test_each_component_matters(change: dict[str, float]) -> None:
    worse = DesignComponents(**{"item": 0.2, "replicate": 0.0009, "residual": 0.1} | change)
    assert half_width(worse, 300, 4) > half_width(PLAN, 300, 4)


@settings(deadline=None)
@given(st.floats(1e-6, 1.0), st.floats(0.0, 0.01), st.integers(30, 5000), st.integers(2, 20))
def test_more_items_or_replicates(item: float, replicate: float, items: int, replicates: int) -> None:
    """The variance always shrinks. The half width shrinks with replicates to 0.2 % (Satterthwaite's degrees of freedom
    may fall a little while the variance does), with items where no replicate noise is left to dominate it."""
    plan = DesignComponents(item, replicate)
    now = half_width(plan, items, replicates)
    assert design_variance(plan, items, replicates + 1)[0] <= design_variance(plan, items, replicates)[0]
    assert design_variance(plan, items + 1, replicates)[0] < design_variance(plan, items, replicates)[0]
    assert half_width(plan, items, replicates + 1) <= now * 1.002
    alone = DesignComponents(item, 0.0)
    assert half_width(alone, items + 1, replicates) < half_width(alone, items, replicates)


def test_with_two_replicates_more_items_can_widen() -> None:
    """A known oddity of Satterthwaite's t: with less of the well-known part, more of the width is the t(1)'s."""
    plan = DesignComponents(item=1.0, replicate=0.001)
    assert half_width(plan, 100_000, 2) > half_width(plan, 1000, 2)


def test_replicates_needed_is_the_smallest_number() -> None:
    found = replicates_needed(PLAN, 1000, 0.04)
    assert found is not None
    assert half_width(PLAN, 1000, found) <= 0.04 < half_width(PLAN, 1000, found - 1)
    assert replicates_needed(PLAN, 1000, 0.04, most=found) == found, "the most that is tried may be just enough"
    assert replicates_needed(PLAN, 1000, 0.04, most=found - 1) is None


def test_items_needed_is_the_smallest_number() -> None:
    found = items_needed(PLAN, 8, 0.04)
    assert found is not None
    assert half_width(PLAN, found, 8) <= 0.04 < half_width(PLAN, found - 1, 8)


def test_what_cannot_be_had_is_none() -> None:
    assert items_needed(PLAN, 2, 0.01) is None, "replicate noise does not shrink with items"
    assert replicates_needed(PLAN, 20, 0.01) is None, "nor item sampling with replicates"


@pytest.mark.parametrize("distance", [0.5, 1.5, 3.0])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_the_chance_to_settle_is_what_it_says(distance, share):
    """Truth N(0, 1) about the estimate, the enlarged study's estimate about it: 40,000 draws, three standard errors."""
    rng = np.random.default_rng(1)
    moved = distance + np.sqrt(1 - share) * rng.standard_normal(40_000)
    drawn = (np.abs(moved) > 1.96 * np.sqrt(share)).mean()
    said = chance_to_settle(distance, 1.0, (share, math.inf))
    assert said == pytest.approx(drawn, abs=3 * math.sqrt(drawn * (1 - drawn) / 40_000) + 1e-3)


def test_planning_as_if_the_estimate_were_the_truth_settles_one_study_in_two():
    """The half width that just reaches the threshold: a chance of about a half, which is why more is planned."""
    assert 0.4 < chance_to_settle(1.5, 1.0, ((1.5 / 1.96) ** 2, math.inf)) < 0.55


def test_a_plan_that_changes_nothing_settles_what_is_settled():
    assert chance_to_settle(3.0, 1.0, (1.0, math.inf)) == 1.0
    assert chance_to_settle(1.0, 1.0, (1.0, math.inf)) == 0.0
