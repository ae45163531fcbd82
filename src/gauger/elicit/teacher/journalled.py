"""Keeps a teacher's replies, so that nothing is asked, or paid, a second time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from gauger.elicit.api.threads import Background
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journal import Journal, JournalRow
from gauger.elicit.teacher.messages import Reply, Request, Teacher

Batch: TypeAlias = list[tuple[int, Reply]]


class PlacedRequest(NamedTuple):
    """A request, and where in the batch it stands (more than once where requests are equal)."""

    key: str
    request: Request
    indices: list[int]


class OpenBatch(Protocol):
    """One batch being asked."""

    def batches(self) -> Iterator[Batch]:
        """Yield the replies that have come since the last time."""
        ...

    def stop(self) -> None:
        """Ask nothing more; what is in flight still comes back."""
        ...


@runtime_checkable
class Stoppable(Protocol):
    """A teacher that can be told to stop with what is in flight."""

    def start(self, requests: Sequence[Request]) -> OpenBatch:
        """Return the asking of one batch."""
        ...


@runtime_checkable
class Budgeted(Protocol):
    """A teacher with a budget."""

    budget: QueryBudget


class OneByOne:
    """The asking of a teacher that yields one reply at a time."""

    def __init__(self, teacher: Teacher, requests: Sequence[Request]) -> None:
        self._teacher, self._requests, self._stopping = teacher, requests, False

    def batches(self) -> Iterator[Batch]:
        """Yield each reply as a batch of one."""
        for row in self._teacher.ask(self._requests):
            yield [row]
            if self._stopping:
                return

    def stop(self) -> None:
        """Take no further reply."""
        self._stopping = True


class Journalled:
    """Any `Teacher` with a journal before it.

    A request that was answered before, in this session or in one that was killed, is answered from the journal with
    what it took then; equal requests of one batch are asked once. Failures are kept too, but asked again, and the new
    reply counts the requests of both. Where the caller leaves early (an exception, Ctrl-C), what is in flight is paid,
    so it is waited for and kept.

    The budget, where the teacher has one, counts replies from the journal as it counts new ones: an arm that was
    killed and resumed ends where it would have ended. A missing request before the last one that was answered had its
    place in the budget already when that one was sent; it is asked before the others are counted.

    Parameters
    ----------
    teacher : Teacher
        Who is asked.
    path : Path
        The journal's file.
    """

    def __init__(self, teacher: Teacher, path: Path) -> None:
        self._teacher, self.journal = teacher, Journal(path)
        self._counted: set[str] = set()

    @property
    def name(self) -> str:
        """Name of the teacher."""
        return self._teacher.name

    @property
    def terms(self) -> str | None:
        """Terms of the teacher."""
        return self._teacher.terms

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply): those of the journal first, then new ones as they come."""
        places: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            places.setdefault(request.key, []).append(index)
        questions = {key: PlacedRequest(key, requests[indices[0]], indices) for key, indices in places.items()}
        with self.journal.writing(self.name):
            stored = [question for key, question in questions.items() if key in self.journal]
            new = [question for key, question in questions.items() if key not in self.journal]
            self._recall(new)
            yield from self._from_journal(stored)
            last = stored[-1].indices[0] if stored else -1
            yield from self._asked([question for question in new if question.indices[0] < last])
            self._recall(stored)
            yield from self._asked([question for question in new if question.indices[0] > last])

    def _from_journal(self, questions: Sequence[PlacedRequest]) -> Iterator[tuple[int, Reply]]:
        for question in questions:
            reply = self.journal[question.key]
            yield from ((index, reply) for index in question.indices)

    def _asked(self, questions: Sequence[PlacedRequest]) -> Iterator[tuple[int, Reply]]:
        """Ask, keep what comes, and give each reply to all requests that are equal."""
        if not questions:
            return
        requests = [question.request for question in questions]
        teacher = self._teacher
        asking = teacher.start(requests) if isinstance(teacher, Stoppable) else OneByOne(teacher, requests)
        keeper = Background[tuple[int, Reply]](partial(self._keep, asking, questions), asking.stop, "journal")
        for batch in keeper.batches():
            for place, reply in batch:
                yield from ((index, reply) for index in questions[place].indices)

    def _keep(
        self, asking: OpenBatch, questions: Sequence[PlacedRequest], put: Callable[[tuple[int, Reply]], None]
    ) -> None:
        """Put each batch on disk, then hand it on; where the disk takes nothing more, nothing more is asked."""
        try:
            for batch in asking.batches():
                kept = [(place, self._with_past(questions[place].key, reply)) for place, reply in batch]
                self.journal.append(
                    JournalRow(questions[place].key, questions[place].request, reply) for place, reply in kept
                )
                self._counted.update(questions[place].key for place, _ in kept)
                for row in kept:
                    put(row)
        except BaseException:
            asking.stop()
            raise

    def _with_past(self, key: str, reply: Reply) -> Reply:
        """Add the requests of the failures before this reply."""
        past = self.journal.failed.get(key)
        if past is None:
            return reply
        return replace(reply, requests=reply.requests + past.requests, paid_again=reply.paid_again + past.paid_again)

    def _recall(self, questions: Sequence[PlacedRequest]) -> None:
        """Count what earlier sessions spent on these, each once."""
        if not isinstance(self._teacher, Budgeted):
            return
        for question in questions:
            past = self.journal.get(question.key) or self.journal.failed.get(question.key)
            if past is not None and question.key not in self._counted:
                self._teacher.budget.recall(question.request, past)
                self._counted.add(question.key)
