"""The green list: a fair coin for each pair, a test that is exact, and the naive test that is not."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom

from gauger.elicit.defences.steering import NextTokens
from gauger.elicit.defences.watermark import GREEN, STRONGEST, find_mark, is_green, marked

V = 200


def text(rng, length, strength=0.0, key=7):
    """Tokens drawn from a flat distribution, marked or not."""
    tokens = [int(rng.integers(V))]
    for _ in range(length):
        logs = np.zeros(V) + STRONGEST * strength * is_green(np.array([tokens[-1]]), np.arange(V), key)
        chances = np.exp(logs - logs.max())
        tokens.append(int(rng.choice(V, p=chances / chances.sum())))
    return tokens


def test_half_of_the_pairs_are_green_whatever_the_key_and_keys_do_not_agree():
    before, token = np.divmod(np.arange(V * V), V)
    lists = [is_green(before, token, key) for key in (1, 2, 2**40)]
    for green in lists:  # 40,000 fair coins: 4 standard errors
        assert green.mean() == pytest.approx(GREEN, abs=4 * 0.5 / V)
        per_token = green.reshape(V, V).mean(axis=1)
        assert per_token.std() == pytest.approx(0.5 / V**0.5, rel=0.2)
    assert (lists[0] == lists[1]).mean() == pytest.approx(0.5, abs=4 * 0.5 / V)


def test_unmarked_text_is_declared_marked_in_one_percent_and_a_test_that_counts_repeats_far_more_often():
    """1,500 keys, texts that repeat their phrases; the test's exact size lies a little below 1 %: counts are whole."""
    rng = np.random.default_rng(1)
    phrases = [text(rng, 6) for _ in range(12)]
    texts = [phrases[number] for number in rng.integers(12, size=150)]
    n_keys, ours, naive = 1500, 0, 0
    for key in range(n_keys):
        found = find_mark(texts, key)
        ours += found.p_value <= 0.01
        repeats = [pair for one in texts for pair in pairwise(one)]
        before, token = np.array(repeats).T
        naive += binom.sf(is_green(before, token, key).sum() - 1, len(repeats), GREEN) <= 0.01
    smallest = next(count for count in range(found.n_pairs + 2) if binom.sf(count - 1, found.n_pairs, GREEN) <= 0.01)
    size = binom.sf(smallest - 1, found.n_pairs, GREEN)
    error = (0.01 / n_keys) ** 0.5
    assert found.n_pairs < len(repeats) / 8
    assert 0.005 < size <= 0.01
    assert abs(ours / n_keys - size) < 4 * error
    assert naive / n_keys > 0.1


@pytest.mark.parametrize(("strength", "found"), [(0.5, True), (0.1, True), (0.0, False)])
def test_marked_text_is_found_by_its_own_key_alone(strength, found):
    rng = np.random.default_rng(2)
    texts = [text(rng, 100, strength) for _ in range(5)]
    assert (find_mark(texts, 7).p_value < 1e-4) == found
    assert find_mark(texts, 8).p_value > 1e-4


def test_the_tilt_is_added_to_green_tokens_after_the_last_one():
    logs = np.log(np.full((2, V), 1 / V))
    known = NextTokens(logs, [[3, 5], [9]])
    shift = marked(known, 0.25) - logs
    for row, last in enumerate((5, 9)):
        assert np.allclose(shift[row], np.where(is_green(np.array([last]), np.arange(V)), 2.0, 0.0))
    assert marked(known, 0.0) is logs


def test_nothing_to_test_is_no_probability():
    assert find_mark([]).p_value is None
    assert find_mark([[5], []]).p_value is None
