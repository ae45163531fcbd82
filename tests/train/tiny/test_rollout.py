"""A model's own samples: drawn from its distribution, learnt by their lengths, whatever tokens stand in them."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from gauger.train.tiny.rollout import as_rollout, roll_out, row_of, row_sums, token_log_probabilities

from .models import CONTEXT, VOCABULARY, every_answer, literal_log, nano_model, small_model

RNG = np.random.default_rng(1)
PROMPTS = [tuple(RNG.integers(3, VOCABULARY, size=length).tolist()) for length in (2, 5, 3, 2, 7)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_generator_decides_what_is_drawn():
    model = small_model(1, sharp=3)
    first, same, other = (roll_out(model, PROMPTS * 5, generator(seed)) for seed in (1, 1, 2))
    assert first.answers == same.answers != other.answers
    assert torch.equal(first.tokens_BT, same.tokens_BT)


def test_answers_end_at_their_end_mark_or_at_the_context():
    rollout = roll_out(small_model(1, sharp=3), PROMPTS * 20, generator())
    for prompt, answer in zip(PROMPTS * 20, rollout.answers, strict=True):
        assert 2 not in answer[:-1]
        assert answer[-1] == 2 or len(prompt) + len(answer) == CONTEXT


def test_the_answers_positions_are_learnt_and_no_others():
    prompts, answers = [(1, 5, 6), (1, 7)], [(0, 2), (3, 0, 4, 2)]
    rollout = as_rollout(prompts, answers)
    assert rollout.tokens_BT.tolist() == [[1, 5, 6, 0, 2, 0], [1, 7, 3, 0, 4, 2]]
    assert rollout.learnt.int().tolist() == [[0, 0, 1, 1, 0], [0, 1, 1, 1, 1]]
    assert row_of(rollout.learnt).tolist() == [0, 0, 1, 1, 1, 1]
    assert row_sums(torch.arange(6.0), rollout.learnt).tolist() == [1.0, 14.0]


def test_log_probabilities_equal_a_literal_sum():
    model = small_model(2, sharp=4)
    answers = [tuple(RNG.integers(0, VOCABULARY, size=2).tolist()) for _ in PROMPTS]
    rollout = as_rollout(PROMPTS, answers)
    found = row_sums(token_log_probabilities(model, rollout.tokens_BT, rollout.learnt), rollout.learnt)
    wanted = [literal_log(model, prompt, answer) for prompt, answer in zip(PROMPTS, answers, strict=True)]
    assert found.tolist() == pytest.approx(wanted, abs=1e-4)  # single precision, logits of tens


def test_samples_come_as_often_as_the_model_says():
    model, n = nano_model(3), 4000
    drawn = Counter(roll_out(model, [(1, 3)] * n, generator(5)).answers)
    answers = every_answer((1, 3))
    chances = {answer: math.exp(literal_log(model, (1, 3), answer)) for answer in answers}
    assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
    assert set(drawn) <= set(chances)
    for answer, chance in chances.items():  # five standard errors: one failure in 30 000 for 40 answers
        assert abs(drawn[answer] / n - chance) < 5 * math.sqrt(chance * (1 - chance) / n) + 1e-9, answer
