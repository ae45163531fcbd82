"""Opens teachers that no job makes: OpenAI-compatible endpoints, and recordings of what was asked before."""

from __future__ import annotations

from pathlib import Path

from gauger.elicit import Journalled, Limited, OpenAIEndpoint, Pace, Prices, QueryBudget, Replay, parse_teacher
from gauger.jobs.parameters import Asked
from gauger.jobs.teachers import Opened, TeacherPlace
from gauger.store import fingerprint


def open_replay(asked: Asked, where: TeacherPlace) -> Opened:  # noqa: ARG001 - a recording needs nothing else
    """Open a recording; the surface's budgets hold for it as for the teacher that was recorded."""
    budget = QueryBudget(asked.surface.max_queries, asked.surface.max_tokens)
    return Opened(Limited(Replay(Path(str(asked.settings["directory"])), asked.terms), budget))


def open_endpoint(asked: Asked, where: TeacherPlace) -> Opened:
    """Open an endpoint; its replies are kept beside the job, so that a killed one pays nothing twice."""
    settings, surface = asked.settings, asked.surface
    price_in, price_out = settings["usd_per_million_in"], settings["usd_per_million_out"]
    prices = None if price_in is None or price_out is None else Prices(price_in, price_out)
    budget = QueryBudget(surface.max_queries, surface.max_tokens, surface.max_usd, prices)
    pace = Pace(settings["concurrency"], settings["requests_per_minute"], settings["tokens_per_minute"])
    address = parse_teacher(f"{settings['url']}#{settings['model']}")
    endpoint = OpenAIEndpoint(address, budget, pace, terms=asked.terms)
    return Opened(Journalled(endpoint, _journal(where)))


def _journal(where: TeacherPlace) -> Path:
    """Place the journal of paid replies outside the job's own directory: a killed job finds it again."""
    journals = where.out.parent.parent / "journals"
    journals.mkdir(exist_ok=True)
    return journals / f"{fingerprint(dict(where.identity))[:32]}.jsonl"
