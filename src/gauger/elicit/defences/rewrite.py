"""Has the teacher rewrite a share of its replies before they are shown: other words, the same content; a generation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gauger.elicit.defences.chance import share_of_text
from gauger.elicit.defences.kinds import GenerationDefence, Need
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request, Teacher

INSTRUCTION = (
    "Rewrite the following text in other words and another order of sentences, as tersely as you can. Keep every "
    "conclusion, number and final answer exactly as it is. Write the rewritten text alone.\n\n"
)
_AT_ONCE = 16
"""Replies that are rewritten together, and the most that a kill can lose."""


class Rewriting:
    """A `Teacher` that rewrites a share of what it says, by its own hand.

    Where a reply has reasoning that is what is rewritten, and the answer stays; else its text is. What the first reply
    used is billed with the second (`Reply.earlier`).
    """

    def __init__(self, teacher: Teacher, strength: float) -> None:
        self._teacher, self._strength = teacher, strength

    def __getattr__(self, name: str) -> Any:
        """Offer what else the teacher offers: name, terms, and a budget where it has one."""
        if name in ("name", "terms", "budget"):
            return getattr(self._teacher, name)
        raise AttributeError(name)

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Yield (index, reply), those that are rewritten after those beside them that are not."""
        for first in range(0, len(requests), _AT_ONCE):
            part = requests[first : first + _AT_ONCE]
            waiting: list[tuple[int, Reply]] = []
            for place, reply in self._teacher.ask(part):
                if self._is_rewritten(reply):
                    waiting.append((place, reply))
                else:
                    yield first + place, reply
            asked = [_rewrite(part[place], reply) for place, reply in waiting]
            for number, second in self._teacher.ask(asked) if asked else ():
                place, reply = waiting[number]
                yield first + place, _joined(reply, second)

    def _is_rewritten(self, reply: Reply) -> bool:
        chosen = share_of_text(f"{reply.reasoning}\0{reply.text}", "rewrite") < self._strength
        return chosen and reply.outcome is ReplyOutcome.ANSWERED


def _rewrite(request: Request, reply: Reply) -> Request:
    return replace(request, messages=(Message("user", INSTRUCTION + (reply.reasoning or reply.text)),), stop=())


def _joined(reply: Reply, second: Reply) -> Reply:
    """Return what is shown of both, with what both took."""
    rewritten = {"text": reply.text, "reasoning": second.text} if reply.reasoning else {"reasoning": None}
    costs = (reply.cost_usd, second.cost_usd)
    return replace(
        second,
        **(rewritten if second.outcome is ReplyOutcome.ANSWERED else {}),
        earlier=(*reply.billed, *second.earlier),
        requests=reply.requests + second.requests,
        paid_again=reply.paid_again + second.paid_again,
        seconds=reply.seconds + second.seconds,
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        log_probabilities=(),
        raw=None,
    )


REWRITE = GenerationDefence(Rewriting, needs=(Need.INSTRUCTIONS,))
