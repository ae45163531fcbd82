"""Reads from an endpoint's error which parameter it refuses, or whether it declines this one prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gauger.elicit.api.dialect import SYSTEM_ROLE

_NAMES = (
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "seed",
    "stop",
    "top_logprobs",
    "logprobs",
    "stream_options",
    "top_p",
    "reasoning_effort",
)
_NAMED = re.compile(rf"(?<![\w.])({'|'.join(_NAMES)})(?!\w)")
_REFUSES = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not (?:permitted|allowed)|does not accept|invalid"
    r"|extra[_ ](?:forbidden|field|input)|deprecated|no longer|only the default|additional propert|cannot be used"
    r"|not available",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"(?:system|developer)['\"`]? (?:role|message|prompt|instruction)s?\b[^.]*"
    r"(?:not|un)[ -]?\w*(?:support|allow|enabled)"
    r"|role ['\"`]?(?:system|developer)\b[^.]*(?:not|invalid|unsupported)"
    r"|(?:not support|unsupported|invalid)[^.]*['\"`]?(?:system|developer)['\"`]? (?:role|message|prompt)"
    r"|developer instruction is not enabled|unexpected role ['\"`]?system|conversation roles must alternate",
    re.IGNORECASE,
)
_FLAGGED = re.compile(
    r"\bflagg?ed\b|moderat|content[_ -]?(?:filter|polic|management)|responsible ?ai|safety|unsafe|guardrail"
    r"|data_?inspection|inappropriate|sensitive|prohibited|usage polic|violat(?:e|es|ed|ing|ion)|harmful|blocked by",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ]length|maximum context|too long|too many tokens|exceeds? .*(?:context|limit)", re.IGNORECASE
)


def refused_parameter(error: Any, message: str) -> str | None:
    """Name the parameter that a 400 or 422 is about; None where it names none that could be put otherwise.

    Parameters
    ----------
    error
        The body's JSON, or what stands in it under `error`.
    message : str
        Its words.
    """
    if _SYSTEM.search(message):
        return SYSTEM_ROLE
    if _TOO_LONG.search(message):
        return None
    named = error.get("param") if isinstance(error, Mapping) else None
    if isinstance(named, str) and named.rpartition(".")[2] in _NAMES:
        return named.rpartition(".")[2]
    for place in _places(error):
        if place in _NAMES:
            return place
    match = _NAMED.search(message)
    return match[1] if match and _REFUSES.search(message) else None


def _places(value: Any) -> list[str]:
    """Return the last parts of every `loc` in a validation error, however deep it lies."""
    if isinstance(value, Mapping):
        own = value.get("loc")
        here = [str(own[-1])] if isinstance(own, list) and own else []
        return here + [place for inner in value.values() for place in _places(inner)]
    if isinstance(value, list):
        return [place for inner in value for place in _places(inner)]
    return []


def declines_prompt(status: int, error: Any, message: str) -> bool:
    """Say whether an error is about what one prompt says, so that other prompts may be answered."""
    if status not in (400, 403, 422, 451):
        return False
    words = [message]
    if isinstance(error, Mapping):
        inner = error.get("innererror")
        words += [str(error.get("code") or ""), str(error.get("type") or ""), str(error.get("metadata") or "")]
        words += [str(inner.get("code") or "")] if isinstance(inner, Mapping) else []
    return any(_FLAGGED.search(word) for word in words)
