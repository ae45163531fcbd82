"""Benchmarks and training texts of a language world: plain strings."""

from __future__ import annotations

from dataclasses import dataclass

from gauger.worlds.language.questions import Question


@dataclass(frozen=True)
class Wording:
    """A question in a form: what a model is given, and what it is to say."""

    prompt: str
    """Ends without a space."""
    answer: str
    """Begins with the space that divides it from the prompt, where there is one."""
    question: Question
    form: str


@dataclass(frozen=True)
class TextItem:
    """One question of a benchmark."""

    id: str
    """Stable within the benchmark, equal in every run of the same world."""
    cluster: str
    """Items with the same cluster share content (another form)."""
    prompt: str
    answer: str
    """A right answer in the form's own format."""
    difficulty: float
    question: Question
    """What `TextWorld.verify` checks answers against."""


@dataclass(frozen=True)
class TextBenchmark:
    """A named set of items, all of one task in one form."""

    name: str
    skill: str
    """Name of the task."""
    form: str
    description: str
    items: tuple[TextItem, ...]
