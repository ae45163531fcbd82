"""Marks answers by a green list of next tokens, and tests tokens of any text for the mark: also a student's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from gauger.elicit.defences.kinds import MarkTest
from gauger.elicit.defences.steering import NextTokens, Scores, steering_defence

GREEN = 0.5
"""Share of the tokens that are green after any token."""
STRONGEST = 8.0
"""What green tokens gain at strength 1, in nats."""
KEY = 0x5DEECE66D
"""Decides which tokens are green; whoever knows it can test for the mark."""
_FIRST, _SECOND, _STEP = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15)


def is_green(before: NDArray[np.int64], token: NDArray[np.int64], key: int = KEY) -> NDArray[np.bool_]:
    """Tell which tokens are green after which; each pair by its own draw, half of them on average.

    Parameters
    ----------
    before, token : int array
        Of shapes that go together.
    key : int
        Another key, another list; 0 to 2^63 - 1.
    """
    mixed = _mixed(np.asarray(before).astype(np.uint64) + np.uint64(key))
    mixed = _mixed(mixed ^ _mixed(np.asarray(token).astype(np.uint64) + _STEP))
    chance: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return chance < GREEN


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64 bits (SplitMix64; Steele, Lea & Flood 2014)."""
    state = state * _STEP
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def marked(known: NextTokens, strength: float) -> Scores:
    """Add 8 s nats to the green tokens.

    Parameters
    ----------
    known : NextTokens
        Of each text the last token decides which tokens are green.
    strength : float
        s, 0-1: 0 is the teacher, byte for byte; 1 takes green tokens wherever one is within 8 nats of the best.

    Notes
    -----
    Kirchenbauer et al., *A Watermark for Large Language Models* (2023), the soft red list with one token of context. It
    takes nothing from a student, but a student that was trained on marked text writes it too: Sander et al.,
    *Watermarking Makes Language Models Radioactive* (2024). Proof: tests/elicit/defences/test_watermark.py.
    """
    if strength == 0:
        return known.teacher_BV
    last_B1 = np.array([[context[-1]] for context in known.contexts], dtype=np.int64)
    token_1V = np.arange(known.teacher_BV.shape[1], dtype=np.int64)[None]
    return known.teacher_BV + STRONGEST * strength * is_green(last_B1, token_1V)


def find_mark(texts: Iterable[Sequence[int]], key: int = KEY) -> MarkTest:
    """Test texts for the mark.

    Each different pair of neighbouring tokens counts once: repeated phrases would count the same draw again, and
    declare unmarked text marked far more often than stated. Under the null hypothesis the pairs are independent draws,
    so n_green ~ Binomial(n_pairs, 1/2) and p = P(X >= n_green), which is exact.

    Parameters
    ----------
    texts : iterable of sequence of int
        Tokens as the teacher counts them, each text apart; a student's with the same vocabulary. Give only what was
        written, not prompts: those bear no mark and weaken the test.
    key : int
        As it was when the answers were marked.

    Notes
    -----
    Counting once: Fernandez et al., *Three Bricks to Consolidate Watermarks* (2023). Use it on a student's answers to
    prompts that no marked text answered, where the student may have learnt answers by heart. Proof:
    tests/elicit/defences/test_watermark.py (false positives at 1 %, and a test that counts repeats fails).
    """
    pairs = sorted({pair for text in texts for pair in pairwise(text)})
    if not pairs:
        return MarkTest(0, 0, None)
    before, token = np.array(pairs, dtype=np.int64).T
    n_green = int(is_green(before, token, key).sum())
    return MarkTest(len(pairs), n_green, float(binom.sf(n_green - 1, len(pairs), GREEN)))


WATERMARK = replace(steering_defence(marked), find=find_mark)
