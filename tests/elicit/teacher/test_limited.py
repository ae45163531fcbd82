"""A budget before a teacher that has none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.limited import Limited
from gauger.elicit.teacher.prices import Prices

from .answering import Answering, plain
from .common import questions


def test_without_limits_everything_is_answered():
    limited = Limited(Answering(plain), QueryBudget())
    assert sorted(place for place, _ in limited.ask(questions(9))) == list(range(9))
    assert (limited.name, limited.terms) == ("answering", "for tests")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 12), st.integers(1, 1000))
def test_the_first_requests_that_fit_are_answered_and_the_limit_holds(max_queries, max_tokens):
    budget = QueryBudget(max_queries, max_tokens, prices=Prices(1, 1))
    answered = sorted(place for place, _ in Limited(Answering(plain), budget).ask(questions(10)))
    assert answered == list(range(len(answered)))
    spent = budget.spent
    assert spent.queries == len(answered) <= max_queries
    assert spent.tokens_in + spent.tokens_out == 13 * len(answered) <= max_tokens
    assert budget.exhausted is (len(answered) < 10)


def test_what_was_not_used_makes_room():
    """Each request could use 10 + 16 + 64 and 20 tokens, and uses 13: one at a time, seven fit into 190."""
    budget = QueryBudget(max_tokens=190)
    assert len(list(Limited(Answering(plain), budget).ask(questions(10)))) == 7


def test_a_teacher_that_fails_leaves_nothing_set_aside():
    def fall(request):
        raise RuntimeError("fell")

    budget = QueryBudget(max_queries=3)
    with pytest.raises(RuntimeError):
        list(Limited(Answering(fall), budget).ask(questions(3)))
    assert len(list(Limited(Answering(plain), budget).ask(questions(3)))) == 3
