"""Reads log-probabilities, of chats and of completions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gauger.elicit.teacher.messages import TokenChoices


def token_logs(logs: Mapping[str, Any]) -> tuple[TokenChoices, ...]:
    """Read the log-probabilities of a choice: chats name them by token, completions keep parallel lists."""
    if logs.get("content"):
        return tuple(
            TokenChoices(str(token["token"]), float(token["logprob"]), _alternatives(token))
            for token in logs["content"]
        )
    tokens: Sequence[Any] = logs.get("tokens") or ()
    values: Sequence[Any] = logs.get("token_logprobs") or ()
    tops: Sequence[Any] = logs.get("top_logprobs") or [{}] * len(tokens)
    return tuple(
        TokenChoices(str(token), float(value), _ordered((top or {}).items()))
        for token, value, top in zip(tokens, values, tops, strict=True)
        if value is not None
    )


def logs_of_end(logs: Sequence[TokenChoices], text: str) -> tuple[TokenChoices, ...]:
    """Return the log-probabilities of the tokens that make up a text at the end; empty where they do not.

    The tokens may begin with a few spaces that the text has not.
    """
    length, wanted = 0, len(text)
    for place in range(len(logs) - 1, -1, -1):
        if length >= wanted:
            kept = tuple(logs[place + 1 :])
            break
        length += len(logs[place].token)
    else:
        kept = tuple(logs)
    return kept if "".join(choice.token for choice in kept).lstrip() == text else ()


def without_end(logs: Sequence[TokenChoices], n_characters: int) -> tuple[TokenChoices, ...]:
    """Return the log-probabilities without those of the tokens that reach into the last characters of the text."""
    end, length = len(logs), 0
    while end and length < n_characters:
        end -= 1
        length += len(logs[end].token)
    return tuple(logs[:end])


def _alternatives(token: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    return _ordered((str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ())


def _ordered(pairs: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Sort alternatives, most likely first; those of probability 0 are no alternatives."""
    finite = [(token, value) for token, value in pairs if math.isfinite(value)]
    return tuple(sorted(finite, key=lambda pair: -pair[1]))
