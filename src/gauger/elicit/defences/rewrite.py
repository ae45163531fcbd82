"""Has a share of the replies rewritten before they are shown: other words, the same content; a generation.

The teacher rewrites them itself, or another model does; who asked pays for what the teacher used alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.defences.kinds import GenerationDefence, Need
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.journalled import OneByOne, OpenBatch, Stoppable
from gauger.elicit.teacher.messages import (
    BatchUnderWay,
    Message,
    Reply,
    ReplyOutcome,
    Request,
    SendingLog,
    Teacher,
)

INSTRUCTION = (
    "Rewrite the following text in other words and another order of sentences, as tersely as you can. Keep every "
    "conclusion, number and final answer exactly as it is. Write the rewritten text alone.\n\n"
)
_NO_ROOM = "nothing was left to have the reply rewritten"


class Rewriting:
    """A `Teacher` of whose replies a share is rewritten, by its own hand or another's.

    Where a reply has reasoning that is what is rewritten, and the answer stays; else its text is. What the first reply
    used is billed with the second (`Reply.earlier`), and both requests are written down before they are sent. What
    another model used is its owner's affair: the customer pays for the first reply, and nothing else is written down.

    Parameters
    ----------
    teacher : Teacher
        Who answers.
    strength : float
        Share of the replies that are rewritten.
    by : Teacher, optional
        Who rewrites; the teacher itself by default. It must follow instructions.
    """

    def __init__(self, teacher: Teacher, strength: float, by: Teacher | None = None) -> None:
        self._teacher, self._strength, self._by = teacher, strength, by

    def __getattr__(self, name: str) -> Any:
        """Offer what else the teacher offers: name, terms, and a budget where it has one."""
        if name in ("name", "terms", "budget"):
            return getattr(self._teacher, name)
        raise AttributeError(name)

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply)."""
        for batch in self.start(requests).batches():
            yield from batch

    def start(self, requests: Sequence[Request], log: SendingLog | None = None) -> OpenBatch:
        """Return the asking of one batch, which tells `log` of every request of both kinds before it is sent."""
        return _RewrittenBatch(self._teacher, requests, self._strength, log, self._by)


class _RewrittenBatch:
    """One batch being asked, and being rewritten."""

    def __init__(
        self,
        teacher: Teacher,
        requests: Sequence[Request],
        strength: float,
        log: SendingLog | None,
        by: Teacher | None,
    ) -> None:
        self._teacher, self._requests, self._strength, self._log, self._by = teacher, requests, strength, log, by
        self._open = [_begun(teacher, requests, log)]
        self._stopping = False

    def batches(self) -> Iterator[list[tuple[int, Reply]]]:
        """Yield what came as it is to be shown: first what stays as it is, then what was rewritten."""
        for batch in self._open[0].batches():
            waiting = {place: reply for place, reply in batch if self._is_rewritten(reply)}
            if plain := [row for row in batch if row[0] not in waiting]:
                yield plain
            yield from self._rewritten(waiting)

    def _rewritten(self, waiting: dict[int, Reply]) -> Iterator[list[tuple[int, Reply]]]:
        places = list(waiting)
        if waiting and not self._stopping:
            asked = [_rewrite(self._requests[place], waiting[place]) for place in places]
            second = self._second(asked, places)
            self._open[1:] = [second]
            for batch in second.batches():
                yield [(places[number], self._shown(waiting.pop(places[number]), reply)) for number, reply in batch]
        if waiting:  # paid, and no reply: that they are failures is what the bill has of them
            failed = Reply(ReplyOutcome.FAILED, error=_NO_ROOM, requests=0)
            yield [(place, self._shown(reply, failed)) for place, reply in waiting.items()]

    def _second(self, asked: Sequence[Request], places: Sequence[int]) -> OpenBatch:
        if self._by is not None:
            return _begun(self._by, asked, None)
        return _begun(self._teacher, asked, None if self._log is None else _PlacedLog(self._log, places))

    def _shown(self, reply: Reply, second: Reply) -> Reply:
        return _joined(reply, second) if self._by is None else _by_another(reply, second)

    def _is_rewritten(self, reply: Reply) -> bool:
        chosen = share_of_text(f"{reply.reasoning}\0{reply.text}", "rewrite") < self._strength
        return chosen and reply.outcome is ReplyOutcome.ANSWERED

    def stop(self) -> None:
        """Ask nothing more, and have nothing more rewritten."""
        self._stopping = True
        for batch in self._open:
            batch.stop()


def _begun(teacher: Teacher, requests: Sequence[Request], log: SendingLog | None) -> OpenBatch:
    return teacher.start(requests, log) if isinstance(teacher, Stoppable) else OneByOne(teacher, requests)


class _PlacedLog:
    """Writes down rewritings under the requests whose replies are rewritten."""

    def __init__(self, log: SendingLog, places: Sequence[int]) -> None:
        self._log, self._places = log, places

    def sending(self, index: int) -> None:
        """Note a request."""
        self._log.sending(self._places[index])

    def missed(self, index: int, usage: Usage | None) -> None:
        """Note that it came to nothing."""
        self._log.missed(self._places[index], usage)

    def sending_together(self, batch: BatchUnderWay) -> None:
        """Note requests that are sent in one batch."""
        self._log.sending_together(batch._replace(indices=[self._places[index] for index in batch.indices]))

    def taken(self, name: str, batch_id: str) -> None:
        """Note the endpoint's name of a batch."""
        self._log.taken(name, batch_id)

    def lost(self, index: int) -> None:
        """Note that a batch came in without it."""
        self._log.lost(self._places[index])

    def under_way(self) -> Sequence[BatchUnderWay]:
        """Return none: batches that are under way are of what is to be rewritten."""
        return ()


def _rewrite(request: Request, reply: Reply) -> Request:
    return replace(request, messages=(Message("user", INSTRUCTION + (reply.reasoning or reply.text)),), stop=())


def _joined(reply: Reply, second: Reply) -> Reply:
    """Return what is shown of both, with what both took."""
    costs = (reply.cost_usd, second.cost_usd)
    text, reasoning = _words(reply, second)
    return replace(
        second,
        text=text,
        reasoning=reasoning,
        earlier=(*reply.billed, *second.earlier),
        requests=reply.requests + second.requests,
        paid_again=reply.paid_again + second.paid_again,
        seconds=reply.seconds + second.seconds,
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        log_probabilities=(),
        raw=None,
    )


def _by_another(reply: Reply, second: Reply) -> Reply:
    """Return what is shown of both, with what the first one took; where rewriting failed, nothing of it is shown."""
    text, reasoning = _words(reply, second)
    shown = replace(
        reply,
        outcome=second.outcome,
        text=text,
        reasoning=reasoning,
        flags=(*reply.flags, *second.flags),
        seconds=reply.seconds + second.seconds,
        log_probabilities=(),
        stop=None,
        error=second.error,
        raw=None,
    )
    return replace(shown, earlier=reply.billed) if second.outcome is ReplyOutcome.FAILED else shown


def _words(reply: Reply, second: Reply) -> tuple[str, str | None]:
    """Return the text and the reasoning that are shown: the one that was rewritten is of the second reply."""
    if reply.reasoning and second.outcome is ReplyOutcome.ANSWERED:
        return reply.text, second.text
    return second.text, None


REWRITE = GenerationDefence(Rewriting, needs=(Need.INSTRUCTIONS,), helped=Rewriting)
