"""Shapley values and interactions: axioms, slow enumeration over all orders, and the values of another program."""

from __future__ import annotations

import json
from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.stats.factorial import all_cells, effect_weights, effects_of_order, mask_of, signs
from gauger.stats.shapley import (
    cells_of_orders,
    dividends,
    draw_orders,
    interaction_weights,
    order_sampling,
    order_weights,
    pairs_within,
    shapley_weights,
    taylor_weights,
)

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "shapley.json").read_text(encoding="utf-8"))
CLOSE = 1e-9
"""Sums of at most 64 values near 1 in double precision; shapiq works in the same."""


@st.composite
def games(draw: st.DrawFn) -> tuple[int, np.ndarray]:
    n = draw(st.integers(2, 5))
    return n, np.array(draw(st.lists(st.floats(-1, 1), min_size=2**n, max_size=2**n)))


def literal_shapley(values: np.ndarray, n: int) -> np.ndarray:
    """Average what each ingredient adds over every order, one by one."""
    total = np.zeros(n)
    for order in permutations(range(n)):
        for place, one in enumerate(order):
            total[one] += values[mask_of(order[: place + 1])] - values[mask_of(order[:place])]
    return total / factorial(n)


def test_the_golden_grid_is_complete():
    assert GOLDEN["source"].startswith("shapiq 1.")
    assert [len(case["values"]) for case in GOLDEN["cases"]] == [4, 8, 16, 32, 64]


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: len(case["values"]))
def test_values_and_interactions_are_those_of_shapiq(case):
    values = np.array(case["values"])
    n = len(values).bit_length() - 1
    shapley, pairs = shapley_weights(n) @ values, interaction_weights(n) @ values
    np.testing.assert_allclose(shapley, case["shapley"], atol=CLOSE)
    np.testing.assert_allclose(pairs, case["SII"], atol=CLOSE)
    np.testing.assert_allclose(taylor_weights(n) @ values, case["STII"], atol=CLOSE)
    own = shapley - 0.5 * np.array(
        [sum(pair for pair, mask in zip(pairs, effects_of_order(n, 2), strict=True) if mask >> i & 1) for i in range(n)]
    )
    np.testing.assert_allclose(own, case["k-SII singles"], atol=CLOSE)
    for order, name in ((1, "banzhaf"), (2, "banzhaf pairs")):
        found = [effect_weights(n, all_cells(n), effect) @ values for effect in effects_of_order(n, order)]
        np.testing.assert_allclose(found, case[name], atol=CLOSE)


@settings(max_examples=40, deadline=None)
@given(games())
def test_values_are_the_average_over_all_orders_and_add_up(game):
    n, values = game
    found = shapley_weights(n) @ values
    np.testing.assert_allclose(found, literal_shapley(values, n), atol=CLOSE)
    assert found.sum() == pytest.approx(values[-1] - values[0], abs=CLOSE)


@settings(max_examples=40, deadline=None)
@given(games(), st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 9))
def test_linear_symmetric_and_nothing_for_a_dummy(game, a, b, seed):
    n, values = game
    weights = shapley_weights(n)
    other = np.random.default_rng(seed).normal(size=2**n)
    np.testing.assert_allclose(
        weights @ (a * values + b * other), a * (weights @ values) + b * (weights @ other), atol=1e-8
    )
    swapped = [mask_of({0: 1, 1: 0}.get(i, i) for i in range(n) if cell >> i & 1) for cell in range(2**n)]
    alike = (values + values[swapped]) / 2
    assert (weights @ alike)[0] == pytest.approx((weights @ alike)[1], abs=CLOSE)
    without = values[all_cells(n) & ~1]
    assert (weights @ without)[0] == pytest.approx(0.0, abs=CLOSE)
    first_pairs = [row for row, pair in enumerate(effects_of_order(n, 2)) if pair & 1]
    np.testing.assert_allclose((interaction_weights(n) @ without)[first_pairs], 0.0, atol=CLOSE)


@settings(max_examples=40, deadline=None)
@given(games())
def test_dividends_are_divided_equally(game):
    n, values = game
    added = dividends(values)
    assert added.sum() == pytest.approx(values[-1], abs=CLOSE)
    shared = [sum(added[g] / g.bit_count() for g in range(2**n) if g >> i & 1) for i in range(n)]
    np.testing.assert_allclose(shapley_weights(n) @ values, shared, atol=CLOSE)
    pairs = [sum(added[g] / (g.bit_count() - 1) for g in range(2**n) if g & p == p) for p in effects_of_order(n, 2)]
    np.testing.assert_allclose(interaction_weights(n) @ values, pairs, atol=CLOSE)


@settings(max_examples=40, deadline=None)
@given(games())
def test_values_are_main_effects_plus_a_third_of_the_three_way_effects_and_so_on(game):
    """In signs, a product of an even number of ingredients gives nobody anything: why fractions give Shapley values."""
    n, values = game
    beta = [signs(all_cells(n), effect) @ values / 2**n for effect in range(2**n)]
    odd = [[2 * beta[g] / g.bit_count() for g in range(2**n) if g >> i & 1 and g.bit_count() % 2] for i in range(n)]
    np.testing.assert_allclose(shapley_weights(n) @ values, [sum(one) for one in odd], atol=CLOSE)


@settings(max_examples=40, deadline=None)
@given(games())
def test_taylor_interactions_and_single_gains_add_up(game):
    n, values = game
    singles = values[[1 << i for i in range(n)]] - values[0]
    total = singles.sum() + (taylor_weights(n) @ values).sum()
    assert total == pytest.approx(values[-1] - values[0], abs=CLOSE)


@pytest.mark.parametrize(("n", "most"), [(2, 4), (3, 6), (4, 14), (5, 20), (6, 44)])
def test_drawn_orders_stay_within_the_cells_and_come_with_their_reverse(n, most):
    orders = draw_orders(n, most, np.random.default_rng(1))
    assert len(orders) == 2 * pairs_within(n, most)
    assert (orders[::2] == orders[1::2, ::-1]).all()
    assert len({tuple(order) for order in orders.tolist()}) == len(orders)
    cells = cells_of_orders(orders)
    assert len(cells) <= most
    assert {0, 2**n - 1} <= set(cells.tolist())
    used = np.flatnonzero(np.abs(order_weights(orders)).sum(axis=(0, 1)))
    assert set(used.tolist()) <= set(cells.tolist())


def test_too_few_cells_are_refused():
    with pytest.raises(ValueError, match="hold no order"):
        draw_orders(4, 7, np.random.default_rng(1))


def test_all_orders_give_the_shapley_value_and_no_sampling_error():
    values = np.random.default_rng(2).normal(size=16)
    orders = draw_orders(4, 2 + 6 * 12, np.random.default_rng(1))
    assert len(orders) == 24
    np.testing.assert_allclose(order_weights(orders).mean(axis=0), shapley_weights(4), atol=CLOSE)
    found = order_sampling(orders, values)
    assert found is not None
    assert found.variance == 0


def test_one_pair_is_exact_without_three_way_interactions_and_its_error_unknown():
    values = sum(
        w * signs(all_cells(5), effect)
        for w, effect in zip(np.arange(15) / 9.0, [*effects_of_order(5, 1), *effects_of_order(5, 2)], strict=True)
    )
    orders = draw_orders(5, 10, np.random.default_rng(3))
    np.testing.assert_allclose(order_weights(orders).mean(axis=0) @ values, shapley_weights(5) @ values, atol=CLOSE)
    assert order_sampling(orders, values) is None
    more = order_sampling(draw_orders(5, 20, np.random.default_rng(3)), values)
    assert more is not None
    assert more.variance == pytest.approx(0.0, abs=1e-20)


def test_drawn_orders_are_unbiased_and_their_stated_variance_is_right():
    """2,000 draws: errors of means 1/45 of a spread, of variances about 3 %; the limits are four of each."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=32)
    truth = shapley_weights(5) @ values
    found, stated = [], []
    for _ in range(2000):
        orders = draw_orders(5, 28, rng)
        found.append(order_weights(orders).mean(axis=0) @ values)
        stated.append(order_sampling(orders, values))
    errors = np.array(found) - truth
    assert (np.abs(errors.mean(axis=0)) < 4 * errors.std(axis=0) / np.sqrt(2000)).all()
    pooled = np.mean([one.variance for one in stated])
    assert pooled == pytest.approx(errors.var(axis=0).mean(), rel=0.12)
    assert {one.df for one in stated} == {2 * 4}
    pair_error = (errors[:, 0] + errors[:, 1]).var()
    alike = np.mean([(errors[:, i] + errors[:, j]).var() for i in range(5) for j in range(i)])
    assert np.mean([one.of_sum(2) for one in stated]) == pytest.approx(alike, rel=0.12)
    assert pair_error > 0
    assert stated[0].of_sum(5) == 0
