"""Trains on rows of text: on the text itself, or on the log-probabilities that a teacher showed along it.

Continued pre-training, supervised fine-tuning, text distillation and logit distillation are this one stage; they differ
in the rows, and in whether the prompt is learnt too.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch

from gauger.errors import GaugerError
from gauger.spec import TooLong
from gauger.train.alignment import aligned_places, characters_before
from gauger.train.context_limit import held_to_context
from gauger.train.engine import Model
from gauger.train.given_rows import fit_rows
from gauger.train.loop import Options, Trained
from gauger.train.losses import NextToken, SoftLoss
from gauger.train.rows import Mixture, RowSource, TokenRows, mixed
from gauger.train.schedule import TrainingSchedule
from gauger.train.soft_targets import SoftTargets


def train_on_text(model: Model, data: Mixture, schedule: TrainingSchedule, options: Options | None = None) -> Trained:
    """Train on a mixture of rows.

    Parameters
    ----------
    model : Model
        Changed in place; an adapter that it already has is merged first.
    data : Mixture
        Sources of rows, and how many of each stand in a step; each source passes through fresh permutations of its
        rows, epoch after epoch.
    schedule : Schedule
        Steps and learning rate; for a language model about 1e-3 suits adapters, 5e-5 all weights.
    options : Options, optional
        The loss is `SoftLoss` (forward KL) where a source has soft targets, else `NextToken`, unless given.

    Returns
    -------
    Trained
        `sources` in the order of the mixture's.

    Raises
    ------
    GaugerError
        Where a source that every step draws from has no rows, or soft targets belong to other texts.

    Notes
    -----
    Use `blend.train_on_blend` where sources have budgets or shares in tokens. Proof: tests/train/test_text.py.
    """
    options = options or Options()
    own = SoftLoss() if any(source.soft for source in data.sources) else NextToken()
    rows = [encoded(model, source, options.too_long) for source in data.sources]
    draws = list(islice(mixed([len(r) for r in rows], data.rows_per_step, options.seed), schedule.steps))
    return fit_rows(model, rows, draws, schedule, options, options.loss or own)


def encoded(model: Model, source: RowSource, too_long: TooLong = "cut") -> TokenRows:
    """Return a source's rows as tokens, with a teacher's log-probabilities where it has them.

    Parameters
    ----------
    model : Model
        Whose tokens and context; what is longer loses its end, and so do the log-probabilities along it.
    source : Source
        Rows of text; soft targets must lie along the same texts in the same tokens.
    too_long : {"cut", "refuse"}
        What becomes of rows that are longer than the model's context (`held_to_context`).

    Returns
    -------
    TokenRows
        N rows; with soft targets `shown` and `shown_log`, (P, K) each; with those of other tokens `sorted_log`, (P, K),
        and `aligned`, (P,).

    Raises
    ------
    GaugerError
        Where soft targets are of another number of texts, or of fewer tokens than a text has learnt.

    Notes
    -----
    Proof: tests/train/test_text.py (cut with their rows; those of other texts are refused).
    """
    rows = model.encode(source.rows)
    if source.soft is None:
        whole = rows
    elif source.other_tokens:
        whole = _with_sorted(model, rows, source.soft)
    else:
        whole = _with_soft(rows, source.soft)
    return held_to_context(whole, too_long, model.context)


def _with_sorted(model: Model, rows: TokenRows, soft: SoftTargets) -> TokenRows:
    """Lay soft targets of other tokens along rows, where both have as much of the text before them."""
    _check_number(rows, soft)
    if soft.before_P is None:
        raise GaugerError("log-probabilities of other tokens need the characters before each of them")
    own_P = characters_before(model, rows)
    place_P = aligned_places(own_P, rows.first_learnt, soft.before_P, soft.first_N)
    log_PK, aligned_P = soft.log_probability_PK[np.maximum(place_P, 0)], (place_P >= 0).astype(np.float32)
    return rows.with_targets(sorted_log=torch.from_numpy(log_PK), aligned=torch.from_numpy(aligned_P))


def _check_number(rows: TokenRows, soft: SoftTargets) -> None:
    if len(soft) != len(rows):
        raise GaugerError(f"log-probabilities of {len(soft)} answers for {len(rows)} texts")


def _with_soft(rows: TokenRows, soft: SoftTargets) -> TokenRows:
    """Lay soft targets along rows; those of a row's end that the model's context cut off are left out."""
    _check_number(rows, soft)
    shown_N = np.diff(np.append(soft.first_N, len(soft.token_PK)))
    if (shown_N < rows.n_learnt).any():
        row = int(np.flatnonzero(shown_N < rows.n_learnt)[0])
        raise GaugerError(f"log-probabilities at {shown_N[row]} of the {rows.n_learnt[row]} tokens of text {row}")
    place = np.repeat(soft.first_N - rows.first_learnt, rows.n_learnt) + np.arange(rows.n_learnt.sum())
    token_PK, log_PK = soft.token_PK[place], soft.log_probability_PK[place]
    return rows.with_targets(shown=torch.from_numpy(token_PK), shown_log=torch.from_numpy(log_PK))
