"""A cap holds behind every kind of defence, at 30 % faults and where a collection is left and begun again."""

from itertools import islice

import pytest

from elicit.teacher.common import UNTIRING, endpoint, question
from elicit.teacher.fault_server import FaultServer
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.surfaced import Surfaced, generated
from gauger.spec import Surface

CAP, IN_FLIGHT = 40, 8
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
