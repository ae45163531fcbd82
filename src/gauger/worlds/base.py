"""Defines what every world offers: its texts and benchmarks, who knows what, and how a text is read back.

A world is where facts, skills, texts and benchmarks come from. Everything outside `worlds/` uses a world through the
class `World` alone, and never asks which one it has. A text is always *prompt + answer*, two strings that are put next
to each other as they are: an answer begins with the space that divides it from its prompt, where there is one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import ClassVar

import numpy as np

from gauger.errors import UserError, nearest
from gauger.worlds.items import STRICT, Benchmark, Form, Listed, Question, Wording
from gauger.worlds.judging import Judge


class World(Judge):
    """A world: its questions, its texts, its benchmarks, who knows what, and what is held out.

    Everything is a function of the settings (and of the user's files, where settings name some); two worlds with equal
    settings are equal. A subclass fills in the abstract methods; the others say what holds in every world, and may be
    replaced; how answers are judged stands in `judging`. A world is used through this class alone.
    """

    forms: ClassVar[Mapping[str, Form]]
    """Every form by name."""
    own_form: ClassVar[str]
    """The form of the benchmarks' own training questions."""
    leak_share: ClassVar[float] = 0.5
    """Least share of a leak corpus that is test items; they are repeated to reach it."""
    readings: ClassVar[tuple[str, ...]] = (STRICT,)
    """How answers can be read; the first is what a study rests on, others stand beside it."""
    answer_tokens: int | None = None
    """Longest answer, in tokens, where the world itself limits it; None: as the study says."""
    prompt_tokens: ClassVar[int] = 48
    """Longest prompt, in tokens, that somebody who continues texts may write."""
    chat: bool = False
    """Whether whoever gives a prompt to a model puts it into the chat template of the model's tokenizer."""
    writes_steps: bool = False
    """Whether models that continue its texts write steps between marks of reasoning before some answers."""

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Files of the user's that results depend on, relative to the study's folder."""
        return ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Code that it finds by name at run time, as "module:attribute": what its settings name."""
        return ()

    # --- questions and benchmarks -----------------------------------------------------------------------------------

    @property
    @abstractmethod
    def skills(self) -> tuple[str, ...]:
        """Every knowledge domain, skill or task."""

    @abstractmethod
    def listed(self) -> Mapping[str, Listed]:
        """Every benchmark that the world offers, by name; nothing is drawn."""

    @abstractmethod
    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark of the catalogue (`UserError` for a name that is not in it, as of `listed_as`)."""

    def listed_as(self, name: str) -> Listed:
        """Return a benchmark of the catalogue; an unknown one is answered with the nearest known one (`UserError`)."""
        known = self.listed()
        if name not in known:
            raise UserError("a benchmark of this world", repr(name), hint=nearest(name, known))
        return known[name]

    @abstractmethod
    def train_questions(self, skill: str) -> Sequence[Question]:
        """Return every question of a skill whose content may be trained on."""

    @cached_property
    @abstractmethod
    def benchmark_train(self) -> Mapping[str, Sequence[Question]]:
        """Per skill, the questions of the benchmarks' own train split."""

    @cached_property
    @abstractmethod
    def known(self) -> Mapping[str, Sequence[Question]]:
        """Per skill, the training questions that the base counts as having had anyway."""

    def check(self) -> None:
        """Draw everything once, so that a mistake in the settings is told before anything runs (`UserError`)."""
        _ = self.held_out

    def questions_from(self, seeds: str, skill: str) -> Sequence[Question]:
        """Return the questions of a skill that a seed source offers.

        `web`: those that the base counts as having had; `reference`: all that may be trained on; any other: the
        benchmarks' own train split.
        """
        if seeds == "reference":
            return self.train_questions(skill)
        return (self.known if seeds == "web" else self.benchmark_train).get(skill, ())

    def seeded_by(self, seeds: str) -> World:
        """Return this world with the questions of a seed source in the place of its benchmarks' own train split."""
        other = copy(self)
        other.benchmark_train = {skill: self.questions_from(seeds, skill) for skill in self.skills}
        return other

    def answer_group(self, question: Question) -> str:
        """Name the questions that share one set of possible answers with this one: answers are shuffled within it."""
        return question.skill

    # --- texts ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def has_form(self, skill: str, form: str) -> bool:
        """Tell whether a skill can be asked in a form."""

    @abstractmethod
    def word(
        self, questions: Iterable[Question], forms: Sequence[str], rng: np.random.Generator | None = None
    ) -> list[Wording]:
        """Word questions with true answers, each once per form that it has; nothing that touches held-out content.

        `rng` is for forms that draw what they tell; without one they tell it in order.
        """

    @property
    @abstractmethod
    def web(self) -> Sequence[Wording]:
        """Running text that the base counts as having had: what is kept in while a student is trained."""

    @property
    @abstractmethod
    def library(self) -> Sequence[Wording]:
        """Running text about all training content: what a teacher that is trained from scratch reads."""

    @abstractmethod
    def prompts(self, question: Question, forms: Sequence[str]) -> list[str]:
        """Word a question as a prompt in every form that it has."""

    def topics(self, skills: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 - a world without free forms has none
        """Return prompts that ask for free text on each subject of some skills; empty where no form is free."""
        return ()

    # --- reading texts ----------------------------------------------------------------------------------------------

    @abstractmethod
    def subjects(self, prompt: str, answer: str) -> frozenset[str]:
        """Return the skills that a text is about."""

    @abstractmethod
    def true_answer(self, prompt: str, reply: str = "") -> str | None:
        """Return the true answer to a prompt in its form's format; None where it asks nothing sensible.

        `reply`: what somebody answered; free text keeps what it tells of, corrected.
        """

    @abstractmethod
    def content_keys(self, text: str) -> frozenset[str]:
        """Return the content keys that a text touches, whoever wrote it and in whatever wording."""

    @property
    @abstractmethod
    def held_out(self) -> frozenset[str]:
        """Content that no training text may touch."""

    def overlaps(self, text: str) -> frozenset[str]:
        """Return the held-out contents that a text touches."""
        return self.content_keys(text) & self.held_out

    def stops(self, prompt: str) -> tuple[str, ...]:
        """Return the strings that end an answer to a prompt."""
        form = self.form_of(prompt)
        return self.forms[form].stops if form else self.forms[self.own_form].stops

    def temperature(self, prompt: str) -> float:
        """Return the temperature at which a prompt is answered: 1 where it asks for free text, else 0."""
        form = self.form_of(prompt)
        return float(form is not None and self.forms[form].free)

    # --- having somebody who continues texts write prompts ------------------------------------------------------------

    @abstractmethod
    def opening(self, prompt: str, rng: np.random.Generator) -> str:
        """Cut a seed's prompt off at a random word, so that somebody goes on from there with a question of its own."""

    @abstractmethod
    def blank_opening(self, forms: Sequence[str], rng: np.random.Generator) -> str:
        """Return how a prompt begins that is about nothing in particular."""

    @abstractmethod
    def prompt_ends(self, opening: str, forms: Sequence[str]) -> tuple[str, ...]:
        """Return the strings after which a prompt in one of the forms, that begins so, has ended."""

    @abstractmethod
    def finished(self, written: str, stop: str | None, forms: Sequence[str]) -> str:
        """Complete a prompt that somebody wrote up to its end.

        `stop` is what ended it; None where the model did, and then the first of the forms that begins so ends it.
        """

    # --- putting answers into a form ----------------------------------------------------------------------------------

    def joined(self, prompt: str, reply: str) -> str:  # noqa: ARG002 - some worlds look at the prompt
        """Put what was said after a prompt into the shape of an answer, with the space that divides the two."""
        reply = reply.strip()
        return f" {reply}" if reply else ""

    def put_steps(self, steps: str | None, reply: str) -> str:  # noqa: ARG002 - most worlds write none
        """Put reasoning that was shown before an answer as this world's texts hold it; most worlds leave it out."""
        return reply

    def as_prompt(self, problem: str, forms: Sequence[str], place: int) -> str:  # noqa: ARG002
        """Put a problem in somebody's own words into one of the forms; a prompt of this world's own stays as it is.

        `place` chooses among the forms: a number that is a function of the problem alone.
        """
        return problem

    # --- models that are trained from scratch -------------------------------------------------------------------------

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word of the world's texts, each once, in a fixed order; empty where texts are open-ended."""
        return ()

    @property
    def longest_text(self) -> int | None:
        """Words of the longest text, begin and end mark included; None where texts are open-ended."""
        return None
