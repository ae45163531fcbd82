"""Follows one request from its first sending to its reply: what was set aside for it, was sent, and went wrong."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field, replace

from gauger.elicit.api.faults import FailedAttempt
from gauger.elicit.api.pacing import Patience
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.budget import Admission, QueryBudget
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request
from gauger.errors import UserError

_LOOK_AGAIN_S = 0.02
"""How often a request that waits for room in the budget looks whether there is some."""
_CONTENTLESS = 2
"""Most paid attempts in a row whose reply holds nothing: at temperature 0 the next would most likely be the same."""
_CONTENTLESS_SAMPLED = 3
"""The same of requests that draw at random."""


_EQUAL_FAULTS = 10
"""Requests in a row that fail alike, after which no other is sent: each may cost, and the next would fail likewise."""
_VARYING = re.compile(r"\d+|\b[0-9a-fA-F-]{8,}\b")
"""Numbers and identifiers, which differ between faults that are alike."""


class EqualFaults:
    """Counts requests in a row that fail for one reason."""

    def __init__(self, address: str) -> None:
        self._address, self._why, self._count = address, "", 0

    def count(self, reply: Reply) -> None:
        """Take note of a reply.

        Raises
        ------
        UserError
            Where it is the last of too many that failed alike.
        """
        if reply.outcome is not ReplyOutcome.FAILED:
            self._why, self._count = "", 0
            return
        why = _VARYING.sub("", reply.error or "")
        self._why, self._count = why, self._count + 1 if why == self._why else 1
        if self._count >= _EQUAL_FAULTS:
            hint = "Nothing is lost. Mend its cause, or take these prompts out, then run again."
            given = f"{self._count} requests in a row that failed alike: {reply.error} from {self._address}"
            raise UserError("an endpoint that answers", given, hint=hint)


class Reservation:
    """A budget's room for one request; settled exactly once for each time that it was taken."""

    def __init__(self, budget: QueryBudget, request: Request) -> None:
        self._budget, self._request, self._held = budget, request, False

    async def take(self) -> bool:
        """Wait for room; False where there will be none. Does nothing where room is held already."""
        if self._held:
            return True
        while (admission := self._budget.reserve(self._request)) is Admission.WAIT:
            await asyncio.sleep(_LOOK_AGAIN_S)
        self._held = admission is Admission.GRANTED
        return self._held

    def take_now(self) -> bool:
        """Take room where there is some at once."""
        self._held = self._held or self._budget.reserve(self._request) is Admission.GRANTED
        return self._held

    def hold(self) -> None:
        """Take room for what was sent already."""
        self._budget.hold(self._request)
        self._held = True

    @property
    def held(self) -> bool:
        """Whether room is held."""
        return self._held

    def charge(self, usage: Usage) -> None:
        """Settle with what a reply states that it used."""
        self._held = False
        self._budget.charge(self._request, usage)

    def lose(self) -> None:
        """Settle with the most possible: it may have been paid, and there is no reply."""
        self._held = False
        self._budget.charge_unseen(self._request)

    def release(self) -> None:
        """Settle with nothing, if still held."""
        if self._held:
            self._held = False
            self._budget.release(self._request)


@dataclass
class Attempts:
    """The sendings of one request so far."""

    patience: Patience
    request: Request
    sent: int = 0
    faults: int = 0
    """Those that the endpoint did not put off itself."""
    contentless: int = 0
    """In a row."""
    paid_again: int = 0
    """Perhaps paid, and nobody says how much."""
    billed: list[Usage] = field(default_factory=list)
    """Surely paid, as stated, without a usable reply."""
    last_stated: bool = False
    """Whether the last one was such."""
    respelled: int = 0
    """Times that it was put otherwise, for the model refused how it was put."""
    slow: int = 0
    """Sendings that ran into our own limit on time."""
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: Reply | FailedAttempt) -> None:
        """Take note of one sending."""
        self.sent += 1
        if isinstance(outcome, FailedAttempt):
            self.faults += outcome.wait_s is None
            self.slow += outcome.slow
            self.contentless = self.contentless + 1 if outcome.contentless else 0
            self.last_stated = outcome.usage is not None
            if outcome.usage is not None:
                self.billed.append(outcome.usage)
            else:
                self.paid_again += outcome.paid

    def given_up(self, fault: FailedAttempt) -> str | None:
        """Say why the request is not sent again after this fault; None where it is."""
        if not fault.again:
            return fault.what
        elapsed = time.monotonic() - self.started
        if elapsed + (fault.wait_s or 0.0) > self.patience.give_up_s:
            return f"given up after {elapsed:.0f} s: {fault.what}"
        if self.slow >= self.patience.slow:
            return f"given up after {self.sent} attempts: {fault.what}"
        most_contentless = _CONTENTLESS_SAMPLED if self.request.temperature else _CONTENTLESS
        if self.faults >= self.patience.attempts or self.contentless >= most_contentless:
            return f"given up after {self.sent} attempts: {fault.what}"
        return None

    def finished(self, reply: Reply) -> Reply:
        """Complete a reply with what all its requests took."""
        seconds = time.monotonic() - self.started
        return replace(
            reply, earlier=tuple(self.billed), requests=self.sent, paid_again=self.paid_again, seconds=seconds
        )

    def emptied(self, reply: Reply) -> Reply:
        """Return a reply without an answer as what it is: whole and paid, and its prompt's outcome."""
        if self.last_stated:
            self.billed.pop()  # the last sending is this reply
        else:
            self.paid_again -= 1
        return self.finished(reply)

    def failed(self, why: str) -> Reply:
        """Return the reply of a request that was given up."""
        return self.finished(Reply(ReplyOutcome.FAILED, error=why))
