"""Keeps budgets on queries, tokens and money: a hard stop.

A request is sent only if the most that it could use still fits beside what is spent and what the requests in flight
could use. So a budget is kept even if every reply is as long as it may be; where an endpoint counts more tokens than
the prompt has bytes, or ignores `max_tokens`, the excess is that of the requests in flight and no more. What a broken
connection may have left paid, and whatever a reply does not state, counts at the most that it could have been.

Requests are let in strictly in order, and the first that does not fit once nothing is in flight ends it: which
requests are answered depends on what the replies used, not on the order they came in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.messages import Reply, Request
from gauger.elicit.teacher.prices import Prices
from gauger.errors import UserError

_BYTES_AROUND_MESSAGE = 16
"""Most tokens that a chat format puts around one message (role names, delimiters)."""
_BYTES_AROUND_REQUEST = 64


class Admission(Enum):
    """Whether a request may be sent."""

    GRANTED = "granted"
    WAIT = "wait"
    """It may fit once what is in flight has come back."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Spent:
    """What has been used so far."""

    queries: int
    """Requests that were paid or may have been; rejected ones (too many requests, server error) are not among them."""
    tokens_in: int
    tokens_out: int
    usd: float | None
    """None where no price was given."""
    queries_unseen: int
    """Queries among them that may have been paid without a reply, counted at the most they could have used."""


def most_tokens_in(request: Request) -> int:
    """Bound the tokens of a prompt from above by its bytes in UTF-8: no byte-level vocabulary makes more of them."""
    texts = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
    return texts + _BYTES_AROUND_MESSAGE * len(request.messages) + _BYTES_AROUND_REQUEST


class QueryBudget:
    """The budget of one arm; all endpoints and calls that are given the same object share it.

    Parameters
    ----------
    max_queries, max_tokens : int, optional
        Most queries, and most tokens in and out together; None: no limit.
    max_usd : float, optional
        Most money in US dollars.
    prices : Prices, optional
        What tokens cost; without them costs are unknown (None).
    tokens_in : function, optional
        Counts the tokens of a request, where the teacher is at hand; None: bounded by its bytes (`most_tokens_in`).

    Raises
    ------
    UserError
        For `max_usd` without prices: a limit on an unknown amount would hold nothing back.
    """

    def __init__(
        self,
        max_queries: int | None = None,
        max_tokens: int | None = None,
        max_usd: float | None = None,
        prices: Prices | None = None,
        tokens_in: Callable[[Request], int] | None = None,
    ) -> None:
        if max_usd is not None and prices is None:
            raise UserError(
                "the teacher's prices beside max_usd",
                "none",
                hint="Give what a million tokens in and out cost, or limit max_tokens instead.",
            )
        self.max_queries, self.max_tokens, self.max_usd, self.prices = max_queries, max_tokens, max_usd, prices
        self._tokens_in = tokens_in or most_tokens_in
        self._lock = threading.RLock()
        self._spent, self._reserved, self._in_flight, self._unseen = Use(), Use(), 0, 0
        self._exhausted, self._refused = False, Use()

    def counting(self, tokens_in: Callable[[Request], int]) -> QueryBudget:
        """Return this budget, which counts prompts so from now on: exactly, where the teacher is at hand."""
        self._tokens_in = tokens_in
        return self

    @property
    def exhausted(self) -> bool:
        """Whether a request was refused for want of room."""
        return self._exhausted

    @property
    def refusal(self) -> str:
        """What the request that was refused last could have used."""
        tokens_in, tokens_out, usd = self._refused[1:]
        money = f" and ${usd:.4f}" if self.prices else ""
        return f"one that may use {tokens_in:,} tokens in, {tokens_out:,} out{money}"

    @property
    def spent(self) -> Spent:
        """What has been used so far."""
        with self._lock:
            queries, tokens_in, tokens_out, usd = self._spent
            return Spent(queries, tokens_in, tokens_out, usd if self.prices else None, self._unseen)

    def booked(self, request: Request, reply: Reply) -> Reply:
        """Return a reply with its cost at these prices, and with the most that all its requests can have used.

        Without prices, a cost that stands there already (the endpoint's own, or of a recording) is kept.
        """
        return self.booked_at(self.most(request), reply)

    def booked_at(self, most: Use, reply: Reply) -> Reply:
        """Return the same of a request of which no more is known than the most that it uses."""
        with self._lock:
            if self.prices is not None:
                most = most._replace(usd=self.prices.most_usd(most.tokens_in, most.tokens_out))
            bound = Use().plus(most, reply.paid_again)
            for usage in reply.billed:
                bound = bound.plus(self._bounded(usage, most))
            return replace(reply, cost_usd=self._cost(reply), most=bound, cost_most_usd=self._cost_most(reply, bound))

    def _cost_most(self, reply: Reply, bound: Use) -> float | None:
        """Return the most that a reply can have cost: what the bound says, or all that is stated where that is all."""
        if self.prices is not None:
            return bound.usd
        everything_stated = not reply.paid_again and all(usage.stated_usd is not None for usage in reply.billed)
        return self._cost(reply) if everything_stated else reply.cost_most_usd

    def _cost(self, reply: Reply) -> float | None:
        """Return the cost of what is stated; None where nothing is, or the price is not known."""
        if not reply.billed:
            return 0.0 if self.prices else reply.cost_usd
        stated = [usage for usage in reply.billed if usage.stated_usd is not None or usage.complete]
        if not stated:
            return None
        if self.prices is not None:
            return sum(self.prices.usd_of(usage) for usage in stated)
        own = [usage.stated_usd for usage in stated if usage.stated_usd is not None]
        return sum(own) if len(own) == len(stated) else reply.cost_usd

    def reserve(self, request: Request) -> Admission:
        """Set aside the most that a request could use; every GRANTED one must be settled by one of the next three."""
        with self._lock:
            most = self.most(request)
            if self._fits(self._spent.plus(self._reserved).plus(most)):
                self._reserved, self._in_flight = self._reserved.plus(most), self._in_flight + 1
                return Admission.GRANTED
            if self._in_flight:
                return Admission.WAIT
            self._exhausted, self._refused = True, most
            return Admission.REFUSED

    def hold(self, request: Request) -> None:
        """Set aside the most that a request uses which was sent already, whether there is room or not."""
        with self._lock:
            self._reserved, self._in_flight = self._reserved.plus(self.most(request)), self._in_flight + 1

    def has_room(self, request: Request, used: Use) -> bool:
        """Say whether a request could be sent where so much is used, whatever this budget has counted itself."""
        with self._lock:
            most = self.most(request)
            if self._fits(used.plus(most)):
                return True
            self._exhausted, self._refused = True, most
            return False

    def within_limit(self, request: Request, reply: Reply) -> Use:
        """Return what a reply used, or the most that it could ask for where the endpoint went beyond that."""
        most = self.most(request)
        used = Use().plus(most, reply.paid_again)
        for usage in reply.billed:
            bounded = self._bounded(usage, most)
            tokens = min(bounded.tokens_in, most.tokens_in), min(bounded.tokens_out, most.tokens_out)
            used = used.plus(Use(1, *tokens, min(bounded.usd, most.usd)))
        return used

    def release(self, request: Request) -> None:
        """Give back what was set aside: nothing was paid."""
        with self._lock:
            self._reserved, self._in_flight = self._reserved.plus(self.most(request), -1), self._in_flight - 1

    def charge(self, request: Request, usage: Usage) -> None:
        """Turn what was set aside into what a reply used (the most possible where the endpoint did not say)."""
        with self._lock:
            self.release(request)
            self._spent = self._spent.plus(self._bounded(usage, self.most(request)))

    def charge_unseen(self, request: Request) -> None:
        """Turn what was set aside into spent at the most possible: paid, perhaps, without a reply."""
        with self._lock:
            self.release(request)
            self._lose(request, 1)

    def recall(self, request: Request, reply: Reply) -> None:
        """Charge a reply of an earlier session, with the requests that it may have left paid unseen."""
        with self._lock:
            self._lose(request, reply.paid_again)
            for usage in reply.billed:
                self._spent = self._spent.plus(self._bounded(usage, self.most(request)))

    def _lose(self, request: Request, times: int) -> None:
        self._spent, self._unseen = self._spent.plus(self.most(request), times), self._unseen + times

    def _bounded(self, usage: Usage, most: Use) -> Use:
        """Return what a reply used, at the most possible where it is not stated."""
        tokens_in = most.tokens_in if usage.tokens_in is None else usage.tokens_in
        tokens_out = most.tokens_out if usage.tokens_out is None else usage.tokens_out
        return Use(1, tokens_in, tokens_out, self._bounded_usd(usage, tokens_in, tokens_out))

    def _bounded_usd(self, usage: Usage, tokens_in: int, tokens_out: int) -> float:
        if self.prices is None:
            return usage.stated_usd or 0.0
        if usage.stated_usd is not None or usage.complete:
            return self.prices.usd_of(usage)
        return self.prices.most_usd(tokens_in, tokens_out)

    def most(self, request: Request) -> Use:
        """Return the most that one sending of a request can use."""
        tokens_in = self._tokens_in(request)
        usd = self.prices.most_usd(tokens_in, request.max_tokens) if self.prices else 0.0
        return Use(1, tokens_in, request.max_tokens, usd)

    def _fits(self, use: Use) -> bool:
        return (
            (self.max_queries is None or use.queries <= self.max_queries)
            and (self.max_tokens is None or use.tokens_in + use.tokens_out <= self.max_tokens)
            and (self.max_usd is None or use.usd <= self.max_usd)
        )
