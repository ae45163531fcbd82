"""Watches an account's queries for signs of distillation, at a stated rate of false alarms: a part of its own.

Every feature is one that has been published for extraction attacks, and none reads an answer: how many queries there
were, how alike they begin, how near each is to those before it, how rarely one comes back, how many new words they
cover, and how many resemble benchmark items. Each is ranked among honest accounts; the largest rank is the score.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from gauger.elicit.filters.normalise import normal
from gauger.errors import UserError
from gauger.stats import binomial_interval

LOOKS = (25, 50, 100, 200, 400, 800)
"""After so many queries an account is looked at."""
FEATURES = ("volume", "template", "nearness", "freshness", "coverage", "benchmark")
"""Volume is the number of queries; the others are shares or means of the queries so far, all higher for a distiller."""
_BACK, _OPENING, _ALIKE = 20, 3, 0.5


class QueryWatch:
    """Takes in one account's queries in their order, and says what they look like so far.

    Parameters
    ----------
    items : iterable of str
        Texts of benchmark items; none leaves that feature at 0 for everybody.
    """

    def __init__(self, items: Iterable[str] = ()) -> None:
        self._items = _index(items)
        self._openings: Counter[tuple[str, ...]] = Counter()
        self._recent: deque[frozenset[str]] = deque(maxlen=_BACK)
        self._seen: set[str] = set()
        self._words: set[str] = set()
        self._n = self._fresh = self._n_words = self._like_items = 0
        self._near = 0.0

    def take(self, query: str) -> int:
        """Take in a query; returns how many there are now."""
        text = normal(query)
        words = text.split()
        bag = frozenset(words)
        self._n += 1
        self._openings[tuple(words[:_OPENING])] += 1
        self._near += max((_jaccard(bag, other) for other in self._recent), default=0.0)
        self._recent.append(bag)
        self._fresh += text not in self._seen
        self._seen.add(text)
        self._words |= bag
        self._n_words += len(words)
        self._like_items += self._is_like_an_item(bag)
        return self._n

    def features(self) -> NDArray[np.float64]:
        """Return the features of the queries so far, in the order of `FEATURES`, (6,)."""
        n = max(1, self._n)
        coverage = len(self._words) / max(1, self._n_words)
        shares = (max(self._openings.values(), default=0), self._near, self._fresh)
        return np.array([self._n, *(share / n for share in shares), coverage, self._like_items / n])

    def _is_like_an_item(self, bag: frozenset[str]) -> bool:
        rarest = sorted(bag, key=lambda word: len(self._items.get(word, ())))[: 1 + len(bag) // 2]
        candidates = {item for word in rarest for item in self._items.get(word, ())}
        return any(_jaccard(bag, item) >= _ALIKE for item in candidates)


def _index(items: Iterable[str]) -> dict[str, list[frozenset[str]]]:
    by_word: dict[str, list[frozenset[str]]] = {}
    for item in items:
        bag = frozenset(normal(item).split())
        for word in bag:
            by_word.setdefault(word, []).append(bag)
    return by_word


def _jaccard(bag: frozenset[str], other: frozenset[str]) -> float:
    either = len(bag | other)
    return len(bag & other) / either if either else 1.0


@dataclass(frozen=True)
class MonitorPower:
    """What a monitor sees of accounts of one kind."""

    n_accounts: int
    flagged: float
    """Share of the accounts that are ever flagged."""
    low: float
    """Lower end of the share's exact 95 % interval."""
    high: float
    """Upper end."""
    queries_served: float | None
    """Median number of queries that a flagged account had got by then; None where none is flagged."""
    all_served: float
    """Mean number of queries that an account got, flagged or not: what is left for a distiller."""


class Monitor:
    """Flags accounts whose queries no honest account's resemble.

    At each look, each feature's rank among the calibration accounts that got so far is taken; an account's score is its
    largest rank so far, and the threshold that score which a share `false_alarms` of the calibration accounts exceeds.
    By exchangeability a new honest account is then flagged, over all looks together, with at most that chance (split
    conformal; Vovk et al. 2005), as far as it is one like those.

    Parameters
    ----------
    honest : sequence of sequence of str
        Queries of honest accounts, each account's in order. One half ranks features, the other sets the threshold.
    false_alarms : float
        Share of honest accounts that may be flagged, above 0 and below 1.
    items : iterable of str
        Texts of benchmark items.

    Raises
    ------
    UserError
        Where there are too few honest accounts for such a rate: `1 / false_alarms` are needed for the threshold.

    Notes
    -----
    Features: Juuti et al., *PRADA* (2019), nearness of successive queries; Krishna et al. (2020) and Kesarwani et al.,
    *Model Extraction Warning* (2018), coverage; template and freshness as in providers' reports of distillation. Proof:
    tests/elicit/test_monitor.py, validation/monitor.
    """

    def __init__(self, honest: Sequence[Sequence[str]], false_alarms: float, items: Iterable[str] = ()) -> None:
        if not 0 < false_alarms < 1:
            raise UserError("a rate of false alarms above 0 and below 1", f"{false_alarms:g}")
        self.items = tuple(items)
        ranked, held = honest[::2], honest[1::2]
        allowed = floor(false_alarms * (len(held) + 1))
        if allowed < 1:
            least = 2 * (int(np.ceil(1 / false_alarms)) - 1)
            wanted = f"at least {least} honest accounts for a false-alarm rate of {false_alarms:g}"
            raise UserError(wanted, str(len(honest)))
        self._known = self._at_looks(ranked)
        scores = sorted((self._score(queries) for queries in held), reverse=True)
        self.threshold = scores[allowed - 1]

    def _at_looks(self, accounts: Sequence[Sequence[str]]) -> dict[int, NDArray[np.float64]]:
        rows: dict[int, list[NDArray[np.float64]]] = {look: [] for look in LOOKS}
        for queries in accounts:
            for look, features in looks(queries, self.items):
                rows[look].append(features)
        return {look: np.sort(np.array(scores), axis=0) for look, scores in rows.items() if scores}

    def _score(self, queries: Sequence[str]) -> float:
        return max((self.rank(look, features) for look, features in looks(queries, self.items)), default=0.0)

    def rank(self, look: int, features: NDArray[np.float64]) -> float:
        """Return the largest rank of any feature among honest accounts that got so far, 0 to a little above 1.

        What lies beyond all of them is told apart by how far; where no honest account got so far, volume alone is
        beyond all.
        """
        known = self._known.get(look)
        if known is None:
            return 2.0
        below = (known < features).mean(axis=0)
        beyond = (features - known[-1]) / (np.abs(known[-1]) + 1e-9)
        return float(np.max(np.where(features > known[-1], 1 + np.minimum(beyond, 1.0) / 2, below)))

    def flagged_after(self, queries: Iterable[str]) -> int | None:
        """Return after how many queries an account is flagged; None where it never is."""
        watch = self.watch()
        return next((count for count in map(watch.take, queries) if watch.flagged), None)

    def watch(self) -> AccountWatch:
        """Begin to watch an account."""
        return AccountWatch(self)


class AccountWatch:
    """One account under a monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor, self._queries = monitor, QueryWatch(monitor.items)
        self.flagged = False
        """Whether it has ever exceeded the threshold."""

    def take(self, query: str) -> int:
        """Take in a query; returns how many there are now."""
        count = self._queries.take(query)
        if count in LOOKS and not self.flagged:
            self.flagged = self._monitor.rank(count, self._queries.features()) > self._monitor.threshold
        return count


def looks(queries: Iterable[str], items: Iterable[str] = ()) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the features of an account at every look that it reaches."""
    watch = QueryWatch(items)
    for query in queries:
        if (count := watch.take(query)) in LOOKS:
            yield count, watch.features()


def power(monitor: Monitor, accounts: Sequence[Sequence[str]]) -> MonitorPower:
    """Say how many accounts of one kind a monitor flags, and how much they got before.

    Parameters
    ----------
    monitor : Monitor
        Calibrated on other accounts than these.
    accounts : sequence of sequence of str
        Queries of at least one account; of a distiller who splits them, every account apart.
    """
    if not accounts:
        raise UserError("at least one account to watch", "none")
    after = [monitor.flagged_after(queries) for queries in accounts]
    flagged = [count for count in after if count is not None]
    low, high = _interval(len(flagged), len(after))
    served = [len(queries) if count is None else count for queries, count in zip(accounts, after, strict=True)]
    median = float(np.median(flagged)) if flagged else None
    return MonitorPower(len(after), len(flagged) / len(after), low, high, median, float(np.mean(served)))


def _interval(successes: int, n: int) -> tuple[float, float]:
    share = binomial_interval(successes, n)
    return share.low or 0.0, 1.0 if share.high is None else share.high
