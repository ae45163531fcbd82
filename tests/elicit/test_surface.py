"""Budgets are a hard stop, and a surface shows no more than it is set to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.elicit.twin_surface import Interface
from gauger.elicit.twin_teacher import Request
from gauger.errors import GaugerError
from gauger.spec.models import Surface

from .scripted import Scripted

BUDGET = st.one_of(st.none(), st.integers(1, 60))
BATCHES = st.lists(
    st.tuples(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 9), st.booleans()), min_size=1, max_size=6
)


def talker(prompt, rng):
    """Say between nothing and more than is allowed."""
    return ("word",) * int(rng.integers(0, 12))


def prompts_of(lengths):
    return [("p",) * length for length in lengths]


@given(BUDGET, BUDGET, BATCHES)
def test_no_budget_is_ever_exceeded(max_queries, max_tokens, batches):
    teacher = Scripted(talker)
    interface = Interface(teacher, Surface(max_queries=max_queries, max_tokens=max_tokens))
    for number, (lengths, max_new_tokens, follow_up) in enumerate(batches):
        request = Request(max_new_tokens, seed=number)
        answers = interface.ask(prompts_of(lengths), request, follow_up=follow_up)
        assert len(answers) <= len(lengths)
        assert len(teacher.requests) == interface.spent.queries
        assert interface.spent.queries <= (max_queries or 10**9)
        assert interface.spent.tokens_in + interface.spent.tokens_out <= (max_tokens or 10**9)
        assert interface.exhausted or len(answers) == len(lengths)


@given(BUDGET, BUDGET, BATCHES)
def test_what_is_left_unanswered_would_not_have_fitted(max_queries, max_tokens, batches):
    interface = Interface(Scripted(talker), Surface(max_queries=max_queries, max_tokens=max_tokens))
    for lengths, max_new_tokens, _ in batches:
        queries, tokens = interface.spent.queries, interface.spent.tokens_in + interface.spent.tokens_out
        answers = interface.ask(prompts_of(lengths), Request(max_new_tokens))
        if len(answers) < len(lengths):
            most = sum(length + 1 + max_new_tokens for length in lengths[: len(answers) + 1])
            too_many = max_queries is not None and queries + len(answers) + 1 > max_queries
            assert too_many or (max_tokens is not None and tokens + most > max_tokens)


def test_spending_is_the_sum_of_the_answers():
    interface = Interface(Scripted(talker), Surface())
    answers = interface.ask(prompts_of([3, 0, 5]), Request(6, seed=4))
    assert interface.spent.queries == len(answers) == 3
    assert interface.spent.tokens_in == 4 + 1 + 6
    assert interface.spent.tokens_out == sum(answer.tokens_out for answer in answers)
    assert not interface.exhausted


def test_a_follow_up_is_reserved():
    """Half of 7 queries is for what is written, so that it can be asked: 3 + 3 fit, 4 + 4 do not."""
    interface = Interface(Scripted(talker), Surface(max_queries=7))
    assert len(interface.ask(prompts_of([1] * 9), Request(3), follow_up=True)) == 3
    assert len(interface.ask(prompts_of([1] * 3), Request(3))) == 3
    tokens = Interface(Scripted(talker), Surface(max_tokens=39))
    assert len(tokens.ask(prompts_of([1] * 9), Request(3), follow_up=True)) == 3  # each at most 2 x (1 + 1 + 3)


def test_the_teacher_is_not_even_called_when_nothing_fits():
    teacher = Scripted(talker)
    interface = Interface(teacher, Surface(max_tokens=5))
    assert interface.ask(prompts_of([4]), Request(1)) == []
    assert interface.exhausted
    assert teacher.requests == []


def test_nothing_asked_is_no_exhaustion():
    interface = Interface(Scripted(talker), Surface(max_queries=1))
    assert interface.ask([], Request(3)) == []
    assert not interface.exhausted


def test_a_surface_without_log_probabilities_refuses():
    with pytest.raises(GaugerError, match="shows no log-probabilities"):
        Interface(Scripted(talker), Surface(log_probabilities="none")).show([("p",)], [("a",)], None)


@pytest.mark.parametrize(
    ("shown", "limit", "asked", "width"),
    [
        ("full", None, None, 20),
        ("full", None, 4, 4),
        ("top-k", 5, None, 5),
        ("top-k", 5, 3, 3),
        ("top-k", 5, 9, 5),
        ("top-k", 50, None, 20),
    ],
)
def test_the_surface_limits_what_is_shown(shown, limit, asked, width):
    interface = Interface(Scripted(talker), Surface(log_probabilities=shown, top_k=limit))
    (answer,) = interface.show([("p", "q")], [("a", "b", "c")], asked)
    assert answer.token_TK.shape == answer.log_probability_TK.shape == (3 + 1, width)


def test_the_log_probabilities_of_a_decoder_behind_the_surface(trained):
    prompts, answers = [("ask", "max", "'a", "'b", "'c", "?")], [("'c",)]
    full = Interface(trained, Surface(log_probabilities="full")).show(prompts, answers, None)[0]
    top = Interface(trained, Surface(log_probabilities="top-k", top_k=5)).show(prompts, answers, None)[0]
    assert full.token_TK.shape == (2, len(trained.language))
    assert top.token_TK.tolist() == full.token_TK[:, :5].tolist()
    assert top.log_probability_TK == pytest.approx(full.log_probability_TK[:, :5])
