"""Draws sequences of quirks, has Gauger ask through them, and compares its ledger with the server's bill."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from server import Billed, BillingServer, Quirks

from gauger.elicit import (
    Corpus,
    Filters,
    Journalled,
    Pace,
    Prices,
    Program,
    QueryBudget,
    Seed,
    Took,
    collect_corpus,
    parse_teacher,
    program,
)
from gauger.elicit.api.endpoint import OpenAIEndpoint
from gauger.elicit.api.pacing import Patience
from gauger.errors import UserError

MOST_OUT = 40
"""Tokens that an answer may have."""
PATIENCE = Patience(connect_s=20.0, total_s=30.0, attempts=6, first_wait_s=0.001, longest_wait_s=0.004, give_up_s=60.0)
PRICES = Prices(1.0, 10.0, 0.25, 20.0)
SLACK = 1e-12
"""US dollars; sums of floats in another order."""


@dataclass
class Outcome:
    """What became of one sequence."""

    model: str
    requests: int = 0
    """Arrivals at the server."""
    cap_usd: float | None = None
    rows: int = 0
    exact: int = 0
    """Rows whose bill the endpoint stated whole."""
    wrong: list[str] = field(default_factory=list)
    """What the ledger got wrong, in words."""
    naive_wrong: bool = False
    """Whether a ledger that adds up the usage of final answers misses the bill."""
    over_usd: float = 0.0
    """By how much the bill exceeds the cap."""
    allowed_usd: float = 0.0
    """By how much it may: what requests in flight were billed beyond the most that they could ask for."""


def run(number: int, server: BillingServer, folder: Path) -> Outcome:
    """Ask one drawn sequence to its end, in one to three sessions with other prices, pace and address each."""
    chance = random.Random(number)  # noqa: S311 - no secret
    model, count = f"m{number}", chance.randint(2, 8)
    seeds = tuple(Seed(id=str(place), prompt=f"question {place}") for place in range(count))
    quirks = Quirks(chance, MOST_OUT)
    wanted = program("label").limited(MOST_OUT, chance.choice([0.0, 0.8]))
    template = wanted.template.parts["answer"]
    prompts = [template.request({"prompt": seed.prompt}).messages[-1].content for seed in seeds]
    for prompt in prompts:
        server.scripts[model, prompt] = [quirks.draw() for _ in range(chance.randint(0, 6))]
    cap = chance.choice([None, None, chance.uniform(0.0003, 0.006)])
    in_flight = 1
    journal = folder / model / "replies.jsonl"
    for session in range(chance.randint(1, 3)):
        in_flight = max(in_flight, pace := chance.choice([1, 2, 8]))
        last_prices = PRICES if cap else replace(PRICES, usd_per_million_out=chance.choice([5.0, 10.0]))
        budget = QueryBudget(max_usd=cap, prices=last_prices)
        url = chance.choice([server.url, server.other_url])
        endpoint = OpenAIEndpoint(parse_teacher(f"{url}#{model}"), budget, Pace(pace), PATIENCE)
        partial = seeds if cap or session == 2 or chance.random() < 0.5 else seeds[: max(1, count // 2)]
        collected(endpoint, wanted, partial, journal)
    budget = QueryBudget(
        max_usd=cap, prices=PRICES
    )  # the last one at the true prices: what was asked is not asked again
    endpoint = OpenAIEndpoint(parse_teacher(f"{server.url}#{model}"), budget, Pace(8), PATIENCE)
    corpus = collected(endpoint, wanted, seeds, journal)
    return judged(Asked(model, tuple(prompts), cap, max(in_flight, 8)), corpus, journal, server)


def collected(endpoint: OpenAIEndpoint, wanted: Program, seeds: Sequence[Seed], journal: Path) -> Corpus:
    """Collect a corpus, started again where equal faults in a row have ended it, as a user would."""
    filters = Filters(verify=False, refusals=False, near_duplicates=None, unlike_seeds=False)
    for _ in range(20):
        try:
            return collect_corpus(Journalled(endpoint, journal), wanted, seeds, filters=filters)
        except UserError as error:
            if "in a row" not in str(error):
                raise
    raise AssertionError("never ends")


def bill_of(corpus: Corpus) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the least and the most that a ledger says: tokens in, tokens out, US dollars."""
    took = [sample.took for sample in corpus.samples]
    least = tuple(sum(getattr(one, name) or 0 for one in took) for name in ("tokens_in", "tokens_out", "cost_usd"))
    names = ("tokens_in_most", "tokens_out_most", "cost_most_usd")
    most = tuple(sum(getattr(one, name) or 0 for one in took) for name in names)
    return least, most  # type: ignore[return-value]


def total(billed: Sequence[Billed]) -> tuple[float, float, float]:
    """Add up a server's bill."""
    return sum(b.tokens_in for b in billed), sum(b.tokens_out for b in billed), sum(b.usd for b in billed)


@dataclass(frozen=True)
class Asked:
    """What was asked of the server."""

    model: str
    prompts: tuple[str, ...]
    """As they were sent, in the order of the seeds."""
    cap_usd: float | None
    in_flight: int
    """Most requests at once."""


def judged(asked: Asked, corpus: Corpus, journal: Path, server: BillingServer) -> Outcome:
    """Compare a ledger with the server's bill, row by row and in all."""
    model, cap = asked.model, asked.cap_usd
    found = Outcome(model, sum(server.arrived[model, prompt] for prompt in asked.prompts), cap)
    all_billed = [one for prompt in asked.prompts for one in server.billed[model, prompt]]
    rows = {sample.prompt[-1].content: sample for sample in corpus.samples if sample.prompt}
    for number, prompt in enumerate(asked.prompts):
        row, billed = rows.get(f"question {number}"), server.billed[model, prompt]
        if row is not None:
            found.rows += 1
            _compare_row(found, row.took, total(billed), server.told[model, prompt])
    whole, (least, most) = total(all_billed), bill_of(corpus)
    names = ("tokens in", "tokens out", "US dollars")
    for name, low, bill, high in zip(names, least, whole, most, strict=True):
        if not low - SLACK <= bill <= high + SLACK:
            found.wrong.append(f"{name}: {bill} billed, ledger says {low} to {high}")
    naive = naive_usd(journal)
    found.naive_wrong = abs(naive - whole[2]) > SLACK
    if cap is not None:
        found.over_usd = max(0.0, whole[2] - cap)
        excess = sorted((max(0.0, one.usd - _most_usd()) for one in all_billed), reverse=True)
        found.allowed_usd = sum(excess[: asked.in_flight])
    return found


def _compare_row(found: Outcome, took: Took, bill: tuple[float, float, float], told: bool) -> None:
    """Equal where the endpoint said all that it billed, and nothing may have been billed unseen; else within."""
    stated = (took.tokens_in, took.tokens_out, took.cost_usd)
    most = (took.tokens_in_most, took.tokens_out_most, took.cost_most_usd)
    exact = told and not took.paid_again
    found.exact += exact
    for low, billed, high in zip(stated, bill, most, strict=True):
        if exact and (low is None or high is None or abs(low - billed) > SLACK or abs(high - billed) > SLACK):
            found.wrong.append(f"{bill} billed and stated, row says {stated}")
        if high is None or not (low or 0) - SLACK <= billed <= high + SLACK:
            found.wrong.append(f"{bill} billed, row says {stated} to {most}")


def naive_usd(journal: Path) -> float:
    """Return what a ledger says that prices the tokens which the last replies list, missing ones at 0."""
    replies: dict[str, dict[str, float]] = {}
    for line in map(json.loads, journal.read_text().splitlines()):
        if raw := line.get("reply", {}).get("raw"):
            replies[line["key"]] = raw.get("usage") or {}
    listed = [(use.get("prompt_tokens") or 0, use.get("completion_tokens") or 0) for use in replies.values()]
    return (
        sum(tokens_in * PRICES.usd_per_million_in + out * PRICES.usd_per_million_out for tokens_in, out in listed) / 1e6
    )


def _most_usd() -> float:
    """Return the most that one request of these sequences may cost where the server keeps the limit on tokens."""
    return PRICES.most_usd(30, MOST_OUT)
