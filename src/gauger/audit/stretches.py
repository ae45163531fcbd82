"""Cuts texts into overlapping stretches of whole sentences, about as long as items."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_FOLLOWING = 4
"""Sentences after a stretch that are kept beside it."""
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n+")


@dataclass(frozen=True)
class Stretch:
    """A stretch of a text."""

    text: str
    more: str
    """The same with what follows, so that it can be fitted to an item's length."""

    def fitted(self, n_words: int) -> str:
        """Return whole sentences from the beginning, as many as make up so many words."""
        sentences, words = _SENTENCE.split(self.more), 0
        for k, sentence in enumerate(sentences):
            length = len(sentence.split())
            if words + length / 2 >= n_words:
                return " ".join(sentences[: max(k, 1)])
            words += length
        return self.more


def stretches_of(text: str, sizes: Sequence[int]) -> Iterator[Stretch]:
    """Cut a text into overlapping stretches: from the beginning of each sentence, as many as make up each size.

    Parameters
    ----------
    text : str
    sizes : sequence of int
        Words of a stretch; longer sentences are cut.
    """
    sentences = _sentences(text, max(sizes))
    lengths = [len(sentence.split()) for sentence in sentences]
    for first in range(len(sentences)):
        ends = set()
        for size in sizes:
            end, words = first, 0
            while end < len(sentences) and words + lengths[end] / 2 < size:
                words += lengths[end]
                end += 1
            ends.add(max(end, first + 1))
        more = " ".join(sentences[first : max(ends) + _FOLLOWING])
        yield from (Stretch(" ".join(sentences[first:end]), more) for end in sorted(ends))


def _sentences(text: str, longest: int) -> list[str]:
    pieces = []
    for sentence in _SENTENCE.split(text):
        words = sentence.split()
        pieces += [" ".join(words[k : k + longest]) for k in range(0, len(words), longest)]
    return pieces
