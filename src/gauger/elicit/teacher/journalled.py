"""Keeps a teacher's replies, so that nothing is asked, or paid, a second time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from gauger.elicit.api.threads import Background
from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.budget import QueryBudget
from gauger.elicit.teacher.journal import Journal, JournalRow
from gauger.elicit.teacher.messages import BatchUnderWay, Reply, Request, SendingLog, Teacher

Batch: TypeAlias = list[tuple[int, Reply]]
Put: TypeAlias = Callable[[tuple[int, Reply]], None]


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

    def start(self, requests: Sequence[Request], log: SendingLog | None = None) -> OpenBatch:
        """Return the asking of one batch, which tells `log` of every request before it is sent."""
        ...


@runtime_checkable
class Budgeted(Protocol):
    """A teacher with a budget."""

    budget: QueryBudget


class JournalLog:
    """Writes into the journal which requests of a batch are under way."""

    def __init__(self, journal: Journal, questions: Sequence[PlacedRequest], budget: QueryBudget) -> None:
        self._journal, self._questions, self._budget = journal, questions, budget

    def sending(self, index: int) -> None:
        """Write it down before it is sent."""
        question = self._questions[index]
        self._journal.sent(question.key, self._budget.most(question.request))

    def missed(self, index: int, usage: Usage | None) -> None:
        """Write down that it came to nothing."""
        self._journal.missed(self._questions[index].key, usage)

    def sending_together(self, batch: BatchUnderWay) -> None:
        """Write a batch down before it is sent."""
        questions = [self._questions[index] for index in batch.indices]
        rows = [(question.key, self._budget.most(question.request)) for question in questions]
        with self._journal.batches() as log:
            log.sent_together(batch.name, {"at": batch.url, "respelt": list(batch.respelt)}, rows)

    def taken(self, name: str, batch_id: str) -> None:
        """Write down what the endpoint calls a batch."""
        with self._journal.batches() as log:
            log.taken(name, batch_id)

    def lost(self, index: int) -> None:
        """Write down that a batch has come in without it."""
        with self._journal.batches() as log:
            log.lost(self._questions[index].key)

    def under_way(self) -> list[BatchUnderWay]:
        """Return the batches that these requests are in."""
        indices: dict[str, list[int]] = {}
        with self._journal.batches() as log:
            for index, question in enumerate(self._questions):
                sendings = log.get(question.key)
                if sendings is not None and sendings.batch is not None:
                    indices.setdefault(sendings.batch, []).append(index)
            about = {name: log.batches[name] for name in indices}
        return [
            BatchUnderWay(name, details["at"], details.get("id"), indices[name], tuple(details["respelt"]))
            for name, details in about.items()
        ]


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

    Every request is written down before it is sent, by teachers that can say so: what a killed session left without a
    reply may have been paid, and counts at the most that it could have used, in the budget and with the reply that
    comes at last (`unseen` tells of those that none comes for).

    The budget, where the teacher has one, counts replies from the journal as it counts new ones, and before any is
    asked: no number of sessions spends more than one would. An arm that was killed and resumed ends where it would have
    ended, but for requests at the very end of its budget, which then has less room for them. A budget that has become
    smaller holds for what the journal has, too: it is given in order, as far as there was room to ask for it.

    Parameters
    ----------
    teacher : Teacher
        Who is asked.
    path : Path
        The journal's file.
    wait_s : float
        How long another process may write to it before this one gives up.
    beside : sequence of Path
        Journals of the same teacher, asked with the same settings: a reply that stands in one of them is taken over,
        with what it took, in place of asking. They are read alone.
    """

    def __init__(self, teacher: Teacher, path: Path, wait_s: float = 0.0, beside: Sequence[Path] = ()) -> None:
        self._teacher, self.journal = teacher, Journal(path, wait_s)
        self._beside = [Journal(other) for other in beside]
        self._counted: set[str] = set()
        self._seen: set[str] = set()
        """Requests whose reply somebody has got."""
        self._given = Use()
        """What the replies given from the journal used, each at its request's own limit if it went beyond."""

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
            self._take_over(questions)
            stored = [question for key, question in questions.items() if key in self.journal]
            new = [question for key, question in questions.items() if key not in self.journal]
            self._recall(new)
            fitting = list(takewhile(self._fits, stored))
            self._recall(fitting)
            yield from self._from_journal(fitting)
            if len(fitting) == len(stored):
                yield from self._asked(new)

    def _take_over(self, questions: Mapping[str, PlacedRequest]) -> None:
        """Copy replies that a journal beside this one has and this one has not; failures are not worth it."""
        for other in self._beside:
            wanted = [question for key, question in questions.items() if key not in self.journal]
            if not wanted or not other.path.exists():
                continue
            other.read()
            with other.reading():
                self.journal.append(
                    JournalRow(question.key, question.request, other[question.key])
                    for question in wanted
                    if question.key in other
                )

    def unseen(self) -> list[Reply]:
        """Return what was spent, or may have been, on requests that got no reply at all, each as a failure."""
        return [
            self._booked_at(most, reply)
            for key, most, reply in self.journal.unanswered()
            if key not in self._seen and (reply.paid_again or reply.earlier)
        ]

    def _booked_at(self, most: Use | None, reply: Reply) -> Reply:
        if most is None or not isinstance(self._teacher, Budgeted):
            return reply
        return self._teacher.budget.booked_at(most, reply)

    def _booked(self, request: Request, reply: Reply) -> Reply:
        """Return a reply with its cost at the prices of today."""
        return self._teacher.budget.booked(request, reply) if isinstance(self._teacher, Budgeted) else reply

    def _from_journal(self, questions: Sequence[PlacedRequest]) -> Iterator[tuple[int, Reply]]:
        for question in questions:
            reply = self._booked(question.request, self.journal[question.key])
            yield from ((index, reply) for index in question.indices)

    def _asked(self, questions: Sequence[PlacedRequest]) -> Iterator[tuple[int, Reply]]:
        """Ask, keep what comes, and give each reply to all requests that are equal."""
        if not questions:
            return
        keeper = Background[tuple[int, Reply]](*self._keeping(questions), "journal")
        for batch in keeper.batches():
            for place, reply in batch:
                self._seen.add(questions[place].key)
                yield from ((index, reply) for index in questions[place].indices)

    def _keeping(self, questions: Sequence[PlacedRequest]) -> tuple[Callable[[Put], None], Callable[[], None]]:
        """Return what asks and keeps, and what stops it."""
        requests, teacher = [question.request for question in questions], self._teacher
        past = {question.key: reply for question in questions if (reply := self.journal.past(question.key))}
        asking: OpenBatch
        if isinstance(teacher, Stoppable):
            budget = teacher.budget if isinstance(teacher, Budgeted) else QueryBudget()
            asking = teacher.start(requests, JournalLog(self.journal, questions, budget))
        else:
            asking = OneByOne(teacher, requests)
        return partial(self._keep, asking, questions, past), asking.stop

    def _keep(self, asking: OpenBatch, questions: Sequence[PlacedRequest], past: Mapping[str, Reply], put: Put) -> None:
        """Put each batch on disk, then hand it on; where the disk takes nothing more, nothing more is asked."""
        try:
            for batch in asking.batches():
                rows = [(place, questions[place], reply) for place, reply in batch]
                kept = [
                    (place, self._with_past(question, past.get(question.key), reply)) for place, question, reply in rows
                ]
                self.journal.append(
                    JournalRow(questions[place].key, questions[place].request, reply) for place, reply in kept
                )
                for row in kept:
                    put(row)
        except BaseException:
            asking.stop()
            raise

    def _with_past(self, question: PlacedRequest, past: Reply | None, reply: Reply) -> Reply:
        """Add the sendings before this reply, which brought none."""
        if past is None:
            return reply
        whole = replace(
            reply,
            requests=reply.requests + past.requests,
            paid_again=reply.paid_again + past.paid_again,
            earlier=(*past.earlier, *reply.earlier),
        )
        return self._booked(question.request, whole)

    def _fits(self, question: PlacedRequest) -> bool:
        """Say whether there was room to ask for a reply of the journal, after those before it."""
        if question.key in self._counted or not isinstance(self._teacher, Budgeted):
            return True
        budget = self._teacher.budget
        if not budget.has_room(question.request, self._given):
            return False
        self._given = self._given.plus(budget.within_limit(question.request, self.journal[question.key]))
        return True

    def _recall(self, questions: Sequence[PlacedRequest]) -> None:
        """Count what earlier sessions spent on these, each once; what this one spends is counted as it is spent."""
        for question in questions:
            past = self.journal.get(question.key) or self.journal.past(question.key)
            if past is not None and question.key not in self._counted and isinstance(self._teacher, Budgeted):
                self._teacher.budget.recall(question.request, past)
            self._counted.add(question.key)
