"""A blend: several sources of rows, each with a weight and, if wanted, a budget in tokens.

A source's weight is its share of the tokens of every batch, as long as its budget lasts; then the others share its
place by their weights. Rows are whole, so shares are kept by carrying over what a batch could not divide: after any
number of steps two sources are at most half a row away from their shares, and more than two at most a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.errors import GaugerError
from gauger.train.tiny.rows import PAD, Batch, IntArray, Rows, collate


@dataclass(frozen=True)
class Part:
    """One source of a blend."""

    rows: Rows
    weight: float
    """Share of the tokens, against the sum of all weights."""
    tokens: int | None = None
    """Budget: most tokens drawn, repeats included; None: no limit."""

    @property
    def lengths(self) -> IntArray:
        """Tokens of every row, (N,)."""
        lengths: IntArray = (self.rows.tokens_NT != PAD).sum(axis=1)
        return lengths


@dataclass(frozen=True)
class Drawn:
    """Which rows of a source a blend draws, in order."""

    index_R: IntArray
    tokens: int
    """Their tokens, repeats included."""

    def counts(self, n_rows: int) -> IntArray:
        """Say how often each row is drawn."""
        return np.bincount(self.index_R, minlength=n_rows)


@dataclass(frozen=True)
class Blend:
    """Sources blended by weight and budget, `batch` rows at a time."""

    parts: tuple[Part, ...]
    batch: int

    def batches(self, steps: int, seed: int) -> Iterator[Batch]:
        """Yield batches; fewer than `steps` where every source has a budget and all are spent."""
        streams, counts_SQ = self._plan(steps, seed)
        ends_SQ = counts_SQ.cumsum(axis=0)
        for count_Q, end_Q in zip(counts_SQ, ends_SQ, strict=True):
            yield collate(
                [
                    (part.rows, stream[end - count : end])
                    for part, stream, count, end in zip(self.parts, streams, count_Q, end_Q, strict=True)
                ]
            )

    def drawn(self, steps: int, seed: int) -> list[Drawn]:
        """Tell what `batches` draws from each source."""
        streams, counts_SQ = self._plan(steps, seed)
        taken = [stream[:n] for stream, n in zip(streams, counts_SQ.sum(axis=0), strict=True)]
        return [Drawn(index, int(part.lengths[index].sum())) for index, part in zip(taken, self.parts, strict=True)]

    def _plan(self, steps: int, seed: int) -> tuple[list[IntArray], NDArray[np.int64]]:
        """Return the order of each source's rows, as far as its budget goes, and how many each step draws (S, Q)."""
        if any(part.weight > 0 and not len(part.rows) for part in self.parts):
            raise GaugerError("there is nothing to train on: a source of the mixture has no samples")
        most = steps * self.batch
        streams = [_stream(part, most, np.random.default_rng([seed, i])) for i, part in enumerate(self.parts)]
        means = [float(part.lengths.mean()) if len(part.rows) else 1.0 for part in self.parts]
        pace = np.array([part.weight / mean for part, mean in zip(self.parts, means, strict=True)])
        limits = np.array([len(stream) for stream in streams])
        return streams, row_counts(pace, limits, steps, self.batch)


def _stream(part: Part, most: int, rng: np.random.Generator) -> IntArray:
    """Pass through fresh permutations of the rows, up to `most` rows or the budget."""
    n = len(part.rows)
    epochs = -(-most // n) if n else 0
    order = np.concatenate([np.empty(0, dtype=np.int64), *(rng.permutation(n) for _ in range(epochs))])[:most]
    if part.tokens is None:
        return order
    fits = int(np.searchsorted(part.lengths[order].cumsum(), part.tokens, side="right"))
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


def unique_of(parts: Sequence[Part], drawn: Sequence[Drawn]) -> list[int]:
    """Count the distinct rows drawn from each source."""
    return [int((one.counts(len(part.rows)) > 0).sum()) for part, one in zip(parts, drawn, strict=True)]
