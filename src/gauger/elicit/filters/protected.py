"""Protects the items of the benchmarks: texts that no training text may repeat."""

from __future__ import annotations

from collections.abc import Mapping

from gauger.elicit.overlap.index import index_items
from gauger.elicit.overlap.matching import find_items
from gauger.elicit.overlap.words import words_of


class Protected:
    """Protected texts, found in others by the runs of words that they share: the n-gram net of `gauger audit`.

    An item is found in a text where enough of its words, by their weight, stand there in shared runs, numbers as they
    are: what many items share is their wording, and weighs little (`overlap.index`). An item of fewer than
    three words is found where it is the whole text. How often this errs is what `gauger audit` measures.

    Parameters
    ----------
    items : mapping of str to str
        Id -> text.
    share : float, optional
        How much is enough, in (0, 1]; None: as in an audit, 0.3, and 0.6 of an item of fewer than 16 words.
    """

    def __init__(self, items: Mapping[str, str], share: float | None = None) -> None:
        self._index = index_items(items)
        self._needed = self._index.needed(share)

    def __bool__(self) -> bool:
        return len(self._index.words) > 0

    def found_in(self, text: str) -> tuple[str, ...]:
        """Return the ids of the items found in a text, sorted."""
        matches = find_items(self._index, words_of([text]), self._needed)
        return tuple(
            sorted(self._index.ids[match.item] for match in matches if match.exact >= self._needed[match.item])
        )
