"""Aligns the tokens of two tokenizers along one text: positions that have as many characters of it before them.

White space is left out of the count, because tokenizers disagree on which token it belongs to. A position of the one
and a position of the other with equal counts follow the same text, and so both distributions over the next token are
about the same continuation; elsewhere they are not compared: nothing is within a character of several tokens, nor at
the marks of a thought that a chat template opened. Boizard et al. (2024) compare by number of token instead, which lays
distributions after different texts side by side once one tokenizer has cut a word in two.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from gauger.train.rows import IntArray, TokenRows

if TYPE_CHECKING:
    from gauger.train.engine import Model


_WITHIN = -1
"""Stands for the count of a position within a character."""


def characters_before(model: Model, rows: TokenRows) -> IntArray:
    """Count the characters of the learnt text before each learnt position, white space aside.

    Parameters
    ----------
    model : Model
        Whose tokens the rows are.
    rows : TokenRows
        N rows with P learnt positions in all.

    Returns
    -------
    array of int64, (P,)
        0 where each row's own text begins, and rising from there; below 0 at positions that follow no whole part of the
        text: within a character, or before a text for which the template opened a thought. Two models agree on where
        the text begins in rows whose completion alone is learnt; do not use it for texts that are learnt whole.

    Notes
    -----
    Proof: tests/train/test_alignment.py.
    """
    counted = []
    thoughts = rows.thought_N2.tolist() if len(rows.thought_N2) else [(0, 0)] * len(rows)
    for row, (start, (n_tokens, n_characters)) in enumerate(zip(rows.start_N.tolist(), thoughts, strict=True)):
        texts = model.added_texts(rows.tokens_of(row)[start:])
        lengths = np.array([len("".join((text or "").split())) for text in texts], dtype=np.int64)
        before = np.cumsum(lengths) - lengths - n_characters
        before[[place for place, text in enumerate(texts, 1) if text is None and place < len(texts)]] = _WITHIN
        # white space at the edge of what the template added or took away is counted as none of the text
        before[: max(n_tokens, int(n_tokens < 0))] = _WITHIN
        counted.append(before)
    return np.concatenate(counted) if counted else np.empty(0, dtype=np.int64)


def aligned_places(own_P: IntArray, own_first_N: IntArray, their_P: IntArray, their_first_N: IntArray) -> IntArray:
    """Find the position of theirs that follows the same text, for each position of one's own.

    Parameters
    ----------
    own_P, their_P : array of int64
        From `characters_before`, each with its own number of positions.
    own_first_N, their_first_N : array of int64, (N,)
        Place of each row's first position; as many rows in both.

    Returns
    -------
    array of int64, (P,)
        Place in `their_P`; -1 where none follows the same text, or a count is below 0. Of several with one count
        (tokens of white space) the first stands for the first, the second for the second.

    Notes
    -----
    Equal tokens are aligned one by one. Proof: tests/train/test_alignment.py.
    """
    theirs = {key: place for place, key in enumerate(_keys(their_P, their_first_N))}
    return np.array([theirs.get(key, -1) if key[1] >= 0 else -1 for key in _keys(own_P, own_first_N)], dtype=np.int64)


def _keys(before_P: IntArray, first_N: IntArray) -> list[tuple[int, int, int]]:
    """Return each position's row, count, and how many of the same row and count stand before it."""
    row_P = np.searchsorted(first_N, np.arange(len(before_P)), side="right") - 1
    keys: list[tuple[int, int, int]] = []
    times: Counter[tuple[int, int]] = Counter()
    for row, before in zip(row_P.tolist(), before_P.tolist(), strict=True):
        keys.append((row, before, times[row, before]))
        times[row, before] += 1
    return keys
