"""Holds training rows: prompts and completions as text, the same as tokens, and padded batches of them.

Dimension letters: N rows, B rows of a batch, T tokens of a row, F tokens of all rows one after the other, P learnt
positions of all rows one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gauger.elicit import Message
from gauger.errors import GaugerError
from gauger.train.soft_targets import SoftTargets

Prompt = str | tuple[Message, ...]
"""Plain text is continued as it stands; messages go through the model's chat template."""
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingRow:
    """One training text: `prompt + completion`."""

    prompt: Prompt
    completion: str
    """What follows the prompt; the end mark is added."""
    whole: bool = False
    """True: the prompt is learnt too (continued pre-training). False: the loss is on the completion alone."""


@dataclass(frozen=True)
class RowSource:
    """Rows of one source, with a teacher's log-probabilities along what is learnt of them where it showed any."""

    rows: tuple[TrainingRow, ...]
    soft: SoftTargets | None = None
    """Where given, these rows are learnt from the teacher's distribution instead of its text."""


@dataclass(frozen=True)
class Mixture:
    """Several sources of rows, each with a fixed number of rows in every step."""

    sources: tuple[RowSource, ...]
    rows_per_step: tuple[int, ...]


@dataclass(frozen=True)
class TokenRows:
    """N texts as tokens, one after the other."""

    token_F: IntArray
    length_N: IntArray
    """Tokens of each row, marks included."""
    start_N: IntArray
    """First position learnt in each row, at least 1, because the first token follows nothing: 1 learns the whole text,
    the prompt's length the completion only, the row's length nothing."""
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    """What a loss compares with besides the tokens, by name, each (P, ...): see `losses.py`."""
    lost_N: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Tokens that the context cut off each row's end; empty: none of any."""
    left_out: int = 0
    """Rows that are not among these, because the context left nothing of them to learn."""

    def __len__(self) -> int:
        return len(self.length_N)

    @cached_property
    def first(self) -> IntArray:
        """Place of each row's first token in `token_F`, (N,)."""
        return np.cumsum(self.length_N) - self.length_N

    @cached_property
    def n_learnt(self) -> IntArray:
        """Learnt positions of each row, (N,)."""
        return self.length_N - self.start_N

    @cached_property
    def first_learnt(self) -> IntArray:
        """Place of each row's first learnt position among the P of all rows, (N,)."""
        return np.cumsum(self.n_learnt) - self.n_learnt

    def with_targets(self, **targets: Tensor) -> TokenRows:
        """Return the same rows with these targets in addition."""
        return replace(self, targets={**self.targets, **targets})

    def take(self, index_B: IntArray) -> TokenRows:
        """Return the rows with these numbers."""
        length_B = self.length_N[index_B]
        place = _runs(self.first[index_B], length_B)
        learnt = torch.from_numpy(positions(self, index_B))
        targets = {name: values[learnt] for name, values in self.targets.items()}
        lost_B = self.lost_N[index_B] if len(self.lost_N) else self.lost_N
        return TokenRows(self.token_F[place], length_B, self.start_N[index_B], targets, lost_B, self.left_out)

    def tokens_of(self, row: int) -> tuple[int, ...]:
        """Return the tokens of one row."""
        first = self.first[row]
        return tuple(self.token_F[first : first + self.length_N[row]].tolist())


Part = tuple[TokenRows, IntArray]
"""Rows of one source, and which of them."""


@dataclass(frozen=True)
class PaddedRows:
    """Rows as tensors, padded at the right; attention is causal, so no row sees the padding behind it."""

    tokens_BT: Tensor
    learnt: Tensor
    """Which of the positions 1.. are learnt, (B, T - 1)."""
    length_B: IntArray
    learnt_B: IntArray
    """Learnt positions of each row; they add up to P."""
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    """Targets of the rows that have any, (S, ...) with S of the P learnt positions."""
    has_targets_P: Tensor | None = None
    """Which learnt positions have targets; None: all, or none where `targets` is empty."""
    packed: bool = False
    """Whether the model should read the rows as one sequence, each seeing itself alone; an engine that cannot pads."""

    @property
    def labels(self) -> Tensor:
        """The learnt tokens, row after row."""
        return self.tokens_BT[:, 1:][self.learnt]

    def to(self, device: torch.device) -> PaddedRows:
        """Return the same batch on a device."""
        if self.tokens_BT.device == device:
            return self
        has = None if self.has_targets_P is None else self.has_targets_P.to(device)
        targets = {name: values.to(device) for name, values in self.targets.items()}
        tokens_BT, learnt = self.tokens_BT.to(device), self.learnt.to(device)
        return replace(self, tokens_BT=tokens_BT, learnt=learnt, targets=targets, has_targets_P=has)

    def by_row(self, values_P: Tensor) -> Tensor:
        """Add up values of learnt positions by row, (B,)."""
        row_P = torch.repeat_interleave(torch.from_numpy(self.learnt_B)).to(values_P.device)
        return values_P.new_zeros(len(self.learnt_B)).index_add(0, row_P, values_P)


def token_rows(
    tokens: Sequence[int], lengths: Sequence[int], starts: Sequence[int], lost: Sequence[int] = ()
) -> TokenRows:
    """Make rows of all their tokens, one row after the other.

    Parameters
    ----------
    tokens : sequence of int
        F tokens of all rows.
    lengths : sequence of int
        Tokens of each row, (N,); they add up to F.
    starts : sequence of int
        First position learnt in each row, (N,). Below 1 counts as 1, because the first token follows nothing; beyond
        the row's end counts as its length: nothing is learnt.
    lost : sequence of int
        Tokens that were cut off each row's end, (N,); empty: none.
    """
    length_N = np.array(lengths, dtype=np.int64)
    start_N = np.clip(np.array(starts, dtype=np.int64), 1, length_N)
    return TokenRows(np.array(tokens, dtype=np.int64), length_N, start_N, lost_N=np.array(lost, dtype=np.int64))


def answered(prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> TokenRows:
    """Make rows of prompts and answers as tokens; the answers are what is learnt.

    Parameters
    ----------
    prompts, answers : sequence of sequence of int
        Tokens, as many answers as prompts. Nothing is cut or added: an end mark is learnt where the answer holds it.

    Raises
    ------
    ValueError
        Where there are not as many answers as prompts.
    """
    flat = [token for both in zip(prompts, answers, strict=True) for own in both for token in own]
    starts = [len(prompt) for prompt in prompts]
    lengths = [start + len(answer) for start, answer in zip(starts, answers, strict=True)]
    return token_rows(flat, lengths, starts)


def shuffled(n_rows: int, count: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Yield `count` row numbers at a time out of one fresh permutation after the other, without end.

    Parameters
    ----------
    n_rows : int
        At least 1 where `count` is: no rows would never fill a step, so callers refuse that.
    count : int
        Row numbers of a step; 0 yields empty arrays. More than `n_rows`: some rows come twice in a step.
    rng : Generator
        The stream's own; advanced as permutations are needed.

    Yields
    ------
    array of int64, (count,)
        Over n_rows numbers from the start on, every row comes once.

    Notes
    -----
    Proof: tests/train/test_rows.py (every row comes once per epoch).
    """
    stream = np.empty(0, dtype=np.int64)
    while True:
        while len(stream) < count:
            stream = np.concatenate([stream, rng.permutation(n_rows)])
        yield stream[:count]
        stream = stream[count:]


def mixed(sizes: Sequence[int], rows_per_step: Sequence[int], seed: int) -> Iterator[list[IntArray]]:
    """Yield the row numbers that each source gives to every step, without end.

    Each source passes through fresh permutations of its own stream of `seed`, so no source's order depends on another.

    Parameters
    ----------
    sizes : sequence of int
        Rows of each source.
    rows_per_step : sequence of int
        Rows that each gives to a step; 0: none, and the source may then be empty.
    seed : int
        Source i draws from the stream [seed, i].

    Yields
    ------
    list of int array
        One per source.

    Raises
    ------
    GaugerError
        At the first step, where a source that every step draws from has no rows.

    Notes
    -----
    Proof: tests/train/test_rows.py.
    """
    if any(count and not size for size, count in zip(sizes, rows_per_step, strict=True)):
        raise GaugerError("there is nothing to train on: the corpus has no samples")
    streams = [
        shuffled(size, count, np.random.default_rng([seed, index]))
        for index, (size, count) in enumerate(zip(sizes, rows_per_step, strict=True))
    ]
    while True:
        yield [next(stream) for stream in streams]


def collate(parts: Sequence[Part]) -> PaddedRows:
    """Put rows of several sources into one batch as long as its longest row."""
    length_B = _joined([rows.length_N[index] for rows, index in parts])
    start_B = _joined([rows.start_N[index] for rows, index in parts])
    # two tokens at least: a model reads all but the last, and has to read one
    place_T = np.arange(max(2, int(length_B.max())))
    inside_BT = place_T < length_B[:, None]
    # places behind a row's end hold the next row's tokens, or are clipped to the last one; `inside_BT` then clears them
    tokens = [rows.token_F.take(rows.first[index][:, None] + place_T, mode="clip") for rows, index in parts]
    tokens_BT = torch.from_numpy(_joined(tokens) * inside_BT)
    learnt = torch.from_numpy((place_T[1:] >= start_B[:, None]) & inside_BT[:, 1:])
    targets, has_targets_P = _gathered_targets(parts)
    return PaddedRows(tokens_BT, learnt, length_B, length_B - start_B, targets, has_targets_P)


def _joined(arrays: Sequence[IntArray]) -> IntArray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _gathered_targets(parts: Sequence[Part]) -> tuple[dict[str, Tensor], Tensor | None]:
    """Return the targets of all rows that have any, and which positions they belong to."""
    having = [(rows, index) for rows, index in parts if rows.targets]
    if not having:
        return {}, None
    places = [torch.from_numpy(positions(rows, index)) for rows, index in having]
    gathered = {
        name: torch.cat([rows.targets[name][place] for (rows, _), place in zip(having, places, strict=True)])
        for name in having[0][0].targets
    }
    if len(having) == len(parts):
        return gathered, None
    flags = [np.full(int(rows.n_learnt[index].sum()), bool(rows.targets)) for rows, index in parts]
    return gathered, torch.from_numpy(np.concatenate(flags))


def positions(rows: TokenRows, index_B: IntArray) -> IntArray:
    """Return the places of the rows' learnt positions among those of all rows, row after row.

    Parameters
    ----------
    rows : TokenRows
        N rows.
    index_B : int array, (B,)
        Numbers of the rows, in any order, repeats allowed.

    Returns
    -------
    array of int64, (sum of `n_learnt` of the B rows,)
        Index into anything that has one entry per learnt position of `rows`.
    """
    return _runs(rows.first_learnt[index_B], rows.n_learnt[index_B])


def _runs(first_B: IntArray, count_B: IntArray) -> IntArray:
    """Return first, first + 1, ... of each row, `count` of them, row after row."""
    before_B = np.cumsum(count_B) - count_B  # taking off what stands before a row lets one arange serve all
    return np.repeat(first_B - before_B, count_B) + np.arange(count_B.sum())


def micro_batches(parts: Sequence[Part], max_tokens: int, group: int = 1, *, packed: bool = False) -> list[PaddedRows]:
    """Split a step's rows, longest first, into batches of at most `max_tokens` tokens, padding included.

    Parameters
    ----------
    parts : sequence of Part
        The step's rows; parts without rows are left out.
    max_tokens : int
        A step that fits whole stays in its order.
    group : int
        So many rows of a part, one after the other, stay together and in order; a group that is larger than
        `max_tokens` makes its own batch. Each part has a multiple of it.
    packed : bool
        Batches will be read without padding, and none is counted.

    Returns
    -------
    list of Batch
        Every row once; empty without rows.

    Notes
    -----
    Proof: tests/train/test_rows.py.
    """
    parts = [(rows, index) for rows, index in parts if len(index)]
    if not parts:
        return []
    length_B = _joined([rows.length_N[index] for rows, index in parts])
    taken = int(length_B.sum()) if packed else len(length_B) * max(2, int(length_B.max()))
    if taken <= max_tokens:
        return [replace(collate(parts), packed=packed)]
    part_B = np.repeat(np.arange(len(parts)), [len(index) for _, index in parts])
    index_B = np.concatenate([index for _, index in parts])
    batches = []
    length_GB = length_B.reshape(-1, group)
    divided = (
        by_sum(length_GB.sum(axis=1), max_tokens) if packed else by_length(length_GB.max(axis=1), max_tokens, group)
    )
    for groups in divided:
        chosen = (groups[:, None] * group + np.arange(group)).reshape(-1)
        picked = [(rows, index_B[chosen[part_B[chosen] == number]]) for number, (rows, _) in enumerate(parts)]
        batches.append(replace(collate([(rows, index) for rows, index in picked if len(index)]), packed=packed))
    return batches


def by_sum(tokens_G: IntArray, max_tokens: int) -> Iterator[IntArray]:
    """Yield the groups of rows of each batch that is read without padding, longest first.

    Parameters
    ----------
    tokens_G : int array, (G,)
        Tokens of each group.
    max_tokens : int
        Most tokens of a batch.

    Yields
    ------
    array of int64
        Numbers of the groups of one batch, at least one however long it is; groups of one length stay in their order.

    Notes
    -----
    Proof: tests/train/test_rows.py.
    """
    order = np.argsort(-tokens_G, kind="stable")
    first = 0
    while first < len(order):
        size = max(1, int(np.searchsorted(np.cumsum(tokens_G[order[first:]]), max_tokens, side="right")))
        yield order[first : first + size]
        first += size


def by_length(longest_G: IntArray, max_tokens: int, group: int = 1) -> Iterator[IntArray]:
    """Yield the groups of rows of each batch, longest first.

    Parameters
    ----------
    longest_G : int array, (G,)
        Tokens of the longest row of each group.
    max_tokens : int
        Most tokens of a batch, padding included: a batch is as wide as its first group, and at least 2 wide.
    group : int
        Rows of each group.

    Yields
    ------
    array of int64
        Numbers of the groups of one batch, at least one however long it is; groups of one length stay in their order.

    Notes
    -----
    Proof: tests/train/test_rows.py (batches are as full as they may be).
    """
    order = np.argsort(-longest_G, kind="stable")
    first = 0
    while first < len(order):
        width = max(2, int(longest_G[order[first]]))
        size = max(1, max_tokens // (width * group))
        yield order[first : first + size]
        first += size
