"""Kills sessions by `kill -9`, and looks whether anything that the server billed is invisible afterwards."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sequences import MOST_OUT, PATIENCE, PRICES, Asked, Outcome, collected, judged
from server import LIMITLESS, BillingServer, Quirks

from gauger.elicit import Pace, QueryBudget, Seed, program
from gauger.elicit.api.endpoint import OpenAIEndpoint, parse_teacher

PROMPTS, IN_FLIGHT, KILLS_EACH = 120, 8, 5
LATENCY_S = 0.02


@dataclass
class Killed:
    """What became of one collection that was killed several times."""

    outcome: Outcome
    kills: int
    unseen: int
    """Arrivals at the server that no line of the journal told of when a session had been killed."""
    invisible_to_replies: int
    """Billed replies that a journal of replies alone would not have told of at the end."""


def seeds() -> tuple[Seed, ...]:
    """Return what is asked."""
    return tuple(Seed(id=str(place), prompt=f"question {place}") for place in range(PROMPTS))


def ask(url: str, model: str, journal: Path) -> None:
    """Be the session that is killed."""
    endpoint = OpenAIEndpoint(parse_teacher(f"{url}#{model}"), QueryBudget(prices=PRICES), Pace(IN_FLIGHT), PATIENCE)
    collected(endpoint, program("label").limited(MOST_OUT, 0.0), seeds(), journal)


def run(number: int, server: BillingServer, folder: Path) -> Killed:
    """Collect, killed at random moments, and compare what the ledger says at last with the server's bill."""
    chance = random.Random(number)  # noqa: S311 - no secret
    model, journal = f"k{number}", folder / f"k{number}" / "replies.jsonl"
    wanted = program("label").limited(MOST_OUT, 0.0)
    template, quirks = wanted.template.parts["answer"], Quirks(chance, MOST_OUT, LIMITLESS)
    prompts = [template.request({"prompt": seed.prompt}).messages[-1].content for seed in seeds()]
    keys = {
        template.request({"prompt": seed.prompt}).key: prompt for seed, prompt in zip(seeds(), prompts, strict=True)
    }
    for prompt in prompts:
        server.scripts[model, prompt] = [quirks.draw() for _ in range(chance.randint(0, 2))]
    unseen = 0
    for _ in range(KILLS_EACH):
        killed_session(server, model, journal, chance)
        told = told_of(journal, keys)
        unseen += sum(
            max(0, count - told[prompt]) for (whose, prompt), count in server.arrived.items() if whose == model
        )
    endpoint = OpenAIEndpoint(
        parse_teacher(f"{server.other_url}#{model}"), QueryBudget(prices=PRICES), Pace(8), PATIENCE
    )
    corpus = collected(endpoint, wanted, seeds(), journal)
    outcome = judged(Asked(model, tuple(prompts), None, IN_FLIGHT), corpus, journal, server)
    replies = sum('"reply"' in line for line in journal.read_text().splitlines())
    billed = sum(len(server.billed[model, prompt]) for prompt in prompts)
    return Killed(outcome, KILLS_EACH, unseen, billed - replies)


def killed_session(server: BillingServer, model: str, journal: Path, chance: random.Random) -> None:
    """Start a session, and kill it once the journal has so many lines more and a random time has gone."""
    begun, more_lines = lines_of(journal), chance.randint(2, 2 * PROMPTS // KILLS_EACH)
    command = [sys.executable, __file__, server.url, model, str(journal)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        while process.poll() is None and lines_of(journal) < begun + more_lines:
            time.sleep(0.002)
        time.sleep(chance.random() * LATENCY_S)
    finally:
        process.kill()
        process.wait()
    while server.in_flight:
        time.sleep(0.005)


def lines_of(journal: Path) -> int:
    """Count the lines of a journal."""
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def told_of(journal: Path, keys: dict[str, str]) -> Counter[str]:
    """Count the sendings of every prompt that a journal tells of."""
    found: Counter[str] = Counter()
    for line in journal.with_name(f"{journal.name}.sent").read_text().splitlines(keepends=True):
        if line.endswith("\n") and "sent" in (said := json.loads(line)):
            found[keys[said["sent"]]] += 1
    return found


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
