"""Makes a question of an item of reasoning-gym: its wording, and how its content is found in any text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from gauger.worlds.items import Question
from gauger.worlds.language.arithmetic import Arithmetic, Numbers, content, digits
from gauger.worlds.language.sources import Texts, text_key

Entry = Mapping[str, Any]
Drawn = Callable[[], Sequence[Question]]
SHORT: Mapping[str, Callable[[Entry], str]] = {
    "spell_backward": lambda entry: f"Spell {entry['metadata']['word']} backward.",
    "simple_equations": lambda entry: f"{entry['question']}.",
}
"""Short wordings of tasks that are not arithmetic."""


class GymWording(Protocol):
    """How one task of reasoning-gym is worded and read."""

    def question(self, entry: Entry) -> Question:
        """Make a question of an item."""
        ...

    def keys_in(self, text: str) -> frozenset[str]:
        """Return the content keys that a text touches."""
        ...

    def read(self, asked: str) -> Question | None:
        """Return the question that a text asks; None where it asks none of this task."""
        ...


class PlainWording:
    """A task that is known by its words alone: a content is found where its whole question stands.

    Parameters
    ----------
    name : str
        Name of the task in the study.
    short : callable, optional
        Words an item in fewer words than its own.
    drawn : callable
        Returns every question that was drawn.
    """

    def __init__(self, name: str, short: Callable[[Entry], str] | None, drawn: Drawn) -> None:
        self.name, self._short, self._drawn = name, short, drawn

    def question(self, entry: Entry) -> Question:
        """Make a question of an item."""
        text = self._short(entry) if self._short else str(entry["question"])
        return Question(self.name, text, str(entry["answer"]), text_key(self.name, text), entry=entry)

    def keys_in(self, text: str) -> frozenset[str]:
        """Find whole questions."""
        return self._texts.keys_in(text)

    def read(self, asked: str) -> Question | None:
        """Return the question, if it was drawn."""
        return self._texts.read(asked)

    @cached_property
    def _texts(self) -> Texts:
        return Texts(self._drawn())


class ArithmeticWording:
    """A task of arithmetic: contents are operands, found and read wherever they stand.

    Parameters
    ----------
    name : str
        Name of the task in the study.
    kind : Arithmetic
    plain : PlainWording
        For the items that are no problem of this kind (a sum of one term), and for the task's own words.
    own : bool
        Ask in the task's own words.
    """

    def __init__(self, name: str, kind: Arithmetic, plain: PlainWording, *, own: bool) -> None:
        self.name, self.kind, self._plain, self._own = name, kind, plain, own

    def question(self, entry: Entry) -> Question:
        """Make a question of an item; one that our own code solves otherwise stays in its own words."""
        problems = self.kind.find(entry["question"])
        if len(problems) != 1 or str(self.kind.solve(problems[0])) != entry["answer"]:
            return self._plain.question(entry)
        text = entry["question"] if self._own else self.kind.text(problems[0])
        return self._worded(problems[0], text, entry)

    def keys_in(self, text: str) -> frozenset[str]:
        """Find operands."""
        return frozenset(self._key(numbers) for numbers in self.kind.find(text)) | self._plain.keys_in(text)

    def read(self, asked: str) -> Question | None:
        """Read any problem in the short wording, drawn or not, and in the task's own words those that were drawn."""
        asked = asked.strip()
        known, problems = self._plain.read(asked), self.kind.find(asked)
        if known is not None or len(problems) != 1:
            return known
        if asked not in (self.kind.text(problems[0]), self.kind.opening(problems[0])):
            return None
        entry = {"question": asked, "answer": str(self.kind.solve(problems[0])), "metadata": {}}
        return self._worded(problems[0], self.kind.text(problems[0]), entry)

    def _worded(self, numbers: Numbers, text: str, entry: Entry) -> Question:
        return Question(
            skill=self.name,
            text=text,
            answer=str(entry["answer"]),
            key=self._key(numbers),
            difficulty=float(digits(numbers)),
            statement=self.kind.opening(numbers),
            working=self.kind.work(numbers),
            entry=entry,
        )

    def _key(self, numbers: Numbers) -> str:
        return f"{self.name}:{content(numbers)}"
