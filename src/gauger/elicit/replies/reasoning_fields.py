"""Finds reasoning that stands in a reply beside the answer: fields, details, parts of the content.

`FIELDS` and `PARTS` are the known forms; a field or part of another name that sounds like reasoning is flagged, and
never read as part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "reasoning_summary", "thinking_blocks")
"""Fields of a message: vLLM, DeepSeek and SGLang; vLLM and Ollama's OpenAI form; Ollama; OpenRouter; LiteLLM."""
PARTS = ("thinking", "reasoning", "reasoning.text", "reasoning.summary", "reasoning.encrypted", "redacted_thinking",
         "summary_text", "reasoning_text", "thought")  # fmt: skip
"""Types of parts (of a content, of details) that are reasoning: Mistral, Anthropic, OpenRouter, OpenAI."""
TEXTS = ("text", "output_text")
"""Types of parts that are the answer."""
_WORDS = ("text", "thinking", "summary", "content", "reasoning", "thought")
"""Where a part of reasoning keeps its words; encrypted ones have none."""
_SOUNDS = re.compile(r"reason|think|thought|reflect|scratch|rationale", re.IGNORECASE)
_QUIET = re.compile(r"signature|_?(?:tokens|id|format|index|effort|time|duration|status)$", re.IGNORECASE)


@dataclass
class FoundInMessage:
    """What a message holds."""

    answer: str = ""
    reasoning: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    """Forms that are not known."""


def read_message(message: Mapping[str, Any]) -> FoundInMessage:
    """Read the answer and the reasoning of a message.

    Raises
    ------
    TypeError
        Where the content is neither a text nor a list of parts.
    """
    reading = FoundInMessage()
    _read_content(message.get("content"), reading)
    for name, value in message.items():
        if name in FIELDS:
            _add(words_of(value), reading)
        elif value and name != "content" and _SOUNDS.search(name) and not _QUIET.search(name):
            reading.flags.append(f"unknown field {name}")
    return reading


def _read_content(content: Any, reading: FoundInMessage) -> None:
    if content is None:
        return
    if isinstance(content, str):
        reading.answer = content
        return
    if not isinstance(content, Sequence):
        raise TypeError("not a text")
    answers = []
    for part in content:
        if isinstance(part, str):
            answers.append(part)
            continue
        kind = part.get("type")
        if kind in PARTS or part.get("thought") is True:
            _add(words_of(part), reading)
        elif kind in TEXTS:
            answers.append(str(part["text"]))
        elif _SOUNDS.search(str(kind)):
            reading.flags.append(f"unknown part {kind}")
    reading.answer = "".join(answers)


def _add(words: Iterable[str], reading: FoundInMessage) -> None:
    """Add reasoning, once where servers say the same in two fields."""
    reasoning = "".join(words)
    if reasoning.strip() and reasoning not in reading.reasoning:
        reading.reasoning.append(reasoning)


def words_of(value: Any) -> list[str]:
    """Return the words of a piece of reasoning: a text, a list of parts, or a part with words under a known name."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return next((words for name in _WORDS if (words := words_of(value.get(name)))), [])
    if isinstance(value, Sequence):
        return [words for part in value for words in words_of(part)]
    return []
