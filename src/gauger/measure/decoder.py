"""What measuring needs of a language model: it continues prompts. `train.hf` and the evaluators offer or use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Completion(Protocol):
    """What a model said after one prompt."""

    @property
    def text(self) -> str:
        """The new text; neither the end mark nor a stop string is part of it."""
        ...

    @property
    def ended(self) -> bool:
        """Whether an end mark or a stop string ended it; False where the token limit did."""
        ...

    @property
    def tokens_in(self) -> int:
        """Tokens of the prompt."""
        ...

    @property
    def tokens_out(self) -> int:
        """New tokens."""
        ...


class Decoder(Protocol):
    """A language model that continues prompts."""

    def complete(
        self, prompts: Sequence[str], max_new_tokens: int, temperature: float, seed: int, stops: Sequence[str]
    ) -> Sequence[Completion]:
        """Continue each prompt, in their order.

        Parameters
        ----------
        prompts : sequence of str
            Plain text; a decoder of a chat model puts it into the chat template where the study says so.
        max_new_tokens : int
            Most new tokens per prompt.
        temperature : float
            0: the most likely token each time.
        seed : int
            Decides what is drawn; the same seed and prompts give the same texts.
        stops : sequence of str
            Strings that end a text and are not part of it.
        """
        ...


@dataclass(frozen=True)
class Said:
    """A completion as plain data."""

    text: str
    ended: bool
    tokens_in: int
    tokens_out: int
