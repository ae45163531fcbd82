"""Draws a student's own answers while it trains, as rows of tokens; what on-policy stages share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.errors import GaugerError
from gauger.train.engine import Completion, Continuation, Model
from gauger.train.rows import IntArray, Prompt, TokenRows, answered, shuffled

_PROMPTS, _ANSWERS = 2**32 - 1, 2**32 - 2
"""Streams of a training's seed besides those of its sources, which are numbered from 0 (`rows.mixed`)."""


@dataclass(frozen=True)
class AskedOfStudent:
    """What a student answers itself, and how."""

    prompts: tuple[Prompt, ...]
    decoding: Continuation
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
        return shuffled(len(self.prompts), per_step, np.random.default_rng([seed, _PROMPTS]))


def draw(
    student: Model, questions: AskedOfStudent, places: Sequence[int], seed: int, step: int
) -> tuple[TokenRows, list[Completion]]:
    """Let the student answer prompts as it is at a step; the answers are what is learnt of the rows.

    Decided by student, seed and step alone, so that a training that goes on from a checkpoint draws the same.

    Parameters
    ----------
    student : Model
        Asked, not changed.
    questions : Questions
        Prompts, decoding and stops.
    places : sequence of int
        Which prompts, in this order; one that comes twice is answered twice, each time with a seed of its own.
    seed, step : int
        The training's seed; the step, from 0.

    Returns
    -------
    rows : TokenRows
        Prompt and answer of each place; an empty answer makes a row that teaches nothing, and so does a prompt as long
        as the context, which leaves no room for an answer.
    answers : list of Completion
        In the order of `places`.

    Notes
    -----
    Proof: tests/train/test_distil.py, test_rewards.py (going on from a checkpoint).
    """
    prompts = [questions.prompts[place] for place in places]
    stops = None if questions.stops is None else [questions.stops[place] for place in places]
    # a generator for each step, not one that runs on: a training that goes on at this step draws the same answers
    seeds = np.random.default_rng([seed, _ANSWERS, step]).integers(2**32, size=len(places)).tolist()
    answers = student.complete(prompts, questions.decoding, seeds, stops)
    # a prompt that fills the context is answered with nothing; its row is cut as every row is, and teaches nothing
    asked = [student.encode_prompt(prompt)[: student.context] for prompt in prompts]
    return answered(asked, [answer.ids for answer in answers]), answers
