"""Made-up benchmarks and corpora whose overlaps are known."""

from __future__ import annotations

import json

import numpy as np

_LETTERS = np.array(list("aaabcdeeefghiiiklmnooopqrstuuuvwz"))


def vocabulary(n: int, rng: np.random.Generator) -> list[str]:
    """Make words, the first of them the commonest."""
    words: dict[str, None] = {}
    while len(words) < n:
        words["".join(rng.choice(_LETTERS, rng.integers(2, 9)))] = None
    return list(words)


class Writer:
    """Writes texts of words with the frequencies of a natural language (Zipf)."""

    def __init__(self, seed: int, n_words: int = 3000) -> None:
        self.rng = np.random.default_rng(seed)
        self.words = vocabulary(n_words, self.rng)
        chances = 1 / np.arange(2, n_words + 2)
        self.chances = chances / chances.sum()

    def sentence(self, n: int) -> list[str]:
        """Write n words."""
        return [self.words[k] for k in self.rng.choice(len(self.words), n, p=self.chances)]

    def text(self, n: int) -> str:
        """Write some n words in sentences."""
        parts = [" ".join(self.sentence(int(self.rng.integers(6, 16)))).capitalize() + "." for _ in range(-(-n // 11))]
        return " ".join(parts)

    def item(self, n: int = 30) -> str:
        """Write a question with numbers in it."""
        words = self.sentence(n)
        for place in self.rng.choice(n, 3, replace=False):
            words[place] = str(self.rng.integers(2, 400))
        half = n // 2
        return f"{' '.join(words[:half]).capitalize()}. {' '.join(words[half:]).capitalize()}?"


def write_lines(path, rows):
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
