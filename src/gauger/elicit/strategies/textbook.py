"""Asks for the topic of each seed, then for a section on each topic, in the template's several manners (textbook)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gauger.elicit.filters.normalise import normal
from gauger.elicit.sample import STEP, Sample
from gauger.elicit.strategies.continuation import continue_topics
from gauger.elicit.strategies.rounds import Ask, Results, Rounds, StrategyWork
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.strategies.strategy import Strategy, holes
from gauger.elicit.strategies.writing import MOST_AT_ONCE, UNPARSED

_MOST_WORDS = 16
"""Of a topic; what is longer is an answer or an excuse."""
_MOST_MANNERS = 64


@dataclass(frozen=True)
class _Topic:
    name: str
    seeds: tuple[Seed, ...]
    parents: tuple[str, ...]


def ask_textbook(work: StrategyWork) -> Rounds:
    """Ask for the topics of some seeds, write a section on each, and so on; then the same topics in other manners.

    Seeds of one round that share a topic share its section. Without a number wanted every seed leads to one section.
    """
    seeds, at_once = work.shuffled(), 1
    topics: dict[str, _Topic] = {}
    written: Counter[str] = Counter()
    while seeds and work.missing != 0:
        chosen, seeds = seeds[:at_once], seeds[at_once:]
        named = _topics((yield [_name(work, seed) for seed in chosen]), chosen)
        topics |= {key: _join([topics[key], topic]) if key in topics else topic for key, topic in named.items()}
        yield _sections(work, list(named.items())[: work.missing], written)
        at_once = min(MOST_AT_ONCE, 2 * at_once)
    while work.missing and (asks := _sections(work, list(topics.items())[: work.missing], written)):
        yield asks
        topics = {key: topics[key] for key in sorted(topics, key=lambda key: written[key])}


def _name(work: StrategyWork, seed: Seed) -> Ask:
    request = work.template.parts["topic"].request({"prompt": seed.prompt})
    draft = replace(work.own(seed), prompt=request.messages, seed=None)
    return Ask(request, draft, step=True, read=_readable, takes_cut=True)


def _topics(replies: Results, seeds: Sequence[Seed]) -> dict[str, _Topic]:
    """Return normalised topic -> topic with all the seeds that have it."""
    topics: dict[str, list[_Topic]] = {}
    for reply, seed in zip(replies, seeds, strict=True):
        if reply is not None and reply.dropped == STEP and (name := _topic(reply.answer)):
            topics.setdefault(normal(name), []).append(_Topic(name, (seed,), (reply.id,)))
    return {key: _join(same) for key, same in topics.items()}


def _join(topics: Sequence[_Topic]) -> _Topic:
    seeds = tuple(dict.fromkeys(seed for topic in topics for seed in topic.seeds))
    return _Topic(topics[0].name, seeds, tuple(dict.fromkeys(key for topic in topics for key in topic.parents)))


def _sections(work: StrategyWork, topics: Sequence[tuple[str, _Topic]], written: Counter[str]) -> list[Ask]:
    """Ask for a section on each topic, in the next manner; topics that were written in all of them are left out."""
    part, vary = work.template.parts["answer"], work.template.vary or ("",)
    most = _MOST_MANNERS if part.temperature > 0 else len(vary)
    asks = []
    for key, topic in topics:
        if written[key] < most:
            direction = vary[written[key] % len(vary)]
            request = part.request({"prompt": topic.name, "direction": direction}, written[key] // len(vary))
            draft = work.draft(topic.name, topic.seeds, topic.parents, 1)
            asks.append(Ask(request, draft))
            written[key] += 1
    return asks


def _topic(text: str) -> str | None:
    """Read a topic: the first line, without label, emphasis and full stop; None where it is too long to be one."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"^topic\s*:\s*", "", line.strip("*_#\"'` "), flags=re.IGNORECASE).strip("*_\"'` ").rstrip(". ")
    return line if line and len(line.split()) <= _MOST_WORDS else None


def _readable(reply: Sample) -> Sample:
    return reply if _topic(reply.answer) else reply.fails(UNPARSED)


TEXTBOOK = Strategy(
    ask_textbook,
    {"topic": holes("prompt"), "answer": holes("prompt", "direction")},
    "answer",
    continuing=continue_topics,
)
