"""Batches: which rows, how often, what is learnt, whose targets belong to whom, and how steps are split."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.train.batches import by_length, by_sum, collate, micro_batches
from gauger.train.rows import answered, mixed, shuffled, token_rows

SHAPES = st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=3)


def random_rows(n_rows, rng, targets=False):
    """Draw texts of 1 to 8 tokens, learnt from a random place on; padding's number 0 may stand in them."""
    texts = [rng.integers(0, 9, size=rng.integers(1, 9)).tolist() for _ in range(n_rows)]
    rows = token_rows(
        [token for text in texts for token in text],
        [len(t) for t in texts],
        [rng.integers(1, len(t) + 1) for t in texts],
    )
    n = int(rows.n_learnt.sum())
    values = {"a": torch.from_numpy(rng.normal(size=(n, 3))), "b": torch.arange(n)}
    return rows.with_targets(**values) if targets else rows


def literal(parts):
    """Collate one row and one position at a time."""
    texts, learnt, flags, values = [], [], [], []
    for rows, index in parts:
        for row in index.tolist():
            text, start = list(rows.tokens_of(row)), int(rows.start_N[row])
            texts.append(text)
            learnt.append(set(range(start, len(text))))
            before = sum(int(n) for n in rows.n_learnt[:row])
            flags += [bool(rows.targets)] * (len(text) - start)
            values += [rows.targets["a"][before + i].tolist() for i in range(len(text) - start) if rows.targets]
    return texts, learnt, flags, values


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_a_batch_equals_a_literal_loop_over_rows_and_positions(shapes, seed):
    rng = np.random.default_rng(seed)
    parts = []
    for n_rows, targets in shapes:
        index = rng.integers(n_rows, size=int(rng.integers(1, 5)))
        parts.append((random_rows(n_rows, rng, targets), index))
    batch = collate(parts)
    texts, learnt, flags, values = literal(parts)
    longest = max(2, *(len(text) for text in texts))
    assert batch.tokens_BT.tolist() == [text + [0] * (longest - len(text)) for text in texts]
    assert batch.learnt.tolist() == [[place in places for place in range(1, longest)] for places in learnt]
    assert batch.learnt_B.tolist() == [len(places) for places in learnt]
    assert batch.labels.tolist() == [texts[row][at] for row, places in enumerate(learnt) for at in sorted(places)]
    with_targets = [targets for _, targets in shapes]
    if any(with_targets):
        assert batch.targets["a"].tolist() == values
        assert (batch.has_targets_P is None) == all(with_targets)
        if batch.has_targets_P is not None:
            assert batch.has_targets_P.tolist() == flags
    else:
        assert (batch.targets, batch.has_targets_P) == ({}, None)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_taken_rows_are_the_rows_with_their_own_targets(seed):
    rng = np.random.default_rng(seed)
    rows, index = random_rows(6, rng, targets=True), rng.integers(6, size=4)
    a, b = collate([(rows.take(index), np.arange(4))]), collate([(rows, index)])
    assert torch.equal(a.tokens_BT, b.tokens_BT)
    assert torch.equal(a.learnt, b.learnt)
    assert all(torch.equal(a.targets[name], b.targets[name]) for name in ("a", "b"))
    assert len(rows.take(np.empty(0, dtype=np.int64))) == 0


def test_values_are_added_up_by_row():
    rows = answered([(1, 5, 6), (1, 7), (1,)], [(0, 2), (3, 0, 4, 2), ()])
    assert rows.start_N.tolist() == [3, 2, 1]
    batch = collate([(rows, np.arange(3))])
    assert batch.tokens_BT.tolist() == [[1, 5, 6, 0, 2, 0], [1, 7, 3, 0, 4, 2], [1, 0, 0, 0, 0, 0]]
    assert batch.learnt.int().tolist() == [[0, 0, 1, 1, 0], [0, 1, 1, 1, 1], [0] * 5]
    assert batch.by_row(torch.arange(6.0)).tolist() == [1.0, 14.0, 0.0]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(1, 200), st.sampled_from([1, 2]))
def test_micro_batches_hold_every_row_once_within_their_limit(lengths, limit, pair):
    """Rows of a group have one length here, and are numbered by their first token."""
    n = len(lengths) * pair
    flat = [token for row in range(n) for token in [row, *[0] * (lengths[row // pair] - 1)]]
    rows = token_rows(flat, [lengths[row // pair] for row in range(n)], [1] * n)
    batches = micro_batches([(rows, np.arange(n))], limit, pair)
    held = [batch.tokens_BT[:, 0].tolist() for batch in batches]
    assert sorted(number for numbers in held for number in numbers) == list(range(n))
    for batch, numbers in zip(batches, held, strict=True):
        assert batch.tokens_BT.numel() <= limit or len(numbers) == pair
        assert all(b == a + 1 for a, b in zip(numbers[0::pair], numbers[pair - 1 :: pair], strict=True) if pair == 2)
    widest = [int(batch.length_B.max()) for batch in batches]
    assert widest == sorted(widest, reverse=True)


def test_a_step_is_split_over_its_parts_and_loses_no_target():
    rng = np.random.default_rng(1)
    soft, hard, none = random_rows(5, rng, targets=True), random_rows(4, rng), random_rows(3, rng)
    parts = [(soft, np.arange(5)), (hard, np.arange(4)), (none, np.empty(0, dtype=np.int64))]
    split = micro_batches(parts, 12)
    assert len(split) > 1
    seen = Counter(tuple(row) for batch in split for row in batch.targets.get("a", torch.empty(0, 3)).tolist())
    assert seen == Counter(tuple(row) for row in soft.targets["a"].tolist())
    assert sum(len(batch.length_B) for batch in split) == 9
    assert micro_batches([(none, np.empty(0, dtype=np.int64))], 12) == []


def test_batches_by_length_are_as_full_as_they_may_be():
    assert [index.tolist() for index in by_length(np.array([3, 9, 4, 4]), 12)] == [[1], [2, 3, 0]]
    assert [index.tolist() for index in by_length(np.array([3, 9]), 4)] == [[1], [0]]


def drawn(sizes, counts, steps, seed):
    return [[index.tolist() for index in step] for step in islice(mixed(sizes, counts, seed), steps)]


@pytest.mark.parametrize(("n_rows", "count", "steps"), [(12, 4, 9), (10, 4, 15), (3, 8, 6), (5, 5, 4), (1, 3, 2)])
def test_every_row_comes_once_per_epoch(n_rows, count, steps):
    rows = [row for step in drawn([n_rows], [count], steps, 3) for row in step[0]]
    assert len(rows) == count * steps
    for start in range(0, len(rows) - n_rows + 1, n_rows):
        assert sorted(rows[start : start + n_rows]) == list(range(n_rows))


def test_the_seed_decides_the_order_and_sources_are_drawn_independently():
    first = drawn([20, 20], [5, 5], 8, 1)
    np.random.seed(4)
    assert drawn([20, 20], [5, 5], 8, 1) == first
    assert drawn([20, 20], [5, 5], 8, 2) != first
    assert drawn([20, 20], [5, 5], 4, 1) == first[:4]
    assert first[0][0] != first[0][1]
    assert [step[:1] for step in first] == drawn([20], [5], 8, 1)
    epochs = next(shuffled(20, 60, np.random.default_rng(3))).tolist()
    assert epochs[:20] != epochs[20:40] != epochs[40:]


@pytest.mark.parametrize("where", [0, 1])
def test_nothing_to_train_on_is_an_error_and_not_an_endless_loop(where):
    sizes = [3, 3]
    sizes[where] = 0
    with pytest.raises(GaugerError, match="no samples"):
        drawn(sizes, [2, 2], 1, 1)
    assert drawn([3, 0], [2, 0], 2, 1)[0][1] == []


def test_batches_without_padding_are_as_full_as_they_may_be():
    assert [index.tolist() for index in by_sum(np.array([3, 9, 4, 4]), 12)] == [[1], [2, 3, 0]]
    assert [index.tolist() for index in by_sum(np.array([3, 9, 3]), 12)] == [[1, 0], [2]]
    assert [index.tolist() for index in by_sum(np.array([3, 9]), 2)] == [[1], [0]]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(1, 40))
def test_packed_batches_hold_every_row_once_and_count_no_padding(lengths, limit):
    rows = token_rows(range(sum(lengths)), lengths, [1] * len(lengths))
    batches = micro_batches([(rows, np.arange(len(lengths)))], limit, packed=True)
    assert all(batch.packed for batch in batches)
    assert all(batch.length_B.sum() <= limit or len(batch.length_B) == 1 for batch in batches)
    assert sorted(length for batch in batches for length in batch.length_B) == sorted(lengths)
    assert not any(batch.packed for batch in micro_batches([(rows, np.arange(len(lengths)))], limit))
