"""At 30 % faults nothing is lost, nothing is paid twice uncounted, and a killed batch resumes to the same replies."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elicit.teacher.common import UNTIRING, endpoint, questions
from elicit.teacher.fault_server import FAULTS, PROMPT_TOKENS, TOKENS, FaultServer, refuses, text_of
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journal import Journal
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.prices import Prices

IN_FLIGHT = 16
COUNT = 160
RATE = 0.3
PRICES = Prices(1.0, 4.0)
TESTS = Path(__file__).parents[2]


def expected(requests):
    """What an undisturbed server answers: (outcome, text) per request."""
    prompts = [request.messages[0].content for request in requests]
    return [
        ("refused", "I would rather not.") if refuses(prompt) else ("answered", text_of(prompt)) for prompt in prompts
    ]


def said(replies, count):
    found = dict(replies)
    assert len(replies) == len(found) == count
    return [(str(found[index].outcome), found[index].text) for index in range(count)]


def test_nothing_is_lost_and_nothing_is_paid_twice_uncounted(tmp_path):
    requests = questions(300)
    budget = QueryBudget(max_usd=1.0, prices=PRICES)
    with FaultServer(RATE) as server:
        teacher = Journalled(endpoint(server.url, budget, patience=UNTIRING), tmp_path / "replies.jsonl")
        replies = list(teacher.ask(requests))
    assert said(replies, 300) == expected(requests)
    assert set(server.met) == {"none", *FAULTS}  # every fault was met
    paid_again = sum(reply.paid_again for _, reply in replies)
    empty = sum(len(reply.earlier) for _, reply in replies)
    assert sum(server.paid.values()) <= 300 + paid_again + empty
    for index, reply in replies:
        paid = server.paid[requests[index].messages[0].content, 0]
        assert 1 + len(reply.earlier) <= paid <= 1 + len(reply.earlier) + reply.paid_again
        assert reply.requests > reply.paid_again
        assert reply.cost_usd <= paid * PRICES.usd(PROMPT_TOKENS, TOKENS) <= reply.cost_most_usd
    spent = budget.spent
    assert spent.queries == 300 + paid_again + empty
    assert spent.queries_unseen == paid_again
    assert spent.usd <= 1.0
    paid_usd = sum(server.paid.values()) * PRICES.usd(PROMPT_TOKENS, TOKENS)
    assert paid_usd <= spent.usd
    one = PRICES.usd(PROMPT_TOKENS, TOKENS)
    assert [reply.cost_usd for _, reply in replies] == [sum([one] * (1 + len(reply.earlier))) for _, reply in replies]


def test_killed_at_random_moments_and_resumed_it_ends_with_the_same_replies(tmp_path):
    requests, path, chance = questions(COUNT), tmp_path / "replies.jsonl", random.Random(os.urandom(8))
    kills = sorted(chance.sample(range(2, COUNT * 3 // 4), 2))
    lost = 0
    with FaultServer(RATE, latency_s=0.02) as server:
        for n_lines in kills:
            before = server.paid.copy()
            kill_when(server.url, path, n_lines)
            lost += paid_and_lost(server, before, requests, path)
        kept = sum(b'"reply"' in line for line in path.read_bytes().splitlines())
        assert kept < COUNT
        teacher = Journalled(endpoint(server.url, patience=UNTIRING), path)
        replies = list(teacher.ask(requests))
    assert said(replies, COUNT) == expected(requests), kills
    accounted = sum(1 + reply.paid_again + len(reply.earlier) for _, reply in replies)
    assert sum(server.paid.values()) <= accounted, (kills, lost)  # what a kill lost was written down before it was sent


def paid_and_lost(server, before, requests, path):
    """Count what was generated for requests that were in flight, or being written down, when the batch was killed."""
    while server.in_flight:
        time.sleep(0.005)
    journal = Journal(path)
    journal.read()
    paid = server.paid - before
    lost = {r.messages[0].content: paid[r.messages[0].content, 0] for r in requests if r.key not in journal}
    assert sum(n > 0 for n in lost.values()) <= 3 * IN_FLIGHT
    return sum(lost.values())


def kill_when(url, path, n_lines):
    """Run the batch in a process of its own, and kill it once the journal has so many lines."""
    command = [sys.executable, "-m", "elicit.api.driver", url, str(path), str(COUNT)]
    process = subprocess.Popen(command, cwd=TESTS)
    try:
        while not path.exists() or path.read_bytes().count(b"\n") < n_lines:
            assert process.poll() is None, f"the batch ended before {n_lines} lines"
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "budget", [QueryBudget(max_tokens=900), QueryBudget(max_queries=40), QueryBudget(max_usd=0.0015, prices=PRICES)]
)
def test_the_budget_is_a_hard_stop_that_keeps_what_there_is(budget):
    requests = questions(200)
    with FaultServer(RATE, seed=3) as server:
        replies = list(endpoint(server.url, budget, patience=UNTIRING).ask(requests))
    assert budget.exhausted
    assert 0 < len(replies) < 200
    indices = sorted(index for index, _ in replies)
    assert indices == list(range(len(replies)))  # strictly in order
    generated = sum(server.paid.values())
    assert generated <= budget.spent.queries <= (budget.max_queries or 10**9)
    assert generated * (PROMPT_TOKENS + TOKENS) <= (budget.max_tokens or 10**9)
    assert generated * PRICES.usd(PROMPT_TOKENS, TOKENS) <= (budget.max_usd or 10**9)
