"""What an endpoint says that it billed is read as it means it, and what cannot be counts as not said."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elicit.teacher.common import endpoint, question, questions
from elicit.teacher.fault_server import FaultServer, completion, encoded
from gauger.elicit.replies.usage import LARGEST_CONTEXT, read_usage
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.messages import ReplyOutcome
from gauger.elicit.teacher.prices import Prices
from gauger.errors import UserError


def usage(tokens_in, tokens_out, total=None, **more):
    found = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out} | more
    return found if total is None else found | {"total_tokens": total}


@pytest.mark.parametrize(
    ("found", "read"),
    [
        (usage(7, 5, 12), Usage(7, 5)),
        # thoughts that are billed and not listed: the total says so
        (usage(7, 5, 512), Usage(7, 505)),
        (usage(7, None, 20), Usage(7, 13)),
        (usage(None, 5, 20), Usage(15, 5)),
        (usage(7, None), Usage(7, None)),
        (usage(None, None, 20), Usage()),
        (usage(7, 5, 9), Usage(7, 5)),  # a total below its parts
        # reasoning within the completion, beside it in the total, and beside it without a total
        (usage(7, 9, 16, completion_tokens_details={"reasoning_tokens": 4}), Usage(7, 9, 4)),
        (usage(7, 5, 16, completion_tokens_details={"reasoning_tokens": 4}), Usage(7, 9, 4)),
        (usage(7, 5, completion_tokens_details={"reasoning_tokens": 400}), Usage(7, 405, 400)),
        (usage(7, 500, completion_tokens_details={"reasoning_tokens": 400}), Usage(7, 500, 400)),
        (usage(7, 5, prompt_tokens_details={"cached_tokens": 4}), Usage(7, 5, None, 4)),
        (usage(7, 5, prompt_cache_hit_tokens=4, prompt_cache_miss_tokens=3), Usage(7, 5, None, 4)),  # DeepSeek
        ({"input_tokens": 7, "output_tokens": 5}, Usage(7, 5)),
        ({"input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 4}, Usage(11, 5, None, 4)),  # Anthropic
        # the provider's own cost: OpenRouter, Perplexity, DeepInfra
        (usage(7, 5, cost=0.25), Usage(7, 5, stated_usd=0.25)),
        (usage(7, 5, cost={"total_cost": 0.25, "request_cost": 0.2}), Usage(7, 5, stated_usd=0.25)),
        (usage(7, 5, estimated_cost=0.25), Usage(7, 5, stated_usd=0.25)),
        # what cannot be is no statement
        (usage(-5_000_000, 8, -4_999_992), Usage(None, 8, problem="prompt_tokens = -5000000, total_tokens = -4999992")),
        (usage(10**30, 8), Usage(None, 8, problem="prompt_tokens = 100000000000000000000...")),
        (usage(7, 8.5), Usage(7, None, problem="completion_tokens = 8.5")),
        (usage(7, "8"), Usage(7, None, problem="completion_tokens = 8")),
        (usage(7, True), Usage(7, None, problem="completion_tokens = True")),
        (usage(7, math.nan), Usage(7, None, problem="completion_tokens = nan")),
        (usage(7, math.inf), Usage(7, None, problem="completion_tokens = inf")),
        (usage(7, 5, cost=-1.0), Usage(7, 5, problem="cost = -1.0")),
        (usage(7, 5, prompt_tokens_details={"cached_tokens": 9}), Usage(7, 5, problem="9 cached tokens of 7")),
        (usage(0, 0, 0), Usage()),
        (usage(7, 0, 7), Usage(7, None)),
        (None, Usage()),
        ([], Usage()),
        ({"prompt_tokens_details": "none"}, Usage()),
    ],
)
def test_statements(found, read):
    assert read_usage(found, "a text") == read


def test_a_reply_without_a_text_may_have_taken_no_tokens():
    assert read_usage(usage(7, 0, 7)) == Usage(7, 0)
    assert read_usage(usage(0, 0, 0)) == Usage(0, 0)


COUNT = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=1)
FOUND = st.dictionaries(
    st.sampled_from(
        [
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "reasoning_tokens",
            "cached_tokens",
            "input_tokens",
            "cost",
        ]
    ),
    COUNT,
)


@settings(max_examples=150, deadline=None)
@given(FOUND, FOUND)
def test_whatever_is_said_no_count_is_absurd(found, details):
    read = read_usage(found | {"prompt_tokens_details": details, "completion_tokens_details": details}, "a")
    for count in (read.tokens_in, read.tokens_out, read.tokens_reasoning, read.tokens_cached):
        assert count is None or (isinstance(count, int) and 0 <= count <= 3 * LARGEST_CONTEXT)
    assert (read.tokens_cached or 0) <= (LARGEST_CONTEXT if read.tokens_in is None else read.tokens_in)
    assert read.stated_usd is None or 0 <= read.stated_usd < math.inf


PRICES = Prices(1.0, 10.0, usd_per_million_cached=0.25, usd_per_million_reasoning=20.0)


def test_each_kind_of_token_has_its_price_and_the_providers_own_cost_comes_first():
    # 6 fresh x 1 + 4 cached x 0.25 + 5 written x 10 + 3 reasoned x 20, in millionths
    assert PRICES.usd_of(Usage(10, 8, 3, 4)) == pytest.approx(117e-6, rel=1e-12)
    assert PRICES.usd_of(Usage(10, 8, 3, 4, stated_usd=0.5)) == 0.5
    assert Prices(1.0, 10.0).usd_of(Usage(10, 8, 3, 4)) == pytest.approx(90e-6, rel=1e-12)


def test_the_most_possible_is_at_the_dearest_price_that_may_apply():
    """A cached price above the plain one, as where writing into the cache costs more."""
    dear = Prices(1.0, 10.0, usd_per_million_cached=1.25, usd_per_million_reasoning=2.0)
    assert dear.most_usd(100, 10) == pytest.approx((100 * 1.25 + 10 * 10) / 1e6, rel=1e-12)
    assert PRICES.most_usd(100, 10) == pytest.approx((100 * 1 + 10 * 20) / 1e6, rel=1e-12)
    budget, request = QueryBudget(max_usd=1.0, prices=dear), question("a", max_tokens=10)
    assert budget.most(request).usd == dear.most_usd(budget.most(request).tokens_in, 10)


@pytest.mark.parametrize(
    ("stated", "cost"), [(usage(-5_000_000, 8), None), (usage(10**30, 8), None), (usage(20, 8), 100e-6)]
)
def test_an_absurd_statement_counts_at_the_most_possible(stated, cost):
    budget, request = QueryBudget(prices=Prices(1.0, 10.0)), question("a", max_tokens=10)
    with FaultServer(answer=lambda _, body: (200, {}, encoded(completion(body) | {"usage": stated}))) as server:
        ((_, reply),) = endpoint(server.url, budget).ask([request])
    most = budget.most(request).tokens_in
    assert (reply.usage_problem is None) == (cost is not None)
    assert reply.cost_usd == (None if cost is None else pytest.approx(cost))
    assert reply.cost_most_usd == pytest.approx(cost or (most + 80) / 1e6)
    assert (budget.spent.tokens_in, budget.spent.tokens_out) == (most if cost is None else 20, 8)


def test_replies_without_content_are_booked_at_what_they_state():
    def answer(_, body):
        return 200, {}, encoded(completion(body, "") | {"usage": usage(10, 500)})

    budget = QueryBudget(prices=Prices(1.0, 10.0))
    with FaultServer(answer=answer) as server:
        ((_, reply),) = endpoint(server.url, budget).ask([question("a")])
        assert len(server.bodies) == 2
    assert (reply.outcome, reply.earlier, reply.paid_again) == (ReplyOutcome.EMPTY, (Usage(10, 500),), 0)
    assert reply.cost_usd == reply.cost_most_usd == pytest.approx(2 * 5010e-6)
    assert (budget.spent.queries, budget.spent.queries_unseen) == (2, 0)
    assert (budget.spent.tokens_in, budget.spent.tokens_out) == (20, 1000)


def test_a_gateway_that_lost_patience_is_perhaps_paid_and_makes_a_range():
    calls = []

    def answer(_, body):
        calls.append(body)
        return (504, {}, b"") if len(calls) == 1 else (200, {}, encoded(completion(body) | {"usage": usage(10, 10)}))

    budget, request = QueryBudget(prices=Prices(1.0, 10.0)), question("a")
    with FaultServer(answer=answer) as server:
        ((_, reply),) = endpoint(server.url, budget).ask([request])
    assert (reply.requests, reply.paid_again) == (2, 1)
    assert reply.cost_usd == pytest.approx(110e-6)
    assert reply.cost_most_usd == pytest.approx(110e-6 + budget.most(request).usd) == pytest.approx(budget.spent.usd)


def test_faults_that_are_equal_stop_the_run_with_one_message():
    def answer(_, body):
        return 422, {}, encoded({"error": {"message": f"no seed, please (request {len(server.bodies)})"}})

    with (
        FaultServer(answer=answer) as server,
        pytest.raises(UserError, match=r"10 requests in a row .* no seed, please"),
    ):
        list(endpoint(server.url, in_flight=2).ask(questions(300)))
    assert len(server.bodies) <= 10 + 2


def test_equal_faults_with_an_answer_between_stop_nothing():
    def answer(_, body):
        number = int(body["messages"][0]["content"].split()[1])
        return (200, {}, encoded(completion(body))) if number % 9 == 0 else (422, {}, b"no")

    with FaultServer(answer=answer) as server:
        assert len(list(endpoint(server.url, in_flight=1).ask(questions(60)))) == 60
