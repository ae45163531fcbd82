"""Random numbers of each prompt's own: uniform, told apart, and the same wherever they are drawn."""

import numpy as np
import torch

from gauger.train.draws import keys_of, next_tokens, uniforms


def test_numbers_are_uniform_and_independent_of_place_and_prompt():
    """A chi-square of 20 bins exceeds 50 with probability 1e-4; correlations stay within 5 standard errors."""
    keys = keys_of([(1, n) for n in range(20_000)], [0] * 20_000)
    first, second = uniforms(keys, 0), uniforms(keys, 1)
    for numbers in (first, second, uniforms(keys_of([(1, 2)] * 20_000, list(range(20_000))), 3)):
        assert 0 <= numbers.min() < numbers.max() < 1
        counts = np.histogram(numbers, 20, (0, 1))[0]
        assert ((counts - 1000) ** 2 / 1000).sum() < 50
    for a, b in ((first, second), (first[:-1], first[1:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(len(a))


def test_seed_prompt_and_place_matter_and_nothing_else():
    prompts = [(1, 5), (1, 5), (1, 6), (1,), (15,)]
    keys = keys_of(prompts, [3, 4, 3, 3, 3])
    assert len(set(keys.tolist())) == 5
    assert keys_of(prompts[2:3], [3])[0] == keys[2]
    assert uniforms(keys, 1)[2] == uniforms(keys[2:], 1)[0] != uniforms(keys, 2)[2]
    assert keys_of([(1,)], [2**70])[0] != keys_of([(1,)], [0])[0]


def test_tokens_are_drawn_by_inverting_their_chances():
    keys, n = keys_of([(n,) for n in range(30_000)], [0] * 30_000), 30_000
    logits = torch.tensor([[0.0, 1.0, -1e9, 2.0]])
    drawn = np.bincount(next_tokens(logits.expand(n, -1), 0.5, keys, 0), minlength=4)
    chances = (logits[0] / 0.5).softmax(-1).numpy()
    assert drawn[2] == 0
    assert (np.abs(drawn / n - chances) <= 5 * np.sqrt(chances * (1 - chances) / n)).all()
    assert next_tokens(logits, 0.0, keys[:1], 0).tolist() == [3]
