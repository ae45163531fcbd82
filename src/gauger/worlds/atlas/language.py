"""Words to token ids and back: the tokenizer of the embedded world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

PAD, BEGIN, END = 0, 1, 2
_SPECIAL = ("<pad>", "<begin>", "<end>")


class Language:
    """A closed vocabulary of whole words.

    Parameters
    ----------
    words : iterable of str
        Every word of the world, each once, in a fixed order.
    context : int
        Longest text in tokens, begin and end marks included.
    """

    def __init__(self, words: Iterable[str], context: int) -> None:
        self.words = (*_SPECIAL, *words)
        self.context = context
        self._id = {word: index for index, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def ids(self, words: Sequence[str]) -> list[int]:
        """Return the token ids of words."""
        return [self._id[word] for word in words]

    def words_of(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Return the words of token ids up to the end mark, without special tokens."""
        words = []
        for token in ids:
            if token == END:
                break
            if token > END:
                words.append(self.words[token])
        return tuple(words)

    def pad(self, rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
        """Stack rows of ids into an array (N, context), padded at the right."""
        padded = np.full((len(rows), self.context), PAD, dtype=np.int64)
        for index, row in enumerate(rows):
            padded[index, : len(row)] = row
        return padded
