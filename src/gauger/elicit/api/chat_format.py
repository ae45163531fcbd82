"""Turns what an OpenAI-compatible endpoint sends back into a reply, or says what is wrong with it.

Endpoints differ in what they leave out, so the reply is read from the JSON itself and not through one vendor's schema:
only a missing choice or a wrong type is a fault.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gauger.elicit.api.faults import FailedAttempt, quote, status_fault
from gauger.elicit.api.stream import BrokenStreamError, joined_stream, looks_streamed
from gauger.elicit.replies.raw_reply import BrokenOffError, read_raw
from gauger.elicit.replies.usage import read_usage
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.messages import Reply, ReplyOutcome


def read_reply(
    content: bytes, clean: Callable[[str], str], address: str, stops: Sequence[str] = ()
) -> Reply | FailedAttempt:
    """Read the body of a successful response.

    Parameters
    ----------
    content : bytes
        What came.
    clean : callable
        Removes the key from a text, should the endpoint have sent it back.
    address : str
        Of the endpoint, for messages.
    stops : sequence of str
        Of the request: what ends its answer.

    Returns
    -------
    Reply or FailedAttempt
        Half a JSON, half a stream, an error in the place of a reply and a reply without content are faults.
    """
    try:
        parsed = joined_stream(content) if looks_streamed(content) else _loads(content)
        body = _without_spelt_key(cleaned(parsed, clean), clean)
    except BrokenStreamError as error:
        return FailedAttempt(str(error), paid=True)
    except (ValueError, RecursionError):
        return FailedAttempt(_not_json(content, clean), paid=True)
    if isinstance(body, Mapping) and body.get("error") and not body.get("choices"):
        return _error_inside(body, address)
    try:
        reply = read_raw(body, stops)
    except BrokenOffError as error:
        return FailedAttempt(f"the endpoint broke off the reply: {error}", paid=True, usage=_stated(body))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return FailedAttempt(f"the reply is not in the OpenAI format ({type(error).__name__})", paid=True)
    if reply.outcome is ReplyOutcome.EMPTY:
        what = reply.error or "the reply has no content"
        return FailedAttempt(what, paid=True, contentless=True, usage=_stated(body), empty=reply)
    return reply


def _loads(content: bytes) -> Any:
    return json.loads(content, parse_constant=str, parse_float=_finite)


def _finite(number: str) -> float | str:
    """Read a number; one that no float holds stays the word that it is, so that what came can be kept as JSON."""
    value = float(number)
    return value if math.isfinite(value) else number


def _stated(body: Mapping[str, Any]) -> Usage | None:
    """Return what a reply without an answer says that it used; None where that is not all."""
    usage = read_usage(body.get("usage"))
    return usage if usage.complete or usage.stated_usd is not None else None


def cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    """Return a JSON value with every text in it cleared of the key, names too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(element, clean) for element in value]
    if isinstance(value, dict):
        return {clean(name): cleaned(element, clean) for name, element in value.items()}
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
    tokens = (entry.get("token") if isinstance(entry, dict) else entry for entry in listed)
    return [token for token in tokens if isinstance(token, str)]


def _not_json(content: bytes, clean: Callable[[str], str]) -> str:
    """Say what came instead of JSON: a page, or JSON that ends too early."""
    text = content.decode("utf-8", "replace")
    start = text.lstrip()
    if start.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
        return f"the reply is a page, not JSON: {quote(clean(title[1] if title else start))}"
    return f"the reply is not whole JSON: {quote(clean(text)[-80:])}"


def _error_inside(body: Mapping[str, Any], address: str) -> FailedAttempt:
    """Gateways report the failure of the server behind them in a successful response."""
    code = body["error"].get("code") if isinstance(body["error"], Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    fault = status_fault(status, {}, json.dumps(body), address)
    return fault if fault.refused else replace(fault, paid=True)
