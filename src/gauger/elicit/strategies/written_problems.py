"""expand, seedless: the teacher writes problems, those that are new are kept, and it answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import ceil

from gauger.elicit.sample import STEP, UNASKED, ChatSample
from gauger.elicit.strategies.reply_parsing import list_items
from gauger.elicit.strategies.rounds import Ask, Results, Rounds, Work
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import ReplyOutcome

UNPARSED = "unparsed"
"""Dropped because the reply is not in the form that was asked for."""
MOST_AT_ONCE = 16
"""Requests for material in one round. Rounds grow up to this, so that a small budget is not spent on material alone."""


@dataclass(frozen=True)
class _Origin:
    """What new problems are made from."""

    prompt: str
    seeds: tuple[Seed, ...] = ()
    parents: tuple[str, ...] = ()
    generation: int = 0


@dataclass(frozen=True)
class _Problem:
    """A problem that the teacher wrote."""

    text: str
    draft: ChatSample
    origin: _Origin


class _FromSeeds:
    """Chooses what to develop: for one half problems of earlier rounds that were kept, else seeds in random order."""

    def __init__(self, work: Work) -> None:
        self._work, self._kept, self._seeds = work, list[_Origin](), self._in_turn()

    def take(self, count: int) -> list[_Origin]:
        """Take as many; fewer only where no number of samples is wanted and every seed was used."""
        developed, self._kept = self._kept[: count // 2], self._kept[count // 2 :]
        return [*developed, *islice(self._seeds, count - len(developed))]

    def develop(self, problem: _Problem, sample: ChatSample) -> None:
        """Take a problem that was kept as the origin of others, unless it is of the last generation."""
        generation = problem.origin.generation + 1
        if self._work.wanted is not None and generation < self._work.template.generations:
            self._kept.append(_Origin(problem.text, problem.origin.seeds, (sample.id,), generation))

    def _in_turn(self) -> Iterator[_Origin]:
        while True:
            for seed in self._work.shuffled():
                yield _Origin(seed.prompt, (seed,), seed.parents)
            if self._work.wanted is None:
                return


class _FromNothing:
    """The teacher is given nothing."""

    def take(self, count: int) -> list[_Origin]:
        """Return as many empty origins."""
        return [_Origin("")] * count

    def develop(self, problem: _Problem, sample: ChatSample) -> None:
        """Leave it: what is developed would no longer be seedless."""


def ask_expanded(work: Work) -> Rounds:
    """Write problems from seeds, and from problems that were kept; answer those that are new.

    Without a number wanted every seed is used once.
    """
    yield from _Writing(work, _FromSeeds(work)).rounds()


def ask_seedless(work: Work) -> Rounds:
    """Write problems from nothing, and answer those that are new."""
    yield from _Writing(work, _FromNothing()).rounds()


@dataclass
class _Writing:
    work: Work
    source: _FromSeeds | _FromNothing
    waiting: list[_Problem] = field(default_factory=list)
    """Problems still to be answered."""
    draw: int = 0
    """Requests for problems so far: equal ones differ by it."""

    def rounds(self) -> Rounds:
        """Write and answer in turn; in the end say what was not asked."""
        work, at_once = self.work, 1
        try:
            while work.missing != 0:
                if work.missing is None or len(self.waiting) < work.missing:
                    origins = self.source.take(min(at_once, self._short()))
                    self._read((yield [self._write(origin) for origin in origins]), origins)
                    at_once = min(MOST_AT_ONCE, 2 * at_once)
                    if not origins and not self.waiting:
                        return
                asked, self.waiting = self.waiting[: work.missing], self.waiting[len(self.waiting[: work.missing]) :]
                self._take_in((yield [self._answer(problem) for problem in asked]), asked)
        finally:
            for problem in self.waiting:
                work.record(problem.draft.fails(UNASKED))

    def _short(self) -> int:
        """Count the requests that would bring as many problems as are missing; any number where none is wanted."""
        if self.work.missing is None:
            return MOST_AT_ONCE
        return ceil((self.work.missing - len(self.waiting)) / self.work.template.per_request)

    def _write(self, origin: _Origin) -> Ask:
        template, self.draw = self.work.template, self.draw + 1
        values = {"prompt": origin.prompt, "count": str(template.per_request), "direction": self.work.direction()}
        request = template.parts["write"].request(values, self.draw)
        draft = self.work.draft("", origin.seeds, origin.parents, origin.generation)
        return Ask(request, replace(draft, prompt=request.messages), step=True, read=_readable)

    def _read(self, replies: Results, origins: Sequence[_Origin]) -> None:
        """Turn replies into problems and put those that pass the filters into the queue."""
        for reply, origin in zip(replies, origins, strict=True):
            for text in _problems(reply):
                draft = self.work.draft(text, origin.seeds, (reply.id,) if reply else (), origin.generation + 1)
                if (checked := self.work.screen(draft)) is not None:
                    self.waiting.append(_Problem(text, checked, origin))

    def _answer(self, problem: _Problem) -> Ask:
        return Ask(self.work.template.parts["answer"].request({"prompt": problem.text}), problem.draft)

    def _take_in(self, answers: Results, asked: Sequence[_Problem]) -> None:
        self.waiting[:0] = [problem for answer, problem in zip(answers, asked, strict=True) if answer is None]
        for answer, problem in zip(answers, asked, strict=True):
            if answer is not None and answer.dropped is None:
                self.source.develop(problem, answer)


def _problems(reply: ChatSample | None) -> list[str]:
    """Return the problems in a reply; of one that was cut off all but the last."""
    if reply is None or reply.dropped != STEP:
        return []
    items = list_items(reply.answer)
    return items[:-1] if reply.outcome is ReplyOutcome.TRUNCATED else items


def _readable(reply: ChatSample) -> ChatSample:
    return reply if list_items(reply.answer) else reply.fails(UNPARSED)
