"""A question: what is asked, what is right, and the content that must not cross a split."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

TRAIN, TEST, NEW = "train", "test", "new"
"""Splits: what may be trained on, and what is held out for `TASK-FORM` and for `TASK-FORM-new`."""


@dataclass(frozen=True)
class Question:
    """One thing that can be asked, independent of its form."""

    task: str
    """Name of the task in the study."""
    text: str
    """The question as it is asked, without instructions on the form of the answer."""
    answer: str
    """A right answer; the task's verifier may take others."""
    key: str
    """Content key, `TASK:...`: equal for every wording of the same content."""
    difficulty: float = 0.0
    """Known difficulty; the unit depends on the task."""
    statement: str | None = None
    """Beginning of a sentence that the answer ends; None where there is none."""
    working: str | None = None
    """Worked solution in one line, without the final answer; None where there is none."""
    id: str | None = None
    """The user's own name for it."""
    cluster: str | None = None
    """The user's own cluster (questions that share a source)."""
    entry: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the task's verifier needs."""


def normal(text: str) -> str:
    """Put a text into the form in which texts are compared: words and numbers alone, in lower case."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text.casefold()))


def text_key(task: str, text: str) -> str:
    """Content key of a question of which only the text is known: 16 hexadecimal digits of its hash."""
    return f"{task}:{sha256(normal(text).encode()).hexdigest()[:16]}"
