"""A benchmark: items with their answers, clusters and known difficulty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One question of a benchmark."""

    id: str
    """Stable within the benchmark, equal in every run of the same world."""
    cluster: str
    """Items with the same cluster share content (another wording, another order)."""
    prompt: tuple[str, ...]
    answer: tuple[str, ...]
    """The only right answer, as words."""
    difficulty: float
    """Known difficulty in the unit of the item's family."""


@dataclass(frozen=True)
class Benchmark:
    """A named set of items."""

    name: str
    skill: str
    """Knowledge domain or skill family."""
    form: str
    description: str
    items: tuple[Item, ...]
