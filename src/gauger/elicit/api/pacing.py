"""Decides how fast an endpoint is asked, and how long an answer is waited for.

Requests per minute are spaced evenly, which also suits endpoints that count by the second. Tokens per minute hold in
every window of 60 seconds: a request counts from when it is sent, at the most that it could use until its reply says
less. An endpoint that asks for a pause (`Retry-After`) gets it from all requests, for its limits are on the account.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gauger.errors import UserError

_WINDOW_S = 60.0
_LONGEST_NAP_S = 0.25
"""Replies give back tokens while others wait for them, so a wait is looked at again this often."""


@dataclass(frozen=True)
class Pace:
    """How many requests at once, and how many a minute."""

    in_flight: int = 16
    """Most requests under way at once, those waiting for their retry included."""
    requests_per_minute: float | None = None
    """None: no limit but `in_flight`."""
    tokens_per_minute: float | None = None
    """In and out together; None: no limit."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not value > 0:
                raise UserError(f"a positive {name}", str(value))


@dataclass(frozen=True)
class Patience:
    """How long to wait for the endpoint, and when to give a request up."""

    connect_s: float = 10.0
    """For a connection."""
    total_s: float = 600.0
    """For one whole reply, from sending to its last byte; of a stream, for the silence between two pieces."""
    silence_s: float | None = None
    """For the next piece of a reply; None: as long as for the whole."""
    slow: int = 1
    """Most sendings of one request that may run into `total_s`: a model that thinks too long once will do so again, and
    each time is paid."""
    attempts: int = 8
    """Most sendings of one request that the endpoint did not put off itself by `Retry-After`."""
    first_wait_s: float = 0.5
    """Before the first retry; doubles with each. Half is random, so that many requests do not come back at once."""
    longest_wait_s: float = 60.0
    """Longest wait of our own choice between two attempts."""
    give_up_s: float = 1800.0
    """After this long in all a request is not tried again; also the longest `Retry-After` that is waited for."""

    def streaming(self) -> Patience:
        """Return the patience with replies that come piece by piece: only a silence is too long."""
        return replace(self, total_s=max(self.total_s, self.give_up_s), silence_s=self.total_s)

    @property
    def timeouts_s(self) -> dict[str, float]:
        """Timeouts as the connections take them; the one for the whole reply is kept beside them."""
        return {
            "connect": self.connect_s,
            "read": self.silence_s or self.total_s,
            "write": self.total_s,
            "pool": self.total_s,
        }

    def wait_s(self, faults: int, chance: random.Random) -> float:
        """Seconds before the next attempt after so many faults (1 or more): exponential, the upper half random."""
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (faults - 1))
        return longest * chance.uniform(0.5, 1.0)


@dataclass
class Sending:
    """One request that was sent, as the token limit counts it."""

    at: float
    tokens: int
    counted: bool = False


class Pacer:
    """Keeps one endpoint's pace; callers take turns one after the other (a lock is theirs)."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._clock = pace, clock
        self._next_at, self._paused_until = 0.0, 0.0
        self._window: deque[Sending] = deque()
        self._tokens_in_window = 0

    async def turn(self, tokens: int, sleep: Callable[[float], Awaitable[None]]) -> Sending:
        """Wait until a request of at most so many tokens may be sent, and count it as sent."""
        while (wait := self._wait_s(tokens)) > 0:
            await sleep(min(wait, _LONGEST_NAP_S))
        now = self._clock()
        if self._pace.requests_per_minute is not None:
            self._next_at = max(now, self._next_at) + _WINDOW_S / self._pace.requests_per_minute
        sending = Sending(now, tokens)
        if self._pace.tokens_per_minute is not None:
            sending.counted = True
            self._window.append(sending)
            self._tokens_in_window += tokens
        return sending

    def used(self, sending: Sending, tokens: int) -> None:
        """Say how many tokens a sending really used."""
        if sending.counted:
            self._tokens_in_window += tokens - sending.tokens
            sending.tokens = tokens

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _wait_s(self, tokens: int) -> float:
        now = self._clock()
        wait = max(self._paused_until, self._next_at) - now
        if wait > 0 or self._pace.tokens_per_minute is None:
            return wait
        while self._window and self._window[0].at <= now - _WINDOW_S:
            gone = self._window.popleft()
            gone.counted = False
            self._tokens_in_window -= gone.tokens
        if not self._window or self._tokens_in_window + tokens <= self._pace.tokens_per_minute:
            return 0.0
        return self._window[0].at + _WINDOW_S - now
