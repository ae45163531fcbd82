"""Makes texts comparable: one spelling for what differs in case, width, spaces and typography alone."""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]")
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "×": "*", "·": "*"})
_SILENT = frozenset(".,;:!?'\"`()[]{}$\\_…")
"""Signs that are left out; those that calculate or compare (+ - * / = < > % ^) are kept."""


def normal(text: str) -> str:
    """Return a text in lower case and compatibility form (NFKC), with single spaces and plain quotes and dashes."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY).casefold().split())


def tokens(text: str) -> tuple[str, ...]:
    """Split a normalised text into words, numbers and signs that matter; emphasis (**) is left out."""
    parts = _TOKEN.findall(normal(text).replace("**", " "))
    return tuple(token for token in parts if token not in _SILENT)


def shingles(words: tuple[str, ...], length: int) -> frozenset[str]:
    """Return every run of `length` tokens; a text that is shorter is one run."""
    if not words:
        return frozenset()
    return frozenset(" ".join(words[i : i + length]) for i in range(max(1, len(words) - length + 1)))
