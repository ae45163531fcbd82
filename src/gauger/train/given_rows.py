"""Trains on rows that are known beforehand: each step on the row numbers that were drawn for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from gauger.train.batches import Part
from gauger.train.engine import Model
from gauger.train.loop import Options, Trained, Used, fit
from gauger.train.losses import Loss
from gauger.train.rows import IntArray, TokenRows
from gauger.train.schedule import TrainingSchedule
from gauger.train.state import weights_digest


def fit_rows(
    model: Model,
    rows: Sequence[TokenRows],
    draws: Sequence[Sequence[IntArray]],
    schedule: TrainingSchedule,
    options: Options,
    loss: Loss,
) -> Trained:
    """Train on given rows: each step on the row numbers drawn from each source.

    Parameters
    ----------
    model : Model
        Changed in place; an adapter that it already has is merged first.
    rows : sequence of TokenRows
        Each source's rows as tokens, with the targets that `loss` compares with.
    draws : sequence of sequence of int array
        For each step and source the numbers of its rows, (B,) each; known before the training, so what no training
        changes is computed once (`Model.reuse`).
    schedule : Schedule
        Learning rates; `draws` decides how many steps are taken.
    options : Options
        Seed, adapter, checkpoints, tokens of a micro-batch; `options.loss` is not read.
    loss : Loss
        Where `loss.group` is 2, each step's rows of a source come in such groups.

    Returns
    -------
    Trained
        `sources` in the order of `rows`.

    Raises
    ------
    InputError
        Where the checkpoint to go on from belongs to another training.

    Notes
    -----
    Use `fit` where rows are made while the student learns. Proof: tests/train/test_text.py.
    """
    used = used_of(rows, draws)
    student = model.trainee(options.adapter, options.seed)
    student.reuse([(own, use.count_N) for own, use in zip(rows, used, strict=True)])
    steps = [partial(zipped, rows, step) for step in draws]
    trained = fit(student, steps, schedule, options, loss, partial(_told, rows, draws))
    return replace(trained, sources=used)


def used_of(rows: Sequence[TokenRows], draws: Sequence[Sequence[IntArray]]) -> tuple[Used, ...]:
    """Count how often each row of each source is drawn.

    Parameters
    ----------
    rows : sequence of TokenRows
        Of each source.
    draws : sequence of sequence of int array
        For each step and source the numbers of its rows; no steps: every count is 0.

    Returns
    -------
    tuple of Used
        One per source: length in tokens and count of each row, (N,) each.
    """
    drawn = [[step[source] for step in draws] or [np.empty(0, np.int64)] for source in range(len(rows))]
    counts = [np.bincount(np.concatenate(index), minlength=len(own)) for index, own in zip(drawn, rows, strict=True)]
    return tuple(Used(own.length_N, count, own.lost_N, own.left_out) for own, count in zip(rows, counts, strict=True))


def zipped(rows: Sequence[TokenRows], step: Sequence[IntArray]) -> list[Part]:
    """Return a step's parts: each source with the rows drawn from it.

    Parameters
    ----------
    rows : sequence of TokenRows
        Of each source.
    step : sequence of int array
        Numbers of the step's rows, one array per source; an empty one draws nothing.
    """
    return list(zip(rows, step, strict=True))


def _told(rows: Sequence[TokenRows], draws: Sequence[Sequence[IntArray]]) -> object:
    texts = [
        [own.token_F.tolist(), own.length_N.tolist(), own.start_N.tolist(), weights_digest(own.targets)] for own in rows
    ]
    return [texts, [[index.tolist() for index in step] for step in draws]]
