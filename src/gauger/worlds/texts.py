"""A text: what is given and what is learnt, as words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One training text."""

    prompt: tuple[str, ...]
    """What a model is given; not learnt in completion-only training."""
    answer: tuple[str, ...]
    """What a model is to say."""

    @property
    def words(self) -> tuple[str, ...]:
        """Prompt and answer as one text."""
        return (*self.prompt, *self.answer)
