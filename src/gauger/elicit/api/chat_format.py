"""Turns a request into the JSON that OpenAI-compatible endpoints want, and the JSON that comes back into a reply.

Endpoints differ in what they leave out, so the reply is read from the JSON itself and not through one vendor's schema:
only a missing choice or a wrong type is a fault.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gauger.elicit.api.faults import FailedAttempt, quote, status_fault
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request, TokenChoices

_THINK, _END_THINK = "<think>", "</think>"


@dataclass(frozen=True)
class Dialect:
    """What one endpoint wants to hear."""

    kind: Literal["chat", "completions"] = "chat"
    """`completions` sends the messages' contents, joined by blank lines, as one text to continue (base models)."""
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The parameter for most tokens; switched by itself where the endpoint says that it wants the other."""
    seed: bool = True
    """Whether to send the seed; some endpoints refuse what they do not know."""

    @property
    def path(self) -> str:
        """Path below the endpoint's address."""
        return "/completions" if self.kind == "completions" else "/chat/completions"

    def body(self, model: str, request: Request) -> dict[str, Any]:
        """Spell a request."""
        body: dict[str, Any] = {"model": model, **self._question(request)}
        body |= {self.limit: request.max_tokens, "temperature": request.temperature}
        if self.seed:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        return body

    def _question(self, request: Request) -> dict[str, Any]:
        top = request.top_log_probabilities
        if self.kind == "completions":
            text = "\n\n".join(message.content for message in request.messages)
            return {"prompt": text} | ({"logprobs": top} if top else {})
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        return {"messages": messages} | ({"logprobs": True, "top_logprobs": top} if top else {})

    def other_limit(self) -> Dialect:
        """Return the dialect with the other parameter for most tokens."""
        return replace(self, limit="max_tokens" if self.limit != "max_tokens" else "max_completion_tokens")


def read_reply(content: bytes, clean: Callable[[str], str], address: str) -> Reply | FailedAttempt:
    """Read the body of a successful response.

    Parameters
    ----------
    content : bytes
        What came.
    clean : callable
        Removes the key from a text, should the endpoint have sent it back.
    address : str
        Of the endpoint, for messages.

    Returns
    -------
    Reply or Fault
        Half a JSON, an error in the place of a reply and a reply without content are faults.
    """
    try:
        body = json.loads(content)
    except ValueError:
        return FailedAttempt(
            f"the reply is not whole JSON: {quote(clean(content[-80:].decode('utf-8', 'replace')))}", paid=True
        )
    if isinstance(body, Mapping) and body.get("error") and not body.get("choices"):
        return _error_inside(body, clean, address)
    try:
        return _read(body, clean)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return FailedAttempt(f"the reply is not in the OpenAI format ({type(error).__name__})", paid=True)


def _error_inside(body: Mapping[str, Any], clean: Callable[[str], str], address: str) -> FailedAttempt:
    """Gateways report the failure of the server behind them in a successful response."""
    code = body["error"].get("code") if isinstance(body["error"], Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return replace(status_fault(status, {}, clean(json.dumps(body)), address), paid=True)


def _read(body: Mapping[str, Any], clean: Callable[[str], str]) -> Reply | FailedAttempt:
    choice = (body.get("choices") or [None])[0]
    if choice is None:
        return FailedAttempt("the reply has no choices", paid=True, contentless=True)
    message = choice.get("message") or {}
    text, refusal = _text(message.get("content") or choice.get("text")) or "", _text(message.get("refusal"))
    reasoning = _text(message.get("reasoning_content") or message.get("reasoning"))
    finish = choice.get("finish_reason")
    if finish == "error":
        return FailedAttempt("the endpoint broke off the reply with an error", paid=True)
    if refusal or finish == "content_filter":
        outcome, text = ReplyOutcome.REFUSED, text or refusal or ""
    elif finish == "length":
        outcome = ReplyOutcome.TRUNCATED
    elif text or reasoning:
        outcome = ReplyOutcome.ANSWERED
    else:
        return FailedAttempt("the reply has no content", paid=True, contentless=True)
    text, reasoning = _split_reasoning(clean(text), None if reasoning is None else clean(reasoning))
    tokens_in, tokens_out, tokens_reasoning, tokens_cached = _usage(body.get("usage") or {})
    return Reply(
        outcome,
        text,
        reasoning,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens_reasoning=tokens_reasoning,
        tokens_cached=tokens_cached,
        log_probabilities=_log_probabilities(choice.get("logprobs") or {}, clean),
    )


def _text(found: object) -> str | None:
    """Read a text, or the texts of a list of parts; None where there is none."""
    if isinstance(found, Sequence) and not isinstance(found, str):
        return "".join(str(part["text"]) for part in found if part.get("type") == "text")
    if found is None or isinstance(found, str):
        return found
    raise TypeError("not a text")


def _split_reasoning(text: str, reasoning: str | None) -> tuple[str, str | None]:
    """Take reasoning out of the text where the server left it there, between `<think>` tags at its start."""
    if reasoning is not None or not text.lstrip().startswith(_THINK):
        return text, reasoning
    thought, _, answer = text.lstrip().removeprefix(_THINK).partition(_END_THINK)
    return answer.lstrip(), thought.strip()


def _usage(usage: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Read tokens (in, out, reasoning, cached); where reasoning stands beside the completion it is added to `out`."""
    tokens_in, tokens_out = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    reasoning = int((usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0)
    cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    total = int(usage.get("total_tokens") or 0)
    if reasoning and total >= tokens_in + tokens_out + reasoning:
        tokens_out += reasoning
    return tokens_in, tokens_out, reasoning, cached


def _log_probabilities(found: Mapping[str, Any], clean: Callable[[str], str]) -> tuple[TokenChoices, ...]:
    if found.get("content"):
        return tuple(
            TokenChoices(clean(str(token["token"])), float(token["logprob"]), _alternatives(token, clean))
            for token in found["content"]
        )
    return _old_log_probabilities(found, clean)


def _alternatives(token: Mapping[str, Any], clean: Callable[[str], str]) -> tuple[tuple[str, float], ...]:
    pairs = ((str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ())
    return _ordered(pairs, clean)


def _old_log_probabilities(found: Mapping[str, Any], clean: Callable[[str], str]) -> tuple[TokenChoices, ...]:
    """Read the completions' own format: parallel lists, alternatives as mappings."""
    tokens: Sequence[Any] = found.get("tokens") or ()
    values: Sequence[Any] = found.get("token_logprobs") or ()
    tops: Sequence[Any] = found.get("top_logprobs") or [{}] * len(tokens)
    return tuple(
        TokenChoices(clean(str(token)), float(value), _ordered((top or {}).items(), clean))
        for token, value, top in zip(tokens, values, tops, strict=True)
        if value is not None
    )


def _ordered(pairs: Any, clean: Callable[[str], str]) -> tuple[tuple[str, float], ...]:
    """Sort alternatives, most likely first; those of probability 0 are no alternatives."""
    finite = [(clean(token), value) for token, value in pairs if math.isfinite(value)]
    return tuple(sorted(finite, key=lambda pair: -pair[1]))
