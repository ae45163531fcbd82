"""Reads what an endpoint says that a reply used, in the words of many providers; what cannot be is no statement.

Tokens out are whatever is billed as such: the completion, or the total less the prompt where that is more (thoughts
that are billed and not listed), or completion and reasoning where the reasoning alone exceeds the completion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gauger.elicit.teacher.bill import Usage

LARGEST_CONTEXT = 10_000_000
"""Tokens; no model is offered that reads or writes more for one request, so that more is no statement."""
LARGEST_COST_USD = 10_000.0
"""Of one reply; more is no statement."""
_IN = ("prompt_tokens", "input_tokens")
_OUT = ("completion_tokens", "output_tokens")
_BESIDE = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Counted beside `input_tokens` by endpoints that speak of input and output."""
_CACHED = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("prompt_cache_hit_tokens",),
    ("cache_read_input_tokens",),
    ("cached_tokens",),
)
_REASONING = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning_tokens",),
)
_COST = (("cost",), ("cost", "total_cost"), ("total_cost",), ("estimated_cost",))


class _Reading:
    """One mapping being read; remembers what in it cannot be."""

    def __init__(self, usage: Mapping[str, Any]) -> None:
        self._usage, self.problems = usage, list[str]()

    def tokens(self, *paths: Sequence[str]) -> int | None:
        """Return the first count that is there; None where none is, or where it cannot be one."""
        name, value = self._first(paths)
        if value is None:
            return None
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        if whole and 0 <= value <= LARGEST_CONTEXT:
            return int(value)
        self.problems.append(f"{name} = {_short(value)}")
        return None

    def usd(self, *paths: Sequence[str]) -> float | None:
        """Return the first cost that is there, likewise."""
        name, value = self._first(paths, leaf=True)
        if value is None:
            return None
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if 0 <= number <= LARGEST_COST_USD:
            return number
        self.problems.append(f"{name} = {_short(value)}")
        return None

    def _first(self, paths: Sequence[Sequence[str]], *, leaf: bool = False) -> tuple[str, Any]:
        for path in paths:
            value: Any = self._usage
            for step in path:
                value = value.get(step) if isinstance(value, Mapping) else None
            if value is not None and not (leaf and isinstance(value, Mapping)):
                return path[-1], value
        return "", None


def read_usage(usage: object, text: str = "") -> Usage:
    """Read the `usage` of a reply.

    Parameters
    ----------
    usage
        What stands under `usage`; anything but a mapping states nothing.
    text : str
        What was generated: no reply with a text took no tokens, so a 0 for it is no statement.

    Returns
    -------
    Usage
        Negative counts, fractions, words, and more than any model reads or writes are named in `problem` and count as
        not stated. So does a part (cached, reasoning) that exceeds its whole.
    """
    if not isinstance(usage, Mapping):
        return Usage()
    reading = _Reading(usage)
    listed_in = reading.tokens(*([name] for name in _IN))
    listed_out = reading.tokens(*([name] for name in _OUT))
    whole = reading.tokens(["total_tokens"])
    reasoning, cached = reading.tokens(*_REASONING), reading.tokens(*_CACHED)
    if listed_in is not None and usage.get(_IN[0]) is None:
        listed_in += sum(reading.tokens([name]) or 0 for name in _BESIDE)
    stated_usd = reading.usd(*_COST)
    tokens_out = _out(listed_in, listed_out, whole, reasoning)
    tokens_in = listed_in
    if listed_in is None and whole is not None and listed_out is not None and whole >= listed_out:
        tokens_in = whole - listed_out
    if not tokens_out and text:
        tokens_out, tokens_in = None, tokens_in or None  # zeros stand where a server does not count
    if cached is not None and tokens_in is not None and cached > tokens_in:
        reading.problems.append(f"{cached} cached tokens of {tokens_in}")
        cached = None
    problem = ", ".join(dict.fromkeys(reading.problems)) or None
    return Usage(tokens_in, tokens_out, reasoning, cached, stated_usd, problem)


def _out(listed_in: int | None, listed: int | None, whole: int | None, reasoning: int | None) -> int | None:
    """Return all that is billed as written: what is listed, or what the total leaves, or with reasoning beside it."""
    left = whole - listed_in if whole is not None and listed_in is not None else None
    known = [value for value in (listed, left) if value is not None and value >= 0]
    if not known:
        return None
    out = max(known)
    return out + reasoning if reasoning is not None and reasoning > out else out


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
