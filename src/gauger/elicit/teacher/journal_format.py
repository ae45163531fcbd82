"""Writes one reply as one line of JSON, and reads it back: the format `gauger.journal/2`.

The first line names the teacher, ``{"schema": "gauger.journal/2", "teacher": NAME}``, and so does one more wherever
the same model was asked at another address. Every other line is one of these:

``{"key": KEY, "request": {...}, "reply": {...}}``     a reply, which counts all sendings of its request (`requests`)
``{"torn_bytes": N}``                                  a line that a crash had torn stood here

The log of sendings beside it (`sendings.py`) has a line for each of these:

``{"sent": KEY, "n": N, "most": [IN, OUT]}``           a request is about to be sent for the Nth time, and uses so many
                                                       tokens at most
``{"missed": KEY, "n": N}``                            it was turned away then, and nothing was billed
``{"missed": KEY, "n": N, "usage": {...}}``            it was billed as stated, and gave nothing usable
``{"batch": NAME, "at": URL, "respelt": [...]}``       a batch is about to be sent there; the lines of its requests
                                                       follow, with ``"batch": NAME`` in them
``{"batch": NAME, "id": ID}``                          the endpoint has taken it, and keeps it under this name
``{"lost": KEY, "n": N}``                              its batch has come in without it

So a sending that no reply counts, and that was not missed, may have been billed unseen. A reply that came as JSON is
kept as it came (`raw`), with what it took; what it says is read from that whenever the line is. Fields at their default
are left out. The text is ASCII, so that no torn or lone character spoils a line. Version 1 had replies alone; it is
read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from typing import Any

from gauger.elicit.replies.raw_reply import read_raw
from gauger.elicit.teacher.bill import Usage, Use
from gauger.elicit.teacher.messages import Message, Reply, ReplyOutcome, Request, TokenChoices

SCHEMA = "gauger.journal/2"
READABLE = ("gauger.journal/1", SCHEMA)
TOOK = ("raw", "cost_usd", "earlier", "most", "cost_most_usd", "requests", "paid_again", "seconds", "unpaid", "respelt")
"""Fields of a reply that cannot be read from its `raw`, and that itself."""


def header_line(teacher: str) -> bytes:
    """Spell the first line."""
    return _line({"schema": SCHEMA, "teacher": teacher})


def torn_line(n_bytes: int) -> bytes:
    """Spell the note of a torn line."""
    return _line({"torn_bytes": n_bytes})


def sent_line(key: str, number: int, most: Use, batch: str | None = None) -> bytes:
    """Spell that a request is about to be sent, for the how manieth time, by itself or in a batch."""
    fields: dict[str, Any] = {"sent": key, "n": number, "most": [most.tokens_in, most.tokens_out]}
    return _line(fields if batch is None else fields | {"batch": batch})


def batch_line(name: str, **about: Any) -> bytes:
    """Spell how a batch is about to be sent (`at`, `respelt`), or what the endpoint calls it (`id`)."""
    return _line({"batch": name, **about})


def lost_line(key: str, number: int) -> bytes:
    """Spell that a batch has come in without this request."""
    return _line({"lost": key, "n": number})


def missed_line(key: str, number: int, usage: Usage | None) -> bytes:
    """Spell that a sending came to nothing: billed as stated, or not billed at all."""
    fields: dict[str, Any] = {"missed": key, "n": number}
    return _line(fields if usage is None else fields | {"usage": _chosen(usage)})


def reply_line(key: str, request: Request, reply: Reply) -> bytes:
    """Spell a reply with its request."""
    return _line({"key": key, "request": request_fields(request), "reply": reply_fields(reply)})


def request_fields(request: Request) -> dict[str, Any]:
    """Return what a request says."""
    fields = _chosen(request)
    fields["messages"] = [{"role": message.role, "content": message.content} for message in request.messages]
    return fields


def reply_fields(reply: Reply) -> dict[str, Any]:
    """Return what a reply says."""
    fields = _chosen(reply)
    if reply.earlier:
        fields["earlier"] = [_chosen(usage) for usage in reply.earlier]
    if reply.raw is not None:
        return {name: value for name, value in fields.items() if name in TOOK}
    if reply.log_probabilities:
        fields["log_probabilities"] = [
            [choice.token, choice.log_probability, choice.alternatives] for choice in reply.log_probabilities
        ]
    return fields


def request_from(fields: Mapping[str, Any]) -> Request:
    """Return the request that `request_fields` spelled."""
    messages = tuple(Message(message["role"], message["content"]) for message in fields["messages"])
    return Request(**{**fields, "messages": messages, "stop": tuple(fields.get("stop", ()))})


def reply_from(fields: Mapping[str, Any], stops: Sequence[str] = ()) -> Reply:
    """Return the reply that `reply_fields` spelled, to a request with these stops."""
    earlier = tuple(usage_from(usage) for usage in fields.get("earlier", ()))
    most = None if fields.get("most") is None else Use(*fields["most"])
    fields = {**fields, "earlier": earlier, "most": most, "respelt": tuple(fields.get("respelt", ()))}
    if fields.get("raw") is not None:
        return replace(read_raw(fields["raw"], stops), **fields)
    choices = tuple(
        TokenChoices(token, value, tuple((other, its) for other, its in alternatives))
        for token, value, alternatives in fields.get("log_probabilities", ())
    )
    read = {
        "outcome": ReplyOutcome(fields["outcome"]),
        "log_probabilities": choices,
        "flags": tuple(fields.get("flags", ())),
    }
    return Reply(**{**fields, **read})


def reply_of(line: Mapping[str, Any]) -> Reply:
    """Return the reply of a line, read as its request wants it."""
    return reply_from(line["reply"], line.get("request", {}).get("stop", ()))


def usage_from(fields: Mapping[str, Any]) -> Usage:
    """Return the usage that a line spells."""
    return Usage(**fields)


def _chosen(record: Request | Reply | Usage) -> dict[str, Any]:
    """Return the fields that differ from their default."""
    names: tuple[Field[Any], ...] = fields(record)
    values = ((each, getattr(record, each.name)) for each in names)
    return {each.name: value for each, value in values if each.default is MISSING or value != each.default}


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
