"""Finds texts that are there already: the same but for case and spaces, or nearly the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from math import ceil

from gauger.elicit.filters.normalise import normal, shingles, tokens

_ROUNDING = 1e-9
"""0.7 x 10 is a little more than 7 in floating point."""


class Known:
    """Texts seen so far."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._seen = {_key(text) for text in texts}

    def add(self, text: str) -> bool:
        """Take a text in; False where it was there, whatever its case, spaces and typography."""
        key = _key(text)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


class Near:
    """Texts seen so far, for comparison by the runs of tokens that they share.

    Two texts are near where the Jaccard index of their sets of runs, |A n B| / |A u B|, is at least `threshold`. This
    is exact, not estimated: two such sets must share one of their first |A| - ceil(threshold |A|) + 1 runs in any
    common order (prefix filtering: Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for similarity joins"),
    here that of a hash, so that only texts which share one of those are compared.

    Parameters
    ----------
    threshold : float
        In (0, 1]; 1: the same runs.
    length : int
        Tokens of a run.
    """

    def __init__(self, threshold: float, length: int = 3) -> None:
        self.threshold, self.length = threshold, length
        self._texts: list[frozenset[str]] = []
        self._index: dict[str, list[int]] = {}

    def add(self, text: str) -> bool:
        """Take a text in; False, and not taken in, where one that is near was there. A text without words never is."""
        runs = shingles(tokens(text), self.length)
        if not runs:
            return True
        prefix = sorted(runs, key=_hash)[: len(runs) - ceil(self.threshold * len(runs) - _ROUNDING) + 1]
        candidates = {place for run in prefix for place in self._index.get(run, ())}
        if any(jaccard(runs, self._texts[place]) >= self.threshold for place in candidates):
            return False
        for run in prefix:
            self._index.setdefault(run, []).append(len(self._texts))
        self._texts.append(runs)
        return True


def jaccard(first: frozenset[str], other: frozenset[str]) -> float:
    """|A n B| / |A u B|; 1 for two empty sets."""
    either = len(first | other)
    return len(first & other) / either if either else 1.0


def _key(text: str) -> bytes:
    return hashlib.sha256(normal(text).encode("utf-8", "surrogatepass")).digest()


def _hash(run: str) -> bytes:
    return hashlib.blake2b(run.encode("utf-8", "surrogatepass"), digest_size=8).digest()
