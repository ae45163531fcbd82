"""Asks questions about letters whose answer is computed: the skills.

max      the largest of three letters; easy. Difficulty: minus the gap between the largest and the second largest.
sort     three letters in order; takes hundreds of training steps. Difficulty: number of inversions.
middle   the median of five letters; hard. Difficulty: minus the gap between the median and its nearest neighbour.
total    five letters added up around a ring of five; easy one step after the other, hopeless at once. Difficulty: how
         often a step passes the ring's end. There only where a world asks for it (`STEPPED`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
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
    steps: Callable[[Sequence[int]], list[int]] | None = None
    """Letters of the question -> letters of the written steps before the answer; None: it is answered at once."""
    letters: int | None = None
    """How many of the world's letters it is asked about, the first ones; None: all."""


def _sort(order: Sequence[int]) -> tuple[list[int], float]:
    inversions = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    return sorted(order), float(inversions)


def _largest(order: Sequence[int]) -> tuple[list[int], float]:
    first, second = sorted(order, reverse=True)[:2]
    return [first], float(second - first)


def _middle(order: Sequence[int]) -> tuple[list[int], float]:
    _, below, middle, above, _ = sorted(order)
    return [middle], -float(min(middle - below, above - middle))


RING = 5
"""Places of the ring around which `total` adds letters up; guessing among them scores 1 / 5."""


def _totals(order: Sequence[int]) -> list[int]:
    """Return the running total after every letter: t_1 = x_1 mod 5, t_i = (t_(i-1) + x_i) mod 5."""
    return [total % RING for total in accumulate(order)]


def _total(order: Sequence[int]) -> tuple[list[int], float]:
    running = _totals(order)
    passed = sum(before + letter % RING >= RING for before, letter in zip(running, order[1:], strict=False))
    return running[-1:], float(passed)


SKILLS: dict[str, Skill] = {
    "max": Skill(3, _largest),
    "sort": Skill(3, _sort),
    "middle": Skill(5, _middle),
    "total": Skill(5, _total, lambda order: _totals(order)[:-1], letters=12),
}
STEPPED = ("total",)
"""Skills whose answer is written after steps; a world has them only where its settings ask for them."""


def letters_key(skill: str, letters: Sequence[str]) -> str:
    """Content key of a question: the letters as a set, whatever their order."""
    return f"{skill}:{'-'.join(sorted(letters))}"


def skill_questions(
    skill: str, letters: Sequence[str], n_sets: int, orders: int, rng: np.random.Generator
) -> list[Question]:
    """Draw at most `n_sets` sets of letters and `orders` orders of each, all different; orders share a content key."""
    size, letters = SKILLS[skill].size, letters[: SKILLS[skill].letters]
    n_sets = min(n_sets, comb(len(letters), size))
    sets = list(combinations(range(len(letters)), size))
    chosen = sorted(rng.choice(len(sets), size=n_sets, replace=False))
    return [letters_question(skill, letters, order) for index in chosen for order in _orders(sets[index], orders, rng)]


def _orders(letters: tuple[int, ...], orders: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < orders:
        drawn[tuple(int(letter) for letter in rng.permutation(letters))] = None
    return list(drawn)


def letters_question(skill: str, letters: Sequence[str], order: Sequence[int]) -> Question:
    """Make the question of a skill about some places in the order of the world's letters."""
    answer, difficulty = SKILLS[skill].solve(order)
    steps = SKILLS[skill].steps
    words = tuple(letters[i] for i in order)
    return Question(
        skill,
        " ".join(words),
        " ".join(letters[i] for i in answer),
        letters_key(skill, words),
        difficulty,
        words,
        working=None if steps is None else " ".join(letters[i] for i in steps(order)),
    )
