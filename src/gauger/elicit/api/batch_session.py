"""Asks requests through an endpoint's interface for batches: files in, files out, one batch after the other.

A batch is written down before its file is sent, and again once the endpoint has taken it. A session that finds its
requests in a batch of an earlier one waits for that first: where nobody heard whether it was taken, it is looked for
under our name among the endpoint's batches, and asked anew only if it is not there.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gauger.elicit.api import batch_files
from gauger.elicit.api.attempts import Attempts, Reservation
from gauger.elicit.api.batch_desk import BatchDesk
from gauger.elicit.api.dialect import Dialect
from gauger.elicit.api.faults import FailedAttempt
from gauger.elicit.api.session import Conduct, Put
from gauger.elicit.api.threads import Background
from gauger.elicit.api.transport import line
from gauger.elicit.teacher.messages import BatchUnderWay, Reply, ReplyOutcome, Request, SendingLog
from gauger.errors import UserError

_MOST_LINES, _MOST_BYTES = 50_000, 100_000_000
"""Of one batch: the least that providers allow."""
_FIRST_LOOK_S, _LOOKS_SLOWER, _LONGEST_LOOK_S = 1.0, 1.5, 60.0
_ENDED = frozenset({"completed", "failed", "expired", "cancelled", "canceled"})


@dataclass
class BatchLine:
    """One request on its way through batches."""

    index: int
    request: Request
    name: str
    """In files, where it must differ from all others."""
    reservation: Reservation
    attempts: Attempts


class BatchSession:
    """The asking of some requests in batches; used once. Stopped, it leaves a batch to whoever asks next."""

    def __init__(self, conduct: Conduct, requests: Sequence[Request], log: SendingLog | None = None) -> None:
        self._conduct, self._log, self._stopping = conduct, log, False
        self._patience = replace(conduct.patience, give_up_s=math.inf)  # a batch may take a day
        self._lines = [self._placed(index, request) for index, request in enumerate(requests)]
        self._name_apart()
        self._todo: deque[BatchLine] = deque()

    def _placed(self, index: int, request: Request) -> BatchLine:
        reservation = Reservation(self._conduct.budget, request)
        return BatchLine(index, request, request.key[:40], reservation, Attempts(self._patience, request))

    def _name_apart(self) -> None:
        """Tell equal requests apart."""
        seen: dict[str, int] = {}
        for member in self._lines:
            count = seen[member.name] = seen.get(member.name, -1) + 1
            member.name = f"{member.name}-{count}" if count else member.name

    def batches(self) -> Iterator[list[tuple[int, Reply]]]:
        """Yield the replies that have come since the last time."""
        return Background(self._run, self.stop, "batches").batches()

    def stop(self) -> None:
        """Send nothing more, and wait for no batch; it is written down, and is gone on with another time."""
        self._stopping = True

    def _run(self, put: Put) -> None:
        try:
            asyncio.run(self._all(put))
        finally:
            for member in self._lines:
                if member.reservation.held:
                    member.reservation.lose()  # it may be in a batch that nobody waits for

    async def _all(self, put: Put) -> None:
        how = self._conduct
        open_ones = list(self._log.under_way()) if self._log is not None else []
        inside = {index for batch in open_ones for index in batch.indices}
        for index in inside:
            self._lines[index].reservation.hold()
        self._todo.extend(member for member in self._lines if member.index not in inside)
        async with line(how.place, self._patience, 2) as opened:
            self._desk = BatchDesk(opened, self._patience, how.chance, lambda: self._stopping)
            for batch in open_ones:
                await self._resume(batch, [self._lines[index] for index in batch.indices], put)
            while not self._stopping and (lines := await self._next(put)):
                spoken = how.dialect
                batch_id = await self._begin(lines, spoken)
                if not await self._collect(batch_id, lines, spoken.changes, put):
                    raise self._desk.stuck(FailedAttempt(f"no batch {batch_id}, which was just begun,"))

    async def _resume(self, batch: BatchUnderWay, lines: list[BatchLine], put: Put) -> None:
        """Go on with a batch of an earlier session."""
        try:
            batch_id = batch.id or await self._desk.listed(batch.name)
        except LookupError:
            self._conclude_all(lines, FailedAttempt("nobody knows whether the endpoint took the batch", paid=True), put)
            return
        if batch_id is None and batch.url == self._conduct.place.url:
            self._conclude_all(lines, FailedAttempt("the endpoint never took the batch"), put)
            return
        if batch_id is not None and batch.id is None and self._log is not None:
            self._log.taken(batch.name, batch_id)
        collected = batch_id is not None and await self._collect(batch_id, lines, batch.respelt, put)
        if not collected and batch.url != self._conduct.place.url:
            hint = f"It was begun at {batch.url}: ask there until it has come in."
            wanted = f"the batch {batch.id or batch.name}, which these requests are in, at {self._conduct.place.url}"
            raise UserError(wanted, "none of that name", hint=hint)
        if not collected:
            self._conclude_all(lines, FailedAttempt("the endpoint no longer has the batch", paid=True), put)

    async def _next(self, put: Put) -> list[BatchLine]:
        """Take as many requests, in order, as fit into one batch and, at the most that they can use, the budget."""
        lines: list[BatchLine] = []
        n_bytes = 0
        while self._todo and len(lines) < _MOST_LINES:
            member = self._todo[0]
            n_bytes += len(self._spelt(member, self._conduct.dialect))
            if lines and (n_bytes > _MOST_BYTES or not member.reservation.take_now()):
                break
            if not lines and not await member.reservation.take():
                self._turn_away(put)
                continue
            lines.append(self._todo.popleft())
        return lines

    def _turn_away(self, put: Put) -> None:
        """Leave the first request, for which there is no room: what was sent before has failed, the others end."""
        member = self._todo[0]
        if not member.attempts.sent:
            self._todo.clear()
            return
        self._todo.popleft()
        self._put(member, member.attempts.failed("the budget has no room for another attempt"), put)

    def _spelt(self, member: BatchLine, spoken: Dialect) -> bytes:
        body = replace(spoken, stream=False).body(self._conduct.place.model, member.request)
        return batch_files.request_line(member.name, spoken.path, body)

    async def _begin(self, lines: list[BatchLine], spoken: Dialect) -> str:
        """Write a batch down, send it, and write down what the endpoint calls it."""
        name = uuid.uuid4().hex
        if self._log is not None:
            indices = [member.index for member in lines]
            self._log.sending_together(BatchUnderWay(name, self._conduct.place.url, None, indices, spoken.changes))
        form = batch_files.upload(name, (self._spelt(member, spoken) for member in lines))
        batch_id = await self._desk.begin(name, form, spoken.path)
        if self._log is not None:
            self._log.taken(name, batch_id)
        return batch_id

    async def _collect(self, batch_id: str, lines: list[BatchLine], changes: tuple[str, ...], put: Put) -> bool:
        """Wait for a batch and conclude its requests; False where the endpoint has no such batch."""
        wait_s = _FIRST_LOOK_S
        while (batch := await self._desk.state(batch_id)) is not None:
            if batch["status"] in _ENDED:
                await self._conclude_batch(batch, lines, changes, put)
                return True
            await self._desk.nap(wait_s)
            if self._stopping:
                return True
            wait_s = min(wait_s * _LOOKS_SLOWER, _LONGEST_LOOK_S)
        return False

    async def _conclude_batch(
        self, batch: Mapping[str, Any], lines: list[BatchLine], changes: tuple[str, ...], put: Put
    ) -> None:
        clean, status, url = self._desk.line.clean, batch["status"], self._conduct.place.url
        files = await self._desk.files(batch)
        if status == "failed" and not files:
            rejected = batch_files.rejection(batch, clean)
            refusal = None if rejected.again else UserError("a batch that the endpoint takes", rejected.what)
            self._conclude_all(lines, replace(rejected, again=True, closed=refusal), put)
            await self._desk.rest(rejected, lines[0].attempts.faults)
            return
        results = batch_files.results(files)
        outcomes = [
            (member, batch_files.outcome(results.get(member.name), status, clean, url, member.request.stop))
            for member in lines
        ]
        self._conclude(outcomes, changes, put)

    def _conclude_all(self, lines: list[BatchLine], fault: FailedAttempt, put: Put) -> None:
        self._conclude([(member, fault) for member in lines], (), put)

    def _conclude(
        self, outcomes: list[tuple[BatchLine, Reply | FailedAttempt]], changes: tuple[str, ...], put: Put
    ) -> None:
        """Book every outcome; what is asked again comes first in the next batch, in its order.

        Raises
        ------
        UserError
            At the end, where the endpoint lets nobody in.
        """
        again, closed, spoken = [], None, self._conduct.dialect
        for member, outcome in outcomes:
            member.attempts.count(outcome)
            if isinstance(outcome, Reply):
                member.reservation.charge(outcome.billed[0])
                self._put(member, member.attempts.finished(replace(outcome, respelt=changes)), put)
                continue
            self._settle(member, outcome)
            closed = closed or outcome.closed
            if (reply := self._given_up(member, outcome, spoken, changes)) is not None:
                self._put(member, reply, put)
            else:
                again.append(member)
        self._todo.extendleft(reversed(again))
        if closed is not None:
            raise closed

    def _settle(self, member: BatchLine, fault: FailedAttempt) -> None:
        """Book what a request without a usable reply states; the most where it may be paid, else nothing."""
        if fault.usage is not None:
            member.reservation.charge(fault.usage)
        elif fault.paid:
            member.reservation.lose()
        member.reservation.release()
        if self._log is None:
            return
        if fault.paid and fault.usage is None:
            self._log.lost(member.index)
        else:
            self._log.missed(member.index, fault.usage)

    def _given_up(
        self, member: BatchLine, fault: FailedAttempt, spoken: Dialect, changes: tuple[str, ...]
    ) -> Reply | None:
        """Return the reply of a request that is not asked again; None where it is."""
        if fault.refused:
            return member.attempts.finished(Reply(ReplyOutcome.REFUSED, error=fault.what, unpaid=True, respelt=changes))
        if fault.closed is not None or self._conduct.respelled(fault, member.attempts, spoken):
            return None
        if (why := member.attempts.given_up(fault)) is None:
            return None
        return member.attempts.failed(why) if fault.empty is None else member.attempts.emptied(fault.empty)

    def _put(self, member: BatchLine, reply: Reply, put: Put) -> None:
        put((member.index, self._conduct.budget.booked(member.request, reply)))
