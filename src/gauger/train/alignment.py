"""Aligns the tokens of two tokenizers along one text: positions that have as many characters of it before them.

White space is left out of the count, because tokenizers disagree on which token it belongs to. A position of the one
and a position of the other with equal counts follow the same text, and so both distributions over the next token are
about the same continuation; elsewhere they are not compared. Boizard et al. (2024) compare by number of token instead,
which lays distributions after different texts side by side once one tokenizer has cut a word in two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gauger.train.rows import IntArray, TokenRows

if TYPE_CHECKING:
    from gauger.train.engine import Model


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
        0 at each row's first learnt position; never falls within a row. Two models agree on where that is in rows whose
        completion alone is learnt; do not use it for texts that are learnt whole. A token that is no text of its own (a
        part of a character) counts as its engine shows it.

    Notes
    -----
    Proof: tests/train/test_alignment.py.
    """
    counted = []
    for row, start in enumerate(rows.start_N.tolist()):
        texts = model.token_texts(rows.tokens_of(row)[start:])
        lengths = np.array([len("".join(text.split())) for text in texts], dtype=np.int64)
        counted.append(np.cumsum(lengths) - lengths)
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
        Place in `their_P`; -1 where none follows the same text. Of several with one count (tokens of white space) the
        first stands for the first, the second for the second.

    Notes
    -----
    Equal tokens are aligned one by one. Proof: tests/train/test_alignment.py.
    """
    theirs = {key: place for place, key in enumerate(_keys(their_P, their_first_N))}
    return np.array([theirs.get(key, -1) for key in _keys(own_P, own_first_N)], dtype=np.int64)


def _keys(before_P: IntArray, first_N: IntArray) -> list[tuple[int, int, int]]:
    """Return each position's row, count, and how many of the same row and count stand before it."""
    row_P = np.searchsorted(first_N, np.arange(len(before_P)), side="right") - 1
    keys: list[tuple[int, int, int]] = []
    for row, before in zip(row_P.tolist(), before_P.tolist(), strict=True):
        again = bool(keys) and keys[-1][:2] == (row, before)
        keys.append((row, before, keys[-1][2] + 1 if again else 0))
    return keys
