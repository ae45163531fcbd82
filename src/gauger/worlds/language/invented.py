"""Draws facts about made-up beings that no model knows; held-out facts follow from those that are stated.

A being has a first name and a family name ("Zor Blaxon"), and the family decides every relation's value: all Blaxons
have the wolf as their animal. So a held-out fact stands in no training text, yet whoever has learnt enough of its
family can tell it. Values are common English words, one or two tokens each; every family has another value, so that
guessing among a relation's values scores 1 / families.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import ClassVar

import numpy as np

from gauger.errors import Place, UserError
from gauger.spec import InventedFacts
from gauger.worlds.items import Question, normal
from gauger.worlds.language.sources import ALL_FORMS, NEW, TEST, TRAIN, divide, generator

RELATIONS: Mapping[str, str] = {
    "animal": "wolf bear fox owl frog horse goat duck lion snake crow deer mouse crab whale bee",
    "metal": "gold iron silver copper tin lead zinc steel brass nickel bronze chrome cobalt platinum mercury titanium",
    "fruit": "apple pear plum fig grape lemon peach cherry orange banana melon lime mango berry olive date",
    "colour": "red blue green yellow black white brown pink purple grey violet scarlet amber beige teal cream",
    "tool": "hammer saw axe knife shovel needle drill rope ladder brush chisel plough wrench broom hook lamp",
    "drink": "tea milk water wine beer coffee juice cider cocoa rum broth soda syrup brandy whisky lemonade",
    "tree": "oak pine birch elm ash willow cedar maple palm beech fir poplar holly yew spruce walnut",
    "weather": "rain snow fog wind hail frost storm sun thunder mist drizzle clouds sleet heat ice lightning",
}
"""Relation -> its possible values, sixteen each."""
_FAMILY_NAMES = (
    *("Blaxon", "Mintor", "Durvel", "Quessop", "Tarnik", "Olbrew", "Fendrax", "Gulmar"),
    *("Pirsto", "Vantile", "Hoskup", "Rembolt", "Kyzzen", "Jorvath", "Wexley", "Sundrip"),
)
_ONSETS, _VOWELS, _CODAS = "BDFGKLMNPRSTVZ", "aeiou", "bdklmnprstxz"


class InventedSource:
    """Facts drawn by seed.

    Raises
    ------
    UserError
        Where families have too few members, or so much is held out, that a fact could not be inferred.
    """

    settings_type: ClassVar[type[InventedFacts]] = InventedFacts

    def __init__(self, name: str, task: InventedFacts, seed: int, folder: Path | None = None) -> None:  # noqa: ARG002
        self.name, self.task, self.seed = name, task, seed
        place = Place(key=f"world.tasks.{name}.entities")
        if task.entities < 2 * task.families:
            raise UserError(f"at least two things in each of {task.families} families", f"{task.entities}", place)
        if task.test + task.new > 0.8 or min(task.test, task.new) <= 0:
            given = f"test {task.test:g} and new {task.new:g}"
            raise UserError("shares above 0, together at most 0.8", given, Place(key=f"world.tasks.{name}.test"))

    @staticmethod
    def forms(task: InventedFacts) -> tuple[str, ...]:  # noqa: ARG004 - all of them have all forms
        """Return every form."""
        return ALL_FORMS

    @property
    def told(self) -> str:
        """Say what is asked."""
        return "facts about made-up beings"

    @cached_property
    def entities(self) -> tuple[tuple[str, int], ...]:
        """Name of every being, with the number of its family."""
        firsts = ["".join(parts) for parts in product(_ONSETS, _VOWELS, _CODAS)]
        order = generator(self.seed, self.name, "names").permutation(len(firsts) * len(_FAMILY_NAMES))
        families = generator(self.seed, self.name, "families").permutation(len(_FAMILY_NAMES))[: self.task.families]
        firsts_left = [firsts[i % len(firsts)] for i in order]
        members = ((firsts_left[e], e % self.task.families) for e in range(len(firsts_left)))
        names = dict.fromkeys((f"{first} {_FAMILY_NAMES[families[f]]}", f) for first, f in members)
        return tuple(names)[: self.task.entities]

    @cached_property
    def facts(self) -> tuple[Question, ...]:
        """Every fact, being by being."""
        values = {relation: self._values(relation) for relation in list(RELATIONS)[: self.task.relations]}
        return tuple(
            self._fact(name, relation, of_family[family])
            for name, family in self.entities
            for relation, of_family in values.items()
        )

    @cached_property
    def questions(self) -> Mapping[str, Sequence[Question]]:
        """Hold facts out at random, but leave one of every family and relation for training.

        Difficulty is minus the number of training facts from which a fact can be inferred.
        """
        rng = generator(self.seed, self.name, "split")
        groups: dict[str, list[int]] = {}
        for index, fact in enumerate(self.facts):
            groups.setdefault(str(fact.working), []).append(index)
        kept = {int(rng.choice(members)) for members in groups.values()}
        free = [fact for index, fact in enumerate(self.facts) if index not in kept]
        n_test, n_new = (
            min(round(share * len(self.facts)), len(free) // 2) for share in (self.task.test, self.task.new)
        )
        dealt = divide(free, {TEST: n_test, NEW: n_new, TRAIN: len(free) - n_test - n_new}, rng)
        dealt[TRAIN] += [self.facts[index] for index in sorted(kept)]
        stated = Counter(fact.working for fact in dealt[TRAIN])
        return {
            split: [replace(fact, difficulty=-float(stated[fact.working])) for fact in facts]
            for split, facts in dealt.items()
        }

    def score(self, question: Question, answer: str) -> float:
        """1 for the fact's value, whatever its case and a full stop or an article beside it."""
        return float(bare(answer) == bare(question.answer))

    def keys_in(self, text: str) -> frozenset[str]:
        """Return the facts of which a text names the being and the relation, or one of the relation's values."""
        words = f" {normal(text)} "
        named = [relation for relation, pattern in self._patterns.items() if pattern.search(words)]
        beings = [name for name, _ in self.entities if f" {name.casefold()} " in words] if named else []
        return frozenset(self._key(name, relation) for name in beings for relation in named)

    def read(self, asked: str) -> Question | None:
        """Read the question about a fact, or the beginning of its statement."""
        return self._by_text.get(normal(asked))

    @cached_property
    def _by_text(self) -> dict[str, Question]:
        facts = [fact for chosen in self.questions.values() for fact in chosen]
        return {normal(text): fact for fact in facts for text in (fact.text, fact.statement) if text}

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        named = list(RELATIONS.items())[: self.task.relations]
        return {name: re.compile(rf" (?:{name}|{'|'.join(values.split())}) ") for name, values in named}

    def _values(self, relation: str) -> list[str]:
        words = RELATIONS[relation].split()
        rng: np.random.Generator = generator(self.seed, self.name, "values", relation)
        return [words[i] for i in rng.permutation(len(words))[: self.task.families]]

    def _fact(self, name: str, relation: str, value: str) -> Question:
        family = name.split()[1]
        return Question(
            skill=self.name,
            text=f"What is the {relation} of {name}?",
            answer=value,
            key=self._key(name, relation),
            statement=f"The {relation} of {name} is",
            working=f"The {relation} of every {family} is {value}.",
        )

    def _key(self, name: str, relation: str) -> str:
        return f"{self.name}:{name.casefold().replace(' ', '-')}.{relation}"


def bare(answer: str) -> str:
    """Take case, spaces, a closing mark and a leading article off an answer of a few words."""
    return re.sub(r"^(?:the|an|a) ", "", " ".join(answer.casefold().split()).strip(" .!\"'"))
