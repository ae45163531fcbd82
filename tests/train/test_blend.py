"""Blends: shares kept to less than a row, budgets never exceeded, every row as often as any other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.train.blend import BlendedSources, BlendPart, blended, row_counts, train_on_blend
from gauger.train.loop import Options
from gauger.train.rows import RowSource
from gauger.train.soft_targets import stack_shown

from .models import BOTH_ENGINES, ROWS

NONE = 10**9
SHORT, LONG = np.full(7, 4), np.full(5, 8)
"""Lengths of the rows of two sources."""


def draws_of(*parts, steps=20, seed=1, batch=12):
    """Row numbers of each source in each step; a part is lengths, weight and perhaps a budget."""
    data = BlendedSources(tuple(BlendPart(RowSource(()), *rest) for _, *rest in parts), batch)
    return blended(data, [lengths for lengths, *_ in parts], steps, seed)


def counts_of(*parts, **how):
    return [[len(index) for index in step] for step in draws_of(*parts, **how)]


def drawn(*parts, **how):
    """Row numbers of each source in their order."""
    steps = draws_of(*parts, **how)
    return [np.concatenate([step[source] for step in steps]) for source in range(len(parts))]


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
    counts = np.sum(counts_of((SHORT, 1.0), (LONG, 1.0)), axis=0)
    assert counts[0] * 4 == pytest.approx(counts[1] * 8, rel=0.02)
    counts = np.sum(counts_of((SHORT, 3.0), (LONG, 1.0)), axis=0)
    assert counts[0] * 4 == pytest.approx(3 * counts[1] * 8, rel=0.03)


@pytest.mark.parametrize("budget", [1, 8, 100, 333, 800])
def test_a_budget_in_tokens_is_never_exceeded_and_used_up_to_a_row(budget):
    parts = (SHORT, 1.0), (LONG, 2.0, budget)
    short, long = drawn(*parts, steps=60)
    assert budget - 8 < 8 * len(long) <= budget
    assert len(short) + len(long) == 60 * 12
    counts = counts_of(*parts, steps=60)
    assert counts[-1] == [12, 0]
    assert counts[0][1] == min(budget // 8, 6)


def test_steps_end_where_all_budgets_are_spent():
    counts = counts_of((SHORT, 1.0, 100), (LONG, 1.0, 200), steps=60)
    assert np.sum(counts, axis=0).tolist() == [25, 25]
    assert [sum(count) for count in counts] == [12, 12, 12, 12, 2]


def test_rows_pass_by_in_permutations():
    (order,) = drawn((SHORT, 1.0), steps=9)
    counts = np.bincount(order, minlength=7)
    assert counts.sum() == 9 * 12
    assert counts.max() - counts.min() <= 1
    (other,) = drawn((SHORT, 1.0), steps=9, seed=2)
    assert order.tolist() != other.tolist()


def test_the_order_of_one_source_does_not_depend_on_the_others():
    (alone,) = drawn((SHORT, 1.0))
    beside, _ = drawn((SHORT, 1.0), (LONG, 1.0))
    assert beside.tolist() == alone[: len(beside)].tolist()


def test_a_source_without_rows_is_refused_unless_nothing_of_it_is_drawn():
    empty = np.empty(0, dtype=np.int64)
    with pytest.raises(GaugerError, match="a source of the mixture has no samples"):
        draws_of((SHORT, 1.0), (empty, 1.0))
    assert counts_of((SHORT, 1.0), (empty, 0.0))[0] == [12, 0]


@BOTH_ENGINES
def test_a_blend_is_trained_on_and_counted_in_the_models_own_tokens(kit):
    lengths = kit.model().encode(ROWS).length_N
    budget = int(lengths[:3].sum()) * 12
    data = BlendedSources(
        (BlendPart(RowSource(ROWS[:3]), 1.0, budget), BlendPart(RowSource(ROWS[3:]), 2.0, 2 * budget)), 4
    )
    found = train_on_blend(kit.model(), data, kit.schedule(200))
    assert 10 < len(found.losses) < 200
    assert np.mean(found.losses[-3:]) < 0.9 * np.mean(found.losses[:3])
    spent = [int(used.length_N @ used.count_N) for used in found.sources]
    assert sum(spent) == found.n_tokens
    assert budget - lengths[:3].max() < spent[0] <= budget
    again, other = (train_on_blend(kit.model(), data, kit.schedule(5), Options(seed)) for seed in (0, 1))
    assert again.losses != other.losses
    assert again.losses == train_on_blend(kit.model(), data, kit.schedule(5), Options(0)).losses


@BOTH_ENGINES
def test_soft_targets_may_be_a_part(kit):
    teacher = kit.model(1, sharp=True)
    soft = RowSource(ROWS[:3], stack_shown(teacher.log_probabilities(ROWS[:3], None)))
    data = BlendedSources((BlendPart(soft, 1.0), BlendPart(RowSource(ROWS[3:]), 0.0)), 3)
    assert train_on_blend(teacher.copy(), data, kit.schedule(1, 1e-12)).losses == pytest.approx([0.0], abs=1e-5)
