"""Optimises preferences directly (DPO; Rafailov et al. 2023): from pairs of a better and a worse answer.

Own loss and not TRL's trainer, because this one shares the loop: logits at the answers' positions only, checkpoints
without pickle that go on bit for bit, and reference log-probabilities computed once instead of in every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from gauger.errors import GaugerError
from gauger.train.context_limit import held_to_context
from gauger.train.engine import Model
from gauger.train.given_rows import fit_rows
from gauger.train.likelihood import token_logs
from gauger.train.loop import Options, Trained
from gauger.train.preference_loss import PreferenceLoss
from gauger.train.rows import IntArray, Prompt, TrainingRow, answered_by, shuffled, without_end
from gauger.train.schedule import TrainingSchedule


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt."""

    prompt: Prompt
    better: str
    worse: str
    worse_ended: bool = True
    """Whether the worse one came to its end; one that was cut off is learnt without an end mark."""
    worse_ids: tuple[int, ...] = ()
    """Tokens of a worse one that was cut off, as its writer wrote them: of its text alone nobody can tell whether it is
    cut off within a thought. Empty: the text's."""


@dataclass(frozen=True)
class Preferences:
    """What was preferred to what."""

    pairs: tuple[Pair, ...]
    pairs_per_step: int


def train_on_preferences(
    model: Model, data: Preferences, schedule: TrainingSchedule, options: Options | None = None
) -> Trained:
    """Train on preference pairs; the model as it comes is the reference.

    Parameters
    ----------
    model : Model
        Changed in place; an adapter that it already has is merged first.
    data : Preferences
        Pairs, and how many of them stand in a step.
    schedule : Schedule
        Learning rates that suit preferences are about a tenth of those that suit text.
    options : Options, optional
        As for `text.train_on_text`; the loss is `PreferenceLoss()` (beta 0.1) unless given.

    Returns
    -------
    Trained
        `sources` are one: the rows of all pairs, better, worse, better, worse.

    Raises
    ------
    GaugerError
        Where there are no pairs.

    Notes
    -----
    Proof: tests/train/test_preferences.py.
    """
    if not data.pairs:
        raise GaugerError("there is nothing to train on: there are no preference pairs")
    options = options or Options()
    start = model.merged()
    rows = start.encode(
        [TrainingRow(pair.prompt, answer) for pair in data.pairs for answer in (pair.better, pair.worse)]
    )
    cut_off = [place for i, pair in enumerate(data.pairs) for place in (() if pair.worse_ended else (2 * i + 1,))]
    rows = without_end(rows, cut_off)
    rows = answered_by(rows, {2 * i + 1: pair.worse_ids for i, pair in enumerate(data.pairs) if pair.worse_ids})
    if options.too_long == "refuse":  # a pair is not taken apart: by `cut` both of its rows stay
        rows = held_to_context(rows, options.too_long, start.context)
    rows = rows.with_targets(reference_log=token_logs(start, rows))
    order = shuffled(len(data.pairs), data.pairs_per_step, np.random.default_rng([options.seed, 0]))
    draws = [[_rows_of(pairs)] for pairs in islice(order, schedule.steps)]
    return fit_rows(start, [rows], draws, schedule, options, options.loss or PreferenceLoss())


def _rows_of(pairs: IntArray) -> IntArray:
    """Return the rows of pairs: better, worse, better, worse."""
    return (2 * pairs[:, None] + np.arange(2)).reshape(-1)
