"""Distils on-policy: the student writes, a scorer says how likely every token was, and the student moves there.

At each step the student draws answers y ~ q from its own distribution, and the loss is the reverse KL at every token of
them, with no gradient through the drawing (Agarwal et al. 2024, GKD with lambda = 1; Gu et al. 2024, MiniLLM):

    (1 / P) sum over tokens of KL(q(. | y before) || p(. | y before))

Summed over an answer its expectation is KL(q(y) || p(y)) over whole answers, by the chain rule of the divergence. It is
0 with gradient 0 where student and teacher agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UserError
from gauger.train.batches import Part
from gauger.train.context_limit import without_room
from gauger.train.engine import Model
from gauger.train.given_rows import used_of, zipped
from gauger.train.likelihood import hidden_states
from gauger.train.loop import Drawn, Options, Trained, Used, fit
from gauger.train.losses import SoftLoss
from gauger.train.own_samples import AskedOfStudent, draw
from gauger.train.rows import IntArray, Mixture, RowSource, TokenRows, mixed
from gauger.train.schedule import TrainingSchedule
from gauger.train.text import encoded

Choose = Callable[[Sequence[Drawn]], Sequence[int] | None]
"""A step's answers -> places of those that are scored; None: no more of any, and training ends."""


@dataclass(frozen=True)
class Practice:
    """What the student writes itself, step by step."""

    questions: AskedOfStudent
    per_step: int
    """Prompts answered in every step."""
    kept_in: Mixture | None = None
    """Rows that are learnt as text in every step."""
    choose: Choose | None = None
    """Which answers are scored; None: all. An answer that touches what is held out, or that a budget does not allow, is
    refused here and never learnt."""
    top_k: int | None = None
    """Tokens that the scorer shows at each position, the rest one outcome; None: all."""
    seen: Callable[[NDArray[np.floating]], NDArray[np.floating]] | None = None
    """What is seen of the log-probabilities that the scorer shows, (positions, tokens) in nats; None: all of them."""


def distil_on_policy(
    model: Model, scorer: Model, data: Practice, schedule: TrainingSchedule, options: Options | None = None
) -> Trained:
    """Let the student answer, and move it towards the scorer's distribution along its own answers.

    The scorer's last hidden states are kept for the step's answers, not its logits: V / D times less memory.

    Parameters
    ----------
    model : Model
        The student, changed in place; an adapter that it already has is merged first.
    scorer : Model
        Has the student's tokens (`require_same_vocabulary`); its weights are not changed.
    data : Practice
        Prompts, how many a step, and what is kept in.
    schedule, options
        As for `text.train_on_text`; the loss is `SoftLoss("reverse-kl")` unless another `SoftLoss` is given, and the
        scorer's head, `data.top_k` and `data.seen` are put into it.

    Returns
    -------
    Trained
        `drawn` are all answers, those with `times` 0 refused; `sources` those of `kept_in`. Fewer losses than steps
        where `choose` ended the training.

    Raises
    ------
    UserError
        Where the two have other tokens.
    GaugerError
        Where there are no prompts, or `options.too_long` refuses some that leave no room for an answer.

    Notes
    -----
    Proof: tests/train/test_distil.py.
    """
    require_same_vocabulary(scorer, model)
    options = options or Options()
    loss = options.loss if isinstance(options.loss, SoftLoss) else SoftLoss("reverse-kl")
    loss = replace(loss, teacher_head=scorer.head().detached(), top_k=data.top_k, seen=data.seen)
    order = data.questions.order(data.per_step, options.seed)
    # as text, whatever a teacher showed along them: the loss compares one kind of target, and here it is the scorer's
    sources = data.kept_in.sources if data.kept_in else ()
    kept_in = [encoded(model, RowSource(source.rows), options.too_long) for source in sources]
    without_room(model, data.questions.prompts, options.too_long)
    practice = _Practising(model.trainee(options.adapter, options.seed), scorer, data, options.seed, kept_in)
    trained = fit(practice.student, practice.steps(schedule.steps, order), schedule, options, loss, practice.told)
    return replace(trained, drawn=tuple(practice.drawn), sources=practice.used(len(trained.losses)))


def require_same_vocabulary(teacher: Model, student: Model) -> None:
    """Refuse to compare distributions over different tokens.

    Parameters
    ----------
    teacher, student : Model
        Of any engines; only their vocabularies (token -> number) are read, and all entries must be equal.

    Raises
    ------
    UserError
        Where the two differ in any token or its number; the message counts how many.

    Notes
    -----
    Equal vocabularies do not mean equally wide heads: heads may be padded to different sizes, which `SoftLoss` cuts.
    Proof: tests/train/test_engines.py.
    """
    ours, theirs = student.vocabulary, teacher.vocabulary
    if ours != theirs:
        differing = sum(ours.get(token) != number for token, number in theirs.items())
        raise UserError(
            "a teacher with the student's tokenizer",
            f"vocabularies of {len(theirs)} and {len(ours)} tokens, {differing} of the teacher's not the student's",
            hint="Log-probabilities cannot be compared; distil its text instead (strategy label, expand or rationale).",
        )


class _Practising:
    """Draws and scores the answers of each step, and remembers them."""

    def __init__(self, student: Model, scorer: Model, data: Practice, seed: int, kept_in: Sequence[TokenRows]) -> None:
        self.student, self.scorer, self.data, self.seed, self.kept_in = student, scorer, data, seed, kept_in
        self.drawn: list[Drawn] = []

    def told(self) -> object:
        """Return what tells checkpoints of another practice apart."""
        questions = self.data.questions
        prompts = [self.student.encode_prompt(prompt) for prompt in questions.prompts]
        how = [repr(questions.decoding), repr(questions.stops), self.data.per_step, self.data.top_k]
        kept_in = [rows.token_F.tolist() for rows in self.kept_in]
        return [prompts, how, kept_in, self._rows_per_step(), self.scorer.digest()]

    def _rows_per_step(self) -> tuple[int, ...]:
        return self.data.kept_in.rows_per_step if self.data.kept_in else ()

    def _beside(self) -> Iterator[list[IntArray]]:
        return mixed([len(rows) for rows in self.kept_in], self._rows_per_step(), self.seed)

    def steps(self, count: int, order: Iterator[IntArray]) -> Iterator[Callable[[], list[Part] | None]]:
        """Yield what makes each step's rows: the answers that are scored first, then the rows kept in."""
        beside = self._beside()
        for step in range(count):
            yield partial(self._parts, next(order).tolist(), next(beside), step)

    def _parts(self, places: Sequence[int], beside: Sequence[IntArray], step: int) -> list[Part] | None:
        rows, answers = draw(self.student, self.data.questions, places, self.seed, step)
        lengths = rows.length_N.tolist()
        drawn = [Drawn(place, answer, n) for place, answer, n in zip(places, answers, lengths, strict=True)]
        chosen = range(len(drawn)) if self.data.choose is None else self.data.choose(drawn)
        if chosen is None:
            return None
        taken = set(chosen)
        self.drawn += [replace(answer, times=int(place in taken)) for place, answer in enumerate(drawn)]
        # sorted: the batch does not depend on the order in which `choose` names the answers
        rows = rows.take(np.array(sorted(taken), dtype=np.int64))
        scored = rows.with_targets(teacher_hidden=hidden_states(self.scorer, rows))
        return [(scored, np.arange(len(scored))), *zipped(self.kept_in, beside)]

    def used(self, steps: int) -> tuple[Used, ...]:
        """Count how often each row kept in was trained on."""
        return used_of(self.kept_in, list(islice(self._beside(), steps)))
