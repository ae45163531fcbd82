"""A question: what is asked, what the answer is, and the content that must not cross a split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One thing that can be asked of the world, independent of its wording."""

    family: str
    """Knowledge domain or skill: fauna, minerals, max, sort, sum."""
    arguments: tuple[str, ...]
    """Words of the question in order: (entity, relation), (a, b) or the letters."""
    answer: tuple[str, ...]
    """Words of the only right answer."""
    key: str
    """Content key: equal for every mirrored or reworded version of the same question ("sum:3+17" for 17+3 too)."""
    difficulty: float
    """Known difficulty; the unit depends on the family (see `knowledge.py` and `skills.py`)."""
