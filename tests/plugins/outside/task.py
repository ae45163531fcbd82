"""A task of another package for language worlds: is a number even or odd?"""

from pathlib import Path
from typing import ClassVar, Literal

from gauger.spec.language_world import TaskSettings
from gauger.worlds.items import Question
from gauger.worlds.language.sources import NEW, PLAIN_FORMS, TEST, TRAIN, Texts


class ParityTask(TaskSettings):
    """Even or odd."""

    kind: Literal["parity"]
    """Even or odd."""
    numbers: int = 60
    """How many numbers there are."""


class ParitySource:
    settings_type: ClassVar[type[ParityTask]] = ParityTask

    def __init__(self, name: str, task: ParityTask, seed: int, folder: Path | None = None) -> None:
        self.name, self.task = name, task
        asked = [
            Question(name, f"Is {n} even or odd?", "even" if n % 2 == 0 else "odd", f"{name}:{n}")
            for n in range(task.numbers)
        ]
        self.questions = {TRAIN: asked[2::3], TEST: asked[::3], NEW: asked[1::3]}
        self._texts = Texts(asked)

    @staticmethod
    def forms(task: ParityTask) -> tuple[str, ...]:
        return PLAIN_FORMS

    told = "even or odd"

    def score(self, question: Question, answer: str) -> float:
        return float(answer.strip().lower() == question.answer)

    def keys_in(self, text: str) -> frozenset[str]:
        return self._texts.keys_in(text)

    def read(self, asked: str) -> Question | None:
        return self._texts.read(asked)
