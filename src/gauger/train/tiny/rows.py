"""Training rows: what the loop draws its batches from.

Dimension letters: N rows, T tokens, P learnt positions of all rows one after the other, K shown tokens per position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gauger.errors import GaugerError

PAD = 0
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SoftTargets:
    """A teacher's log-probabilities at every learnt position, row after row."""

    first_N: IntArray
    """Index of each row's first position in the arrays below."""
    token_PK: IntArray
    """Shown tokens, most likely first."""
    log_probability_PK: NDArray[np.float32]
    """Their log-probabilities in nats; what is missing to 1 belongs to tokens not shown."""


@dataclass(frozen=True)
class Rows:
    """N texts of at most T tokens, padded with 0 at the right."""

    tokens_NT: IntArray
    start_N: IntArray
    """First position learnt in each row: 1 learns the whole text, the prompt's length learns the answer only."""
    soft: SoftTargets | None = None
    """Where given, these rows are learnt from the teacher's distribution instead of its text."""

    def __len__(self) -> int:
        return len(self.start_N)

    @property
    def n_tokens(self) -> int:
        """Tokens of all rows, padding excluded."""
        return int((self.tokens_NT != PAD).sum())


@dataclass(frozen=True)
class Batch:
    """One step's rows as tensors."""

    tokens_BT: Tensor
    learnt: Tensor
    """Which of the positions 1.. are learnt, (B, T - 1)."""
    soft_P: Tensor | None = None
    """Which of the learnt positions have soft targets, (P,)."""
    soft_token_SK: Tensor | None = None
    soft_log_probability_SK: Tensor | None = None


@dataclass(frozen=True)
class Mixture:
    """Several sources of rows, each with a fixed number of rows in every batch."""

    sources: tuple[Rows, ...]
    rows_per_batch: tuple[int, ...]

    def batches(self, steps: int, seed: int) -> Iterator[Batch]:
        """Yield `steps` batches; each source passes through fresh permutations of its rows, epoch after epoch.

        Raises
        ------
        GaugerError
            Where a source that every batch draws from has no rows.
        """
        if any(count and not len(rows) for rows, count in zip(self.sources, self.rows_per_batch, strict=True)):
            raise GaugerError("there is nothing to train on: the corpus has no samples")
        streams = [
            shuffled(len(rows), count, np.random.default_rng([seed, index]))
            for index, (rows, count) in enumerate(zip(self.sources, self.rows_per_batch, strict=True))
        ]
        for _ in range(steps):
            yield collate([(rows, next(stream)) for rows, stream in zip(self.sources, streams, strict=True)])


def shuffled(n_rows: int, count: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Yield `count` row numbers at a time, from fresh permutations of all rows, without end."""
    stream = np.empty(0, dtype=np.int64)
    while True:
        while len(stream) < count:
            stream = np.concatenate([stream, rng.permutation(n_rows)])
        yield stream[:count]
        stream = stream[count:]


def collate(parts: Sequence[tuple[Rows, IntArray]]) -> Batch:
    """Put rows of several sources into one batch, cut to its longest row."""
    tokens_BT = np.concatenate([rows.tokens_NT[index] for rows, index in parts])
    start_B = np.concatenate([rows.start_N[index] for rows, index in parts])
    longest = int((tokens_BT != PAD).sum(axis=1).max())
    tokens_BT = tokens_BT[:, :longest]
    learnt = (np.arange(1, longest) >= start_B[:, None]) & (tokens_BT[:, 1:] != PAD)
    batch = Batch(torch.from_numpy(tokens_BT), torch.from_numpy(learnt))
    return batch if all(rows.soft is None for rows, _ in parts) else _with_soft(batch, parts, learnt.sum(axis=1))


def _with_soft(batch: Batch, parts: Sequence[tuple[Rows, IntArray]], learnt_B: IntArray) -> Batch:
    flags, tokens, log_probabilities, done = [], [], [], 0
    for rows, index in parts:
        counts = learnt_B[done : done + len(index)]
        done += len(index)
        flags.append(np.full(counts.sum(), rows.soft is not None))
        if rows.soft is not None:
            first = rows.soft.first_N[index]
            place = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            tokens.append(rows.soft.token_PK[place])
            log_probabilities.append(rows.soft.log_probability_PK[place])
    return Batch(
        batch.tokens_BT,
        batch.learnt,
        torch.from_numpy(np.concatenate(flags)),
        torch.from_numpy(np.concatenate(tokens)),
        torch.from_numpy(np.concatenate(log_probabilities)),
    )
