"""Has problems written and answered in turn: what `expand` and `seedless` share, whoever is asked and however."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Protocol

from gauger.elicit.sample import STEP, UNASKED, Sample
from gauger.elicit.strategies.reply_parsing import list_items
from gauger.elicit.strategies.rounds import Ask, Results, Rounds, StrategyWork
from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.messages import ReplyOutcome

UNPARSED = "unparsed"
"""Dropped because the reply is not in the form that was asked for."""
MOST_AT_ONCE = 16
"""Requests for material in one round. Rounds grow up to this, so that a small budget is not spent on material alone."""


@dataclass(frozen=True)
class Origin:
    """What new problems are made from."""

    prompt: str
    seeds: tuple[Seed, ...] = ()
    parents: tuple[str, ...] = ()
    generation: int = 0


@dataclass(frozen=True)
class WrittenProblem:
    """A problem that the teacher wrote."""

    text: str
    draft: Sample
    origin: Origin


class Origins(Protocol):
    """What problems are made from, one after the other."""

    def take(self, count: int) -> list[Origin]:
        """Take as many; fewer only where there are no more."""
        ...

    def develop(self, problem: WrittenProblem, sample: Sample) -> None:
        """Hear of a problem that was kept."""
        ...


@dataclass
class Writing:
    """Problems written and answered in turn."""

    work: StrategyWork
    origins: Origins
    waiting: list[WrittenProblem] = field(default_factory=list)
    """Problems still to be answered."""
    draw: int = 0
    """Requests for problems so far: equal ones differ by it."""
    at_once: int = 1
    most_at_once: int = MOST_AT_ONCE

    def rounds(self) -> Rounds:
        """Write and answer in turn; in the end say what was not asked."""
        work = self.work
        try:
            while work.missing != 0:
                if work.missing is None or len(self.waiting) < work.missing:
                    origins = self.origins.take(min(self.at_once, self._short()))
                    self._read((yield [self.write(origin) for origin in origins]), origins)
                    self.at_once = min(self.most_at_once, 2 * self.at_once)
                    if not origins and not self.waiting:
                        return
                asked, self.waiting = self.waiting[: work.missing], self.waiting[len(self.waiting[: work.missing]) :]
                self._take_in((yield [self.answer(problem) for problem in asked]), asked)
        finally:
            for problem in self.waiting:
                work.record(problem.draft.fails(UNASKED))

    def _short(self) -> int:
        """Count the requests that would bring as many problems as are missing; any number where none is wanted."""
        if self.work.missing is None:
            return self.most_at_once
        return ceil((self.work.missing - len(self.waiting)) / self.work.template.per_request)

    def write(self, origin: Origin) -> Ask:
        """Ask for problems."""
        template, self.draw = self.work.template, self.draw + 1
        values = {"prompt": origin.prompt, "count": str(template.per_request), "direction": self.work.direction()}
        request = template.parts["write"].request(values, self.draw)
        draft = self.work.draft("", origin.seeds, origin.parents, origin.generation)
        return Ask(request, replace(draft, prompt=request.messages), step=True, read=_readable, takes_cut=True)

    def problems(self, reply: Sample) -> list[str]:
        """Return the problems in a reply; of one that was cut off all but the last."""
        items = list_items(reply.answer)
        return items[:-1] if reply.outcome is ReplyOutcome.TRUNCATED else items

    def answer(self, problem: WrittenProblem) -> Ask:
        """Ask for the answer to a problem."""
        return Ask(self.work.template.parts["answer"].request({"prompt": problem.text}), problem.draft)

    def _read(self, replies: Results, origins: Sequence[Origin]) -> None:
        """Turn replies into problems and put those that pass the filters into the queue."""
        for reply, origin in zip(replies, origins, strict=True):
            for text in self.problems(reply) if reply is not None and reply.dropped == STEP else ():
                draft = self.work.draft(text, origin.seeds, (reply.id,) if reply else (), origin.generation + 1)
                if (checked := self.work.screen(draft)) is not None:
                    self.waiting.append(WrittenProblem(text, checked, origin))

    def _take_in(self, answers: Results, asked: Sequence[WrittenProblem]) -> None:
        self.waiting[:0] = [problem for answer, problem in zip(answers, asked, strict=True) if answer is None]
        for answer, problem in zip(answers, asked, strict=True):
            if answer is not None and answer.dropped is None:
                self.origins.develop(problem, answer)


def _readable(reply: Sample) -> Sample:
    return reply if list_items(reply.answer) else reply.fails(UNPARSED)
