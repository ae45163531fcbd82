"""Computes moments by dense blocks: any sampling covariance; no matrix larger than one block is ever formed.

A block is a set of rows that depend on each other: an outermost group, joined with every other one that a shared
control or a covariance block ties to it. Cost is the sum over blocks of m^3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gauger.stats.random_effects.data import Array, Codes, MetaData, sampling_block
from gauger.stats.random_effects.moments import Moments, inverse_and_logdet
from gauger.stats.random_effects.second_derivatives import constant, pair_position


def dependent_blocks(data: MetaData) -> list[Codes]:
    """Split the rows into blocks between which M is zero: outermost groups, joined by what they share."""
    n = len(data)
    ties = [data.levels[0]]
    if data.shared_group is not None:
        ties.append(np.where(data.shared_group >= 0, data.shared_group, data.shared_group.max() + 1 + np.arange(n)))
    if data.covariance:
        label = np.arange(n)
        for rows, _ in data.covariance:
            label[rows] = rows[0]
        ties.append(label)
    edges = np.concatenate([n * (1 + i) + tie for i, tie in enumerate(_compact(ties))])
    rows = np.tile(np.arange(n), len(ties))
    size = n * (1 + len(ties))
    labels = connected_components(coo_array((np.ones(len(rows)), (rows, edges)), shape=(size, size)), directed=False)[1]
    order = np.argsort(labels[:n], kind="stable")
    cuts = np.flatnonzero(np.diff(labels[:n][order])) + 1
    return [np.asarray(block, dtype=np.intp) for block in np.split(order, cuts)]


def _compact(ties: list[Codes]) -> list[Codes]:
    return [np.unique(tie, return_inverse=True)[1].ravel() for tie in ties]


@dataclass(frozen=True)
class Stack:
    """Blocks of one size m, stacked: K blocks."""

    sampling: Array
    """(K, m, m) V."""
    columns: Array
    """(K, m, q) [X, y], in the safe basis."""
    incidence: tuple[Array | None, ...]
    """Per level (K, m, g) indicator of groups; None for the row level (the identity)."""
    rows: Codes
    """(K, m) which rows of the data these are."""

    def marginal(self, tau2: Array) -> Array:
        """Return M (K, m, m)."""
        marginal = self.sampling.copy()
        for variance, pattern in zip(tau2, self.patterns, strict=True):
            marginal += variance * pattern
        return marginal

    @cached_property
    def patterns(self) -> list[Array]:
        """Per level Z Z'."""
        size = self.sampling.shape[1]
        return [np.eye(size) if z is None else z @ z.transpose(0, 2, 1) for z in self.incidence]

    def inverse(self, tau2: Array) -> tuple[Array, float]:
        """Return M^-1 (K, m, m) and the sum of log|M|."""
        pairs = [inverse_and_logdet(block) for block in self.marginal(tau2)]
        return np.stack([inverse for inverse, _ in pairs]), sum(logdet for _, logdet in pairs)


@dataclass(frozen=True)
class DenseEngine:
    """Evaluates `Moments` for any `MetaData`."""

    data: MetaData

    @cached_property
    def stacks(self) -> list[Stack]:
        """Blocks gathered by size, so that numpy's stacked linear algebra runs over them."""
        sizes: dict[int, list[Codes]] = {}
        for rows in dependent_blocks(self.data):
            sizes.setdefault(len(rows), []).append(rows)
        return [self._stack(np.array(blocks)) for blocks in sizes.values()]

    def _stack(self, rows: Codes) -> Stack:
        data = self.data
        sampling = np.stack([sampling_block(data, block) for block in rows])
        columns = np.concatenate([data.basis.q, data.basis.residual[:, None]], axis=1)[rows]
        incidence = tuple(
            None if level == data.row_level else _indicators(codes[rows]) for level, codes in enumerate(data.levels)
        )
        return Stack(sampling, columns, incidence, rows)

    def moments(self, tau2: Array, *, derivatives: bool = True) -> Moments:
        """Return the moments at tau2 (L,), each >= 0.

        d log|M| = tr(W Z_k Z_k'), d2 = -|Z_k' W Z_l|^2; dC = -K_k'K_k, d2C = K_k' (Z_k'WZ_l) K_l + its transpose,
        K_k = Z_k' W B.
        """
        parts = [_stack_moments(stack, tau2, len(tau2) if derivatives else 0) for stack in self.stacks]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def solve(self, tau2: Array, right: Array) -> Array:
        """Return M^-1 right for right (n, m)."""
        solved = np.empty_like(right)
        for stack in self.stacks:
            solved[stack.rows] = np.linalg.solve(stack.marginal(tau2), right[stack.rows])
        return solved


def _indicators(codes: Codes) -> Array:
    """Return (K, m, g) 0/1 indicators of the groups in each block of codes (K, m)."""
    local = np.stack([np.unique(block, return_inverse=True)[1].ravel() for block in codes])
    return np.asarray(local[:, :, None] == np.arange(local.max() + 1), dtype=float)


def _stack_moments(stack: Stack, tau2: Array, L: int) -> Moments:
    inverse, logdets = stack.inverse(tau2)
    solved = inverse @ stack.columns
    logdet = constant(np.array(logdets), L)
    cross = constant(np.einsum("bmi,bmj->ij", stack.columns, solved), L)
    if L == 0:
        return Moments(logdet, cross)
    weighted = [inverse if z is None else inverse @ z for z in stack.incidence]
    short = [solved if z is None else z.transpose(0, 2, 1) @ solved for z in stack.incidence]
    for k, z in enumerate(stack.incidence):
        cross.parts[1 + k] = -np.einsum("bgi,bgj->ij", short[k], short[k])
        for m in range(k, L):
            pair = weighted[m] if z is None else z.transpose(0, 2, 1) @ weighted[m]
            bilinear = np.einsum("bgi,bgj->ij", short[k], pair @ short[m])
            logdet.parts[pair_position(k, m, L)] = -(pair**2).sum()
            cross.parts[pair_position(k, m, L)] = bilinear + bilinear.T
            if k == m:
                logdet.parts[1 + k] = np.trace(pair, axis1=1, axis2=2).sum()
    return Moments(logdet, cross)
