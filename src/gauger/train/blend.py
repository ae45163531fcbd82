"""Trains on a blend: several sources of rows, each with a weight and, if wanted, a budget in tokens.

A source's weight is its share of the tokens of every step, as long as its budget lasts; then the others share its
place by their weights. Rows are whole, so shares are kept by carrying over what a step could not divide: after any
number of steps two sources are at most half a row away from their shares, and more than two at most a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.errors import GaugerError
from gauger.train.engine import Model
from gauger.train.given_rows import fit_rows
from gauger.train.loop import Options, Trained
from gauger.train.losses import NextToken, SoftLoss
from gauger.train.rows import IntArray, RowSource
from gauger.train.schedule import TrainingSchedule
from gauger.train.text import encoded


@dataclass(frozen=True)
class BlendPart:
    """One source of a blend."""

    source: RowSource
    weight: float
    """Share of the tokens, against the sum of all weights; 0: nothing of it is drawn."""
    tokens: int | None = None
    """Budget: most tokens drawn, repeats included; None: no limit."""


@dataclass(frozen=True)
class BlendedSources:
    """Sources blended by weight and budget, so many rows in every step."""

    parts: tuple[BlendPart, ...]
    rows_per_step: int


def train_on_blend(
    model: Model, data: BlendedSources, schedule: TrainingSchedule, options: Options | None = None
) -> Trained:
    """Train on a blend of sources.

    Parameters
    ----------
    model : Model
        Changed in place; an adapter that it already has is merged first.
    data : Blend
        Sources with weights and budgets; what is drawn from each is decided by the seed.
    schedule, options
        As for `text.train_on_text`.

    Returns
    -------
    Trained
        `sources` in the order of the parts. Fewer losses than steps where every source has a budget and all are spent;
        the last step may then be smaller.

    Raises
    ------
    GaugerError
        Where a source of positive weight has no rows.

    Notes
    -----
    Use `text.train_on_text` for a fixed number of rows of each source. Proof: tests/train/test_blend.py.
    """
    options = options or Options()
    rows = [encoded(model, part.source, options.too_long) for part in data.parts]
    draws = blended(data, [own.length_N for own in rows], schedule.steps, options.seed)
    own = SoftLoss() if any(part.source.soft for part in data.parts) else NextToken()
    return fit_rows(model, rows, draws, schedule, options, options.loss or own)


def blended(data: BlendedSources, lengths: Sequence[IntArray], steps: int, seed: int) -> list[list[IntArray]]:
    """Return the row numbers that each source gives to every step.

    Parameters
    ----------
    data : Blend
        Weights and budgets.
    lengths : sequence of array
        Tokens of each source's rows, (N,) each.
    steps, seed : int
        Most steps; decides each source's order.

    Returns
    -------
    list of list of int array
        Per step and source the numbers of its rows; fewer than `steps` where every budget is spent.

    Raises
    ------
    GaugerError
        Where a source of positive weight has no rows.

    Notes
    -----
    Proof: tests/train/test_blend.py.
    """
    parts, most = data.parts, steps * data.rows_per_step
    if any(part.weight > 0 and not len(length_N) for part, length_N in zip(parts, lengths, strict=True)):
        raise GaugerError("there is nothing to train on: a source of the mixture has no samples")
    streams = [
        _stream(length_N, part.tokens, most, np.random.default_rng([seed, number]))
        for number, (part, length_N) in enumerate(zip(parts, lengths, strict=True))
    ]
    means = [float(length_N.mean()) if len(length_N) else 1.0 for length_N in lengths]
    pace_Q = np.array([part.weight / mean for part, mean in zip(parts, means, strict=True)])
    counts_SQ = row_counts(pace_Q, np.array([len(stream) for stream in streams]), steps, data.rows_per_step)
    ends_SQ = counts_SQ.cumsum(axis=0)
    return [
        [stream[end - count : end] for stream, count, end in zip(streams, count_Q, end_Q, strict=True)]
        for count_Q, end_Q in zip(counts_SQ, ends_SQ, strict=True)
    ]


def _stream(length_N: IntArray, budget: int | None, most: int, rng: np.random.Generator) -> IntArray:
    """Pass through fresh permutations of the rows, up to `most` rows or the budget in tokens."""
    n = len(length_N)
    epochs = -(-most // n) if n else 0
    order = np.concatenate([np.empty(0, dtype=np.int64), *(rng.permutation(n) for _ in range(epochs))])[:most]
    if budget is None:
        return order
    # right: a row that ends at the budget fits; the first that goes beyond it ends the source, whatever follows
    fits = int(np.searchsorted(length_N[order].cumsum(), budget, side="right"))
    return order[:fits]


def row_counts(pace_Q: NDArray[np.float64], limit_Q: IntArray, steps: int, batch: int) -> NDArray[np.int64]:
    """Divide every batch among sources in proportion to their pace, until a source's limit is reached.

    Parameters
    ----------
    pace_Q : array
        Rows of each source against the sum of all, at least 0.
    limit_Q : array
        Most rows of each source.
    steps, batch : int
        Batches, and rows in each.

    Returns
    -------
    array
        (S, Q) rows; S is `steps`, or less where all limits are reached: the last batch may then be smaller.
    """
    owed, left = [0.0] * len(pace_Q), [int(limit) for limit in limit_Q]
    pace = [float(value) for value in pace_Q]
    counts = []
    for _ in range(steps):
        count = _one_batch(pace, left, owed, batch)
        if not sum(count):
            break
        counts.append(count)
    return np.array(counts, dtype=np.int64).reshape(-1, len(pace))


def _one_batch(pace: list[float], left: list[int], owed: list[float], batch: int) -> list[int]:
    """Give each row to the source that is owed most, and owe every open source its pace for it; changes the lists."""
    count = [0] * len(pace)
    for _ in range(batch):
        still = [q for q, rows in enumerate(left) if rows and pace[q] > 0]
        if not still:
            break
        total = sum(pace[q] for q in still)
        for q in still:
            owed[q] += pace[q] / total
        chosen = max(still, key=lambda q: owed[q])
        owed[chosen] -= 1.0
        left[chosen] -= 1
        count[chosen] += 1
    return count
