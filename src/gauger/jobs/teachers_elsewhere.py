"""Opens teachers that no job makes: OpenAI-compatible endpoints, and recordings of what was asked before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from gauger.elicit import (
    Journalled,
    Limited,
    OpenAIEndpoint,
    Pace,
    Patience,
    Prices,
    QueryBudget,
    Replay,
    Teacher,
    generated,
    generation_of,
    require_recorded,
)
from gauger.jobs.endpoint_places import endpoint_address
from gauger.jobs.parameters import Asked
from gauger.jobs.teachers import Opened, TeacherPlace, helper_identity, helper_of
from gauger.spec import Surface
from gauger.store import fingerprint

PATIENCE_S = 24 * 3600.0
"""How long a job waits for another one that asks the same for another view of it."""
_OF_VIEWS = frozenset({"soft", "top_k", "filters", "loss"})
"""Parameters that say what becomes of replies."""
_PRICES = "usd_per_million"
_COSTS = (_PRICES, "batch_price")
_OF_SERVING = ("command", "name", "path", "manner", "environment")
"""Settings of a server that may change an answer; the others say how long it is waited for, and on how many GPUs."""


def open_replay(asked: Asked, where: TeacherPlace) -> Opened:  # noqa: ARG001 - a recording needs nothing else
    """Open a recording; the surface's budgets hold for it as for the teacher that was recorded."""
    require_recorded(asked.surface, "recorded replies")
    budget = QueryBudget(asked.surface.max_queries, asked.surface.max_tokens)
    return Opened(Limited(Replay(Path(str(asked.settings["directory"])), asked.terms), budget))


def open_endpoint(asked: Asked, where: TeacherPlace) -> Opened:
    """Open an endpoint; its replies are kept beside the job, so that a killed one pays nothing twice."""
    settings, surface = {**asked.settings, **asked.conduct}, asked.surface
    price_in, price_out, *others = (settings[f"{_PRICES}_{of}"] for of in ("in", "out", "cached", "reasoning"))
    prices = None if price_in is None or price_out is None else Prices(price_in, price_out, *others)
    if prices is not None and settings["batch"]:
        prices = prices.times(settings["batch_price"])
    budget = QueryBudget(surface.max_queries, surface.max_tokens, surface.max_usd, prices)
    pace = Pace(settings["concurrency"], settings["requests_per_minute"], settings["tokens_per_minute"])
    patience = Patience(total_s=settings["timeout_s"])
    endpoint = OpenAIEndpoint(endpoint_address(settings), budget, pace, patience, asked.terms, settings["batch"])
    helper = helper_identity(asked, where)
    kept = kept_replies(generated(endpoint, surface, helper_of(asked, where)), asked, where, helper, helper)
    return Opened(kept)


def kept_replies(
    teacher: Teacher, asked: Asked, where: TeacherPlace, of_job: Mapping[str, object], of_teacher: Mapping[str, object]
) -> Journalled:
    """Keep a teacher's replies outside the job's own directory, so that nothing is asked, or paid, a second time.

    A killed job finds its journal again. So does one that is asked for another view of the same replies, at another
    price or pace, or with another budget. A request that another job has put to the same teacher (of an arm with fewer
    samples, before a benchmark was added) is answered from that job's journal.

    Parameters
    ----------
    teacher : Teacher
        Who is asked.
    asked : Asked
        As whom: what of it decides an answer tells one teacher from another.
    where : TeacherPlace
        The job.
    of_job, of_teacher : mapping
        What tells the job, and the teacher, from others besides its parameters.
    """
    journals = where.out.parent.parent / "journals"
    name = f"{fingerprint(asking_identity({**where.identity, **of_job}))[:32]}.jsonl"
    same_teacher = journals / f"{fingerprint({**_who(asked.model_dump(mode='json')), **of_teacher})[:32]}"
    same_teacher.mkdir(parents=True, exist_ok=True)
    (same_teacher / name).touch()
    others = sorted(place.name for place in same_teacher.iterdir() if place.name != name)
    return Journalled(teacher, journals / name, PATIENCE_S, [journals / other for other in others])


def asking_identity(identity: Mapping[str, object]) -> dict[str, object]:
    """Return what of a job's parameters decides what a teacher says to it; the rest shows, counts or filters that."""
    kept = {name: value for name, value in identity.items() if name not in _OF_VIEWS}
    return {name: _who(value) if _is_asked(value) else value for name, value in kept.items()}


def _is_asked(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and {"surface", "settings", "conduct"} <= value.keys()


def _who(asked: Mapping[str, Any]) -> dict[str, object]:
    """Return what of somebody who is asked decides an answer; of how a model is served, what its replies depend on."""
    settings = {name: value for name, value in asked["settings"].items() if not name.startswith(_COSTS)}
    generation = generation_of(Surface.model_validate(asked["surface"]))
    served = asked.get("serving")
    serving = {} if served is None else {"serving": {name: served[name] for name in _OF_SERVING}}
    return {"kind": asked["kind"], "settings": settings, "generation": generation, **serving}
