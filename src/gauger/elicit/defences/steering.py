"""Defines how a defence chooses next tokens otherwise: numbers in, numbers out, whichever model computes them.

A teacher at hand offers `steered`; it asks the steering before each token. What other models have to say about the
token is handed over as log-probabilities, so that this room needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gauger.elicit.defences.kinds import GenerationDefence, Need
from gauger.elicit.teacher.messages import Teacher
from gauger.errors import UserError

Scores = NDArray[np.float64]
"""(B, V) one number for each token that may come next after each of B texts, in nats; what is drawn follows them as it
follows log-probabilities."""


class Reads(StrEnum):
    """What of a proxy student a steering reads."""

    NOTHING = "nothing"
    CHANCES = "the proxy's own log-probabilities"
    SLOPE = "how the proxy's log-probabilities change towards a larger loss"


@dataclass(frozen=True)
class NextTokens:
    """What is known before a token is chosen, for B texts at once."""

    teacher_BV: Scores
    """The teacher's log-probabilities."""
    contexts: Sequence[Sequence[int]]
    """Tokens so far, the prompt's included."""
    proxy_BV: Scores | None = None
    """The proxy's log-probabilities, where the steering reads them."""
    slope_BV: Scores | None = None
    """By how much log p(token) of the proxy grows when its weights move along the gradient of its loss, by a hundredth
    of their length; where the steering reads it."""


@dataclass(frozen=True)
class Steering:
    """Chooses next tokens otherwise."""

    change: Callable[[NextTokens], Scores]
    """Returns what is drawn from in the place of the teacher's log-probabilities."""
    reads: Reads = Reads.NOTHING


@runtime_checkable
class Steerable(Protocol):
    """A teacher whose next tokens can be chosen otherwise."""

    def steered(self, steering: Steering) -> Teacher:
        """Return the teacher that answers so.

        Raises
        ------
        UserError
            Where the steering reads a proxy and there is none, or one with other tokens.
        """
        ...


def steering_defence(change: Callable[[NextTokens, float], Scores], reads: Reads = Reads.NOTHING) -> GenerationDefence:
    """Make a defence of a function of what is known before a token, and the strength."""

    def wrap(teacher: Teacher, strength: float) -> Teacher:
        if not isinstance(teacher, Steerable):
            raise UserError(str(Need.AT_HAND), teacher.name, hint="Ask a model from local files.")
        return teacher.steered(Steering(lambda known: change(known, strength), reads))

    needs = (Need.AT_HAND,) if reads is Reads.NOTHING else (Need.AT_HAND, Need.PROXY)
    return GenerationDefence(wrap, needs)
