"""Holds the scores of one study as arrays, arms × training replicates × items for each benchmark.

Scores are on the 0-1 scale, already averaged over samples; NaN marks a missing score. Dimension letters: A arm,
R replicate, B benchmark, I item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ABSENT = -1
"""Replicate id of a row that an arm does not have."""


@dataclass(frozen=True)
class Panel:
    """Scores of A arms on B benchmarks, with who shares which items, clusters and replicates."""

    scores: tuple[FloatArray, ...]
    """One array per benchmark, shape (A, R, I_b): mean score over samples, 0-1; NaN = missing."""
    units: tuple[IntArray, ...]
    """One array per benchmark, shape (I_b,): id of the cluster an item belongs to (of the item itself where there are
    no clusters). The same id in two benchmarks is the same cluster, sampled once."""
    replicates: IntArray
    """Shape (A, R): id of the training replicate in each row; arms that hold the same id are paired (same
    initialisation and data order); -1 where an arm has no such row."""
    kinship: IntArray | None = None
    """Shape (A, A): class of relatedness of two arms' replicates of one id; 0 is the plain one. Arms that were trained
    on from one model keep some of its noise: give them a class by how much they share. None: all pairs alike. It says
    which pairs are *expected* to be equally related (moderation); what the replicates show is always used as it is."""
    trained_once: BoolArray | None = None
    """Shape (A,): arms of which one training run stands for all that there might have been: their noise is borrowed
    from the replicated arms. An arm with one row that is not marked is a fixed model (base, teacher). None: none is."""

    def __post_init__(self) -> None:
        arms_and_rows = self.replicates.shape
        if len(self.scores) != len(self.units):
            raise ValueError(f"{len(self.scores)} score arrays but {len(self.units)} unit arrays: one per benchmark")
        for scores, units in zip(self.scores, self.units, strict=True):
            if scores.shape != (*arms_and_rows, len(units)):
                raise ValueError(f"scores have shape {scores.shape}, expected {(*arms_and_rows, len(units))} (A, R, I)")
        if self.kinship is not None and self.kinship.shape != (len(self.replicates), len(self.replicates)):
            raise ValueError(f"kinship has shape {self.kinship.shape}, expected (A, A)")
        if self.trained_once is not None and self.trained_once.shape != arms_and_rows[:1]:
            raise ValueError(f"trained_once has shape {self.trained_once.shape}, expected (A,)")

    @property
    def n_arms(self) -> int:
        """A."""
        return int(self.replicates.shape[0])

    @property
    def n_benchmarks(self) -> int:
        """B."""
        return len(self.scores)


def panel_of(scores: Sequence[FloatArray], *, paired: bool = False) -> Panel:
    """Build the plain panel: no clusters, every row present, replicates all paired or all independent.

    Parameters
    ----------
    scores : sequence of (A, R, I_b) arrays
    paired : bool
        True: row r of every arm is one and the same replicate. False: no two arms share one.
    """
    n_arms, n_rows = scores[0].shape[:2]
    rows = np.arange(n_rows) if paired else np.arange(n_arms * n_rows).reshape(n_arms, n_rows)
    first = np.concatenate([[0], np.cumsum([array.shape[2] for array in scores])])
    units = tuple(np.arange(start, stop) for start, stop in pairwise(first))
    return Panel(tuple(scores), units, np.broadcast_to(rows, (n_arms, n_rows)).astype(np.int64))
