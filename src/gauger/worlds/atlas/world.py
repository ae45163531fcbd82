"""Builds `Atlas`, the embedded world, from one seed: web text, teacher text, benchmark seeds and benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from gauger.records import Outcome
from gauger.spec import AtlasWorld
from gauger.worlds.atlas.benchmark_items import chosen_for_test, item_of
from gauger.worlds.atlas.contents import AtlasContents
from gauger.worlds.atlas.forms import (
    FORMS,
    MARKERS,
    PROMPT_ENDS,
    STEP_MARKERS,
    content_keys,
    form_of,
    has_form,
    render,
    topic,
    with_steps,
    without_steps,
)
from gauger.worlds.atlas.splits import PARALLEL, TARGETED
from gauger.worlds.atlas.texts import worded
from gauger.worlds.atlas.truth import Truth
from gauger.worlds.base import World
from gauger.worlds.items import Benchmark, Form, Item, Listed, Question, Wording

ASKED_FORMS = ("quiz", "cloze")
"""Forms of benchmarks: their answers come to an end, while a story tells on after any fact."""
FACT_REPEATS = 4
"""How often running text tells a fact in each form, against once for each question of a skill."""
CONTEXT = 11
"""Longest text in words, begin and end marks included."""
STEPPED_CONTEXT = 17
"""The same where written steps stand before answers: `total of` five letters `is`, four steps in marks, the answer."""


class Atlas(World):
    """A world: its language, its content, who knows what, and what is held out.

    Parameters
    ----------
    settings : AtlasWorld
        Seed, sizes and what the base knows.
    folder : Path, optional
        Where a study's files lie; this world reads none.

    Raises
    ------
    UserError
        Where sizes contradict each other, with the key of the one that is too large.
    """

    settings_type: ClassVar[type[AtlasWorld]] = AtlasWorld
    forms: ClassVar[Mapping[str, Form]] = FORMS
    own_form: ClassVar[str] = "quiz"
    leak_share: ClassVar[float] = 0.25
    prompt_tokens: ClassVar[int] = CONTEXT

    def __init__(self, settings: AtlasWorld, folder: Path | None = None) -> None:  # noqa: ARG002 - as of every world
        self.settings = settings
        self.writes_steps = settings.writes_steps
        self.answer_tokens = STEPPED_CONTEXT if self.writes_steps else CONTEXT
        self.contents = AtlasContents(settings)
        self.domains, self.letters = self.contents.domains, self.contents.letters
        self.questions, self.splits = self.contents.questions, self.contents.splits

    @property
    def skills(self) -> tuple[str, ...]:
        """Domains of facts, then skills, then those whose answers need written steps."""
        return self.contents.skills

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Markers, letters, the words of every domain, then what written steps need."""
        words: list[str] = [*MARKERS, *self.letters]
        for domain in self.domains.values():
            words += [*domain.entities, *domain.relations, *(value for values in domain.values for value in values)]
        return (*words, *STEP_MARKERS) if self.writes_steps else tuple(words)

    @property
    def longest_text(self) -> int | None:
        """A story of three facts with its begin and end marks, or an answer after its steps."""
        return self.answer_tokens

    @cached_property
    def truth(self) -> Truth:
        """Every fact and every skill."""
        facts: dict[str, dict[str, Question]] = {}
        for question in (question for name in self.domains for question in self.questions[name]):
            facts.setdefault(question.arguments[0], {})[question.arguments[1]] = question
        return Truth(facts, self.letters, self.skills)

    # --- who knows what -----------------------------------------------------------------------------------------

    def train_questions(self, skill: str) -> list[Question]:
        """Return every question of a skill whose content may be trained on."""
        return self.contents.train_questions(skill)

    @cached_property
    def known(self) -> dict[str, list[Question]]:
        """Per skill, the training questions that the base student's web covers."""
        return self.contents.known

    @cached_property
    def benchmark_train(self) -> dict[str, list[Question]]:
        """Per skill with a share of its own, the questions of the benchmark's own train split."""
        return self.contents.benchmark_train

    # --- texts --------------------------------------------------------------------------------------------------

    @cached_property
    def web(self) -> list[Wording]:
        """What the base student reads: what it knows, never in the benchmark's form."""
        return self._texts(self.known.get, ("cloze", "story"), self.contents.rng("web"))

    @cached_property
    def library(self) -> list[Wording]:
        """What the teacher reads: all training content in every form."""
        return self._texts(self.train_questions, tuple(FORMS), self.contents.rng("library"))

    def has_form(self, skill: str, form: str) -> bool:
        """Only facts are told in stories."""
        return has_form(skill, form)

    def word(
        self, questions: Iterable[Question], forms: Sequence[str], rng: np.random.Generator | None = None
    ) -> list[Wording]:
        """Word questions, each once per form that its skill has; stories draw their facts from `rng`."""
        return worded(list(questions), forms, rng)

    def prompts(self, question: Question, forms: Sequence[str]) -> list[str]:
        """Word a question as a prompt in every form that its skill has; a story is asked for by its topic."""
        has = [form for form in forms if has_form(question.skill, form)]
        return [topic(question) if FORMS[form].free else render(question, form).prompt for form in has]

    def topics(self, skills: Sequence[str]) -> Sequence[str]:
        """Return the openings of stories on every entity of the domains among some skills."""
        questions = [q for skill in skills for q in self.questions[skill] if has_form(skill, "story")]
        return list(dict.fromkeys(topic(question) for question in questions))

    def answer_group(self, question: Question) -> str:
        """A relation of a domain, or a skill."""
        return f"{question.skill} {question.arguments[1]}" if question.skill in self.domains else question.skill

    def _texts(
        self, known: Callable[[str], list[Question] | None], forms: Sequence[str], rng: np.random.Generator
    ) -> list[Wording]:
        repeats = {skill: FACT_REPEATS if skill in self.domains else 1 for skill in self.skills}
        return [
            text
            for skill in self.skills
            for _ in range(repeats[skill])
            for text in self.word(known(skill) or [], forms, rng)
        ]

    # --- benchmarks ---------------------------------------------------------------------------------------------

    def listed(self) -> Mapping[str, Listed]:
        """Return every skill in every asked form, on test and on new contents."""
        return {
            f"{skill}-{form}{suffix}": Listed(skill, form, split, f"{skill} asked as {form}, {contents} contents")
            for skill in self.skills
            for form in ASKED_FORMS
            for suffix, split, contents in (("", TARGETED, "test"), ("-new", PARALLEL, "new"))
        }

    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark of the catalogue: `SKILL-FORM`, or `SKILL-FORM-new` for contents apart from it.

        The forms of one skill ask the same contents, so their items share clusters (the content key).
        """
        listed = self.listed_as(name)
        rng = self.contents.rng("items", self.skills.index(listed.skill))
        of_split = self.splits.choose(self.questions[listed.skill], listed.split)
        chosen = chosen_for_test(of_split, self.settings.benchmark_items, rng)
        items = [item_of(question, listed.form) for question in chosen]
        return Benchmark(name, listed.skill, listed.form, listed.told, tuple(items))

    # --- reading texts ------------------------------------------------------------------------------------------

    def form_of(self, prompt: str) -> str | None:
        """Tell by the first and the last word."""
        return form_of(prompt)

    def subjects(self, prompt: str, answer: str) -> frozenset[str]:
        """Return the skills of all contents that the text touches."""
        return frozenset(key.partition(":")[0] for key in content_keys(prompt + answer))

    def true_answer(self, prompt: str, reply: str = "") -> str | None:
        """Solve, look up, or correct a story."""
        return self.truth.answer(prompt, reply)

    def question_of(self, prompt: str) -> Question | None:
        """Return the question that a prompt asks, exactly and nothing more."""
        return self.truth.question(prompt)

    def content_keys(self, text: str) -> frozenset[str]:
        """Read by content, not by template (`forms.content_keys`)."""
        return content_keys(text)

    @cached_property
    def held_out(self) -> frozenset[str]:
        """Content of both test splits."""
        return self.splits.held_out

    # --- prompts that a model writes ------------------------------------------------------------------------------

    def opening(self, prompt: str, rng: np.random.Generator) -> str:
        """Keep one word at least, and all but one at most."""
        words = prompt.split()
        return " ".join(words[: rng.integers(1, len(words))])

    def blank_opening(self, forms: Sequence[str], rng: np.random.Generator) -> str:  # noqa: ARG002
        """Give nothing at all: the form is the teacher's choice."""
        return ""

    def prompt_ends(self, opening: str, forms: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002 - a few words end all
        """Return the words that end a prompt of any form."""
        return PROMPT_ENDS

    def finished(self, written: str, stop: str | None, forms: Sequence[str]) -> str:  # noqa: ARG002
        """Put the word back that ended it."""
        return f"{written} {stop}".strip() if stop else written.strip()

    # --- judging answers ------------------------------------------------------------------------------------------

    def extract(self, reading: str, reply: str, question: Question, form: str) -> str | None:  # noqa: ARG002
        """Take the words as they are, but for written steps: there is one format, and no other reading."""
        return " ".join(without_steps(reply).split())

    def put_steps(self, steps: str | None, reply: str) -> str:
        """Put steps between their marks before the answer, where the world has a skill that needs them."""
        return with_steps(steps, reply) if self.writes_steps else reply

    def verify(self, question: Question, answer: str) -> float:
        """1 for the only right answer, word by word."""
        return float(answer == question.answer)

    def judge(self, reading: str, item: Item, reply: str, *, ended: bool) -> tuple[Outcome, float | None]:
        """Score an answer that came to an end.

        One that never ends is `unparsed` (the model rambles: there is no answer to compare), or `truncated` where it
        was cut off before it could have been as long as the right one. Neither has a score.
        """
        if ended:
            return super().judge(reading, item, reply, ended=ended)
        cut_short = len(reply.split()) <= len(render(item.question, item.form).answer.split())
        return (Outcome.TRUNCATED if cut_short else Outcome.UNPARSED), None
