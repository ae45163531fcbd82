"""What a model must offer to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Words = tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """How a batch of prompts is to be continued."""

    max_new_tokens: int
    """Most new tokens of each answer."""
    temperature: float = 0.0
    """0: the most likely answer; 1: an answer drawn from the model's own distribution."""
    stops: frozenset[str] = frozenset()
    """Words after which an answer has ended (they stay in it), besides the model's own end of text."""
    seed: int = 0
    """Source of randomness where `temperature` is above 0."""


@dataclass(frozen=True)
class Answer:
    """One continuation."""

    words: Words
    """What was written, the end of text left out."""
    ended: bool
    """False where it was cut off by the token limit."""
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class Shown:
    """Log-probabilities at each token of an answer, its end of text included."""

    token_TK: NDArray[np.int64]
    """Token ids, most likely first."""
    log_probability_TK: NDArray[np.float32]
    """In nats."""


class Teacher(Protocol):
    """A model that answers; the tiny engine and the clients of real endpoints offer this."""

    @property
    def name(self) -> str:
        """Name that stands in the ledger."""
        ...

    def complete(self, prompts: Sequence[Words], request: Request) -> list[Answer]:
        """Continue each prompt."""
        ...

    def log_probabilities(self, prompts: Sequence[Words], answers: Sequence[Words], top_k: int | None) -> list[Shown]:
        """Return the log-probabilities along each answer: the `top_k` most likely tokens, or all."""
        ...
