"""A world of another package: things with codes, in two kinds, told in two forms and in free notes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from gauger.spec.variants import WorldSettings
from gauger.worlds.base import World
from gauger.worlds.items import STRICT, Benchmark, Form, Item, Listed, Question, Wording

SKILLS = ("plants", "stones")
VALUES = 3


class CodesWorld(WorldSettings):
    """Things with codes."""

    teachers: ClassVar[tuple[str, ...]] = ("scratch",)
    students: ClassVar[tuple[str, ...]] = ("scratch",)
    strategies: ClassVar[tuple[str, ...]] = ("label", "expand", "textbook", "seedless", "self", "backwards")
    open_forms: ClassVar[tuple[str, ...]] = ("note",)
    leaves_open: ClassVar[str] = "Codes are no knowledge."
    made_up: ClassVar[bool] = True
    extra: ClassVar[str] = "train"
    kind: Literal["codes"]
    """Which world."""
    things: int = 30
    """Things of each kind."""


class Codes(World):
    """Every thing has a code that its number decides; a third of them is held out."""

    settings_type: ClassVar[type[CodesWorld]] = CodesWorld
    forms: ClassVar[Mapping[str, Form]] = {
        "ask": Form("ask", "question"),
        "tell": Form("tell", "statement"),
        "note": Form("note", "free note", free=True),
    }
    readings: ClassVar[tuple[str, ...]] = (STRICT, "last-word")
    own_form: ClassVar[str] = "ask"
    answer_tokens: ClassVar[int | None] = 8
    prompt_tokens: ClassVar[int] = 8

    def __init__(self, settings: CodesWorld, folder: Path | None = None) -> None:
        self.settings = settings

    @property
    def skills(self) -> tuple[str, ...]:
        return SKILLS

    @property
    def vocabulary(self) -> tuple[str, ...]:
        marks = ("ask", "tell", "note", "?", "is", ":")
        return (*marks, *(f"v{v}" for v in range(VALUES)), *(f"{s}{n}" for s in SKILLS for n in range(self._n)))

    @property
    def longest_text(self) -> int | None:
        return 8

    @property
    def _n(self) -> int:
        return self.settings.things

    def _question(self, skill: str, number: int) -> Question:
        name = f"{skill}{number}"
        return Question(skill, name, f"v{number % VALUES}", f"{skill}:{name}", float(number), (name,))

    def _split(self, skill: str, split: str) -> list[Question]:
        third = {
            "train": range(self._n // 3, self._n),
            "test": range(self._n // 6),
            "new": range(self._n // 6, self._n // 3),
        }
        return [self._question(skill, number) for number in third[split]]

    def listed(self) -> Mapping[str, Listed]:
        return {
            f"{skill}-{form}{'' if split == 'test' else '-new'}": Listed(skill, form, split, f"{skill} as {form}")
            for skill in SKILLS
            for form in ("ask", "tell")
            for split in ("test", "new")
        }

    def benchmark(self, name: str) -> Benchmark:
        listed = self.listed()[name]
        items = []
        for question in self._split(listed.skill, listed.split):
            text = self._render(question, listed.form)
            where = f"{listed.form}:{question.key}"
            items.append(
                Item(where, question.key, text.prompt, text.answer, question.difficulty, listed.form, question)
            )
        return Benchmark(name, listed.skill, listed.form, listed.told, tuple(items))

    def train_questions(self, skill: str) -> Sequence[Question]:
        return self._split(skill, "train")

    @cached_property
    def benchmark_train(self) -> Mapping[str, Sequence[Question]]:
        return {skill: self.train_questions(skill)[::2] for skill in SKILLS}

    @cached_property
    def known(self) -> Mapping[str, Sequence[Question]]:
        return {skill: self.train_questions(skill)[1::2] for skill in SKILLS}

    def has_form(self, skill: str, form: str) -> bool:
        return form in self.forms

    @staticmethod
    def _render(question: Question, form: str) -> Wording:
        shape = {"ask": "ask {} ?", "tell": "tell {} is", "note": "note {} :"}[form]
        return Wording(shape.format(question.text), f" {question.answer}", form, question)

    def word(
        self, questions: Iterable[Question], forms: Sequence[str], rng: np.random.Generator | None = None
    ) -> list[Wording]:
        return [self._render(question, form) for question in questions for form in forms]

    @cached_property
    def web(self) -> Sequence[Wording]:
        return self.word([q for skill in SKILLS for q in self.known[skill]], ["tell", "note"])

    @cached_property
    def library(self) -> Sequence[Wording]:
        return self.word([q for skill in SKILLS for q in self.train_questions(skill)], list(self.forms))

    def prompts(self, question: Question, forms: Sequence[str]) -> list[str]:
        return [self._render(question, form).prompt for form in forms]

    def topics(self, skills: Sequence[str]) -> Sequence[str]:
        return [self._render(q, "note").prompt for skill in skills for q in self.train_questions(skill)]

    def form_of(self, prompt: str) -> str | None:
        words = prompt.split()
        ends = {"ask": "?", "tell": "is", "note": ":"}
        return words[0] if len(words) == 3 and ends.get(words[0]) == words[2] else None

    def subjects(self, prompt: str, answer: str) -> frozenset[str]:
        return frozenset(key.partition(":")[0] for key in self.content_keys(prompt + answer))

    def question_of(self, prompt: str) -> Question | None:
        known = {f"{skill}{number}": (skill, number) for skill in SKILLS for number in range(self._n)}
        words = prompt.split()
        return self._question(*known[words[1]]) if self.form_of(prompt) and words[1] in known else None

    def true_answer(self, prompt: str, reply: str = "") -> str | None:
        question = self.question_of(prompt)
        return None if question is None else f" {question.answer}"

    def content_keys(self, text: str) -> frozenset[str]:
        return frozenset(f"{s}:{word}" for word in text.split() for s in SKILLS if word.startswith(s))

    @cached_property
    def held_out(self) -> frozenset[str]:
        return frozenset(q.key for skill in SKILLS for split in ("test", "new") for q in self._split(skill, split))

    def opening(self, prompt: str, rng: np.random.Generator) -> str:
        return prompt.split()[0]

    def blank_opening(self, forms: Sequence[str], rng: np.random.Generator) -> str:
        return ""

    def prompt_ends(self, opening: str, forms: Sequence[str]) -> tuple[str, ...]:
        return ("?", "is", ":")

    def finished(self, written: str, stop: str | None, forms: Sequence[str]) -> str:
        return f"{written} {stop}".strip() if stop else written

    def extract(self, reading: str, reply: str, question: Question, form: str) -> str | None:
        return reply.split()[-1] if reading == "last-word" and reply.split() else reply.strip()

    def verify(self, question: Question, answer: str) -> float:
        return float(answer == question.answer)
