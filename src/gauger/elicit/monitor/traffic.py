"""Makes up accounts' queries, honest and not: what a monitor is calibrated on where no traffic of one's own is at hand.

Honest accounts have a few tasks each, with openings of their own, words by Zipf's law, and come back to what they asked
before; how much they ask has a heavy tail, and some use a template, as programs do. What is made up here is no sample
of any provider's traffic: rates of false alarms are those of these accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_OPENINGS = (
    "how do i",
    "what is the",
    "write a short",
    "please fix this",
    "can you explain",
    "translate this into",
    "summarise the following",
    "why does my",
    "give me some",
    "is it true",
    "compare these two",
    "draft an email",
)
_LONGEST = 25
WORDS = 4000
"""Different words that queries are made of, besides openings."""


@dataclass(frozen=True)
class Traffic:
    """How made-up accounts ask."""

    tasks: int = 6
    """Kinds of things that an honest account asks for."""
    reuse: float = 0.15
    """Share of an honest account's queries that repeat an earlier one."""
    programs: float = 0.2
    """Share of the honest accounts that put everything into one template."""
    median_queries: float = 60.0
    """Of an honest account; the logarithm's standard deviation is 1.3, and none asks more than `most_queries`."""
    most_queries: int = 800


def honest_accounts(count: int, rng: np.random.Generator, traffic: Traffic | None = None) -> list[list[str]]:
    """Draw honest accounts' queries, each in order."""
    traffic = traffic or Traffic()
    return [_honest(rng, traffic) for _ in range(count)]


def _honest(rng: np.random.Generator, traffic: Traffic) -> list[str]:
    n = int(np.clip(rng.lognormal(np.log(traffic.median_queries), 1.3), 1, traffic.most_queries))
    openings = rng.permutation(len(_OPENINGS))[: traffic.tasks]
    topics = rng.integers(WORDS, size=(traffic.tasks, 60))
    is_program = rng.random() < traffic.programs
    reuse = float(rng.beta(2, 2 / traffic.reuse - 2)) if traffic.reuse > 0 else 0.0
    lengths = rng.integers(4, _LONGEST, size=n)
    kinds = np.minimum(rng.geometric(0.4, size=n) - 1, 0 if is_program else traffic.tasks - 1)
    texts = _texts(rng, kinds, topics)
    repeats, earlier = rng.random(n) < reuse, rng.random(n)
    queries: list[str] = []
    for place in range(n):
        if queries and repeats[place]:
            queries.append(queries[int(earlier[place] * len(queries))])
        else:
            words = " ".join(texts[place][: lengths[place]])
            queries.append(f"{_OPENINGS[openings[kinds[place]]]} {words}")
    return queries


def _texts(rng: np.random.Generator, kinds: np.ndarray, topics: np.ndarray) -> list[list[str]]:
    """Draw words by Zipf's law, every third of the account's own topic; as many as the longest query has."""
    shape = (len(kinds), _LONGEST)
    common = np.minimum(rng.zipf(1.3, size=shape), WORDS) - 1
    own = topics[kinds[:, None], np.minimum(rng.zipf(1.5, size=shape), topics.shape[1]) - 1]
    chosen = np.where(rng.random(shape) < 1 / 3, own, common)
    return [[f"w{word}" for word in row] for row in chosen.tolist()]


def benchmark_questions(count: int, rng: np.random.Generator) -> list[str]:
    """Draw questions of a made-up benchmark: one frame, other words."""
    return [f"a task with {_plain(rng, 12)} . what is the result ?" for _ in range(count)]


def _plain(rng: np.random.Generator, length: int) -> str:
    return " ".join(f"w{word}" for word in np.minimum(rng.zipf(1.3, size=length), WORDS) - 1)


@dataclass(frozen=True)
class Distiller:
    """Somebody who asks for training text."""

    queries: int = 2000
    strategy: str = "label"
    """label: the benchmark's own training questions, each once; expand: each several times with a few words changed;
    seedless: new questions in one template; disguise: as label, among as many honest queries as `cover` says."""
    accounts: int = 1
    """Accounts that the queries are dealt out to, in turn."""
    cover: float = 0.0
    """Share of the queries that are an honest account's."""

    def accounts_of(self, questions: Sequence[str], rng: np.random.Generator) -> list[list[str]]:
        """Draw the queries and deal them out."""
        asked = [self._query(place, questions, rng) for place in range(self.queries)]
        dealt = [asked[place :: self.accounts] for place in range(self.accounts)]
        return [_covered(queries, self.cover, rng) for queries in dealt]

    def _query(self, place: int, questions: Sequence[str], rng: np.random.Generator) -> str:
        question = questions[place % len(questions)]
        if self.strategy == "seedless":
            return f"write a new problem about {_plain(rng, 10)}"
        if self.strategy == "expand":
            words = question.split()
            for spot in rng.integers(len(words), size=3):
                words[spot] = f"w{int(rng.integers(WORDS))}"
            return " ".join(words)
        return question


def _covered(queries: list[str], cover: float, rng: np.random.Generator) -> list[str]:
    """Mix an honest account's queries in."""
    if cover <= 0:
        return queries
    n_honest = round(len(queries) * cover / (1 - cover))
    many = Traffic(median_queries=1e9, most_queries=max(1, n_honest), programs=0.0)
    honest = iter(_honest(rng, many))
    left, mixed = iter(queries), []
    for place in rng.permutation(len(queries) + n_honest):
        source = left if place < len(queries) else honest
        mixed.append(next(source, "hello"))
    return mixed
