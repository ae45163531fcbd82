"""Asks questions about letters whose answer is computed: the skills.

max      the largest of three letters; easy. Difficulty: minus the gap between the largest and the second largest.
sort     three letters in order; takes hundreds of training steps. Difficulty: number of inversions.
middle   the median of five letters; hard. Difficulty: minus the gap between the median and its nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from gauger.worlds.items import Question


@dataclass(frozen=True)
class Skill:
    """How a skill's questions are made."""

    size: int
    """Letters in a question."""
    solve: Callable[[Sequence[int]], tuple[list[int], float]]
    """Letters in the order of the question -> (letters of the answer, difficulty)."""


def _sort(order: Sequence[int]) -> tuple[list[int], float]:
    inversions = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    return sorted(order), float(inversions)


def _largest(order: Sequence[int]) -> tuple[list[int], float]:
    first, second = sorted(order, reverse=True)[:2]
    return [first], float(second - first)


def _middle(order: Sequence[int]) -> tuple[list[int], float]:
    _, below, middle, above, _ = sorted(order)
    return [middle], -float(min(middle - below, above - middle))


SKILLS: dict[str, Skill] = {"max": Skill(3, _largest), "sort": Skill(3, _sort), "middle": Skill(5, _middle)}


def letters_key(skill: str, letters: Sequence[str]) -> str:
    """Content key of a question: the letters as a set, whatever their order."""
    return f"{skill}:{'-'.join(sorted(letters))}"


def skill_questions(
    skill: str, letters: Sequence[str], n_sets: int, orders: int, rng: np.random.Generator
) -> list[Question]:
    """Draw at most `n_sets` sets of letters and `orders` orders of each, all different; orders share a content key."""
    size = SKILLS[skill].size
    n_sets = min(n_sets, comb(len(letters), size))
    sets = list(combinations(range(len(letters)), size))
    chosen = sorted(rng.choice(len(sets), size=n_sets, replace=False))
    return [_question(skill, letters, order) for index in chosen for order in _orders(sets[index], orders, rng)]


def _orders(letters: tuple[int, ...], orders: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < orders:
        drawn[tuple(int(letter) for letter in rng.permutation(letters))] = None
    return list(drawn)


def _question(skill: str, letters: Sequence[str], order: Sequence[int]) -> Question:
    answer, difficulty = SKILLS[skill].solve(order)
    words = tuple(letters[i] for i in order)
    said = " ".join(letters[i] for i in answer)
    return Question(skill, " ".join(words), said, letters_key(skill, words), difficulty, words)
