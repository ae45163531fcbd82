"""`TextWorld`: the tasks of a study of real language models, their benchmarks and texts, and what is held out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from gauger.errors import Place, UserError, nearest
from gauger.spec.language_world import InventedFacts, JsonLinesTask, LanguageWorld, ReasoningGymTask, Task
from gauger.worlds.language.arithmetic import ARITHMETIC
from gauger.worlds.language.forms import FORMS, asked_in, has_form, put_answer, read_strictly, render
from gauger.worlds.language.gym import GymSource
from gauger.worlds.language.invented import InventedSource
from gauger.worlds.language.items import TextBenchmark, TextItem, Wording
from gauger.worlds.language.json_lines import JsonLinesSource
from gauger.worlds.language.questions import NEW, TEST, TRAIN, Question
from gauger.worlds.language.sources import Source, generator

_RIGHT = 1 - 1e-9


@dataclass(frozen=True)
class Listed:
    """A benchmark that a world offers."""

    task: str
    form: str
    split: str
    told: str


class TextWorld:
    """A world of text: everything is a function of the settings, and of the user's files where tasks name some.

    Prompts are plain text. Where `settings.chat` is true, whoever gives a prompt to a model puts it into the chat
    template of the model's tokenizer; the world, corpora and records keep it plain.

    Parameters
    ----------
    settings : LanguageWorld
        Tasks, sizes, seed.
    folder : Path
        Where relative paths of `jsonl` tasks start: the folder of the study file.
    """

    def __init__(self, settings: LanguageWorld, folder: Path = Path()) -> None:
        self.settings, self.folder = settings, folder
        self._check_common()

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Task -> what it offers."""
        return {name: self._source(name, task) for name, task in self.settings.tasks.items()}

    def _source(self, name: str, task: Task) -> Source:
        if isinstance(task, ReasoningGymTask):
            return GymSource(name, task, self.settings.seed)
        if isinstance(task, InventedFacts):
            return InventedSource(name, task, self.settings.seed)
        return JsonLinesSource(name, task, self.folder)

    def check(self) -> None:
        """Draw everything once, so that a mistake in the settings is told before anything is run (`UserError`)."""
        for source in self.sources.values():
            _ = source.questions

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

    def questions_from(self, seeds: str, task: str) -> Sequence[Question]:
        """Return the questions of a task that a seed source offers.

        `web`: those that the base counts as having had; `reference`: all that may be trained on; any other: the
        benchmark's own train split.
        """
        if seeds == "reference":
            return self.train_questions(task)
        return self.known.get(task, []) if seeds == "web" else self.benchmark_train[task]

    def seeded_by(self, seeds: str) -> TextWorld:
        """Return this world with the questions of a seed source in the place of its benchmarks' own train split."""
        other = copy(self)
        other.benchmark_train = {task: list(self.questions_from(seeds, task)) for task in self.sources}
        return other

    # --- texts --------------------------------------------------------------------------------------------------

    def has_form(self, task: str, form: str) -> bool:
        """Tell whether a task can be asked in a form."""
        return form in forms_of(self.settings.tasks[task])

    def word(self, questions: Iterable[Question], forms: Sequence[str], *, guarded: bool = True) -> list[Wording]:
        """Word questions with true answers, each once per form that it has.

        Parameters
        ----------
        questions : iterable of Question
        forms : sequence of str
            Names in `FORMS`.
        guarded : bool
            Leave out texts that touch held-out content (a step of a working may).
        """
        chosen = list(questions)
        worded = [render(q, form) for form in forms for q in chosen if has_form(q, form)]
        return [text for text in worded if not (guarded and self.overlaps(text.prompt + text.answer))]

    def read(self, prompt: str) -> tuple[str, Question] | None:
        """Return (form, question) of a prompt, known or newly written; None where it asks nothing sensible."""
        found = asked_in(prompt)
        if found is None:
            return None
        form, asked = found
        questions = (source.read(asked) for source in self.sources.values())
        question = next((question for question in questions if question is not None), None)
        return None if question is None or not has_form(question, form) else (form, question)

    def true_answer(self, prompt: str) -> str | None:
        """Return the true answer to a prompt in its form's format; None where it asks nothing sensible."""
        found = self.read(prompt)
        return None if found is None else put_answer(found[1].answer, found[0], found[1])

    # --- what is held out ---------------------------------------------------------------------------------------

    @cached_property
    def held_out(self) -> frozenset[str]:
        """Content that no training text may touch."""
        held = (source.questions[split] for source in self.sources.values() for split in (TEST, NEW))
        return frozenset(question.key for questions in held for question in questions)

    def content_keys(self, text: str) -> frozenset[str]:
        """Return the contents that a text touches."""
        return frozenset().union(*(source.keys_in(text) for source in self.sources.values()))

    def overlaps(self, text: str) -> frozenset[str]:
        """Return the held-out contents that a text touches, whoever wrote it and in whatever wording."""
        return self.content_keys(text) & self.held_out

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
        score = min(1.0, max(0.0, self.sources[question.task].score(question, answer)))
        return score if self.settings.credit == "partial" else float(score >= _RIGHT)

    def judge(self, question: Question, form: str, said: str) -> float | None:
        """Read the answer out of a text strictly and score it; None where the form's answer is not in it."""
        answer = read_strictly(said, form)
        return None if answer is None else self.verify(question, answer)

    # --- benchmarks ---------------------------------------------------------------------------------------------

    def catalogue(self) -> dict[str, str]:
        """Return the name of every benchmark and what it measures."""
        return {name: listed.told for name, listed in catalogue_of(self.settings).items()}

    def benchmark(self, name: str) -> TextBenchmark:
        """Build a benchmark of the catalogue; the forms of one task ask the same contents, which are their clusters."""
        catalogue = catalogue_of(self.settings)
        if name not in catalogue:
            raise UserError("a benchmark of this world", repr(name), hint=nearest(name, catalogue))
        listed = catalogue[name]
        chosen = self._test_questions(listed.task, listed.split)
        items = tuple(self._item(question, listed.form) for question in chosen if has_form(question, listed.form))
        if not items:
            given = f"{listed.task}, whose answers take several lines"
            raise UserError(f"a task that can be asked as {listed.form}", given, hint="Ask it as tagged.")
        return TextBenchmark(name, listed.task, listed.form, listed.told, items)

    def _test_questions(self, task: str, split: str) -> list[Question]:
        questions = self.sources[task].questions[split]
        order = generator(self.settings.seed, task, "items", split).permutation(len(questions))
        return [questions[i] for i in order[: self.settings.benchmark_items]]

    @staticmethod
    def _item(question: Question, form: str) -> TextItem:
        worded = render(question, form)
        name = question.key if question.id is None else f"{question.task}:{question.id}"
        cluster = question.cluster or question.key
        return TextItem(f"{form}:{name}", cluster, worded.prompt, worded.answer, question.difficulty, question)


def forms_of(task: Task) -> tuple[str, ...]:
    """Return the forms that a task can be asked in."""
    solved = isinstance(task, InventedFacts) or (isinstance(task, ReasoningGymTask) and task.task in ARITHMETIC)
    return tuple(FORMS) if solved else ("qa", "tagged")


def catalogue_of(settings: LanguageWorld) -> dict[str, Listed]:
    """Return every benchmark that a world offers, by name; nothing is drawn, and no other package is needed."""
    return {
        f"{name}-{form}{suffix}": Listed(name, form, split, f"{name} as {FORMS[form].told}, {contents} contents")
        for name, task in settings.tasks.items()
        for form in forms_of(task)
        for suffix, split, contents in (("", TEST, "test"), ("-new", NEW, "new"))
        if split == TEST or not isinstance(task, JsonLinesTask) or task.new is not None
    }


def file_digests(settings: LanguageWorld, folder: Path) -> Mapping[str, str]:
    """Return the user's files with the SHA-256 of their content: what a result depends on beside the settings."""
    tasks = (task for task in settings.tasks.values() if isinstance(task, JsonLinesTask))
    paths = dict.fromkeys(path for task in tasks for path in (task.train, task.test, task.new) if path)
    return {path: _digest(folder / path) for path in paths}


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError("a readable file", str(error.strerror), Place(str(path))) from None
