"""Follows one request from its first sending to its reply: what was set aside for it, was sent, and went wrong."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

from gauger.elicit.api.faults import FailedAttempt
from gauger.elicit.api.pacing import Patience
from gauger.elicit.teacher.budget import Admission, QueryBudget
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request

_LOOK_AGAIN_S = 0.02
"""How often a request that waits for room in the budget looks whether there is some."""
_CONTENTLESS = 5
"""Most paid attempts in a row whose reply holds nothing: the next one would most likely hold nothing either."""


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

    def charge(self, reply: Reply) -> None:
        """Settle with what a reply used."""
        self._held = False
        self._budget.charge(self._request, reply)

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
    sent: int = 0
    faults: int = 0
    """Those that the endpoint did not put off itself."""
    contentless: int = 0
    """In a row."""
    paid_again: int = 0
    respelled: bool = False
    """Whether it was sent again with the endpoint's own name for the token limit."""
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: Reply | FailedAttempt) -> None:
        """Take note of one sending."""
        self.sent += 1
        if isinstance(outcome, FailedAttempt):
            self.faults += outcome.wait_s is None
            self.contentless = self.contentless + 1 if outcome.contentless else 0
            self.paid_again += outcome.paid

    def given_up(self, fault: FailedAttempt) -> str | None:
        """Say why the request is not sent again after this fault; None where it is."""
        if not fault.again:
            return fault.what
        elapsed = time.monotonic() - self.started
        if elapsed + (fault.wait_s or 0.0) > self.patience.give_up_s:
            return f"given up after {elapsed:.0f} s: {fault.what}"
        if self.faults >= self.patience.attempts or self.contentless >= _CONTENTLESS:
            return f"given up after {self.sent} attempts: {fault.what}"
        return None

    def finished(self, reply: Reply, cost_usd: float | None) -> Reply:
        """Complete a reply with what it took."""
        seconds = time.monotonic() - self.started
        return replace(reply, cost_usd=cost_usd, requests=self.sent, paid_again=self.paid_again, seconds=seconds)

    def failed(self, why: str) -> Reply:
        """Return the reply of a request that was given up."""
        return self.finished(Reply(ReplyOutcome.FAILED, error=why), None)
