"""Batches: which rows, how often, what is learnt, and whose soft targets belong to whom."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.train.tiny.rows import Mixture, Rows, collate

from .models import random_rows

SHAPES = st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=3)


def numbered(n_rows, first=1):
    """Rows that can be told apart by their first token."""
    tokens = np.zeros((n_rows, 4), dtype=np.int64)
    tokens[:, 0] = np.arange(first, first + n_rows)
    tokens[:, 1] = 1
    return Rows(tokens, np.ones(n_rows, dtype=np.int64))


def drawn(mixture, steps, seed):
    return [batch.tokens_BT[:, 0].tolist() for batch in mixture.batches(steps, seed)]


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_a_batch_equals_a_literal_loop_over_rows_and_positions(shapes, seed):
    rng = np.random.default_rng(seed)
    parts = []
    for n_rows, soft in shapes:
        rows = random_rows(n_rows, rng, soft_k=3 if soft else None)
        parts.append((rows, rng.integers(n_rows, size=int(rng.integers(1, 5)))))
    batch = collate(parts)

    texts, learnt, flags, tokens, logs = [], [], [], [], []
    for rows, index in parts:
        for row in index:
            text = [int(token) for token in rows.tokens_NT[row] if token != 0]
            texts.append(text)
            places = range(int(rows.start_N[row]), len(text))
            learnt.append(set(places))
            for place in places:
                flags.append(rows.soft is not None)
                if rows.soft is not None:
                    at = rows.soft.first_N[row] + place - rows.start_N[row]
                    tokens.append(rows.soft.token_PK[at].tolist())
                    logs.append(rows.soft.log_probability_PK[at].tolist())
    longest = max(len(text) for text in texts)
    assert batch.tokens_BT.tolist() == [text + [0] * (longest - len(text)) for text in texts]
    assert batch.learnt.tolist() == [[place in places for place in range(1, longest)] for places in learnt]
    if any(soft for _, soft in shapes):
        assert batch.soft_P.tolist() == flags
        assert batch.soft_token_SK.tolist() == tokens
        assert batch.soft_log_probability_SK.tolist() == logs
    else:
        assert batch.soft_P is None
        assert batch.soft_token_SK is None


def test_only_the_answer_is_learnt_where_the_prompt_is_not_part_of_it():
    tokens = np.array([[1, 5, 6, 7, 2, 0], [1, 5, 2, 0, 0, 0]])
    batch = collate([(Rows(tokens, np.array([3, 1])), np.array([0, 1]))])
    assert batch.learnt.int().tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]


def test_every_batch_has_exactly_its_share_of_each_source():
    mixture = Mixture((numbered(10), numbered(7, first=100)), (6, 3))
    for rows in drawn(mixture, 20, 1):
        assert [row < 100 for row in rows] == [True] * 6 + [False] * 3


@pytest.mark.parametrize(("n_rows", "count", "steps"), [(12, 4, 9), (10, 4, 15), (3, 8, 6), (5, 5, 4), (1, 3, 2)])
def test_every_row_comes_once_per_epoch(n_rows, count, steps):
    rows = [row for batch in drawn(Mixture((numbered(n_rows),), (count,)), steps, 3) for row in batch]
    assert len(rows) == count * steps
    for start in range(0, len(rows) - n_rows + 1, n_rows):
        assert sorted(rows[start : start + n_rows]) == list(range(1, n_rows + 1))
    counts = Counter(rows)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_epochs_differ_from_each_other():
    rows = [row for batch in drawn(Mixture((numbered(20),), (20,)), 3, 3) for row in batch]
    assert rows[:20] != rows[20:40] != rows[40:]


def test_the_seed_decides_the_order_and_nothing_else_does():
    mixture = Mixture((numbered(20), numbered(20, first=100)), (5, 5))
    first = drawn(mixture, 8, 1)
    np.random.seed(4)
    torch.manual_seed(4)
    assert drawn(mixture, 8, 1) == first
    assert drawn(mixture, 8, 2) != first
    assert drawn(mixture, 4, 1) == first[:4]


def test_sources_are_drawn_independently():
    (batch,) = drawn(Mixture((numbered(30), numbered(30)), (30, 30)), 1, 1)
    assert batch[:30] != batch[30:]
    alone = drawn(Mixture((numbered(30),), (30,)), 1, 1)[0]
    assert batch[:30] == alone


@pytest.mark.parametrize("where", [0, 1])
def test_nothing_to_train_on_is_an_error_and_not_an_endless_loop(where):
    sources = [numbered(3), numbered(3)]
    sources[where] = Rows(np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.int64))
    with pytest.raises(GaugerError, match="no samples"):
        next(Mixture(tuple(sources), (2, 2)).batches(1, 1))


def test_a_source_that_no_batch_draws_from_may_be_empty():
    empty = Rows(np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.int64))
    batches = list(islice(Mixture((numbered(3), empty), (2, 0)).batches(2, 1), 2))
    assert [len(batch.tokens_BT) for batch in batches] == [2, 2]


def test_tokens_are_counted_without_padding():
    rows = numbered(5)
    assert len(rows) == 5
    assert rows.n_tokens == 10
