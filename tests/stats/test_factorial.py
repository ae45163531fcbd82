"""Factorial designs: cells, signs, fractions with their aliases, effects by literal averages over settings."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.stats.factorial import (
    all_cells,
    effect_weights,
    effects_of_order,
    least_squares_weights,
    mask_of,
    members_of,
    regular_fraction,
    signs,
    sizes,
)

SIZES = range(1, 7)


def games(n: int) -> st.SearchStrategy[np.ndarray]:
    values = st.floats(-1, 1, allow_nan=False)
    return st.lists(values, min_size=2**n, max_size=2**n).map(np.array)


def literal_effect(values: np.ndarray, n: int, effect: int) -> float:
    """Average the difference (of the difference ...) over all settings of the other ingredients."""
    inside, outside = members_of(effect), members_of((2**n - 1) ^ effect)
    settings_of_others = [mask_of(some) for r in range(len(outside) + 1) for some in combinations(outside, r)]
    total = 0.0
    for others in settings_of_others:
        for r in range(len(inside) + 1):
            for some in combinations(inside, r):
                total += (-1) ** (len(inside) - r) * values[others | mask_of(some)]
    return total / len(settings_of_others)


@pytest.mark.parametrize("n", SIZES)
def test_cells_are_all_subsets_and_masks_can_be_read_back(n):
    cells = all_cells(n)
    assert len({members_of(int(cell)) for cell in cells}) == 2**n
    assert [mask_of(members_of(int(cell))) for cell in cells] == cells.tolist()
    assert sizes(cells).tolist() == [len(members_of(int(cell))) for cell in cells]
    assert sum(len(effects_of_order(n, order)) for order in range(1, n + 1)) == 2**n - 1


def test_more_than_six_ingredients_are_refused():
    with pytest.raises(ValueError, match="1 to 6"):
        all_cells(7)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_effects_are_literal_averages(data):
    n = data.draw(st.integers(2, 4))
    values = data.draw(games(n))
    for order in (1, 2, 3):
        for effect in effects_of_order(n, order):
            found = effect_weights(n, all_cells(n), effect) @ values
            assert found == pytest.approx(literal_effect(values, n, effect), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "words", "resolution"),
    [
        (3, ["abc"], 3),
        (4, ["abcd"], 4),
        (5, ["abcde"], 5),
        (5, ["abd", "ace"], 3),
        (6, ["abce", "bcdf"], 4),
        (4, [], None),
    ],
)
def test_fractions_have_the_resolution_that_the_books_give(n, words, resolution):
    """Box, Hunter and Hunter, Statistics for Experimenters, table of two-level fractions."""
    fraction = regular_fraction(n, [(mask_of("abcdef".index(letter) for letter in word), 1) for word in words])
    assert fraction.resolution == resolution
    assert len(fraction.cells) == 2 ** (n - len(words))
    assert len(fraction.relation) == 2 ** len(words) - 1


@pytest.mark.parametrize("sign", [1, -1])
def test_an_effect_in_a_fraction_is_itself_plus_its_signed_aliases(sign):
    n = 5
    fraction = regular_fraction(n, [(0b00111, sign), (0b11001, 1)])
    rng = np.random.default_rng(1)
    beta = rng.normal(size=2**n)
    cells = all_cells(n)
    values = sum(beta[effect] * signs(cells, effect) for effect in range(2**n))
    for effect in range(1, 2**n):
        aliased = beta[effect] + sum(s * beta[other] for other, s in fraction.aliases(effect).items())
        found = effect_weights(n, fraction.cells, effect) @ values
        assert found == pytest.approx(2 ** effect.bit_count() * aliased, abs=1e-10)
    assert set(fraction.aliases(0b00111)) >= {0}


def test_aliases_stand_with_the_fewest_ingredients_first():
    fraction = regular_fraction(5, [(0b00111, 1), (0b11001, 1)])
    assert [other.bit_count() for other in fraction.aliases(1)] == [2, 2, 5]


@pytest.mark.parametrize(
    "words", [[(0, 1)], [(0b11, 1), (0b11, 1)], [(0b11, 1), (0b110, 1), (0b101, -1)], [(8, 1)], [(3, 2)]]
)
def test_words_that_say_nothing_or_contradict_are_refused(words):
    with pytest.raises(ValueError, match="defining word"):
        regular_fraction(3, words)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_least_squares_on_all_cells_are_the_effects(n):
    effects = [*effects_of_order(n, 1), *effects_of_order(n, 2)]
    found = least_squares_weights(n, all_cells(n), effects)
    wanted = [effect_weights(n, all_cells(n), effect) for effect in effects]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_least_squares_find_planted_effects_on_an_irregular_set_of_cells_and_refuse_the_rest():
    n, effects = 4, [*effects_of_order(4, 1), *effects_of_order(4, 2)]
    cells = np.array([0, 1, 2, 4, 8, 3, 5, 9, 6, 10, 15])  # the pair 12 is told by 15 alone
    beta = np.arange(1.0, len(effects) + 1)
    values = sum(b * signs(all_cells(n), effect) for b, effect in zip(beta, effects, strict=True)) + 7.0
    weights = least_squares_weights(n, cells, effects)
    assert np.isfinite(weights).all()
    scale = np.array([2.0 ** effect.bit_count() for effect in effects])
    np.testing.assert_allclose(weights @ values, scale * beta, atol=1e-9)
    fewer = least_squares_weights(n, cells[:5], effects)
    assert np.isnan(fewer[:, cells[:5]]).all()
