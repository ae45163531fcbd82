"""Protects the items of the benchmarks: texts that no training text may repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gauger.elicit.filters.normalise import shingles, tokens

_SHORTEST = 3
"""Tokens; a shorter item is found only where it is all there is."""


class Protected:
    """Protected texts, found in others by the runs of tokens that are theirs alone.

    An item is found in a text where at least `share` of its runs of `length` tokens stand there, counting only runs
    that no other item has: what many items share is their wording, and tells none of them. An item of fewer tokens, or
    without a run of its own, is found where the whole of it stands in the text. This is simple and fast; how often it
    errs is what `gauger audit` measures for its own methods.

    Parameters
    ----------
    items : mapping of str to str
        Id -> text.
    length : int
        Tokens of a run.
    share : float
        In (0, 1].
    """

    def __init__(self, items: Mapping[str, str], length: int = 8, share: float = 0.5) -> None:
        self.length, self.share = length, share
        words = {key: tokens(text) for key, text in items.items()}
        runs = {key: shingles(found, length) for key, found in words.items() if len(found) > length}
        common = Counter(run for own in runs.values() for run in own)
        self._runs = {key: own for key, all_ in runs.items() if (own := {run for run in all_ if common[run] == 1})}
        self._owner = {run: key for key, own in self._runs.items() for run in own}
        whole = {key: found for key, found in words.items() if key not in self._runs and found}
        self._whole: dict[int, dict[str, list[str]]] = {}
        for key, found in whole.items():
            self._whole.setdefault(len(found), {}).setdefault(" ".join(found), []).append(key)

    def __bool__(self) -> bool:
        return bool(self._owner or self._whole)

    def found_in(self, text: str) -> tuple[str, ...]:
        """Return the ids of the items found in a text, sorted."""
        words = tokens(text)
        shared = Counter(self._owner[run] for run in shingles(words, self.length) if run in self._owner)
        found = {key for key, count in shared.items() if count >= self.share * len(self._runs[key])}
        for length, texts in self._whole.items():
            if length < _SHORTEST and length != len(words):
                continue
            for run in shingles(words, length) if length <= len(words) else ():
                found.update(texts.get(run, ()))
        return tuple(sorted(found))
