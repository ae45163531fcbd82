"""Groups arms that training replicates tie together: within a group replicates are paired, between groups not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.crossed.crossed import Components
from gauger.stats.crossed.panel import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Group:
    """Arms that share replicates, directly or through other arms; a single arm where it shares none."""

    arms: IntArray
    """(n,): the arms."""
    cells: IntArray
    """(n B,): their cells, numbered a * B + b."""
    deviations: FloatArray
    """(P_g, n B): influences of the group's replicates on these cells."""
    df: IntArray
    """(n, B): replicates of each cell less one."""


def replicate_groups(components: Components) -> list[Group]:
    """Split the arms into groups without common replicates.

    An arm trained once (`Components.trained_once`) is a group of its own with 0 degrees of freedom; fixed models belong
    to none. Where no arm was replicated there are no groups: nothing is known of training, and nothing can be borrowed.
    """
    n_benchmarks = components.mean.shape[1]
    replicated = np.asarray((components.n_replicates > 1).any(axis=1))
    if not replicated.any():
        return []
    replicated |= components.trained_once
    groups = []
    for arms in _tied(components.holders):
        kept = arms[replicated[arms]]
        if len(kept) == 0:
            continue
        cells = (kept[:, None] * n_benchmarks + np.arange(n_benchmarks)).ravel()
        rows = np.flatnonzero(components.holders[:, kept].any(axis=1))
        df = np.maximum(components.n_replicates[kept] - 1, 0)
        groups.append(Group(kept, cells, components.deviations[np.ix_(rows, cells)], df))
    return groups


def _tied(holders: BoolArray) -> list[IntArray]:
    """Arms in connected sets, two arms being connected where one (P, A) row holds both."""
    label = np.arange(holders.shape[1])
    for held in np.unique(holders[holders.sum(axis=1) > 1], axis=0):
        tied = label[held]
        label[np.isin(label, tied)] = tied.min()
    return [np.flatnonzero(label == name) for name in np.unique(label)]
