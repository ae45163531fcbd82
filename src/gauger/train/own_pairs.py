"""Prefers a teacher's text to the student's own answers: pairs from text alone (SPIN; Chen et al. 2024).

In each round the student as it stands, r, answers every prompt x once; the teacher's answer t is then preferred to the
student's s by the loss of preferences, with r as the reference:

    -log sigmoid(beta ((log q(t | x) - log r(t | x)) - (log q(s | x) - log r(s | x)))),   s ~ r(. | x)

Answers are drawn once a round and not in every step, so they are the student's own only as a round begins: half on
policy. No log-probability of the teacher is read.

What could go wrong, and what is done about it: two equal texts make no pair, and neither does an answer that touches
held-out content (`refuses`); an answer that was cut off is learnt in its own tokens, without an end mark and, where it
was cut off within a thought, without the mark that closes it: the student wrote neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.errors import GaugerError
from gauger.train.context_limit import without_room
from gauger.train.engine import Completion, Model
from gauger.train.loop import Drawn, Options, Trained, Used
from gauger.train.own_samples import AskedOfStudent, draw
from gauger.train.preferences import Pair, Preferences, train_on_preferences
from gauger.train.rows import IntArray, TrainingRow
from gauger.train.schedule import TrainingSchedule

_ROUNDS = 2**32 - 3
"""Stream of a training's seed from which later rounds have theirs; those of `own_samples` are next to it."""


@dataclass(frozen=True)
class OwnPairs:
    """What is preferred to what the student writes itself."""

    questions: AskedOfStudent
    theirs: Sequence[str]
    """The teacher's answer to each prompt."""
    as_text: Callable[[int, Completion], str]
    """Place and answer -> the student's answer in the shape of the teacher's."""
    refuses: Callable[[int, Completion], bool]
    """Whether an answer may not be learnt from, because it touches what is held out."""
    per_step: int
    """Pairs in every step."""
    rounds: int = 1
    """How often the student answers anew; steps are divided among them as evenly as they can be."""

    def equals(self, place: int, answer: Completion) -> bool:
        """Tell whether the student wrote what the teacher did: nothing is preferred to itself."""
        return self.as_text(place, answer) == self.theirs[place]


@dataclass(frozen=True)
class _Round:
    """What one round gave."""

    trained: Trained
    drawn: tuple[Drawn, ...]
    count_N: IntArray
    """How often each of the teacher's texts was trained on."""


def prefer_theirs(model: Model, data: OwnPairs, schedule: TrainingSchedule, options: Options | None = None) -> Trained:
    """Train the student to prefer the teacher's answers to its own, round after round.

    Parameters
    ----------
    model : Model
        The student, changed in place; an adapter that it already has is merged first.
    data : OwnPairs
        Prompts, the teacher's answers, and how many rounds.
    schedule : TrainingSchedule
        Steps of all rounds together; within each the learning rate rises and falls by itself.
    options : Options, optional
        As for `preferences.train_on_preferences`; checkpoints are not kept.

    Returns
    -------
    Trained
        `drawn` are all answers of the student, with `times` 0 where no pair of it was trained on; `sources` one: the
        teacher's texts. Fewer losses than steps where the student came to write what its teacher does: a later round
        without any pair ends the training. With an adapter, more than one round leaves it in the weights.

    Raises
    ------
    GaugerError
        Where there are no prompts, `options.too_long` refuses some that leave no room for an answer, or the first round
        gives no pair.

    Notes
    -----
    No steps leave the model as it is. Proof: tests/train/test_own_pairs.py.
    """
    if not data.theirs:
        raise GaugerError("there is nothing to train on: there are no prompts")
    options = options or Options()
    without_room(model, data.questions.prompts, options.too_long)
    rows = [TrainingRow(prompt, answer) for prompt, answer in zip(data.questions.prompts, data.theirs, strict=True)]
    theirs = model.encode(rows)
    rounds = list(_rounds(model, data, schedule, options))
    trained = [own.trained for own in rounds]
    count_N = np.sum([own.count_N for own in rounds], axis=0)
    return Trained(
        trained[-1].model if len(rounds) == 1 else trained[-1].model.merged(),
        [loss for own in trained for loss in own.losses],
        sum(own.n_tokens for own in trained),
        sum(own.n_learnt for own in trained),
        (Used(theirs.length_N, count_N, theirs.lost_N),),
        tuple(drawn for own in rounds for drawn in own.drawn),
    )


def _rounds(model: Model, data: OwnPairs, schedule: TrainingSchedule, options: Options) -> Iterator[_Round]:
    """Yield rounds as long as there are pairs; the first must have some."""
    bounds = [schedule.steps * number // data.rounds for number in range(data.rounds + 1)]
    student = model
    for number, steps in enumerate(np.diff(bounds).tolist()):
        student = student.merged()  # the reference of a round is the student that answered in it
        drawn = _draw(student, data, options.seed, number)
        paired = [i for i, own in enumerate(drawn) if not (data.refuses(*_of(own)) or data.equals(*_of(own)))]
        if not paired and number:
            return
        if not paired:
            raise GaugerError(_no_pairs(data, drawn))
        pairs = tuple(_pair(data, drawn[i]) for i in paired)
        own = replace(options, seed=_seed(options.seed, number), checkpoints=None)
        trained = train_on_preferences(student, Preferences(pairs, data.per_step), replace(schedule, steps=steps), own)
        count_N = np.zeros(len(drawn), dtype=np.int64)
        count_N[paired] = trained.sources[0].count_N[0::2]
        counted = tuple(replace(answer, times=int(count_N[i])) for i, answer in enumerate(drawn))
        yield _Round(trained, counted, count_N)
        student = trained.model


def _draw(student: Model, data: OwnPairs, seed: int, number: int) -> list[Drawn]:
    """Let the student answer every prompt once."""
    places = range(len(data.theirs))
    rows, answers = draw(student, data.questions, places, seed, number)
    return [Drawn(*own) for own in zip(places, answers, rows.length_N.tolist(), strict=True)]


def _pair(data: OwnPairs, drawn: Drawn) -> Pair:
    """Prefer the teacher's answer to the student's; one that was cut off is learnt in the tokens that it wrote."""
    own, place = drawn.completion, drawn.prompt
    ids = () if own.ended else own.ids
    return Pair(data.questions.prompts[place], data.theirs[place], data.as_text(place, own), own.ended, ids)


def _of(drawn: Drawn) -> tuple[int, Completion]:
    return drawn.prompt, drawn.completion


def _seed(seed: int, number: int) -> int:
    """Return the seed of a round's training; the first has the training's own."""
    return int(np.random.default_rng([seed, _ROUNDS, number]).integers(2**32)) if number else seed


def _no_pairs(data: OwnPairs, drawn: Sequence[Drawn]) -> str:
    touching = sum(data.refuses(*_of(own)) for own in drawn)
    return (
        f"an answer of the student's that differs from the teacher's was expected to some prompt, got none to "
        f"{len(drawn)} prompts: {touching} answers touch what is held out, the others are what the teacher wrote. A "
        "student that writes what its teacher does has nothing to prefer: give it other prompts or more of them, or "
        "leave the stage out"
    )
