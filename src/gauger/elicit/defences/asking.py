"""Asks a teacher something else than it was asked: what most generations are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journalled import OneByOne, OpenBatch, Stoppable
from gauger.elicit.teacher.messages import Reply, Request, SendingLog, Teacher


class AskedInstead:
    """A `Teacher` whose requests are changed before they are asked; replies come back under the original ones."""

    def __init__(self, teacher: Teacher, change: Callable[[Request], Request]) -> None:
        self._teacher, self._change = teacher, change

    @property
    def name(self) -> str:
        """Name of the teacher."""
        return self._teacher.name

    @property
    def terms(self) -> str | None:
        """Terms of the teacher."""
        return self._teacher.terms

    @property
    def budget(self) -> QueryBudget:
        """The budget of the teacher; there is no such attribute where it has none."""
        budget: QueryBudget = self._teacher.budget  # type: ignore[attr-defined]  # the error that it raises is meant
        return budget

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply) to the changed requests."""
        return self._teacher.ask([self._change(request) for request in requests])

    def start(self, requests: Sequence[Request], log: SendingLog | None = None) -> OpenBatch:
        """Return the asking of one batch of changed requests, which tells `log` of every one before it is sent."""
        changed = [self._change(request) for request in requests]
        teacher = self._teacher
        return teacher.start(changed, log) if isinstance(teacher, Stoppable) else OneByOne(teacher, changed)


def asking_instead(change: Callable[[Request, float], Request]) -> Callable[[Teacher, float], Teacher]:
    """Make of a function of request and strength what wraps a teacher."""

    def wrap(teacher: Teacher, strength: float) -> Teacher:
        return AskedInstead(teacher, lambda request: change(request, strength))

    return wrap
