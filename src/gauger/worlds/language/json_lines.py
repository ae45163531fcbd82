"""Reads the user's questions: JSON Lines with id, prompt, answer, optional cluster, difficulty and working."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gauger.errors import InputError, Place
from gauger.spec import JsonLinesTask
from gauger.store import read_json_lines
from gauger.worlds.items import Question
from gauger.worlds.language.invented import bare
from gauger.worlds.language.sources import NEW, PLAIN_FORMS, TEST, TRAIN, Texts, text_key

_Text = Annotated[str, Field(min_length=1)]


class TaskLine(BaseModel):
    """One line of a file."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    id: str | int
    """Unique in the file."""
    prompt: _Text
    answer: _Text
    cluster: str | int | None = None
    """Questions that share a source, as a passage."""
    difficulty: float = 0.0
    working: _Text | None = None
    """Steps to the answer: what the form `rationale` says before it."""


class JsonLinesSource:
    """Questions from files; `folder` is where their paths start."""

    settings_type: ClassVar[type[JsonLinesTask]] = JsonLinesTask

    def __init__(self, name: str, task: JsonLinesTask, seed: int, folder: Path) -> None:  # noqa: ARG002
        self.name, self.task, self.folder = name, task, folder

    @staticmethod
    def forms(task: JsonLinesTask) -> tuple[str, ...]:
        """Return those that need no statement, and `rationale` where the study says that the files have steps."""
        return (*PLAIN_FORMS, "rationale") if task.working else PLAIN_FORMS

    @property
    def told(self) -> str:
        """Say where the questions come from."""
        return f"questions of {Path(self.task.test).name}"

    @cached_property
    def questions(self) -> Mapping[str, Sequence[Question]]:
        """Read the files.

        Raises
        ------
        InputError
            With file and line: not JSON, a missing or unknown key, an id twice, a question that stands in two splits.
        """
        files = {TRAIN: self.task.train, TEST: self.task.test, NEW: self.task.new}
        splits: dict[str, list[Question]] = {}
        owner: dict[str, str] = {}
        for split, file in files.items():
            splits[split] = self._read(self.folder / file, split, owner) if file else []
        return splits

    def score(self, question: Question, answer: str) -> float:
        """1 where the answer is the file's, whatever its case, spaces, full stop and article."""
        return float(bare(answer) == bare(question.answer))

    def keys_in(self, text: str) -> frozenset[str]:
        """Find whole questions in a text."""
        return self._texts.keys_in(text)

    def read(self, asked: str) -> Question | None:
        """Return the file's question with this text."""
        return self._texts.read(asked)

    @cached_property
    def _texts(self) -> Texts:
        return Texts([question for chosen in self.questions.values() for question in chosen])

    def _read(self, path: Path, split: str, owner: dict[str, str]) -> list[Question]:
        """Read one file; `owner` maps content keys to the split that they were found in, and grows."""
        questions: dict[str, Question] = {}
        for number, fields in read_json_lines(path):
            place = Place(str(path), number)
            line = _checked(fields, place)
            if self.task.working and line.working is None:
                hint = f"Every line needs the steps to its answer, or take world.tasks.{self.name}.working away."
                raise InputError("a line with working", "none", place, hint)
            question = self._question(line)
            if owner.setdefault(question.key, split) != split:
                raise InputError(
                    f"a question of its own in {split}", f"one that is in {owner[question.key]} too", place
                )
            if questions.setdefault(str(question.id), question) is not question:
                raise InputError("each id once", repr(question.id), place)
        if not questions:
            raise InputError("a file with questions", "none", Place(str(path)))
        return list(questions.values())

    def _question(self, line: TaskLine) -> Question:
        return Question(
            skill=self.name,
            text=line.prompt,
            answer=line.answer,
            key=text_key(self.name, line.prompt),
            difficulty=line.difficulty,
            id=str(line.id),
            cluster=None if line.cluster is None else f"{self.name}:{line.cluster}",
            working=line.working if self.task.working else None,
        )


def _checked(fields: Mapping[str, Any], place: Place) -> TaskLine:
    try:
        return TaskLine.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        wanted = "a line with id, prompt, answer and at most cluster, difficulty and working"
        raise InputError(wanted, f"{key}: {first['msg']}" if key else first["msg"], place) from None
