"""Puts rows of several sources into padded batches of at most so many tokens.

Dimension letters: B rows of a batch, G groups of rows, T tokens of a row, P learnt positions of all rows one after the
other, S those that have targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from gauger.train.rows import IntArray, TokenRows, positions

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
