"""Blends: shares kept to less than a row, budgets never exceeded, every row as often as any other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.train.tiny.blend import Blend, Part, row_counts
from gauger.train.tiny.loop import Schedule, train
from gauger.train.tiny.rows import Rows

from .models import CONFIG, CONTEXT, random_rows

NONE = 10**9


def rows_of_length(n_rows, length, first):
    """Rows that can be told apart: the token at place 1 says whose they are, the one at place 2 which."""
    tokens = np.zeros((n_rows, CONTEXT), dtype=np.int64)
    tokens[:, :length] = 3
    tokens[:, 1] = first
    tokens[:, 2] = 3 + np.arange(n_rows)
    return Rows(tokens, np.ones(n_rows, dtype=np.int64))


SHORT, LONG = rows_of_length(7, 4, 11), rows_of_length(5, 8, 12)


def blend(*parts, batch=12):
    return Blend(tuple(Part(*part) for part in parts), batch)


def counts_of(one, steps=20, seed=1):
    """Rows of each source in each batch, read off the batches."""
    return [[int((batch.tokens_BT[:, 1] == first).sum()) for first in (11, 12)] for batch in one.batches(steps, seed)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=5), st.integers(1, 9), st.integers(1, 30))
def test_every_source_is_less_than_a_row_from_its_share(pace, batch, steps):
    counts = row_counts(np.array(pace), np.full(len(pace), NONE), steps, batch)
    assert counts.sum(axis=1).tolist() == [batch] * steps
    drawn = np.arange(1, steps + 1) * batch
    shares = np.outer(drawn, np.array(pace) / np.sum(pace))
    assert np.abs(counts.cumsum(axis=0) - shares).max() < len(pace) - 1 + 1e-6
    if len(pace) == 2:
        assert np.abs(counts.cumsum(axis=0) - shares).max() <= 0.5 + 1e-6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 5), st.integers(0, 60)), min_size=1, max_size=4), st.integers(1, 9))
def test_limits_are_kept_and_others_take_the_place(sources, batch):
    pace, limits = np.array([p for p, _ in sources]), np.array([limit for _, limit in sources])
    counts = row_counts(pace, limits, 12, batch)
    assert (counts.sum(axis=0) <= limits).all()
    assert counts.sum() == min(12 * batch, limits.sum())
    assert all(row == batch for row in counts.sum(axis=1)[:-1])


def test_weights_are_shares_of_tokens_not_of_rows():
    counts = np.sum(counts_of(blend((SHORT, 1.0), (LONG, 1.0))), axis=0)
    assert counts[0] * 4 == pytest.approx(counts[1] * 8, rel=0.02)
    counts = np.sum(counts_of(blend((SHORT, 3.0), (LONG, 1.0))), axis=0)
    assert counts[0] * 4 == pytest.approx(3 * counts[1] * 8, rel=0.03)


@pytest.mark.parametrize("budget", [1, 8, 100, 333, 800])
def test_a_budget_in_tokens_is_never_exceeded_and_used_up_to_a_row(budget):
    one = blend((SHORT, 1.0), (LONG, 2.0, budget))
    short, long = one.drawn(60, 1)
    assert budget - 8 < long.tokens <= budget
    assert long.tokens == 8 * len(long.index_R)
    assert len(short.index_R) + len(long.index_R) == 60 * 12
    first, last = counts_of(one, 60)[0], counts_of(one, 60)[-1]
    assert last == [12, 0]
    assert first[1] == min(budget // 8, 6)


def test_batches_end_where_all_budgets_are_spent():
    one = blend((SHORT, 1.0, 100), (LONG, 1.0, 200))
    counts = counts_of(one, 60)
    assert np.sum(counts, axis=0).tolist() == [25, 25]
    assert [sum(count) for count in counts] == [12, 12, 12, 12, 2]
    losses = train(CONFIG.build(1), one, Schedule(60, 0.01), 1)
    assert len(losses) == 5


@pytest.mark.parametrize("seed", [1, 2])
def test_drawn_is_what_stands_in_the_batches(seed):
    rng = np.random.default_rng(seed)
    parts = (Part(SHORT, 1.0, 300), Part(LONG, 0.4), Part(random_rows(9, rng), 0.7))
    one = Blend(parts, 10)
    seen = [row for batch in one.batches(30, seed) for row in batch.tokens_BT.tolist()]
    wanted = [part.rows.tokens_NT[i] for part, d in zip(parts, one.drawn(30, seed), strict=True) for i in d.index_R]
    strip = lambda row: tuple(token for token in row if token)  # noqa: E731
    assert sorted(map(strip, seen)) == sorted(map(strip, wanted))
    assert [d.tokens for d in one.drawn(30, seed)] == [
        int(part.lengths[d.index_R].sum()) for part, d in zip(parts, one.drawn(30, seed), strict=True)
    ]


def test_rows_pass_by_in_permutations():
    (drawn,) = blend((SHORT, 1.0)).drawn(9, 1)
    counts = drawn.counts(len(SHORT))
    assert counts.sum() == 9 * 12
    assert counts.max() - counts.min() <= 1
    (other,) = blend((SHORT, 1.0)).drawn(9, 2)
    assert drawn.index_R.tolist() != other.index_R.tolist()


def test_the_order_of_one_source_does_not_depend_on_the_others():
    alone = blend((SHORT, 1.0)).drawn(20, 1)[0].index_R
    beside = blend((SHORT, 1.0), (LONG, 1.0)).drawn(20, 1)[0].index_R
    assert beside.tolist() == alone[: len(beside)].tolist()


def test_a_source_without_rows_is_refused():
    empty = Rows(np.empty((0, CONTEXT), dtype=np.int64), np.empty(0, dtype=np.int64))
    with pytest.raises(GaugerError, match="a source of the mixture has no samples"):
        next(blend((SHORT, 1.0), (empty, 1.0)).batches(1, 1))
