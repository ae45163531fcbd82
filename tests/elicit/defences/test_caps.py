"""A cap holds behind every kind of defence, at 30 % faults and where a collection is left and begun again."""

import os
import random
from itertools import islice

import pytest

from elicit.defences.capped import IN_FLIGHT, LIMITS, TAKES, begin, collect, kill_when
from elicit.teacher.common import UNTIRING, endpoint, question
from elicit.teacher.fault_server import FaultServer
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.surfaced import Surfaced, generated
from gauger.spec import Surface

CAP = LIMITS["max_queries"]
ASKED = [question(f"tell me about topic {number}") for number in range(60)]


@pytest.mark.parametrize("name", ["heat", "rewrite", "brief", "ration", "refuse-flagged", "shorten"])
def test_no_defence_lets_more_through_than_the_cap_and_what_is_in_flight(tmp_path, name):
    surface = Surface(defence=name, strength=0.4)
    with FaultServer(0.3) as server:
        for taken in (5, 12, None):  # twice somebody leaves early, as a kill does; then goes on
            budget = QueryBudget(max_queries=CAP)
            wire = endpoint(server.url, budget, IN_FLIGHT, UNTIRING)
            teacher = Surfaced(Journalled(generated(wire, surface), tmp_path / "replies.jsonl"), surface)
            list(islice(teacher.ask(ASKED), taken))
        assert 0 < sum(server.paid.values()) <= CAP + IN_FLIGHT


@pytest.mark.parametrize(
    ("name", "limit"), [("heat", "max_queries"), ("rewrite", "max_tokens"), ("refuse-flagged", "max_usd")]
)
def test_a_cap_holds_where_the_collection_is_killed_and_begun_again(tmp_path, name, limit):
    """SIGKILL twice, at random moments: what was in flight is not known to be paid, and is counted at its most."""
    chance = random.Random(os.urandom(8))
    moments = sorted(chance.sample(range(1, 30), 2))
    with FaultServer(0.3, latency_s=0.01) as server:
        for generations in moments:
            kill_when(server, begin(server.url, tmp_path / "replies.jsonl", name, limit), generations)
        collect(server.url, tmp_path / "replies.jsonl", name, limit)
    spent = sum(server.paid.values()) * TAKES[limit]
    assert 0 < spent <= LIMITS[limit] + IN_FLIGHT * TAKES[limit], moments
