"""Draws a student's own answers while it trains, as rows of tokens; what on-policy stages share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.errors import GaugerError
from gauger.train.engine import Completion, Decoding, Model
from gauger.train.rows import IntArray, Prompt, TokenRows, answered, shuffled


@dataclass(frozen=True)
class Questions:
    """What a student answers itself, and how."""

    prompts: tuple[Prompt, ...]
    decoding: Decoding
    """A temperature of 1 draws from the student's own distribution, and other answers in every epoch."""
    stops: tuple[tuple[str, ...], ...] | None = None
    """Strings that end an answer, one tuple per prompt; None: the model's own end mark alone."""

    def order(self, per_step: int, seed: int) -> Iterator[IntArray]:
        """Yield the places of `per_step` prompts for every step, in fresh permutations.

        Raises
        ------
        GaugerError
            Where there are no prompts.
        """
        if not self.prompts:
            raise GaugerError("there is nothing to train on: there are no prompts")
        return shuffled(len(self.prompts), per_step, np.random.default_rng([seed, 0]))


def draw(
    student: Model, questions: Questions, places: Sequence[int], seed: int, step: int
) -> tuple[TokenRows, list[Completion]]:
    """Let the student answer the prompts at `places` as it is at a step; the answers are what is learnt of the rows.

    Decided by student, seed and step alone, so that a training that goes on from a checkpoint draws the same.
    """
    prompts = [questions.prompts[place] for place in places]
    stops = None if questions.stops is None else [questions.stops[place] for place in places]
    seeds = np.random.default_rng([seed, 1, step]).integers(2**32, size=len(places)).tolist()
    answers = student.complete(prompts, questions.decoding, seeds, stops)
    asked = [student.encode_prompt(prompt) for prompt in prompts]
    return answered(asked, [answer.ids for answer in answers]), answers
