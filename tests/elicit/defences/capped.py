"""Capped collections behind a defence, each in a process of its own, that are killed and begun again.

python -m elicit.defences.capped URL JOURNAL DEFENCE LIMIT AMOUNT
"""

import subprocess
import sys
import time
from pathlib import Path

from elicit.teacher.common import UNTIRING, endpoint, question
from elicit.teacher.fault_server import PROMPT_TOKENS, TOKENS
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import Journalled
from gauger.elicit.teacher.prices import Prices
from gauger.elicit.teacher.surfaced import Surfaced, generated
from gauger.spec import Surface

TESTS = Path(__file__).parents[2]
IN_FLIGHT = 8
PRICES = Prices(1.0, 4.0)
ASKED = [question(f"tell me about topic {number}") for number in range(90)]
LIMITS = {"max_queries": 40, "max_tokens": 1200, "max_usd": 0.002}
"""Caps that are reached long before everything is asked; a reply takes 12 tokens, and 27 millionths of a dollar."""
TAKES = {"max_queries": 1, "max_tokens": PROMPT_TOKENS + TOKENS, "max_usd": PRICES.usd(PROMPT_TOKENS, TOKENS)}
"""What the server charges for one generation."""


def collect(url, journal, defence, limit):
    """Ask everything behind a defence and a cap, as far as there is room."""
    surface = Surface(defence=defence, strength=0.4)
    amounts = {"max_usd": float, "max_queries": int, "max_tokens": int}
    budget = QueryBudget(**{limit: amounts[limit](LIMITS[limit])}, prices=PRICES)
    wire = endpoint(url, budget, IN_FLIGHT, UNTIRING)
    teacher = Surfaced(Journalled(generated(wire, surface), Path(journal), wait_s=5.0), surface)
    return list(teacher.ask(ASKED))


def begin(url, journal, defence, limit):
    """Begin a collection in a process of its own."""
    command = [sys.executable, "-m", "elicit.defences.capped", url, str(journal), defence, limit]
    return subprocess.Popen(command, cwd=TESTS)


def kill_when(server, process, generations):
    """Kill a collection with SIGKILL once the server has generated so much; returns whether it was still at it."""
    try:
        while process.poll() is None and sum(server.paid.values()) < generations:
            time.sleep(0.002)
    finally:
        was_running = process.poll() is None
        process.kill()
        process.wait()
    while server.in_flight:
        time.sleep(0.005)
    return was_running


if __name__ == "__main__":
    collect(*sys.argv[1:])
