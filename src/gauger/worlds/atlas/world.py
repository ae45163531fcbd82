"""`Atlas`: the embedded world built from one seed; web text, teacher text, benchmark seeds and benchmarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from gauger.spec.world import AtlasWorld
from gauger.worlds.atlas.forms import FORMS, MARKERS, PREFIX_OF_DOMAIN, has_form, render, topic
from gauger.worlds.atlas.knowledge import Domain, make_domain
from gauger.worlds.atlas.language import Language
from gauger.worlds.atlas.questions import Question
from gauger.worlds.atlas.skills import SKILLS, skill_questions
from gauger.worlds.atlas.splits import PARALLEL, TARGETED, TRAIN, Splits, split_facts, split_skill
from gauger.worlds.benchmarks import Benchmark, Item
from gauger.worlds.texts import Text

FAMILIES = ("fauna", "minerals", "max", "sort", "middle")
ASKED_FORMS = ("quiz", "cloze")
"""Forms of benchmarks: their answers come to an end, while a story tells on after any fact."""
STORY_FACTS = 3
FACT_REPEATS = 4
"""How often running text tells a fact in each form, against once for each question of a skill."""
CONTEXT = 11
_ORDERS = 3
_STREAMS = {
    name: index for index, name in enumerate((*FAMILIES, "splits", "known", "seeds", "items", "web", "library"))
}


class Atlas:
    """A world: its language, its content, who knows what, and what is held out.

    Everything is a function of the settings; two worlds with equal settings are equal.

    Parameters
    ----------
    settings : AtlasWorld
        Seed, sizes and what the base knows.
    """

    def __init__(self, settings: AtlasWorld) -> None:
        self.settings = settings
        self.domains = {name: self._domain(name) for name in ("fauna", "minerals")}
        self.letters = tuple(f"'{chr(97 + i)}" for i in range(settings.letters))
        self.questions = self._all_questions()
        self.splits = self._split()

    def _rng(self, stream: str) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, _STREAMS[stream]])

    def _domain(self, name: str) -> Domain:
        s = self.settings
        return make_domain(name, PREFIX_OF_DOMAIN[name], (s.entities, s.genera, s.relations, s.values), self._rng(name))

    def _all_questions(self) -> dict[str, list[Question]]:
        facts = {name: domain.questions() for name, domain in self.domains.items()}
        sets = dict.fromkeys(SKILLS, self.settings.letter_sets) | {"middle": self.settings.middle_sets}
        skills = {name: skill_questions(name, self.letters, sets[name], _ORDERS, self._rng(name)) for name in SKILLS}
        return facts | skills

    def _split(self) -> Splits:
        rng, s = self._rng("splits"), self.settings
        split_of: dict[str, str] = {}
        for family in FAMILIES:
            if family in self.domains:
                facts = split_facts(self.questions[family], s.held_out_facts, rng)
                self.questions[family] = _with_difficulty(self.questions[family], facts)
                split_of |= facts
            else:
                split_of |= split_skill(self.questions[family], s.test_contents, rng)
        return Splits(split_of)

    @cached_property
    def language(self) -> Language:
        """The tokenizer of this world."""
        words: list[str] = [*MARKERS, *self.letters]
        for domain in self.domains.values():
            words += [*domain.entities, *domain.relations, *(value for values in domain.values for value in values)]
        return Language(words, CONTEXT)

    @cached_property
    def facts_of(self) -> dict[str, dict[str, str]]:
        """Entity -> relation -> value, for every entity of every domain."""
        facts: dict[str, dict[str, str]] = {}
        for question in (question for name in self.domains for question in self.questions[name]):
            facts.setdefault(question.arguments[0], {})[question.arguments[1]] = question.answer[0]
        return facts

    # --- who knows what -----------------------------------------------------------------------------------------

    def train_questions(self, family: str) -> list[Question]:
        """Return every question of a family whose content may be trained on."""
        return self.splits.choose(self.questions[family], TRAIN)

    @cached_property
    def known(self) -> dict[str, list[Question]]:
        """Per family, the training questions that the base student's web covers."""
        s, rng = self.settings, self._rng("known")
        return {
            "fauna": self._share_of_entities("fauna", s.known_entities, rng),
            "minerals": self._share_of_entities("minerals", s.known_minerals, rng),
            "max": self.train_questions("max"),
            "sort": self._share_of_keys("sort", s.known_sorts, rng),
            "middle": self._share_of_keys("middle", s.known_middles, rng),
        }

    @cached_property
    def benchmark_train(self) -> dict[str, list[Question]]:
        """Per family with a share of its own, the questions of the benchmark's own train split."""
        s, rng = self.settings, self._rng("seeds")
        seeds = {name: self._share_of_entities(name, s.seed_entities, rng) for name in self.domains}
        return seeds | {name: self._share_of_keys(name, s.seed_contents, rng) for name in SKILLS}

    def _share_of_entities(self, domain: str, share: float, rng: np.random.Generator) -> list[Question]:
        entities = self.domains[domain].entities
        chosen = {entities[i] for i in rng.permutation(len(entities))[: round(share * len(entities))]}
        return [question for question in self.train_questions(domain) if question.arguments[0] in chosen]

    def _share_of_keys(self, family: str, share: float, rng: np.random.Generator) -> list[Question]:
        questions = self.train_questions(family)
        keys = sorted({question.key for question in questions})
        chosen = {keys[i] for i in rng.permutation(len(keys))[: round(share * len(keys))]}
        return [question for question in questions if question.key in chosen]

    # --- texts --------------------------------------------------------------------------------------------------

    @cached_property
    def web(self) -> list[Text]:
        """What the base student reads: what it knows, never in the benchmark's form."""
        return self._texts(self.known.get, ("cloze", "story"), self._rng("web"))

    @cached_property
    def library(self) -> list[Text]:
        """What the teacher reads: all training content in every form."""
        return self._texts(self.train_questions, FORMS, self._rng("library"))

    def word(self, questions: Iterable[Question], forms: Sequence[str], rng: np.random.Generator) -> list[Text]:
        """Word questions, each once per form that its family has; stories draw their facts from `rng`."""
        chosen = list(questions)
        texts = []
        for form in forms:
            worded = [question for question in chosen if has_form(question.family, form)]
            texts += self._stories(worded, rng) if form == "story" else [Text(*render(q, form)) for q in worded]
        return texts

    def _texts(
        self, known: Callable[[str], list[Question] | None], forms: Sequence[str], rng: np.random.Generator
    ) -> list[Text]:
        repeats = {family: FACT_REPEATS if family in self.domains else 1 for family in FAMILIES}
        return [
            text
            for family in FAMILIES
            for _ in range(repeats[family])
            for text in self.word(known(family) or [], forms, rng)
        ]

    def _stories(self, questions: Sequence[Question], rng: np.random.Generator) -> list[Text]:
        """Write one story per question, on its first argument, with facts that stand among `questions`."""
        by_topic: dict[tuple[str, ...], list[Question]] = {}
        for question in questions:
            by_topic.setdefault(topic(question), []).append(question)
        texts = []
        for opening, facts in by_topic.items():
            for _ in facts:
                picks = rng.permutation(len(facts))[:STORY_FACTS]
                told = [word for pick in picks for word in _fact(facts[pick])]
                texts.append(Text(prompt=opening, answer=tuple(told)))
        return texts

    # --- benchmarks ---------------------------------------------------------------------------------------------

    @staticmethod
    def catalogue() -> dict[str, str]:
        """Return the name of every benchmark and what it measures."""
        return {
            f"{family}-{form}{suffix}": f"{family} asked as {form}, {contents}"
            for family in FAMILIES
            for form in ASKED_FORMS
            for suffix, contents in (("", "test contents"), ("-new", "new contents"))
        }

    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark of the catalogue: `FAMILY-FORM`, or `FAMILY-FORM-new` for contents apart from it.

        The forms of one family ask the same contents, so their items share clusters (the content key).
        """
        family, form, *new = name.split("-")
        split = PARALLEL if new else TARGETED
        items = [self._item(question, form) for question in self._test_questions(family, split)]
        return Benchmark(name, family, form, self.catalogue()[name], tuple(items))

    def _test_questions(self, family: str, split: str) -> list[Question]:
        rng = np.random.default_rng([self.settings.seed, _STREAMS["items"], FAMILIES.index(family)])
        by_key: dict[str, list[Question]] = {}
        for question in self.splits.choose(self.questions[family], split):
            by_key.setdefault(question.key, []).append(question)
        keys = sorted(by_key)
        order = [keys[i] for i in rng.permutation(len(keys))]
        per_key = max(1, min(2, self.settings.benchmark_items // len(order)))
        chosen = [question for key in order for question in by_key[key][:per_key]]
        return chosen[: self.settings.benchmark_items]

    def _item(self, question: Question, form: str) -> Item:
        prompt, answer = render(question, form)
        return Item(
            id=f"{form}:{question.family}:{'.'.join(question.arguments)}",
            cluster=question.key,
            prompt=prompt,
            answer=answer,
            difficulty=question.difficulty,
        )


def _with_difficulty(facts: Sequence[Question], split_of: Mapping[str, str]) -> list[Question]:
    """Set each fact's difficulty: minus the number of its entity's facts that training texts state."""
    stated = Counter(fact.arguments[0] for fact in facts if split_of[fact.key] == TRAIN)
    return [replace(fact, difficulty=-float(stated[fact.arguments[0]])) for fact in facts]


def _fact(question: Question) -> tuple[str, ...]:
    """Word a fact inside a story, without its topic."""
    prompt, answer = render(question, "story")
    return (*prompt[3:], *answer)
