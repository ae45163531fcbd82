"""Finds indexed items in texts: which, how much of each by weight, and where.

A text is scanned for the runs of all items at once. Only where the runs that it shares with an item could weigh enough
is it looked at closer: within a stretch of the text that is not much longer than the item, the item's words that stand
in shared runs are added up by weight, once with numbers as they are and once with all numbers alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gauger.elicit.overlap.index import SHORTEST, Floats, ItemIndex, LevelOfNumbers, RunTable
from gauger.elicit.overlap.words import Ints, WordsOfTexts, hashes_of_runs, run_hashes

_ROUNDING = 1e-9
_STRETCH, _STRETCH_MORE = 2, 16
"""A quotation may take up this many times the item's words, and so many more."""


@dataclass(frozen=True)
class ItemInText:
    """One item in one text."""

    text: int
    """Which of the texts."""
    item: int
    """Which of the items."""
    exact: float
    """Weight of its words that stand there, 0-1."""
    masked: float
    """The same with all numbers alike."""
    places: tuple[tuple[int, int, int], ...]
    """(word of the texts, word of the item, words) of every stretch that both share, numbers alike."""


@dataclass(frozen=True)
class _Shared:
    """Runs that texts share with items, in the order of text, item, word."""

    text: Ints
    item: Ints
    word: Ints
    place: Ints
    length: Ints
    cover: Floats
    is_exact: Ints


def find_items(index: ItemIndex, words: WordsOfTexts, least: Floats) -> Iterator[ItemInText]:
    """Yield every item of which enough stands in a text, text by text.

    Parameters
    ----------
    index : ItemIndex
    words : WordsOfTexts
        Of the texts.
    least : array (items,)
        Weight of its words, 0-1, that is enough (`ItemIndex.needed`), numbers as they are or alike.
    """
    yield from _short_items(index, words)
    shared = _shared_runs(index, words)
    if shared is None:
        return
    change = (np.diff(shared.text) != 0) | (np.diff(shared.item) != 0)
    begins = np.concatenate([[0], np.flatnonzero(change) + 1])
    ends = np.append(begins[1:], len(shared.text))
    exact = np.add.reduceat(shared.cover * shared.is_exact, begins)
    masked = np.add.reduceat(shared.cover * (1 - shared.is_exact), begins)
    enough = np.minimum(least, 1.0) - _ROUNDING
    for k in np.flatnonzero(np.maximum(exact, masked) >= enough[shared.item[begins]]):
        match = _closer(index, shared, slice(int(begins[k]), int(ends[k])))
        if match.masked >= enough[match.item]:
            yield match


def _short_items(index: ItemIndex, words: WordsOfTexts) -> Iterator[ItemInText]:
    """Yield the items that are too short for runs where they are whole texts."""
    if not index.short:
        return
    n_words = np.bincount(words.text)
    for text in np.flatnonzero((n_words > 0) & (n_words < SHORTEST)):
        place = words.of(int(text))
        key = tuple(int(code) for code in words.exact[place])
        for item in index.short.get(key, ()):
            yield ItemInText(int(text), item, 1.0, 1.0, ((place.start, 0, len(key)),))


def _shared_runs(index: ItemIndex, words: WordsOfTexts) -> _Shared | None:
    parts = [part for n in index.lengths for part in _of_length(index, words, n)]
    if not any(len(part[0]) for part in parts):
        return None
    text, item, word, place, length, cover, is_exact = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((word, item, text))
    return _Shared(*(column[order] for column in (text, item, word, place, length, cover, is_exact)))


def _of_length(index: ItemIndex, words: WordsOfTexts, n: int) -> Iterator[tuple[Ints | Floats, ...]]:
    """Yield what is shared with numbers alike, then, looked for only there, with numbers as they are."""
    masked, exact = index.masked.tables[n], index.exact.tables[n]
    runs = run_hashes(words.masked, n)
    at = masked.may_hold(runs)
    number = masked.look_up(runs[at])
    within_text = (number >= 0) & (words.text[at] == words.text[at + n - 1])
    at, number = at[within_text], number[within_text]
    yield _postings(masked, number, at, words, n, 0)
    number = exact.look_up(hashes_of_runs(words.exact, at, n))
    yield _postings(exact, number[number >= 0], at[number >= 0], words, n, 1)


def _postings(
    table: RunTable, number: Ints, at: Ints, words: WordsOfTexts, n: int, is_exact: int
) -> tuple[Ints | Floats, ...]:
    """Return a line per run of the texts and item that holds it."""
    count = table.first[number + 1] - table.first[number]
    total = int(count.sum())
    offset = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    posting = np.repeat(table.first[number], count) + offset
    at = np.repeat(at, count)
    constant = np.full(total, n), np.full(total, is_exact)
    return words.text[at], table.item[posting], at, table.place[posting], constant[0], table.cover[posting], constant[1]


def _closer(index: ItemIndex, shared: _Shared, group: slice) -> ItemInText:
    """Look at the runs that one text shares with one item: take the stretch of the text that holds most of it."""
    word, cover = shared.word[group], shared.cover[group]
    item = int(shared.item[group.start])
    n_words = len(index.exact.words[item])
    reach = np.searchsorted(word, word + _STRETCH * n_words + _STRETCH_MORE)
    sums = np.concatenate([[0.0], np.cumsum(cover)])
    best = int(np.argmax(sums[reach] - sums[:-1]))
    inside = slice(group.start + best, group.start + int(reach[best]))
    place, length, is_exact = shared.place[inside], shared.length[inside], shared.is_exact[inside] == 1
    exact = _weight(index.exact, item, place[is_exact], length[is_exact])
    masked = _weight(index.masked, item, place[~is_exact], length[~is_exact])
    return ItemInText(int(shared.text[group.start]), item, exact, max(exact, masked), _places(shared, inside))


def _weight(level: LevelOfNumbers, item: int, place: Ints, length: Ints) -> float:
    """Return the weight of an item's words that runs cover."""
    weights = level.weights[item]
    change = np.zeros(len(weights) + 1, np.int64)
    np.add.at(change, place, 1)
    np.add.at(change, place + length, -1)
    return min(1.0, float(weights[np.cumsum(change[:-1]) > 0].sum()))


def _places(shared: _Shared, inside: slice) -> tuple[tuple[int, int, int], ...]:
    """Join runs that go on from one another into stretches."""
    order = np.lexsort((shared.word[inside], shared.word[inside] - shared.place[inside]))
    stretches: list[list[int]] = []
    columns = (shared.word[inside][order], shared.place[inside][order], shared.length[inside][order])
    for word, place, length in zip(*(column.tolist() for column in columns), strict=True):
        last = stretches[-1] if stretches else None
        if last and word - place == last[0] - last[1] and word <= last[0] + last[2]:
            last[2] = max(last[2], word + length - last[0])
        else:
            stretches.append([word, place, length])
    return tuple(sorted((a, b, c) for a, b, c in stretches))
