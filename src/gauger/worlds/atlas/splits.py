"""Decides which content is for training and which is for testing: by content key, never by wording.

Per skill, keys are divided into `train`, `targeted` and `parallel` (and, for facts, `unstated`: neither told nor
asked). Nobody's training text, the teacher's included, may touch a targeted or parallel key, in any form or order; the
leak arm alone does so on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.worlds.items import Question

TRAIN, TARGETED, PARALLEL, UNSTATED = "train", "targeted", "parallel", "unstated"


@dataclass(frozen=True)
class Splits:
    """Content key -> split."""

    split_of: Mapping[str, str]

    def keys(self, split: str) -> frozenset[str]:
        """Return all content keys of one split."""
        return frozenset(key for key, name in self.split_of.items() if name == split)

    def choose(self, questions: Sequence[Question], split: str) -> list[Question]:
        """Return the questions whose content belongs to a split, in their order."""
        return [question for question in questions if self.split_of[question.key] == split]

    @property
    def held_out(self) -> frozenset[str]:
        """Content that no training text may touch."""
        return self.keys(TARGETED) | self.keys(PARALLEL)


def split_facts(questions: Sequence[Question], held_out_each: int, rng: np.random.Generator) -> dict[str, str]:
    """Hold out `held_out_each` facts of every entity for each of the two test splits, and state some of the others.

    Of the facts that are not held out an entity has between half and all stated in training texts; the others stand
    nowhere. The fewer are stated, the harder its held-out facts are to infer.

    Raises
    ------
    ValueError
        Where an entity has too few facts to leave one for training.
    """
    by_entity: dict[str, list[str]] = {}
    for question in questions:
        by_entity.setdefault(question.arguments[0], []).append(question.key)
    split_of: dict[str, str] = {}
    for keys in by_entity.values():
        rest = len(keys) - 2 * held_out_each
        if rest < 1:
            raise ValueError(f"{len(keys)} relations are too few to hold out {held_out_each} facts twice")
        stated = int(rng.integers((rest + 1) // 2, rest + 1))
        names = [TARGETED] * held_out_each + [PARALLEL] * held_out_each
        names += [TRAIN] * stated + [UNSTATED] * (rest - stated)
        split_of.update(zip(keys, (names[i] for i in rng.permutation(len(names))), strict=True))
    return split_of


def split_skill(questions: Sequence[Question], n_test: int, rng: np.random.Generator) -> dict[str, str]:
    """Hold out `n_test` contents for each of the two test splits; the rest is train."""
    keys = sorted({question.key for question in questions})
    if len(keys) < 3 * n_test:
        raise ValueError(f"{len(keys)} contents cannot give two test splits of {n_test} and leave a third for training")
    order = [keys[i] for i in rng.permutation(len(keys))]
    names = [TARGETED] * n_test + [PARALLEL] * n_test + [TRAIN] * (len(keys) - 2 * n_test)
    return dict(zip(order, names, strict=True))


def with_difficulty(facts: Sequence[Question], split_of: Mapping[str, str]) -> list[Question]:
    """Set each fact's difficulty: minus the number of its entity's facts that training texts state."""
    stated = Counter(fact.arguments[0] for fact in facts if split_of[fact.key] == TRAIN)
    return [replace(fact, difficulty=-float(stated[fact.arguments[0]])) for fact in facts]


def share_of(
    questions: Sequence[Question],
    names: Sequence[str],
    name_of: Callable[[Question], str],
    share: float,
    rng: np.random.Generator,
) -> list[Question]:
    """Return the questions of a random share of names: of entities, or of contents."""
    chosen = {names[i] for i in rng.permutation(len(names))[: round(share * len(names))]}
    return [question for question in questions if name_of(question) in chosen]
