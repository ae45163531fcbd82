"""Trains on rows of text: on the text itself, or on the log-probabilities that a teacher showed along it.

Continued pre-training, supervised fine-tuning, text distillation and logit distillation are this one stage; they differ
in the rows, and in whether the prompt is learnt too.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from gauger.errors import GaugerError
from gauger.spec import TooLong
from gauger.train.alignment import aligned_places, characters_before
from gauger.train.context_limit import held_to_context
from gauger.train.engine import Model
from gauger.train.given_rows import fit_rows
from gauger.train.loop import Options, Trained
from gauger.train.losses import NextToken, SoftLoss
from gauger.train.rows import IntArray, Mixture, RowSource, TokenRows, mixed
from gauger.train.schedule import TrainingSchedule
from gauger.train.soft_targets import SoftTargets

_NEVER = 1e-7
"""What a distribution that is sure of a token leaves to all others: as much as a rest has at least (`divergence`)."""


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
        Where soft targets are of another number of texts, or of fewer or more tokens than a text has.

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
        whole = _with_soft(model, rows, source.soft)
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


def _with_soft(model: Model, rows: TokenRows, soft: SoftTargets) -> TokenRows:
    """Lay soft targets along the rows' own texts; those of a row's end that the model's context cut off are left out.

    Where the chat templates differ in whether they open a thought, the marks that one of them adds before the text are
    stepped over: nothing is compared at those of the teacher's, and the student learns its own as text.
    """
    _check_number(rows, soft)
    shown_N = np.diff(np.append(soft.first_N, len(soft.token_PK)))
    own_N = rows.n_thought
    more_N = own_N - (np.zeros_like(own_N) if soft.thought_N is None else soft.thought_N)
    lost_N = rows.lost_N if len(rows.lost_N) else np.zeros_like(own_N)
    learns_N = rows.n_learnt > 0
    wrong_N = (shown_N + more_N < rows.n_learnt) | (shown_N + more_N > rows.n_learnt + lost_N)
    if (wrong_N & learns_N).any():
        row = int(np.flatnonzero(wrong_N & learns_N)[0])
        n_tokens = rows.n_learnt[row] + lost_N[row] - more_N[row]
        raise GaugerError(f"log-probabilities at {shown_N[row]} of the {n_tokens} tokens of text {row}")
    here_P = np.arange(rows.n_learnt.sum()) - np.repeat(rows.first_learnt + more_N, rows.n_learnt)
    place_P = np.repeat(soft.first_N, rows.n_learnt) + np.maximum(here_P, 0)
    token_PK, log_PK = soft.token_PK[place_P], soft.log_probability_PK[place_P]
    if (here_P < 0).any():
        label_Q = np.concatenate([np.array(rows.tokens_of(i)[start:]) for i, start in enumerate(rows.start_N)])[
            here_P < 0
        ]
        token_PK[here_P < 0], log_PK[here_P < 0] = _surely(label_Q, token_PK.shape[1], len(model.vocabulary))
    return rows.with_targets(shown=torch.from_numpy(token_PK), shown_log=torch.from_numpy(log_PK))


def _surely(label_Q: IntArray, n_shown: int, n_tokens: int) -> tuple[IntArray, NDArray[np.float32]]:
    """Return (Q, K) shown tokens, and log-probabilities in nats, of somebody who is sure of these tokens."""
    token_QK = (label_Q[:, None] + np.arange(n_shown)) % max(n_tokens, n_shown)
    log_QK = np.full(token_QK.shape, np.log(_NEVER / n_shown), dtype=np.float32)
    log_QK[:, 0] = 0.0
    return token_QK, log_QK
