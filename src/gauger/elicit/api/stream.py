"""Puts the pieces of a streamed reply together: the same JSON as if it had come in one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class BrokenStreamError(ValueError):
    """A stream that ended before the reply did, or that holds what is no piece of one."""


def looks_streamed(content: bytes) -> bool:
    """Say whether a body is a stream of events."""
    return content.lstrip()[:6].startswith((b"data:", b"event:", b": ", b"id:"))


def joined_stream(content: bytes) -> dict[str, Any]:
    """Return the reply that a stream of server-sent events adds up to.

    Parameters
    ----------
    content : bytes
        The whole stream, as it came.

    Returns
    -------
    dict
        As an endpoint sends it at once: texts of the message are put together, whatever field they stand in, and so are
        lists (details of reasoning, log-probabilities); of everything else the last counts. An error in the stream is
        the error of the reply.

    Raises
    ------
    BrokenStreamError
        Where it ends without `[DONE]` and without a reason, or a piece is no JSON.
    """
    body: dict[str, Any] = {}
    choice: dict[str, Any] = {}
    done = False
    for data in _events(content):
        if data == "[DONE]":
            done = True
            continue
        piece = _parsed(data)
        if piece.get("error"):
            return {"error": piece["error"]}
        body |= {name: value for name, value in piece.items() if name != "choices" and value is not None}
        for first_choice in (piece.get("choices") or [])[:1]:
            _add_choice(choice, first_choice)
    if not done and not choice.get("finish_reason"):
        raise BrokenStreamError("the stream ended before the reply did")
    return {**body, "choices": [choice] if choice else []}


def _events(content: bytes) -> list[str]:
    """Return the data of every event; comments and other fields are left out."""
    events: list[list[str]] = [[]]
    for line in content.decode("utf-8", "replace").splitlines():
        if line.startswith("data:"):
            events[-1].append(line[5:].removeprefix(" "))
        elif not line.strip():
            events.append([])
    return ["\n".join(lines) for lines in events if lines]


def _parsed(data: str) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError:
        raise BrokenStreamError("a piece of the stream is not whole JSON") from None
    if not isinstance(parsed, dict):
        raise BrokenStreamError("a piece of the stream is no object")
    return parsed


def _add_choice(choice: dict[str, Any], piece: Mapping[str, Any]) -> None:
    for name, value in piece.items():
        if name in ("delta", "message") and isinstance(value, Mapping):
            _add(choice.setdefault("message", {}), value)
        elif name == "logprobs" and isinstance(value, Mapping):
            _add(choice.setdefault("logprobs", {}), value)
        elif name == "text" and isinstance(value, str):
            choice["text"] = choice.get("text", "") + value
        elif value is not None:
            choice[name] = value


def _add(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add texts to texts and lists to lists; a role, and whatever else comes, is the last."""
    for name, value in piece.items():
        before = whole.get(name)
        if isinstance(value, list) and isinstance(before, list):
            whole[name] = [*before, *value]
        elif isinstance(value, str) and isinstance(before, str):
            whole[name] = value if name == "role" else before + value
        elif value is not None or name not in whole:
            whole[name] = value
