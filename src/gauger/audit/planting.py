"""Plants what an audit must find, and what it must not: every class of copy of an item, and twins that are no copies.

A copy is planted in a text of the user's own corpus. A twin is put together from stretches of other items of the same
benchmark, each shorter than the runs by which items are found, and joined where both have the same word if there is
one: it is made of the benchmark's own phrases, and repeats no item. Twins are looked for in the whole corpus, like
items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gauger.audit.benchmarks import AuditItem
from gauger.audit.rephrase import rephrased

VERBATIM, EMBEDDED, CASE, HALF, NUMBERS, OPTIONS, MIRRORED, REPHRASED, MODEL = (
    "verbatim", "embedded", "case and punctuation", "half quoted", "numbers changed", "option order", "mirrored",
    "rephrased by rules", "rephrased by a model",
)  # fmt: skip
_LONGEST_HOST = 8_000
_STRETCH, _STRETCH_SHORT, _LONG = (3, 5), (2, 3), 16
"""Words of a stretch at least and at most, of long and of short items: with the word at which it is joined, and one
that agrees by chance at either end, still shorter than the runs by which items are found."""
_TRIES, _ABOUT = 12, 0.2
"""Joints that are looked at, and how far, in parts of an item, what follows may stand from where it would have stood: a
twin then holds the benchmark's wording where items hold it, and once."""
_WORD = re.compile(r"\w+|[^\w\s]")
_NUMBER = re.compile(r"\d+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_SIGN = re.compile(r"(?<![\d])[.,;:!?\"'()](?!\d)")

Copying = Callable[[AuditItem, np.random.Generator], str | None]


def _text(item: AuditItem, _: np.random.Generator) -> str:
    return item.text


def _case(item: AuditItem, rng: np.random.Generator) -> str:
    """Change case, drop or double signs, and break lines elsewhere."""
    text = [str.upper, str.lower, str.title, str.swapcase][rng.integers(4)](item.text)
    text = _SIGN.sub(lambda match: ["", match[0] + match[0], " "][rng.integers(3)], text)
    return ["  ", "\n", " \n\t", " "][rng.integers(4)].join(text.split())


def _half(item: AuditItem, rng: np.random.Generator) -> str | None:
    """Quote the first or the second half, by words."""
    words = item.text.split()
    if len(words) < 4:
        return None
    middle = (len(words) + 1) // 2
    return " ".join(words[:middle] if rng.random() < 0.5 else words[len(words) - middle :])


def _numbers(item: AuditItem, rng: np.random.Generator) -> str | None:
    """Put another number of as many digits in the place of every number."""
    if not _NUMBER.search(item.text):
        return None

    def other(match: re.Match[str]) -> str:
        digits = min(len(match[0]), 15)
        low, high = (10 ** (digits - 1), 10**digits) if digits > 1 else (0, 10)
        number = int(rng.integers(low, high))
        return str(number if str(number) != match[0] else low + (number + 1 - low) % (high - low))

    return _NUMBER.sub(other, item.text)


def _options(item: AuditItem, rng: np.random.Generator) -> str | None:
    """Put the options in another order, with other marks."""
    n = len(item.options)
    if n < 2:
        return None
    order = np.roll(np.arange(n), 1) if n == 2 else rng.permutation(n)
    mark = ["{}. ", "({}) ", "{}) ", "- "][rng.integers(4)]
    lines = [mark.format(chr(65 + place)) + item.options[k] for place, k in enumerate(order)]
    return "\n".join([item.question, *lines])


def _mirrored(item: AuditItem, _: np.random.Generator) -> str | None:
    """Say the last sentence first: parts of the item from the back to the front."""
    parts = [part for part in _SENTENCE.split(item.text) if part.strip()]
    return " ".join(reversed(parts)) if len(parts) > 1 else None


COPIES: Mapping[str, Copying] = {
    VERBATIM: _text,
    EMBEDDED: _text,
    CASE: _case,
    HALF: _half,
    NUMBERS: _numbers,
    OPTIONS: _options,
    MIRRORED: _mirrored,
    REPHRASED: lambda item, rng: rephrased(item.text, rng),
}
"""Class -> what it makes of an item; None where the item has none of it (no numbers, no options)."""


def plant(item: AuditItem, kind: str, hosts: Sequence[str], rng: np.random.Generator) -> str | None:
    """Return a text that holds a copy of an item: the copy alone for `verbatim`, else within a text of the corpus.

    Parameters
    ----------
    item : AuditItem
    kind : str
        A class of `COPIES`.
    hosts : sequence of str
        Texts of the corpus.
    rng : np.random.Generator

    Returns
    -------
    str or None
        None where the item has no copy of this class.
    """
    copy = COPIES[kind](item, rng)
    if copy is None or kind == VERBATIM or not hosts:
        return copy
    return planted_in(hosts[int(rng.integers(len(hosts)))], copy, rng)


def planted_in(host: str, copy: str, rng: np.random.Generator) -> str:
    """Put a copy into a text, between two of its words."""
    words = host[:_LONGEST_HOST].split(" ")
    place = int(rng.integers(len(words) + 1))
    return " ".join([*words[:place], copy, *words[place:]])


def twins(items: Sequence[AuditItem], rng: np.random.Generator) -> list[str]:
    """Return one text per item that is made like the items and is none of them.

    Parameters
    ----------
    items : sequence of AuditItem
        Of one benchmark.
    rng : np.random.Generator

    Returns
    -------
    list of str
        Each as long as its item; empty texts where the benchmark has a single item, which has nothing to be mixed with.
    """
    words = [_WORD.findall(item.text) for item in items]
    where: dict[str, list[tuple[int, int]]] = {}
    for number, item_words in enumerate(words):
        for place, word in enumerate(item_words):
            where.setdefault(word.lower(), []).append((number, place))
    return [_twin(words, where, number, rng) for number in range(len(words))] if len(words) > 1 else [""] * len(words)


def _twin(
    words: Sequence[Sequence[str]], where: Mapping[str, list[tuple[int, int]]], like: int, rng: np.random.Generator
) -> str:
    """Put stretches of other items together until the text is as long as the item that it is like."""
    wanted = len(words[like])
    shortest, longest = _STRETCH if sum(map(str.isalnum, words[like])) >= _LONG else _STRETCH_SHORT
    made: list[str] = []
    source, place = _other(words, {like}, rng), 0
    while len(made) < wanted:
        stretch = words[source][place : place + int(rng.integers(shortest, longest + 1))]
        made += stretch
        source, place = _next(words, where, (source, place + len(stretch) - 1), len(made) / wanted, rng)
    return " ".join(made[:wanted])


def _next(
    words: Sequence[Sequence[str]],
    where: Mapping[str, list[tuple[int, int]]],
    left: tuple[int, int],
    part: float,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Choose where to go on: about as far into another item, after the same word if one is found soon."""
    source, last = left
    joints = where.get(words[source][last].lower(), []) if last < len(words[source]) else []
    for _ in range(_TRIES if len(joints) > 1 else 0):
        number, place = joints[int(rng.integers(len(joints)))]
        goes_on = place + 1 < len(words[number]) and abs((place + 1) / len(words[number]) - part) < _ABOUT
        if number != source and goes_on and not _agree(words[source], last, words[number], place):
            return number, place + 1
    number = _other(words, {source}, rng)
    return number, int(part * len(words[number]) * 0.8)


def _agree(words: Sequence[str], at: int, other: Sequence[str], place: int) -> bool:
    """Tell whether two items agree in the word before or after the one at which they would be joined."""
    after = at + 1 < len(words) and words[at + 1].lower() == other[place + 1].lower()
    return after or (at > 0 and place > 0 and words[at - 1].lower() == other[place - 1].lower())


def _other(words: Sequence[Sequence[str]], but: set[int], rng: np.random.Generator) -> int:
    while True:
        number = int(rng.integers(len(words)))
        if number not in but and words[number]:
            return number
        if all(k in but or not item_words for k, item_words in enumerate(words)):
            return next(iter(but))
