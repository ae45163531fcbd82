"""Turns a request into the JSON that OpenAI-compatible endpoints want, and the JSON that comes back into a reply.

Endpoints differ in what they leave out, so the reply is read from the JSON itself and not through one vendor's schema:
only a missing choice or a wrong type is a fault.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gauger.elicit.api.faults import FailedAttempt, quote, status_fault
from gauger.elicit.replies.raw_reply import BrokenOffError, read_raw
from gauger.elicit.replies.usage import read_usage
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.messages import Reply, ReplyOutcome, Request


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
    Reply or FailedAttempt
        Half a JSON, an error in the place of a reply and a reply without content are faults.
    """
    try:
        body = _without_spelt_key(cleaned(json.loads(content, parse_constant=str, parse_float=_finite), clean), clean)
    except (ValueError, RecursionError):
        return FailedAttempt(_not_json(content, clean), paid=True)
    if isinstance(body, Mapping) and body.get("error") and not body.get("choices"):
        return _error_inside(body, address)
    try:
        reply = read_raw(body)
    except BrokenOffError as error:
        return FailedAttempt(f"the endpoint broke off the reply: {error}", paid=True, usage=_stated(body))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return FailedAttempt(f"the reply is not in the OpenAI format ({type(error).__name__})", paid=True)
    if reply.outcome is ReplyOutcome.EMPTY:
        what = reply.error or "the reply has no content"
        return FailedAttempt(what, paid=True, contentless=True, usage=_stated(body), empty=reply)
    return reply


def _finite(number: str) -> float | str:
    """Read a number; one that no float holds stays the word that it is, so that what came can be kept as JSON."""
    found = float(number)
    return found if math.isfinite(found) else number


def _stated(body: Mapping[str, Any]) -> Usage | None:
    """Return what a reply without an answer says that it used; None where that is not all."""
    usage = read_usage(body.get("usage"))
    return usage if usage.complete or usage.stated_usd is not None else None


def cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    """Return a JSON value with every text in it cleared of the key, names too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(one, clean) for one in value]
    if isinstance(value, dict):
        return {clean(name): cleaned(one, clean) for name, one in value.items()}
    return value


def _without_spelt_key(body: Any, clean: Callable[[str], str]) -> Any:
    """Return a body without log-probabilities whose tokens, one after the other, spell the key."""
    choices = body.get("choices") if isinstance(body, dict) else None
    for choice in choices if isinstance(choices, list) else ():
        logs = choice.get("logprobs") if isinstance(choice, dict) else None
        spelt = "".join(_tokens_of(logs)) if isinstance(logs, dict) else ""
        if clean(spelt) != spelt:
            del choice["logprobs"]
    return body


def _tokens_of(logs: Mapping[str, Any]) -> list[str]:
    """Return the tokens of log-probabilities, of chats or of completions."""
    listed = logs.get("content") or logs.get("tokens") or ()
    found = (one.get("token") if isinstance(one, dict) else one for one in listed)
    return [token for token in found if isinstance(token, str)]


def _not_json(content: bytes, clean: Callable[[str], str]) -> str:
    """Say what came instead of JSON: a stream, a page, or JSON that ends too early."""
    text = content.decode("utf-8", "replace")
    start = text.lstrip()
    if start.startswith(("data:", "event:", ": ")):
        return "the reply is a stream of events, though none was asked for: set stream to true, or mend the server"
    if start.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
        return f"the reply is a page, not JSON: {quote(clean(title[1] if title else start))}"
    return f"the reply is not whole JSON: {quote(clean(text)[-80:])}"


def _error_inside(body: Mapping[str, Any], address: str) -> FailedAttempt:
    """Gateways report the failure of the server behind them in a successful response."""
    code = body["error"].get("code") if isinstance(body["error"], Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return replace(status_fault(status, {}, json.dumps(body), address), paid=True)
