"""Sorts what goes wrong between request and reply, and says what it means for the money and the next attempt.

1. Rejected (429, most 5xx, no connection): nothing was paid; asked again.
2. Broken (a reset, a stall, a gateway's time-out, half a reply): perhaps paid; asked again and counted. A whole reply
   without content is paid, at what it states; asked again once or twice.
3. Wrong (400, 422): this request will never be answered; its reply is FAILED. Where a parameter is refused it is
   respelt first; where the prompt is (a filter's 400 or 403) the reply is REFUSED, and nothing was paid.
4. Refused entry (401, 402, 403, 404, no credit), or nobody there after every retry: no request will be answered; the
   user must do something.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gauger.elicit.api.refusals import declines_prompt, refused_parameter
from gauger.elicit.teacher.bill import Usage
from gauger.elicit.teacher.messages import Reply
from gauger.errors import UserError

_LONGEST_QUOTE = 300
_TRANSIENT = frozenset({408, 409, 425, 429, 499})
_PERHAPS_PAID = frozenset({408, 499, 504, 520, 524, 598})
"""Somebody between here and the model lost patience with it: it may have gone on, and been billed."""
_NO_CREDIT = "insufficient_quota"
_LOOKED_AT = 4000
"""Characters of an error in which a refused parameter is looked for."""
_DOORS = {
    401: ("an API key that this endpoint accepts", "Set GAUGER_API_KEY to a key of this endpoint."),
    402: ("an account with credit at this endpoint", "Add credit to the account, then run again: nothing is lost."),
    403: ("a key that may use this model at this endpoint", "Ask for access, or set GAUGER_API_KEY to another key."),
    404: (
        "an OpenAI-compatible endpoint that has this model",
        "Check the address (it usually ends in /v1) and the model's name.",
    ),
}


@dataclass(frozen=True)
class FailedAttempt:
    """One attempt without a usable reply."""

    what: str
    """In words; holds no secret."""
    again: bool = True
    """Whether asking again may help."""
    paid: bool = False
    """Whether the endpoint may have answered and counted it all the same."""
    usage: Usage | None = None
    """What it surely counted, as it states itself; None where it states nothing."""
    wait_s: float | None = None
    """How long the endpoint asks to wait."""
    contentless: bool = False
    """A whole reply that holds nothing: few more attempts, for each is paid."""
    empty: Reply | None = None
    """That reply, with what it used."""
    closed: UserError | None = None
    """Set where no request will be answered until the user does something."""
    unreachable: bool = False
    """Nobody was there to take the request."""
    unsupported: str | None = None
    """The parameter that the endpoint refuses, where it names one."""
    missing: bool = False
    """Whether nothing is at that address (404)."""
    refused: bool = False
    """Whether this one prompt was declined, before anything was generated."""
    slow: bool = False
    """Whether it ran into our own limit on time."""


def status_fault(status: int, headers: Mapping[str, str], body: str, address: str) -> FailedAttempt:
    """Say what an HTTP status other than success means; `body` has been cleared of the key."""
    message, code, error = _explanation(body)
    what = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    if 300 <= status < 400:
        place = quote(headers.get("location", "")) or "nowhere in particular"
        return FailedAttempt(f"{what}; it redirects to {place}, and no redirect is followed", again=False)
    if declines_prompt(status, error, message):
        return FailedAttempt(what, again=False, refused=True)
    door = 402 if code == _NO_CREDIT else status
    if door in _DOORS:
        wanted, hint = _DOORS[door]
        closed = UserError(wanted, f"{what} from {address}", hint=hint)
        return FailedAttempt(what, again=False, closed=closed, missing=door == 404)
    if status in _TRANSIENT or status >= 500:
        return FailedAttempt(what, wait_s=retry_after_s(headers), paid=status in _PERHAPS_PAID)
    return FailedAttempt(what, again=False, unsupported=refused_parameter(error, f"{message} {body[:_LOOKED_AT]}"))


def unreachable_error(what: str, address: str, *, own: bool) -> UserError:
    """Say that nobody answers at an address; `own` of a server that this process had started."""
    if own:
        hint = "Gauger started it and it is gone, perhaps for want of memory. The same command starts it again."
        return UserError("a server that stays until all is asked", f"{what} from {address}", hint=hint)
    hint = "Start the server or check the address, then run again: nothing is lost."
    return UserError("an endpoint that answers", f"{what} from {address}", hint=hint)


def retry_after_s(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Read `retry-after-ms` or `Retry-After` (seconds or a date, RFC 9110 section 10.2.3); None without one."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, moment.timestamp() - (time.time() if now is None else now))
    except (ValueError, OverflowError):
        return None


def quote(text: str) -> str:
    """Cut a stranger's text to what fits into a message."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def _explanation(body: str) -> tuple[str, str | None, Any]:
    """Find (message, code, the error's JSON) in an error body; what is not JSON is its own message."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return quote(_title(body)), None, None
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(error, dict):
        return quote(str(error)), None, parsed
    code = error.get("code")
    message = error.get("message") or error.get("detail") or ""
    return quote(str(message)), code if isinstance(code, str) else None, error


def _title(body: str) -> str:
    """Return the title of a page, or what is no page as it is."""
    title = re.search(r"<title[^>]*>(.*?)</title>", body, re.IGNORECASE | re.DOTALL)
    return f"a page, {title[1].strip()!r}" if title else body
