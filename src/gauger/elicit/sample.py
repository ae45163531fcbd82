"""Describes one sample of a language model's corpus, with everything that stands about it in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gauger.elicit.strategies.seeds import Seed
from gauger.elicit.teacher.bill import total
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request

T = TypeVar("T")
STEP = "step"
"""Why a row of the ledger is no sample: a request on the way to one (problems written, a student's answers)."""
UNANSWERED = "unanswered"
"""A request that was sent and never answered, for the process was killed: perhaps paid; its text is not known."""
TOO_LONG = "too-long"
"""A text of which training would lose the end."""
UNASKED = "unasked"
"""A prompt that the teacher wrote and was never asked, for the budget was spent or enough was kept."""


@dataclass(frozen=True)
class Took:
    """What the requests of a sample took; sums over a ledger are what was spent."""

    queries: int = 0
    """Requests that were paid, or may have been."""
    tokens_in: int | None = 0
    """As the endpoint states it, like the next three; None where it states nothing."""
    tokens_out: int | None = 0
    tokens_reasoning: int | None = 0
    """Part of `tokens_out`."""
    tokens_cached: int | None = 0
    """Part of `tokens_in`."""
    cost_usd: float | None = None
    """Of what is stated; None where nothing is, or the price is not known."""
    tokens_in_most: int | None = 0
    """The most that it can have been, like the next two: all of `queries`, each at the most where it is not stated."""
    tokens_out_most: int | None = 0
    cost_most_usd: float | None = None
    stated_usd: float | None = None
    """The endpoint's own cost, where it states one."""
    usage_problem: str | None = None
    """What it stated that cannot be, and that counts as not stated."""
    retries: int = 0
    paid_again: int = 0
    """Part of `queries`: these may have been paid without a reply, or not."""
    seconds: float = 0.0

    @staticmethod
    def by(reply: Reply) -> Took:
        """Return what a reply took."""
        billed, most = reply.billed, reply.most
        tokens_in, tokens_out = (
            total([usage.tokens_in for usage in billed]),
            total([usage.tokens_out for usage in billed]),
        )

        def exact(value: T) -> T | None:
            return None if reply.paid_again else value  # nobody has reckoned the most

        costs = [usage.stated_usd for usage in billed if usage.stated_usd is not None]
        problems = [usage.problem for usage in billed if usage.problem]
        return Took(
            queries=len(billed) + reply.paid_again,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            tokens_reasoning=total([usage.tokens_reasoning for usage in billed]),
            tokens_cached=total([usage.tokens_cached for usage in billed]),
            cost_usd=reply.cost_usd,
            tokens_in_most=exact(tokens_in) if most is None else most.tokens_in,
            tokens_out_most=exact(tokens_out) if most is None else most.tokens_out,
            cost_most_usd=exact(reply.cost_usd) if most is None else reply.cost_most_usd,
            stated_usd=sum(costs) if costs else None,
            usage_problem="; ".join(problems) or None,
            retries=max(0, reply.requests - 1),
            paid_again=reply.paid_again,
            seconds=reply.seconds,
        )


@dataclass(frozen=True)
class Sample:
    """One training text (prompt and answer), kept or not, or one request on the way to some (`dropped` is `STEP`)."""

    prompt: tuple[Message, ...]
    """What the student is shown; not always what the teacher was asked."""
    answer: str = ""
    rejected: str | None = None
    """The worse answer of a preference pair; None where there is no pair."""
    reasoning: str | None = None
    """Reasoning that the interface showed."""
    strategy: str = ""
    source: str = "teacher"
    """Who wrote the answer: teacher, self, ..."""
    teacher: str | None = None
    """Name of the model that was asked; None where nobody was."""
    terms: str | None = None
    """Terms-of-use tag of the teacher."""
    template: str = ""
    """name@version of the prompts that were used."""
    surface: str = "text"
    """What the interface showed."""
    seed: Seed | None = None
    """The seed whose own question is asked, so that its true answer applies; None where the prompt is a new one."""
    seed_ids: tuple[str, ...] = ()
    """The seeds that it goes back to."""
    parents: tuple[str, ...] = ()
    """Ids of the rows that it was made from directly."""
    benchmark: str | None = None
    """Of the seeds, joined by commas where they differ."""
    split: str | None = None
    generation: int = 0
    """0: a seed's own question; n: made from one of generation n - 1."""
    request: str | None = None
    """Key of the request that the answer is the reply to, as in the journal."""
    outcome: ReplyOutcome | None = None
    """What became of the request; None where it was not sent."""
    stop: str | None = None
    """The stop string that ended the reply, where that is known."""
    error: str | None = None
    respelt: tuple[str, ...] = ()
    """How the request was put otherwise than it was meant (`Reply.respelt`)."""
    flags: tuple[str, ...] = ()
    """What in the reply nobody knows how to read (`Reply.flags`)."""
    took: Took = field(default_factory=Took)
    score: float | None = None
    """What the verifier said of the answer; None where there was nothing to verify it with."""
    filters: tuple[str, ...] = ()
    """Filters that it passed, in order."""
    dropped: str | None = None
    """The first that it did not pass; None where it is kept."""
    overlaps: tuple[str, ...] = ()
    """Protected texts that it overlaps."""
    whole: bool = False
    """Whether the prompt is learnt too (running text) or the answer alone."""

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the texts' hash: the same text has the same id everywhere."""
        parts = [turn for message in self.prompt for turn in (message.role, message.content)]
        return digest(*parts, self.answer, *([] if self.rejected is None else [self.rejected]))

    @property
    def prompt_text(self) -> str:
        """The prompt as plain text: its turns, an empty line between them."""
        return "\n\n".join(message.content for message in self.prompt)

    @property
    def prompt_hash(self) -> str:
        """16 hexadecimal digits of the prompt's hash."""
        return digest(*(turn for message in self.prompt for turn in (message.role, message.content)))

    @property
    def text(self) -> str:
        """Prompt and answer."""
        return f"{self.prompt_text}\n\n{self.answer}"

    @property
    def messages(self) -> tuple[Message, ...]:
        """Prompt and answer as a conversation."""
        return (*self.prompt, Message("assistant", self.answer))

    @property
    def tagged(self) -> Sample:
        """The sample with the reasoning that the interface showed before its answer, in <think></think>."""
        if not self.reasoning:
            return self
        return replace(self, answer=f"<think>\n{self.reasoning.strip()}\n</think>\n\n{self.answer}")

    @property
    def joined(self) -> str:
        """Prompt and answer next to each other as they are: the text of a world."""
        return self.prompt_text + self.answer

    def fails(self, name: str) -> Sample:
        """Return the sample as dropped by a filter."""
        return replace(self, dropped=name)

    def answered(self, request: Request, reply: Reply, *, paid: bool) -> Sample:
        """Return the sample with a reply; `paid` is False where an equal request has brought it before."""
        return replace(
            self,
            answer=clean(reply.text),
            reasoning=None if reply.reasoning is None else clean(reply.reasoning),
            request=request.key,
            outcome=reply.outcome,
            stop=reply.stop,
            error=reply.error,
            took=Took.by(reply) if paid else Took(),
        )


def plain_sample(
    prompt: str,
    answer: str,
    strategy: str,
    source: str,
    *,
    seed_ids: tuple[str, ...] = (),
    overlaps: tuple[str, ...] = (),
    whole: bool = False,
) -> Sample:
    """Make a sample of plain texts that nobody was asked for."""
    turns = (Message("user", prompt),)
    return Sample(turns, answer, strategy=strategy, source=source, seed_ids=seed_ids, overlaps=overlaps, whole=whole)


def clean(text: str) -> str:
    """Return a text that UTF-8 can hold: half a character (a lone surrogate) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def digest(*parts: str) -> str:
    """Hash texts; where one ends and the next begins makes a difference."""
    hashed = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        hashed.update(f"{len(content)}:".encode())
        hashed.update(content)
    return hashed.hexdigest()[:16]


def joined(values: Iterable[str | None]) -> str | None:
    """Write several seeds' benchmark or split as it stands in the ledger; None where none of them has one."""
    return ", ".join(sorted({value for value in values if value})) or None
