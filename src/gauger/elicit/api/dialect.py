"""Spells requests as one model wants to hear them, and respells them where it refuses how they were put.

A refused parameter is left out, or put under its other name, from then on (`Dialect.respelt`); what was changed stands
with every reply, for a temperature that nobody set is another teacher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gauger.elicit.teacher.messages import Message, Request

_LIMITS = ("max_tokens", "max_completion_tokens")
_OPTIONAL = ("temperature", "seed", "stop", "logprobs", "top_logprobs", "stream_options", "top_p", "reasoning_effort")
"""Parameters without which a request can still be asked."""
SYSTEM_ROLE = "system role"
"""What stands for the role where a model refuses it."""
_TOGETHER = {"top_logprobs": ("logprobs", "top_logprobs"), "logprobs": ("logprobs", "top_logprobs")}


@dataclass(frozen=True)
class Dialect:
    """What one endpoint wants to hear."""

    kind: Literal["chat", "completions"] = "chat"
    """`completions` sends the messages' contents, joined by blank lines, as one text to continue (base models), and
    the stops of a request with it. `chat` sends no stops, for they would end a reply within the model's thought: what
    comes is cut at them when it is read (`read_raw`)."""
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The parameter for most tokens; switched by itself where the endpoint says that it wants the other."""
    effort: str | None = None
    """How long a model may think, in its own words (low, medium, high); None: not sent."""
    top_p: float | None = None
    """Share of the most likely tokens that answers are drawn from; None: not sent."""
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Sent besides, as it is; a value of None takes away what would be sent."""
    stream: bool = False
    """Whether replies come piece by piece, so that no silence is long."""
    left_out: frozenset[str] = frozenset()
    """Parameters that the model refuses."""
    system: bool = True
    """Whether it takes messages of the role `system`; False: they come before the first message of the user."""

    @property
    def path(self) -> str:
        """Path below the endpoint's address."""
        return "/completions" if self.kind == "completions" else "/chat/completions"

    @property
    def chosen(self) -> dict[str, Any]:
        """What every request has besides, as it is sent: `top_p`, `reasoning_effort`, and what is in `extra`."""
        given = {"top_p": self.top_p, "reasoning_effort": self.effort or None}
        return {**{name: value for name, value in given.items() if value is not None}, **self.extra}

    def body(self, model: str, request: Request) -> dict[str, Any]:
        """Spell a request."""
        top = request.top_log_probabilities
        body: dict[str, Any] = {"model": model, **self._question(request)}
        body |= {self.limit: request.max_tokens, "temperature": request.temperature, "seed": request.seed}
        if top:
            body |= {"logprobs": top} if self.kind == "completions" else {"logprobs": True, "top_logprobs": top}
        if request.stop and self.kind == "completions":
            body["stop"] = list(request.stop)
        body |= {"stream": True, "stream_options": {"include_usage": True}} if self.stream else {}
        body |= self.chosen
        return {name: value for name, value in body.items() if value is not None and name not in self.left_out}

    def _question(self, request: Request) -> dict[str, Any]:
        if self.kind == "completions":
            return {"prompt": "\n\n".join(message.content for message in request.messages)}
        messages = request.messages if self.system else without_system(request.messages)
        return {"messages": [{"role": message.role, "content": message.content} for message in messages]}

    def respelt(self, parameter: str) -> Dialect | None:
        """Return the dialect without what was refused; None where nothing can be changed about it."""
        if parameter == SYSTEM_ROLE:
            return replace(self, system=False) if self.system else None
        if parameter in _LIMITS:
            if parameter != self.limit or not self.left_out.isdisjoint(_LIMITS):
                return None  # both are refused
            left_out = self.left_out | {parameter}
            if self.limit == "max_tokens":
                return replace(self, limit="max_completion_tokens", left_out=left_out)
            return replace(self, limit="max_tokens", left_out=left_out)
        if parameter in _OPTIONAL and parameter not in self.left_out:
            return replace(self, left_out=self.left_out | set(_TOGETHER.get(parameter, (parameter,))))
        return None

    @property
    def changes(self) -> tuple[str, ...]:
        """Say what is put otherwise than it was asked for, or not at all."""
        changes = [f"asked without {name}" for name in sorted(self.left_out) if name in _OPTIONAL]
        changes += [] if self.system else ["the system's words stood before the user's"]
        return tuple(changes)


def without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put the words of the system before those of the user that follow."""
    before: list[str] = []
    merged: list[Message] = []
    for message in messages:
        if message.role == "system":
            before.append(message.content)
        elif message.role == "user" and before:
            merged.append(Message("user", "\n\n".join([*before, message.content])))
            before = []
        else:
            merged.append(message)
    return (*merged, Message("user", "\n\n".join(before))) if before else tuple(merged)
