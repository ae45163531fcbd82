"""Spells a batch of requests as a file of JSON Lines, and reads the files that an endpoint makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gauger.elicit.api.chat_format import read_reply
from gauger.elicit.api.faults import FailedAttempt, quote, status_fault
from gauger.elicit.teacher.messages import Reply

_UNPAID = ("expired", "cancelled", "canceled")
"""Parts of the codes of requests that were never begun."""
_BOUNDARY = "gauger-part-5f1c0a7e9d3b42d8"
"""Stands in no body: these are ASCII JSON, in which a line cannot begin with two dashes."""
UPLOAD_KIND = f"multipart/form-data; boundary={_BOUNDARY}"


def request_line(name: str, path: str, body: Mapping[str, Any]) -> bytes:
    """Spell one request of a batch; providers name the path from the version on, whatever their address is."""
    line = {"custom_id": name, "method": "POST", "url": f"/v1{path}", "body": body}
    return json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def upload(name: str, lines: Iterable[bytes]) -> bytes:
    """Return the form that carries a file of requests."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}.jsonl"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    return head.encode("ascii") + b"".join(lines) + f"\r\n--{_BOUNDARY}--\r\n".encode("ascii")


def results(files: Iterable[bytes]) -> dict[str, Mapping[str, Any]]:
    """Return what files of results say, by the names of the requests; of two lines with a name the first counts.

    A line that is no JSON object, or has no name, says nothing: its request is as one that is missing.
    """
    lines_by_name: dict[str, Mapping[str, Any]] = {}
    for content in files:
        for raw in content.splitlines():
            try:
                line = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and isinstance(line.get("custom_id"), str):
                lines_by_name.setdefault(line["custom_id"], line)
    return lines_by_name


def outcome(
    line: Mapping[str, Any] | None,
    status: str,
    clean: Callable[[str], str],
    address: str,
    stops: Sequence[str] = (),
) -> Reply | FailedAttempt:
    """Read the result of one request.

    Parameters
    ----------
    line : mapping or None
        Its line; None where no file has one, and then it may be paid.
    status : str
        Of the batch, for messages.
    clean : callable
        Removes secrets.
    address : str
        Of the endpoint, for messages.
    stops : sequence of str
        Of the request: what ends its answer.
    """
    if line is None:
        return FailedAttempt(f"the batch is {status}, and no line of its files is about this request", paid=True)
    response = line.get("response")
    if not isinstance(response, Mapping) or "body" not in response:
        return _without_response(line.get("error"), clean)
    code = response.get("status_code")
    spelt = json.dumps(response["body"])
    if isinstance(code, int) and not 200 <= code < 300:
        return status_fault(code, {}, clean(spelt), address)
    return read_reply(spelt.encode("ascii"), clean, address, stops)


def _without_response(error: Any, clean: Callable[[str], str]) -> FailedAttempt:
    """Say what an error in place of a response means: never begun, or nobody knows."""
    details = error if isinstance(error, Mapping) else {}
    code, message = str(details.get("code") or ""), str(details.get("message") or "")
    words = quote(clean(f"{code}: {message}" if code and message else code or message or "no response"))
    return FailedAttempt(f"in a batch: {words}", paid=not any(part in code for part in _UNPAID))


def rejection(batch: Mapping[str, Any], clean: Callable[[str], str]) -> FailedAttempt:
    """Say why an endpoint took no request of a batch at all; a limit on what may wait there passes, the rest does not.

    Parameters
    ----------
    batch : mapping
        What the endpoint says of it.
    clean : callable
        Removes secrets.
    """
    listed = batch.get("errors")
    errors = listed.get("data") if isinstance(listed, Mapping) else listed
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    code, message = str(first.get("code") or ""), str(first.get("message") or "it does not say why")
    return FailedAttempt(f"the batch failed: {quote(clean(f'{code} {message}'.strip()))}", again="limit" in code)
