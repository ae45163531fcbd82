"""Defines what can be asked in a world: questions, their wordings, forms, and the items and benchmarks made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gauger.errors import GaugerError

STRICT, FLEXIBLE = "strict", "flexible"
"""Names of the readings of an answer: in the form's own format, and wherever it stands."""
RIGHT = 1 - 1e-9
"""Least score of an answer that counts as right."""


class VerifierError(GaugerError):
    """A task's own verifier broke on an answer: the answer has no score."""


@dataclass(frozen=True)
class Question:
    """One thing that can be asked, independent of its form."""

    skill: str
    """Knowledge domain, skill or task."""
    text: str
    """The question in words, without instructions on the form of the answer."""
    answer: str
    """A right answer; a verifier may take others."""
    key: str
    """Content key, `SKILL:...`: equal for every mirrored or reworded version of the same content."""
    difficulty: float = 0.0
    """Known difficulty; the unit depends on the skill."""
    arguments: tuple[str, ...] = ()
    """What the question is about, word by word, where the world makes its wordings from that."""
    statement: str | None = None
    """Beginning of a sentence that the answer ends; None where there is none."""
    working: str | None = None
    """Worked solution in one line, without the final answer; None where there is none."""
    id: str | None = None
    """The user's own name for it."""
    cluster: str | None = None
    """The user's own cluster (questions that share a source)."""
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What a verifier of another package needs."""


@dataclass(frozen=True)
class Wording:
    """One training text: a question in a form, or running text."""

    prompt: str
    """What a model is given; ends without a space."""
    answer: str
    """What a model is to say; begins with the space that divides it from the prompt, where there is one."""
    form: str
    question: Question | None = None
    """None for running text, which answers no single question."""

    @property
    def text(self) -> str:
        """Prompt and answer as one text."""
        return self.prompt + self.answer


@dataclass(frozen=True)
class Item:
    """One question of a benchmark."""

    id: str
    """Stable within the benchmark, equal in every run of the same world."""
    cluster: str
    """Items with the same cluster share content (another wording, another order, another form)."""
    prompt: str
    answer: str
    """A right answer in the form's own format."""
    difficulty: float
    form: str
    question: Question


@dataclass(frozen=True)
class Benchmark:
    """A named set of items, all of one skill in one form."""

    name: str
    skill: str
    form: str
    description: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Listed:
    """A benchmark that a world offers, before it is built."""

    skill: str
    form: str
    split: str
    told: str
    """What it measures, in words."""


@dataclass(frozen=True)
class Form:
    """One wording and answer format."""

    name: str
    told: str
    """One phrase for reports."""
    stops: tuple[str, ...] = ()
    """Strings after which nothing belongs to the answer; decoding may end there."""
    free: bool = False
    """Whether it is free text on a subject, without one right answer: drawn at temperature 1 and never judged."""


def normal(text: str) -> str:
    """Put a text into the form in which texts are compared: words and marks alone, in lower case."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text.casefold()))
