"""Puts together `TextWorld`: a study's tasks for real language models, their benchmarks and texts, what is held out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from gauger.errors import Place, UserError, nearest
from gauger.spec import LanguageWorld, Task
from gauger.worlds.base import World
from gauger.worlds.items import FLEXIBLE, RIGHT, STRICT, Benchmark, Form, Item, Listed, Question, Wording
from gauger.worlds.language.flexible import flexible
from gauger.worlds.language.forms import FORMS, asked_in, has_form, put_answer, read_strictly, render
from gauger.worlds.language.sources import NEW, TEST, TRAIN, TaskSource, generator
from gauger.worlds.language.task_kinds import SOURCES, forms_of, listed_in

_STATEMENT = re.compile(r".*?(?: is|=)(?= |$)")
"""A statement, which has no mark of its own, ends where its answer begins."""


class TextWorld(World):
    """A world of text: tasks asked in several forms, whose answers can be checked.

    Prompts are plain text. Where `settings.chat` is true, whoever gives a prompt to a model puts it into the chat
    template of the model's tokenizer; the world, corpora and records keep it plain.

    Parameters
    ----------
    settings : LanguageWorld
        Tasks, sizes, seed.
    folder : Path
        Where relative paths of `jsonl` tasks start: the folder of the study file.
    """

    settings_type: ClassVar[type[LanguageWorld]] = LanguageWorld
    forms: ClassVar[Mapping[str, Form]] = FORMS
    own_form: ClassVar[str] = "qa"
    readings: ClassVar[tuple[str, ...]] = (STRICT, FLEXIBLE)

    def __init__(self, settings: LanguageWorld, folder: Path | None = None) -> None:
        self.settings, self.folder, self.chat = settings, folder or Path(), settings.chat
        self._check_common()

    @property
    def skills(self) -> tuple[str, ...]:
        """Every task."""
        return tuple(self.settings.tasks)

    @cached_property
    def sources(self) -> dict[str, TaskSource]:
        """Task -> what it offers."""
        return {name: self._source(name, task) for name, task in self.settings.tasks.items()}

    def _source(self, name: str, task: Task) -> TaskSource:
        source: TaskSource = SOURCES.load(task.kind)(name, task, self.settings.seed, self.folder)
        return source

    @property
    def parts(self) -> tuple[str, ...]:
        """The sources of its tasks."""
        return tuple(dict.fromkeys(SOURCES[task.kind] for task in self.settings.tasks.values()))

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Files of the user's that results depend on, relative to the folder."""
        return tuple(dict.fromkeys(path for task in self.settings.tasks.values() for path in task.files))

    def _check_common(self) -> None:
        for name in self.settings.common:
            if name not in self.settings.tasks:
                hint = nearest(name, self.settings.tasks)
                raise UserError("a task of this world", repr(name), Place(key="world.common"), hint)

    # --- who knows what -----------------------------------------------------------------------------------------

    def train_questions(self, task: str) -> list[Question]:
        """Return every question of a task whose content may be trained on."""
        return self._trainable[task]

    @cached_property
    def _trainable(self) -> dict[str, list[Question]]:
        """Training questions that touch no held-out content, of their own task or of another."""
        return {
            task: [q for q in source.questions[TRAIN] if not self.overlaps(f"{q.text}\n{q.statement or ''}")]
            for task, source in self.sources.items()
        }

    @cached_property
    def benchmark_train(self) -> dict[str, list[Question]]:
        """Per task, the questions of its benchmarks' own train split."""
        return {task: self._share(task, self.settings.seed_share) for task in self.sources}

    def _share(self, task: str, share: float) -> list[Question]:
        questions = self.train_questions(task)
        order = generator(self.settings.seed, task, "seeds").permutation(len(questions))
        chosen = set(order[: max(1, round(share * len(questions)))].tolist())
        return [question for index, question in enumerate(questions) if index in chosen]

    @cached_property
    def known(self) -> dict[str, list[Question]]:
        """Per common task, its training questions: what the base counts as having had anyway."""
        return {task: self.train_questions(task) for task in self.settings.common}

    # --- texts --------------------------------------------------------------------------------------------------

    def has_form(self, skill: str, form: str) -> bool:
        """Tell whether a task can be asked in a form."""
        return form in forms_of(self.settings.tasks[skill])

    def word(
        self,
        questions: Iterable[Question],
        forms: Sequence[str],
        rng: np.random.Generator | None = None,  # noqa: ARG002 - no form draws what it tells
    ) -> list[Wording]:
        """Word questions with true answers; texts that touch held-out content are left out (a step of a working may).

        Parameters
        ----------
        questions : iterable of Question
        forms : sequence of str
            Names in `FORMS`.
        rng
            Not used: no form of this world draws what it tells.
        """
        chosen = list(questions)
        worded = [render(q, form) for form in forms for q in chosen if has_form(q, form)]
        return [text for text in worded if not self.overlaps(text.text)]

    @cached_property
    def web(self) -> Sequence[Wording]:
        """Common tasks' questions with their answers."""
        return self.word([q for questions in self.known.values() for q in questions], [self.own_form])

    @cached_property
    def library(self) -> Sequence[Wording]:
        """Every task's training questions with their answers."""
        return self.word([q for skill in self.skills for q in self.train_questions(skill)], [self.own_form])

    def prompts(self, question: Question, forms: Sequence[str]) -> list[str]:
        """Word a question as a prompt in every form that it has and that touches nothing held out."""
        return [text.prompt for text in self.word([question], forms)]

    def read(self, prompt: str) -> tuple[str, Question] | None:
        """Return (form, question) of a prompt, known or newly written; None where it asks nothing sensible."""
        parsed = asked_in(prompt)
        if parsed is None:
            return None
        form, asked = parsed
        questions = (source.read(asked) for source in self.sources.values())
        question = next((question for question in questions if question is not None), None)
        return None if question is None or not has_form(question, form) else (form, question)

    def form_of(self, prompt: str) -> str | None:
        """Return the form of a prompt that asks a question of a task."""
        parsed = self.read(prompt)
        return parsed[0] if parsed else None

    def question_of(self, prompt: str) -> Question | None:
        """Return the question that a prompt asks."""
        parsed = self.read(prompt)
        return parsed[1] if parsed else None

    def subjects(self, prompt: str, answer: str) -> frozenset[str]:  # noqa: ARG002 - what is asked decides
        """Return the task of the question that is asked: numbers in an answer may be problems of another task."""
        question = self.question_of(prompt)
        return frozenset() if question is None else frozenset((question.skill,))

    def true_answer(self, prompt: str, reply: str = "") -> str | None:  # noqa: ARG002 - no form is free
        """Return the true answer to a prompt in its form's format; None where it asks nothing sensible."""
        parsed = self.read(prompt)
        return None if parsed is None else put_answer(parsed[1].answer, parsed[0], parsed[1])

    def stops(self, prompt: str) -> tuple[str, ...]:
        """Return the strings that end an answer in the prompt's form, whatever it asks."""
        parsed = asked_in(prompt)
        return FORMS[parsed[0] if parsed else self.own_form].stops

    # --- prompts that a model writes ----------------------------------------------------------------------------

    def opening(self, prompt: str, rng: np.random.Generator) -> str:
        """Keep the form's beginning and at most all but one word of the question."""
        parsed = asked_in(prompt)
        form, asked = parsed or (self.own_form, prompt)
        words = asked.split(" ")
        return FORMS[form].before + " ".join(words[: rng.integers(0, len(words))])

    def blank_opening(self, forms: Sequence[str], rng: np.random.Generator) -> str:
        """Begin one of the forms, chosen at random."""
        return FORMS[forms[int(rng.integers(len(forms)))]].before

    def prompt_ends(self, opening: str, forms: Sequence[str]) -> tuple[str, ...]:
        """Return what divides question and answer in those of the forms that begin so."""
        ends = [FORMS[form].after or "\n" for form in forms if opening.startswith(FORMS[form].before)]
        return tuple(dict.fromkeys(ends)) or ("\n",)

    def finished(self, written: str, stop: str | None, forms: Sequence[str]) -> str:
        """Put the mark back that ended the question; a statement ends where its answer begins."""
        if written.startswith(FORMS["cloze"].before):
            match = _STATEMENT.match(written)
            return match[0] if match else written
        ends = [form for form in forms if FORMS[form].after and written.startswith(FORMS[form].before)]
        return written + (stop or FORMS[ends[0] if ends else self.own_form].after)

    # --- putting answers into a form ----------------------------------------------------------------------------

    def joined(self, prompt: str, reply: str) -> str:
        """Put a space before what was said, but for forms that end with a line break."""
        return reply.strip() if prompt.endswith("\n") else super().joined(prompt, reply)

    def as_prompt(self, problem: str, forms: Sequence[str], place: int) -> str:
        """Put a problem into one of the forms; a sentence to complete is no problem, so that `qa` stands for it."""
        if asked_in(problem) is not None:
            return problem
        form = forms[place % len(forms)]
        shape = FORMS[form if form != "cloze" else self.own_form]
        return shape.before + problem + shape.after

    # --- what is held out ---------------------------------------------------------------------------------------

    @cached_property
    def held_out(self) -> frozenset[str]:
        """Content that no training text may touch."""
        held = (source.questions[split] for source in self.sources.values() for split in (TEST, NEW))
        return frozenset(question.key for questions in held for question in questions)

    def content_keys(self, text: str) -> frozenset[str]:
        """Return the contents that a text touches."""
        return frozenset().union(*(source.keys_in(text) for source in self.sources.values()))

    # --- answers ------------------------------------------------------------------------------------------------

    def verify(self, question: Question, answer: str) -> float:
        """Score an answer that was read out of a text, 0-1.

        Exact by default (`settings.credit`): many verifiers give part credit for a right answer among other words, in
        proportion to its length, so that learning to be brief would look like learning to solve.

        Raises
        ------
        VerifierError
            Where the task's verifier breaks on the answer: it then has no score.
        """
        score = min(1.0, max(0.0, self.sources[question.skill].score(question, answer)))
        return score if self.settings.credit == "partial" else float(score >= RIGHT)

    def extract(self, reading: str, reply: str, question: Question, form: str) -> str | None:
        """Read an answer strictly, in the form's own format, or flexibly, wherever it stands."""
        return read_strictly(reply, form) if reading == STRICT else flexible(reply, question)

    # --- benchmarks ---------------------------------------------------------------------------------------------

    def listed(self) -> Mapping[str, Listed]:
        """Return every benchmark; no other package is needed for it."""
        return listed_in(self.settings)

    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark of the catalogue; the forms of one task ask the same contents, which are their clusters."""
        listed = self.listed_as(name)
        chosen = self._test_questions(listed.skill, listed.split)
        items = tuple(self._item(question, listed.form) for question in chosen if has_form(question, listed.form))
        if not items:
            given = f"{listed.skill}, whose answers take several lines"
            raise UserError(f"a task that can be asked as {listed.form}", given, hint="Ask it as tagged.")
        return Benchmark(name, listed.skill, listed.form, listed.told, items)

    def _test_questions(self, task: str, split: str) -> list[Question]:
        questions = self.sources[task].questions[split]
        order = generator(self.settings.seed, task, "items", split).permutation(len(questions))
        return [questions[i] for i in order[: self.settings.benchmark_items]]

    @staticmethod
    def _item(question: Question, form: str) -> Item:
        worded = render(question, form)
        name = question.key if question.id is None else f"{question.skill}:{question.id}"
        cluster = question.cluster or question.key
        return Item(f"{form}:{name}", cluster, worded.prompt, worded.answer, question.difficulty, form, question)
