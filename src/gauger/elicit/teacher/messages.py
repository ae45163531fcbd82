"""Defines a request, a reply, and what every language-model teacher offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from gauger.elicit.teacher.bill import Usage, Use
from gauger.store import fingerprint


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """One question to a teacher; requests with equal fields have equal keys, and are paid once."""

    messages: tuple[Message, ...]
    max_tokens: int
    """Most tokens of the reply, reasoning included."""
    temperature: float = 0.0
    """0: the most likely reply."""
    seed: int = 0
    """Tells repeated draws of one question apart; sent to endpoints that take a seed."""
    stop: tuple[str, ...] = ()
    """Strings that end the reply and are not part of it."""
    top_log_probabilities: int = 0
    """Alternatives per token wanted; 0: none."""

    @property
    def key(self) -> str:
        """64 hexadecimal digits over everything above."""
        messages = [{"role": message.role, "content": message.content} for message in self.messages]
        return fingerprint({**vars(self), "messages": messages})


class ReplyOutcome(StrEnum):
    """What became of a request."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"
    """Cut off: by a limit, by the server, or for a reason that nobody knows."""
    REFUSED = "refused"
    """Declined by the model or by the endpoint's content filter."""
    EMPTY = "empty"
    """Whole and paid, without an answer: nothing, reasoning alone, or the call of a tool."""
    FAILED = "failed"
    """No usable reply, after every retry; `error` says why."""


@dataclass(frozen=True)
class TokenChoices:
    """One token of a reply with the most likely alternatives in its place."""

    token: str
    log_probability: float
    alternatives: tuple[tuple[str, float], ...] = ()
    """(token, log-probability in nats), most likely first."""


@dataclass(frozen=True)
class Reply:
    """One reply with what it took."""

    outcome: ReplyOutcome
    text: str = ""
    reasoning: str | None = None
    """Reasoning that the interface showed; None where it hid it, or there was none."""
    tokens_in: int | None = None
    """As the endpoint states it, like the next three; None where it does not."""
    tokens_out: int | None = None
    """Reasoning included, shown or not."""
    tokens_reasoning: int | None = None
    """Part of `tokens_out`."""
    tokens_cached: int | None = None
    """Tokens of `tokens_in` that the endpoint had in its cache."""
    stated_usd: float | None = None
    """The endpoint's own cost of this reply."""
    usage_problem: str | None = None
    """What it stated that cannot be, and that counts as not stated."""
    earlier: tuple[Usage, ...] = ()
    """What other requests for this reply used that were billed and gave nothing usable, as the endpoint states it."""
    cost_usd: float | None = None
    """Of everything stated, `earlier` included; None where nothing is, or no price is known."""
    most: Use | None = None
    """The most that all requests for it can have used; None where nobody has reckoned it."""
    cost_most_usd: float | None = None
    """The most that they can have cost; None where no price is known."""
    requests: int = 1
    """Requests sent for this reply, retries included."""
    paid_again: int = 0
    """Requests among them that may have been paid without a reply, so that nobody stated what they used."""
    seconds: float = 0.0
    """From the first request to the reply."""
    log_probabilities: tuple[TokenChoices, ...] = ()
    stop: str | None = None
    """The stop string that ended it, where that is known; None also where the model ended it itself."""
    error: str | None = None
    flags: tuple[str, ...] = ()
    """What is in it that nobody knows how to read: a mark of reasoning, a field, a reason for ending."""
    raw: Mapping[str, Any] | None = field(default=None, hash=False)
    """All that came, as it came, before any of the above was read from it; None for a model at hand, whose text is all
    that there is, and for what a surface shows."""
    unpaid: bool = False
    """Declined before anything was generated, so that nothing was paid."""
    respelt: tuple[str, ...] = ()
    """How the request was put otherwise than it was meant, for the model refused it so."""

    @property
    def billed(self) -> tuple[Usage, ...]:
        """What each request used that surely was billed: the reply's own, unless it is none or was free, and others."""
        if self.outcome is ReplyOutcome.FAILED or self.unpaid:
            return self.earlier
        own = Usage(
            self.tokens_in,
            self.tokens_out,
            self.tokens_reasoning,
            self.tokens_cached,
            self.stated_usd,
            self.usage_problem,
        )
        return (own, *self.earlier)


class Teacher(Protocol):
    """A language model that answers: `endpoint.py`, `replay.py` and `train.hf.teacher` offer this."""

    @property
    def name(self) -> str:
        """Name that stands in the ledger; holds no secret."""
        ...

    @property
    def terms(self) -> str | None:
        """Terms-of-use tag of what this teacher writes; None where nobody stated one."""
        ...

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index of the request, its reply) in whatever order replies come, each as soon as it is there.

        A request that the budget does not allow gets no reply; a failure is a reply.
        """
        ...


class BatchUnderWay(NamedTuple):
    """A batch that was begun and has not come in: it may be paid, and its replies wait at the endpoint."""

    name: str
    """Ours; it was sent with it."""
    url: str
    """Where it was begun."""
    id: str | None
    """The endpoint's; None where nobody heard whether it took the batch."""
    indices: Sequence[int]
    """Requests in it."""
    respelt: tuple[str, ...] = ()
    """How they were put otherwise than they were meant."""


class SendingLog(Protocol):
    """Who keeps account of requests under way, so that one that is never heard of again is not forgotten."""

    def sending(self, index: int) -> None:
        """Note that a request is about to be sent; an error keeps it from being sent."""
        ...

    def missed(self, index: int, usage: Usage | None) -> None:
        """Note that a sending came to nothing: billed as stated, or (None) not billed at all.

        Nothing is noted of one that may have been billed unseen: it stays as it is.
        """
        ...

    def sending_together(self, batch: BatchUnderWay) -> None:
        """Note that requests are about to be sent in one batch."""
        ...

    def taken(self, name: str, batch_id: str) -> None:
        """Note under which name the endpoint keeps a batch."""
        ...

    def lost(self, index: int) -> None:
        """Note that a batch has come in without this request, which may have been billed."""
        ...

    def under_way(self) -> Sequence[BatchUnderWay]:
        """Return the batches that requests are in, of this process or of one that has ended."""
        ...


@runtime_checkable
class Accountable(Protocol):
    """A teacher that knows of money that no reply tells of."""

    def unseen(self) -> Sequence[Reply]:
        """Return what was spent, or may have been, on requests that got no reply at all, each as a failure."""
        ...
