"""Defines what every kind of task offers, and divides contents into splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Protocol

import numpy as np

from gauger.worlds.items import Question, normal

TRAIN, TEST, NEW = "train", "test", "new"
"""Splits: what may be trained on, and what is held out for `TASK-FORM` and for `TASK-FORM-new`."""


def text_key(task: str, text: str) -> str:
    """Content key of a question of which only the text is known: 16 hexadecimal digits of its hash."""
    return f"{task}:{sha256(normal(text).encode()).hexdigest()[:16]}"


ALL_FORMS = ("qa", "tagged", "cloze", "rationale")
"""Forms of a task whose questions have a statement and a working."""
PLAIN_FORMS = ("qa", "tagged")
"""Forms of a task of which only question and answer are known."""


class TaskSource(Protocol):
    """One task of a language world: made of (name, settings, seed, folder of the study file).

    Its class has a `settings_type`, and ``forms(settings)``: the forms that it can be asked in.
    """

    @property
    def told(self) -> str:
        """One phrase for reports: what is asked."""
        ...

    @property
    def questions(self) -> Mapping[str, Sequence[Question]]:
        """Split -> its questions; no content key stands in two splits."""
        ...

    def score(self, question: Question, answer: str) -> float:
        """Return the verifier's score of an answer, 0-1, part credit included."""
        ...

    def keys_in(self, text: str) -> frozenset[str]:
        """Return the content keys of the task that a text touches, whatever its wording."""
        ...

    def read(self, asked: str) -> Question | None:
        """Return the question that a text asks (or the statement that it begins); None where it asks none."""
        ...


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of one named stream; unrelated names give unrelated streams."""
    return np.random.default_rng([seed, stream_number(*names)])


def stream_number(*names: str) -> int:
    """Return a number below 2^32 that stands for names."""
    return int.from_bytes(sha256("\0".join(names).encode()).digest()[:4], "big")


def divide(
    questions: Sequence[Question], sizes: Mapping[str, int], rng: np.random.Generator
) -> dict[str, list[Question]]:
    """Deal questions of distinct contents out to the splits at random; `sizes` adds up to their number."""
    names = [name for name in (TEST, NEW, TRAIN) for _ in range(sizes[name])]
    order = rng.permutation(len(questions))
    dealt: dict[str, list[Question]] = {TRAIN: [], TEST: [], NEW: []}
    for name, i in zip(names, order, strict=True):
        dealt[name].append(questions[i])
    return dealt


class Texts:
    """Finds questions by their text: the reading of tasks whose contents nobody can tell but by their words."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._by_text = {normal(text): q for q in questions for text in (q.text, q.statement) if text}
        self._lengths = sorted({len(text.split()) for text in self._by_text})

    def read(self, asked: str) -> Question | None:
        """Return the question whose text or statement this is."""
        return self._by_text.get(normal(asked))

    def keys_in(self, text: str) -> frozenset[str]:
        """Return the keys of the questions whose whole text, or statement, stands in a text."""
        words = normal(text).split()
        runs = (" ".join(words[at : at + n]) for n in self._lengths for at in range(len(words) - n + 1))
        return frozenset(self._by_text[run].key for run in runs if run in self._by_text)
