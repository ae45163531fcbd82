"""Holds training rows: prompts and completions as text, and the same as tokens.

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
    other_tokens: bool = False
    """Whether that distribution may be over other tokens, and is laid along the text by its characters."""


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
    left_out: tuple[int, ...] = ()
    """Numbers, among those that were given, of rows that are not among these: the context left nothing to learn."""
    thought_N2: IntArray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    """Tokens, and characters without white space, by which the thought that a chat template opens made each row's
    learnt text longer (a mark that closes it), or shorter (the mark that opens it); empty: none of any."""

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

    @property
    def n_thought(self) -> IntArray:
        """Learnt tokens before each row's own text, (N,); below 0 where so many of the text stand in the prompt."""
        return self.thought_N2[:, 0] if len(self.thought_N2) else np.zeros(len(self), dtype=np.int64)

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
        thought_B = self.thought_N2[index_B] if len(self.thought_N2) else self.thought_N2
        start_B = self.start_N[index_B]
        return TokenRows(self.token_F[place], length_B, start_B, targets, lost_B, self.left_out, thought_B)

    def tokens_of(self, row: int) -> tuple[int, ...]:
        """Return the tokens of one row."""
        first = self.first[row]
        return tuple(self.token_F[first : first + self.length_N[row]].tolist())


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


def without_end(rows: TokenRows, index: Sequence[int]) -> TokenRows:
    """Return rows as an engine encodes them, some without the end mark: their texts were cut off, and did not end.

    Parameters
    ----------
    rows : TokenRows
        N rows, without targets yet.
    index : sequence of int
        Numbers of the rows that did not end. Of one that the context cut the mark is the last of what is lost: an
        answer that fills the context has lost nothing else.
    """
    open_N = np.zeros(len(rows), dtype=bool)
    open_N[list(index)] = True
    lost_N = rows.lost_N if len(rows.lost_N) else np.zeros(len(rows), dtype=np.int64)
    marked_N = open_N & (lost_N == 0)
    kept_F = np.ones(len(rows.token_F), dtype=bool)
    kept_F[(rows.first + rows.length_N - 1)[marked_N]] = False
    length_N = rows.length_N - marked_N
    start_N = np.minimum(rows.start_N, length_N)
    return replace(
        rows, token_F=rows.token_F[kept_F], length_N=length_N, start_N=start_N, lost_N=np.maximum(lost_N - open_N, 0)
    )


def answered_by(rows: TokenRows, answers: Mapping[int, Sequence[int]]) -> TokenRows:
    """Return rows, some with other tokens after their prompts: nothing is cut or added.

    Parameters
    ----------
    rows : TokenRows
        N rows, without targets yet.
    answers : mapping of int to sequence of int
        Number of a row -> the tokens that are learnt of it.
    """
    if not answers:
        return rows
    starts = rows.start_N.tolist()
    texts = [rows.tokens_of(i) for i in range(len(rows))]
    texts = [(*text[: starts[i]], *answers[i]) if i in answers else text for i, text in enumerate(texts)]
    lost = [0 if i in answers else n_lost for i, n_lost in enumerate(rows.lost_N.tolist())]
    encoded = token_rows([token for text in texts for token in text], [len(text) for text in texts], starts, lost)
    return replace(encoded, thought_N2=rows.thought_N2)


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
