"""Draws what an embedded world holds from its seed: facts and skills, what is held out, and who knows what."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from gauger.errors import Place, UserError
from gauger.spec import AtlasWorld
from gauger.worlds.atlas.forms import PREFIX_OF_DOMAIN
from gauger.worlds.atlas.knowledge import Domain, make_domain
from gauger.worlds.atlas.skills import SKILLS, STEPPED, skill_questions
from gauger.worlds.atlas.splits import TRAIN, Splits, share_of, split_facts, split_skill, with_difficulty
from gauger.worlds.items import Question

SKILL_NAMES = ("fauna", "minerals", "max", "sort", "middle")
"""Domains and skills of every world; `STEPPED` come after them where the settings ask for them."""
_ORDERS = 3
_STREAMS = {
    name: index
    for index, name in enumerate((*SKILL_NAMES, "splits", "known", "seeds", "items", "web", "library", *STEPPED))
}
_FEW_FACTS = "An entity needs more than twice as many world.relations as world.held_out_facts."
_FEW_CONTENTS = (
    "A skill needs three times as many contents (world.letter_sets or its own, as many as world.letters allow) as "
    "world.test_contents."
)


class AtlasContents:
    """Everything that can be asked in an embedded world.

    Parameters
    ----------
    settings : AtlasWorld
        Seed, sizes and what the base knows.

    Raises
    ------
    UserError
        Where sizes contradict each other, with the key of the one that is too large.
    """

    def __init__(self, settings: AtlasWorld) -> None:
        self.settings = settings
        self.stepped = STEPPED if settings.writes_steps else ()
        self.skills = (*SKILL_NAMES, *self.stepped)
        self.domains = {name: self._domain(name) for name in ("fauna", "minerals")}
        self.letters = tuple(f"'{chr(97 + i)}" for i in range(settings.letters))
        self.questions = self._all_questions()
        try:
            self.splits = self._split()
        except ValueError as error:
            few_facts = settings.relations <= 2 * settings.held_out_facts
            key, hint = ("held_out_facts", _FEW_FACTS) if few_facts else ("test_contents", _FEW_CONTENTS)
            raise UserError(
                f"these sizes make no world: {error}", where=Place(key=f"world.{key}"), hint=hint
            ) from error

    def rng(self, stream: str, *places: int) -> np.random.Generator:
        """Return the generator of one stream of draws, or of one of its places; no stream moves another."""
        return np.random.default_rng([self.settings.seed, _STREAMS[stream], *places])

    def _domain(self, name: str) -> Domain:
        s = self.settings
        return make_domain(name, PREFIX_OF_DOMAIN[name], (s.entities, s.genera, s.relations, s.values), self.rng(name))

    def _all_questions(self) -> dict[str, list[Question]]:
        facts = {name: domain.questions() for name, domain in self.domains.items()}
        s = self.settings
        sets = {"max": s.letter_sets, "sort": s.letter_sets, "middle": s.middle_sets, "total": s.total_sets}
        asked = [name for name in self.skills if name in SKILLS]
        skills = {name: skill_questions(name, self.letters, sets[name], _ORDERS, self.rng(name)) for name in asked}
        return facts | skills

    def _split(self) -> Splits:
        rng, s = self.rng("splits"), self.settings
        split_of: dict[str, str] = {}
        for skill in self.skills:
            if skill in self.domains:
                facts = split_facts(self.questions[skill], s.held_out_facts, rng)
                self.questions[skill] = with_difficulty(self.questions[skill], facts)
                split_of |= facts
            else:
                split_of |= split_skill(self.questions[skill], s.test_contents, rng)
        return Splits(split_of)

    def train_questions(self, skill: str) -> list[Question]:
        """Return every question of a skill whose content may be trained on."""
        return self.splits.choose(self.questions[skill], TRAIN)

    @cached_property
    def known(self) -> dict[str, list[Question]]:
        """Per skill, the training questions that the base student's web covers."""
        s, rng = self.settings, self.rng("known")
        known = {
            "fauna": self._share_of_entities("fauna", s.known_entities, rng),
            "minerals": self._share_of_entities("minerals", s.known_minerals, rng),
            "max": self.train_questions("max"),
            "sort": self._share_of_keys("sort", s.known_sorts, rng),
            "middle": self._share_of_keys("middle", s.known_middles, rng),
        }
        return known | {skill: self._share_of_keys(skill, s.known_totals, rng) for skill in self.stepped}

    @cached_property
    def benchmark_train(self) -> dict[str, list[Question]]:
        """Per skill with a share of its own, the questions of the benchmark's own train split."""
        s, rng = self.settings, self.rng("seeds")
        seeds = {name: self._share_of_entities(name, s.seed_entities, rng) for name in self.domains}
        asked = [name for name in self.skills if name in SKILLS]
        return seeds | {name: self._share_of_keys(name, s.seed_contents, rng) for name in asked}

    def _share_of_entities(self, domain: str, share: float, rng: np.random.Generator) -> list[Question]:
        entities = self.domains[domain].entities
        return share_of(self.train_questions(domain), entities, lambda question: question.arguments[0], share, rng)

    def _share_of_keys(self, skill: str, share: float, rng: np.random.Generator) -> list[Question]:
        questions = self.train_questions(skill)
        keys = sorted({question.key for question in questions})
        return share_of(questions, keys, lambda question: question.key, share, rng)
