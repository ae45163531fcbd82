"""No budget is exceeded, whatever comes back in whatever order; what was paid unseen counts in full."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.budget import Admission, QueryBudget, most_tokens_in
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request
from gauger.elicit.teacher.prices import Prices
from gauger.errors import UserError

from .common import question

PRICES = Prices(2.0, 10.0, 0.5)
LIMIT = st.one_of(st.none(), st.integers(1, 2000))
STEPS = st.lists(st.tuples(st.sampled_from(["send", "reply", "lose", "release"]), st.integers(1, 60)), max_size=60)


def reply(tokens_in, tokens_out, **more):
    return Reply(ReplyOutcome.ANSWERED, "a", tokens_in=tokens_in, tokens_out=tokens_out, **more)


@settings(max_examples=60, deadline=None)
@given(LIMIT, LIMIT, st.one_of(st.none(), st.floats(1e-5, 0.02)), STEPS)
def test_no_budget_is_ever_exceeded(max_queries, max_tokens, max_usd, steps):
    budget = QueryBudget(max_queries, max_tokens, max_usd, PRICES)
    flying = []
    for step, size in steps:
        if step == "send":
            request = question("p" * size, max_tokens=size)
            admission = budget.reserve(request)
            assert (admission is Admission.REFUSED) <= (not flying and budget.exhausted)
            if admission is Admission.GRANTED:
                flying.append(request)
        elif flying:
            request = flying.pop(size % len(flying))
            settle(budget, step, request, size)
        spent = budget.spent
        assert spent.queries <= (max_queries or 10**9)
        assert spent.tokens_in + spent.tokens_out <= (max_tokens or 10**9)
        assert spent.usd <= (max_usd or 10**9) + 1e-12  # sums of floats


def settle(budget, step, request, size):
    if step == "reply":
        budget.charge(request, Usage(1 + size % most_tokens_in(request), min(size, request.max_tokens)))
    elif step == "lose":
        budget.charge_unseen(request)
    else:
        budget.release(request)


def test_waiting_is_for_what_is_in_flight_alone():
    budget = QueryBudget(max_queries=2)
    a, b, c = question("a"), question("b"), question("c")
    assert [budget.reserve(each) for each in (a, b, c)] == [Admission.GRANTED, Admission.GRANTED, Admission.WAIT]
    assert not budget.exhausted
    budget.release(a)  # rejected by the server: nothing was paid
    assert budget.reserve(c) is Admission.GRANTED
    budget.charge(b, Usage(3, 4))
    budget.charge(c, Usage(3, 4))
    assert budget.reserve(a) is Admission.REFUSED
    assert budget.exhausted


def test_what_was_sent_already_is_one_request_in_flight():
    budget = QueryBudget(max_queries=1)
    budget.hold(question("a"))
    assert budget.reserve(question("b")) is Admission.WAIT
    budget.charge(question("a"), Usage(3, 4))
    assert budget.reserve(question("b")) is Admission.REFUSED, "nothing is under way that could make room"


def test_spending_is_the_sum_of_the_replies_and_cached_tokens_cost_less():
    budget, request = QueryBudget(prices=PRICES), question("a")
    for cached in (0, 60):
        budget.reserve(request)
        budget.charge(request, Usage(100, 10, tokens_cached=cached))
    spent = budget.spent
    assert (spent.queries, spent.tokens_in, spent.tokens_out) == (2, 200, 20)
    # (100 × 2 + 10 × 10) + (40 × 2 + 60 × 0.5 + 10 × 10) = 300 + 210 millionths of a dollar
    assert spent.usd == pytest.approx(510e-6, rel=1e-12)


def test_a_request_that_may_be_paid_unseen_and_a_reply_without_usage_count_at_the_most():
    request = question("abc", max_tokens=20)
    most = most_tokens_in(request)
    for settled in (lambda budget: budget.charge_unseen(request), lambda budget: budget.charge(request, Usage())):
        budget = QueryBudget()
        budget.reserve(request)
        settled(budget)
        assert (budget.spent.queries, budget.spent.tokens_in, budget.spent.tokens_out) == (1, most, 20)
        assert budget.spent.usd is None
        tight = QueryBudget(max_queries=1)
        tight.reserve(request)
        settled(tight)
        assert tight.reserve(request) is Admission.REFUSED, "nothing of it is in flight or set aside any more"
        roomy = QueryBudget(max_queries=2)
        roomy.reserve(request)
        settled(roomy)
        assert roomy.reserve(request) is Admission.GRANTED


def test_an_earlier_sessions_reply_counts_like_a_new_one():
    request = question("abc")
    live, recalled = QueryBudget(prices=PRICES), QueryBudget(prices=PRICES)
    for _ in range(2):
        live.reserve(request)
        live.charge_unseen(request)
    live.reserve(request)
    live.charge(request, Usage(5, 6))
    recalled.recall(request, reply(5, 6, paid_again=2, requests=4))
    assert live.spent == recalled.spent
    recalled.recall(request, Reply(ReplyOutcome.FAILED, requests=3, paid_again=1))
    assert recalled.spent.queries == 4


def test_a_limit_on_money_needs_prices():
    with pytest.raises(UserError, match="prices"):
        QueryBudget(max_usd=1.0)
    with pytest.raises(UserError, match="usd_per_million_out"):
        Prices(1.0, -1.0)


def test_the_bound_on_tokens_is_above_any_byte_level_vocabulary():
    assert most_tokens_in(question("é" * 100)) >= 200
    turns = [Message("user", "ab")] * 5
    around = most_tokens_in(Request(tuple(turns[:1]), 20)) - 2
    assert most_tokens_in(Request(tuple(turns), 20)) >= 5 * 2 + around + 4 * 8, "each turn has marks of its own"


def test_what_the_endpoint_states_is_all_there_is_only_where_nothing_was_paid_unseen():
    """Without prices of ours, its own cost is the most, unless a request may have been paid that it never told of."""
    budget, request = QueryBudget(), question("p")
    stated = reply(5, 6, stated_usd=0.25)
    assert budget.booked(request, stated).cost_most_usd == 0.25
    unseen = reply(5, 6, stated_usd=0.25, paid_again=1, requests=2)
    assert budget.booked(request, unseen).cost_most_usd is None


def test_a_limit_that_a_request_just_reaches_is_not_passed():
    """The last request that a budget pays may take all of it; one more token, query or millionth may not be taken."""
    request = question("abc", max_tokens=20)
    most = QueryBudget(prices=PRICES).most(request)
    tokens = most.tokens_in + most.tokens_out
    for exact, less in (
        (QueryBudget(max_queries=1), QueryBudget(max_queries=0)),
        (QueryBudget(max_tokens=tokens), QueryBudget(max_tokens=tokens - 1)),
        (QueryBudget(max_usd=most.usd, prices=PRICES), QueryBudget(max_usd=most.usd * (1 - 1e-9), prices=PRICES)),
    ):
        assert exact.reserve(request) is Admission.GRANTED
        assert exact.reserve(request) is Admission.WAIT
        assert less.reserve(request) is Admission.REFUSED


@pytest.mark.parametrize(
    ("prices", "own", "earlier", "cost"),
    [
        (None, {"stated_usd": 0.25}, (), 0.25),  # a cost is known where tokens are not
        (None, {"tokens_in": 5, "tokens_out": 6}, (), None),
        (None, {"stated_usd": 0.25}, (Usage(5, 6, stated_usd=0.5),), 0.75),
        (None, {"stated_usd": 0.25}, (Usage(5, 6),), None),  # part of it is not known
        (None, {"stated_usd": 0.25}, (Usage(),), 0.25),
        (PRICES, {"stated_usd": 0.25}, (Usage(10**6, 10**6),), 0.25 + 2.0 + 10.0),
        (PRICES, {"tokens_in": 10**6, "tokens_out": None}, (), None),
        (PRICES, {"tokens_in": 10**6, "tokens_out": 10**6}, (Usage(5, None),), 12.0),
    ],
)
def test_the_cost_of_a_reply_is_that_of_what_is_stated(prices, own, earlier, cost):
    came = Reply(ReplyOutcome.ANSWERED, "a", earlier=earlier, **own)
    booked = QueryBudget(prices=prices).booked(question("p"), came).cost_usd
    assert booked == (None if cost is None else pytest.approx(cost))


def test_a_request_without_room_is_named_with_what_it_could_use():
    request = question("abc", max_tokens=20)
    most = most_tokens_in(request)
    budget = QueryBudget(max_tokens=most + 30, prices=PRICES)
    assert budget.has_room(request, Use())
    assert not budget.exhausted
    assert not budget.has_room(request, Use(1, 11, 0, 0.0))
    assert budget.exhausted
    usd = PRICES.most_usd(most, 20)
    assert budget.refusal == f"one that may use {most:,} tokens in, 20 out and ${usd:.4f}"
