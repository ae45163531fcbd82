"""Indexes items by the runs of words that they hold, and weighs each of their words by how rare it is among them.

Of every item each run of n words is kept (n = 8; fewer for short items), twice: as it is, and with all numbers alike.
A word at place p of an item of a group (a benchmark) of N items has the weight

    w(p) = log(1 + N / d(p)) * min over the runs r that cover p of (log((N + 1) / d(r)) / log(N + 1))^2

with d the number of items of the group that hold the word, or the run: what many items share is their wording, and
tells none of them. Weights of an item sum to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gauger.elicit.overlap.words import Hashes, Ints, WordsOfTexts, run_hashes, words_of

Floats = NDArray[np.float64]
_LONG, _LONG_RUN, _MIDDLE, _MIDDLE_RUN = 16, 8, 8, 5
SHORTEST = 3
"""Words; a shorter item is found only where it is a whole text."""
_MOST_SHARING, _MOST_SHARING_PART = 100, 0.05
"""A run that more items of its group share (in number, and as a part of the group) leads to none of them."""
_FILTER_BITS = (14, 24)
"""Of hashes that tell at once whether a run can be one of an item: at least and at most."""
FOUND, FOUND_SHORT = 0.3, 0.6
"""Weight of an item's words from which it counts as found: less than a half, so that half an item is found; of an item
of fewer than 16 words more than a half, because half of a short question is anybody's."""


def run_length(n_words: int) -> int:
    """Return the length of the runs by which an item of so many words is found."""
    if n_words >= _LONG:
        return _LONG_RUN
    return _MIDDLE_RUN if n_words >= _MIDDLE else n_words


@dataclass(frozen=True)
class RunTable:
    """Runs of one length at one level: which items hold each, and where."""

    hashes: Hashes
    """Of the runs, sorted, each once, with those that too many items share."""
    first: Ints
    """Where the postings of each run begin; one more than there are runs."""
    item: Ints
    place: Ints
    """Of the run's first word in the item."""
    cover: Floats
    """Weight of the item's words that the run covers."""

    @cached_property
    def maybe(self) -> NDArray[np.bool_]:
        """Tell by a hash's upper bits that it cannot be here: False is sure."""
        slots = np.zeros(1 << (64 - int(self._shift)), np.bool_)
        slots[self.hashes >> self._shift] = True
        return slots

    @property
    def _shift(self) -> np.uint64:
        """Bits that are left out: about 16 slots a run are kept."""
        least, most = _FILTER_BITS
        return np.uint64(64 - min(max(least, len(self.hashes).bit_length() + 4), most))

    def look_up(self, hashes: Hashes) -> Ints:
        """Return the number of each run here; -1 for those that are not."""
        if not len(self.hashes):
            return np.full(len(hashes), -1)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, at, -1)

    def may_hold(self, hashes: Hashes) -> Ints:
        """Return where in a sequence hashes stand that may be here."""
        return np.flatnonzero(self.maybe[hashes >> self._shift])


@dataclass(frozen=True)
class LevelOfNumbers:
    """How items read with numbers as they are, or with all numbers alike."""

    words: tuple[Hashes, ...]
    """Of each item."""
    weights: tuple[Floats, ...]
    """Of each word of each item; they sum to 1, or to 0 where all of its wording is shared."""
    tables: Mapping[int, RunTable]
    """Length of runs -> the runs of the items that have it."""


@dataclass(frozen=True)
class ItemIndex:
    """Items that are looked for in texts."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    words: WordsOfTexts
    exact: LevelOfNumbers
    masked: LevelOfNumbers
    short: Mapping[tuple[int, ...], tuple[int, ...]]
    """Words of items too short for runs -> those items."""

    def needed(self, share: float | None = None) -> Floats:
        """Return the weight of its words from which each item counts as found: `share`, or by its length."""
        n_words = np.array([len(item_words) for item_words in self.exact.words])
        return np.where(n_words >= _LONG, FOUND, FOUND_SHORT) if share is None else np.full(len(n_words), share)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of runs."""
        return tuple(self.exact.tables)


def index_items(
    items: Mapping[str, str], groups: Sequence[int] | None = None, reference: int | None = None
) -> ItemIndex:
    """Index items.

    Parameters
    ----------
    items : mapping of str to str
        Id -> text.
    groups : sequence of int, optional
        The benchmark of each item; None: they are all of one.
    reference : int, optional
        How many of the first items say how rare a word is; None: all. Made-up items beside real ones are looked for
        like them, and change nothing about them.

    Returns
    -------
    ItemIndex
    """
    ids, texts = tuple(items), tuple(items.values())
    words = words_of(texts)
    group = np.zeros(len(ids), np.int64) if groups is None else np.asarray(groups, np.int64)
    bounds = np.searchsorted(words.text, np.arange(len(ids) + 1))
    counted = len(ids) if reference is None else reference
    exact, masked = (_level(hashes, bounds, group, counted) for hashes in (words.exact, words.masked))
    short: dict[tuple[int, ...], list[int]] = {}
    for item in np.flatnonzero((np.diff(bounds) < SHORTEST) & (np.diff(bounds) > 0)):
        key = tuple(int(code) for code in words.exact[bounds[item] : bounds[item + 1]])
        short.setdefault(key, []).append(int(item))
    return ItemIndex(ids, texts, words, exact, masked, {key: tuple(items) for key, items in short.items()})


def _level(hashes: Hashes, bounds: Ints, group: Ints, counted: int) -> LevelOfNumbers:
    n_items, lengths = len(bounds) - 1, np.diff(bounds)
    sizes = np.bincount(group[:counted], minlength=int(group.max(initial=0)) + 1)
    owner = np.repeat(np.arange(n_items), lengths)
    rarity = np.log1p(sizes[group[owner]] / _sharing(hashes, owner, group, counted))
    own_runs = np.array([run_length(n) for n in lengths])
    weights = np.zeros(len(hashes))
    runs = {}
    for n in sorted({int(length) for length in own_runs if length >= SHORTEST}):
        hashed = run_hashes(hashes, n)
        start = np.flatnonzero((own_runs[owner[: len(hashed)]] == n) & (owner[: len(hashed)] == owner[n - 1 :]))
        shared = _sharing(hashed[start], owner[start], group, counted)
        size = sizes[group[owner[start]]]
        telling = (np.log((size + 1) / shared) / np.log(size + 1)) ** 2
        least = np.ones(len(hashes))
        for step in range(n):
            np.minimum.at(least, start + step, telling)
        weights += np.where(own_runs[owner] == n, rarity * least, 0.0)
        runs[n] = (hashed[start], start, shared, size)
    totals = np.bincount(owner, weights, n_items)
    weights = np.divide(weights, totals[owner], out=np.zeros_like(weights), where=totals[owner] > 0)
    tables = {n: _table(n, *run, owner, bounds, weights) for n, run in runs.items()}
    return LevelOfNumbers(_split(hashes, bounds), _split(weights, bounds), tables)


def _split(values: NDArray, bounds: Ints) -> tuple[NDArray, ...]:  # type: ignore[type-arg]
    return tuple(values[a:b] for a, b in pairwise(bounds))


def _sharing(hashes: Hashes, owner: Ints, group: Ints, counted: int) -> Ints:
    """Return for each element how many of the counted items of its group hold the same hash; at least 1."""
    _, code = np.unique(hashes, return_inverse=True)
    groups = int(group.max(initial=0)) + 1
    code = code * groups + group[owner]
    counts = owner < counted
    pairs = np.unique(np.stack([code[counts], owner[counts]]), axis=1)
    distinct, holding = np.unique(pairs[0], return_counts=True)
    at = np.minimum(np.searchsorted(distinct, code), max(len(distinct) - 1, 0))
    known = distinct[at] == code if len(distinct) else np.zeros(len(code), np.bool_)
    return np.where(known, holding[at] if len(distinct) else 1, 1)


def _table(
    n: int, hashes: Hashes, start: Ints, shared: Ints, size: Ints, owner: Ints, bounds: Ints, weights: Floats
) -> RunTable:
    order = np.argsort(hashes, kind="stable")
    order = order[(shared <= np.maximum(_MOST_SHARING, _MOST_SHARING_PART * size))[order]]
    unique, kept = np.unique(hashes), start[order]
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    item = owner[kept]
    first = np.append(np.searchsorted(hashes[order], unique), len(kept))
    return RunTable(unique, first, item, kept - bounds[item], sums[kept + n] - sums[kept])
