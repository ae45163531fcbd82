"""Sends one batch of requests to an endpoint: an event loop in a thread, a few workers, replies out as they come."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from gauger.elicit.api.address import Address
from gauger.elicit.api.attempts import Attempts, EqualFaults, Reservation
from gauger.elicit.api.chat_format import read_reply
from gauger.elicit.api.dialect import Dialect
from gauger.elicit.api.faults import FailedAttempt, unreachable_error
from gauger.elicit.api.pacing import Pace, Pacer, Patience
from gauger.elicit.api.threads import Background
from gauger.elicit.api.transport import EndpointLine, line
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.budget import QueryBudget, most_tokens_in
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request, SendingLog

Put: TypeAlias = Callable[[tuple[int, Reply]], None]
_MOST_RESPELLED = 10
"""Times that one request is put otherwise."""
_FAULTS_BEFORE_TOLD = 3
"""Faults of one request before the user hears of them: a second or two."""
_LOOK_AGAIN_S = 0.2
"""How often it is asked whether a server that was begun again answers."""
_BYTES_PER_TOKEN = 4
"""Of a common prompt: what the token limit expects of a request before its reply says more exactly."""


Tell: TypeAlias = Callable[[str], None]


class OwnServer(Protocol):
    """A server that this process had started, and starts again where it ends."""

    def begin_again(self) -> bool:
        """Start it again where it has ended; says whether it had. Raises where it has ended too often."""
        ...

    def ready(self) -> bool:
        """Tell whether it answers; raises where it has had its time."""
        ...


@dataclass
class Conduct:
    """How one endpoint is asked; its sessions share it."""

    place: Address
    dialect: Dialect
    """As far as it has been learnt; begins as the address says."""
    budget: QueryBudget
    pace: Pace
    patience: Patience
    server: OwnServer | None = None
    """What answers there, where this process had it started; None: somebody else's."""
    tell: Tell | None = None
    """Where a user is told that it waits for an endpoint that does not answer."""
    waiting_told: bool = False
    """Whether that was said."""
    pacer: Pacer = field(init=False)
    chance: random.Random = field(default_factory=random.Random)
    """For waits alone: it must differ between processes, and no result depends on it."""

    def __post_init__(self) -> None:
        self.pacer = Pacer(self.pace)

    def tell_waiting(self, fault: FailedAttempt, attempts: Attempts) -> None:
        """Say of the first request that fails several times that it is asked again: silence looks like work."""
        if self.tell is None or self.waiting_told or attempts.faults < _FAULTS_BEFORE_TOLD:
            return
        self.waiting_told = True
        most = f"at most {self.patience.attempts} times in all"
        self.tell(
            f"a request to {self.place.url} failed {attempts.faults} times ({fault.what}); it is sent again, {most}"
        )

    def respelled(self, fault: FailedAttempt, attempts: Attempts, spoken: Dialect) -> bool:
        """Put requests otherwise from now on where the model refuses a parameter; say whether to send this again."""
        if fault.unsupported is None or attempts.respelled >= _MOST_RESPELLED:
            return False
        attempts.respelled += 1
        if self.dialect == spoken:
            changed = spoken.respelt(fault.unsupported)
            if changed is None:
                return False
            self.dialect = changed
        return True


class Session:
    """The asking of one batch; used once. `log` is told of every request before it is sent."""

    def __init__(self, conduct: Conduct, requests: Sequence[Request], log: SendingLog | None = None) -> None:
        self._conduct, self._count, self._log = conduct, len(requests), log
        self._equal = EqualFaults(conduct.place.url)
        self._todo = list(enumerate(requests))[::-1]
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._sending: set[asyncio.Task[None] | None] = set()

    def batches(self) -> Iterator[list[tuple[int, Reply]]]:
        """Yield the replies that have come since the last time; where the caller leaves early, all is dropped."""
        return Background(self._run, self.drop, "endpoint").batches()

    def stop(self) -> None:
        """Send nothing more; what is in flight still comes back. May be called from any thread."""
        self._stopping = True
        self._in_loop(self._halt)

    def drop(self) -> None:
        """Send nothing more and wait for nothing."""
        self._stopping = True
        self._in_loop(self._drop)

    def _in_loop(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended in the meantime: nothing is left to stop
                self._loop.call_soon_threadsafe(call)

    def _halt(self) -> None:
        for worker in self._workers - self._sending:
            worker.cancel()

    def _drop(self) -> None:
        for worker in self._workers:
            worker.cancel()

    def _run(self, put: Put) -> None:
        asyncio.run(self._all(put))

    async def _all(self, put: Put) -> None:
        how = self._conduct
        self._loop, self._order, self._turns = asyncio.get_running_loop(), asyncio.Lock(), asyncio.Lock()
        self._begins = asyncio.Lock()
        patience = how.patience.streaming() if how.dialect.stream else how.patience
        async with line(how.place, patience, how.pace.in_flight) as self._line:
            count = min(how.pace.in_flight, self._count)
            self._workers = {asyncio.create_task(self._work(self._line, put)) for _ in range(count)}
            ends = await asyncio.gather(*self._workers, return_exceptions=True)
        for end in ends:
            if end is not None and not isinstance(end, asyncio.CancelledError):
                raise end

    async def _work(self, open_line: EndpointLine, put: Put) -> None:
        """Take one request after the other until none is left or none is allowed."""
        try:
            while (taken := await self._take()) is not None:
                index, request, reservation = taken
                try:
                    reply = await self._answer(open_line, index, request, reservation)
                finally:
                    reservation.release()
                if reply is not None:
                    put((index, reply))
                    self._equal.count(reply)
        except BaseException:
            self._stopping = True
            self._halt()
            raise

    async def _take(self) -> tuple[int, Request, Reservation] | None:
        """Take the next request in order once the budget has room for it; the first that gets none is the last."""
        async with self._order:
            if self._stopping or not self._todo:
                return None
            index, request = self._todo.pop()
            reservation = Reservation(self._conduct.budget, request)
            if await reservation.take():
                return index, request, reservation
            self._todo.clear()
            return None

    async def _answer(
        self, open_line: EndpointLine, index: int, request: Request, reservation: Reservation
    ) -> Reply | None:
        """Send a request until it is answered or given up; None where the session stops first."""
        how = self._conduct
        attempts, budget = Attempts(how.patience, request), how.budget
        while await reservation.take():
            dialect = how.dialect
            outcome = await self._attempt(open_line, index, request, reservation, dialect)
            attempts.count(outcome)
            if isinstance(outcome, Reply):
                reservation.charge(outcome.billed[0])
                return budget.booked(request, attempts.finished(replace(outcome, respelt=dialect.changes)))
            if outcome.refused:
                declined = Reply(ReplyOutcome.REFUSED, error=outcome.what, unpaid=True, respelt=dialect.changes)
                return budget.booked(request, attempts.finished(declined))
            if outcome.closed is not None:
                raise outcome.closed
            if self._stopping:
                return None
            if how.respelled(outcome, attempts, dialect) or await self._begun_again(how.server):
                continue
            if (why := attempts.given_up(outcome)) is not None:
                if outcome.unreachable:
                    raise unreachable_error(why, how.place.url, own=how.place.keyless)
                failed = attempts.failed(why) if outcome.empty is None else attempts.emptied(outcome.empty)
                return budget.booked(request, failed)
            how.tell_waiting(outcome, attempts)
            await self._wait(outcome, attempts)
        return budget.booked(request, attempts.failed("the budget has no room for another attempt"))

    async def _begun_again(self, server: OwnServer | None) -> bool:
        """Have a server of our own that has ended started again, and wait for it; says whether it had ended."""
        if server is None:
            return False
        async with self._begins:  # of all whose requests were in flight, one begins it and the others wait
            if not await asyncio.to_thread(server.begin_again):
                return False
            while not await asyncio.to_thread(server.ready):
                await asyncio.to_thread(server.begin_again)  # it may end before it answers
                await asyncio.sleep(_LOOK_AGAIN_S)
            return True

    async def _attempt(
        self, open_line: EndpointLine, index: int, request: Request, reservation: Reservation, dialect: Dialect
    ) -> Reply | FailedAttempt:
        """Wait for a turn, send once, and settle what a broken attempt may have cost."""
        how, worker = self._conduct, asyncio.current_task()
        async with self._turns:
            tokens = most_tokens_in(request) // _BYTES_PER_TOKEN + request.max_tokens
            sending = await how.pacer.turn(tokens, asyncio.sleep)
        self._sending.add(worker)
        perhaps_paid = True  # as is an attempt that is cancelled
        try:
            if self._log is not None:
                self._log.sending(index)
            content = await open_line.send(dialect.path, dialect.body(how.place.model, request))
            outcome = (
                content
                if isinstance(content, FailedAttempt)
                else read_reply(content, open_line.clean, how.place.url, request.stop)
            )
            if isinstance(outcome, FailedAttempt) and how.server is not None:
                outcome = replace(outcome, paid=False)  # what our own server did not answer costs nobody anything
            perhaps_paid = isinstance(outcome, FailedAttempt) and outcome.paid and outcome.usage is None
        finally:
            self._sending.discard(worker)
            if perhaps_paid:
                reservation.lose()
        if isinstance(outcome, Reply):
            stated = (outcome.tokens_in or 0) + (outcome.tokens_out or 0)
            how.pacer.used(sending, stated or tokens)
        elif not perhaps_paid:
            self._settle(index, outcome.usage, reservation)
        return outcome

    def _settle(self, index: int, usage: Usage | None, reservation: Reservation) -> None:
        """Book what an attempt without a usable reply states, nothing where it was turned away."""
        if usage is not None:
            reservation.charge(usage)
        if self._log is not None:
            self._log.missed(index, usage)

    async def _wait(self, fault: FailedAttempt, attempts: Attempts) -> None:
        how = self._conduct
        if fault.wait_s is None:
            await asyncio.sleep(how.patience.wait_s(attempts.faults, how.chance))
            return
        how.pacer.pause(fault.wait_s)
        await asyncio.sleep(fault.wait_s + how.chance.uniform(0.0, how.patience.first_wait_s))
