"""Writes the questions of an external training on rewards: in the order in which our own engine would ask them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauger.train.external.rows_file import text_of, turns_of, write_lines
from gauger.train.loop import Used
from gauger.train.rows import IntArray, Prompt


@dataclass(frozen=True)
class DrawnQuestions:
    """Questions, and the order in which the student answers them, each as often as a group is large."""

    prompts: tuple[Prompt, ...]
    order: IntArray
    """Places of the questions; one pass over it is the whole training."""
    longest: int
    """Tokens of the longest question with the longest answer that it may have."""
    used: Used | None = None
    """What was trained on is known when it has been answered (`reward_server`), and not before."""

    def write(self, form: str, path: Path) -> None:
        """Write the questions in a format of `ROW_FORMATS`; `id` is what an answer is graded under."""
        write_lines((self._line(place, form) for place in self.order.tolist()), path, None)

    def _line(self, place: int, form: str) -> dict[str, Any]:
        prompt = self.prompts[place]
        if form == "plain" or (isinstance(prompt, str) and form == "prompt-completion"):
            return {"id": place, "prompt": text_of(prompt)}
        return {"id": place, "prompt": turns_of(prompt)}
