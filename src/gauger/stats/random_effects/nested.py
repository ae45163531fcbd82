"""Computes moments in time proportional to the number of rows, when everything that rows share is nested.

Levels, and the groups of rows that share a control, form a tree: rows within control groups within arms within studies.
M is then a diagonal to which one constant per group is added, group by group from the inside out, and its inverse and
determinant follow by one Sherman-Morrison step per group. Derivatives in tau2 ride along as jets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from gauger.stats.random_effects.data import Array, Codes, MetaData
from gauger.stats.random_effects.moments import Moments
from gauger.stats.random_effects.second_derivatives import Jet, constant, function_of


@dataclass(frozen=True)
class Grouping:
    """One grouping on the way from rows to the outermost groups."""

    starts: Codes
    """(G,) where each group begins among the groups (or rows) one step further in."""
    level: int | None
    """Which tau2 its groups have; None for control groups."""
    known: Array
    """(G,) the groups' variances when `level` is None; empty otherwise."""


@dataclass(frozen=True)
class NestedRows:
    """Rows in an order in which every group is one run."""

    order: Codes
    """(n,)"""
    row_level: int | None
    """The level whose groups are single rows, if there is one."""
    steps: tuple[Grouping, ...]
    """From the inside out."""


def tree_of(data: MetaData) -> NestedRows | None:
    """Arrange the rows as a tree; None when control groups cross a level or V has other blocks."""
    if data.covariance:
        return None
    n = len(data)
    groupings: list[tuple[int, int | None, Codes]] = [
        (int(codes.max()) + 1, level, codes) for level, codes in enumerate(data.levels)
    ]
    row_level = data.row_level
    if row_level is not None:
        groupings.pop()
    if data.shared_group is not None and (data.shared_group >= 0).any():
        alone = data.shared_group.max() + 1 + np.arange(n)
        codes = np.unique(np.where(data.shared_group >= 0, data.shared_group, alone), return_inverse=True)[1].ravel()
        groupings.append((int(codes.max()) + 1, None, codes))
    groupings.sort(key=lambda grouping: grouping[0])
    for (_, _, coarse), (size, _, fine) in pairwise(groupings):
        if len(np.unique(coarse * np.intp(size) + fine)) != size:
            return None
    if not groupings:
        return NestedRows(np.arange(n), row_level, ())
    order = np.lexsort([codes for _, _, codes in reversed(groupings)])
    return NestedRows(order, row_level, _steps(data, order, groupings))


def _steps(data: MetaData, order: Codes, groupings: list[tuple[int, int | None, Codes]]) -> tuple[Grouping, ...]:
    steps = []
    inner = np.arange(len(data))
    for _, level, codes in reversed(groupings):
        first_row = np.flatnonzero(np.diff(codes[order], prepend=-1))
        known = np.empty(0)
        if level is None and data.shared_variance is not None:
            known = data.shared_variance[order][first_row]
        steps.append(Grouping(np.searchsorted(inner, first_row), level, known))
        inner = first_row
    return tuple(steps)


@dataclass(frozen=True)
class NestedEngine:
    """Evaluates `Moments`, and M^-1 times a matrix, along a `NestedRows`."""

    data: MetaData
    tree: NestedRows

    @cached_property
    def own(self) -> Array:
        """(n,) variances that rows do not share, in the tree's order."""
        return self.data.own_variance[self.tree.order]

    @cached_property
    def columns(self) -> Array:
        """(1 + q, n) [1, X, y]' in the tree's order, X and y in the safe basis."""
        basis = self.data.basis
        return np.concatenate([np.ones((1, len(basis.q))), basis.q.T, basis.residual[None]])[:, self.tree.order]

    def moments(self, tau2: Array, *, derivatives: bool = True) -> Moments:
        """Return the moments at tau2 (L,), each >= 0; without derivatives as jets in no variable.

        A group with inner inverse W0 gains variance s: with a = 1'W0 1 and b = 1'W0 B its inverse loses
        s W0 1 1'W0 / (1 + s a), so log|M| gains log(1 + s a), C loses s b'b / (1 + s a), and what the next group out
        sees of it is a / (1 + s a) and b / (1 + s a).
        """
        L = len(tau2) if derivatives else 0
        state, logdet, cross = self._leaves(tau2, L)
        for step in self.tree.steps:
            groups = state.grouped(step.starts)
            widened = self._times_variance(Jet(groups.parts[:, 0], L), step, tau2).one_plus()
            state = groups * widened.reciprocal().row()
            explained, before = Jet(state.parts[:, 1:], L), Jet(groups.parts[:, 1:], L)
            logdet = logdet + widened.log().total()
            if step.level is None:
                cross = cross - explained.times_known(step.known).gram(before)
            else:
                cross = cross - self._times_variance(explained.gram(before), step, tau2)
        return Moments(logdet, cross)

    def _times_variance(self, jet: Jet, step: Grouping, tau2: Array) -> Jet:
        if step.level is None:
            return jet.times_known(step.known)
        return jet.times_variable(float(tau2[step.level]), step.level)

    def _leaves(self, tau2: Array, L: int) -> tuple[Jet, Jet, Jet]:
        """Start from the rows alone: [1, B] / d with d = own + tau2_row, sum of log d, B' diag(1/d) B."""
        row, columns = self.tree.row_level, self.columns
        weight = 1.0 / (self.own if row is None else self.own + tau2[row])
        logdet = -np.log(weight).sum()
        if row is None or L == 0:
            scaled = columns * weight
            return constant(scaled, L), constant(logdet, L), constant(scaled[1:] @ columns[1:].T, L)
        squared = -weight * weight
        powers = np.array([weight, squared, -2.0 * weight * squared])
        states = columns * powers[:, None]
        logdets = np.array([logdet, weight.sum(), squared.sum()])
        return (
            function_of(states, row, L),
            function_of(logdets, row, L),
            function_of(states[:, 1:] @ columns[1:].T, row, L),
        )

    def solve(self, tau2: Array, right: Array) -> Array:
        """Return M^-1 right for right (n, m), rows in the data's order."""
        tree = self.tree
        weight = 1.0 / (self.own if tree.row_level is None else self.own + tau2[tree.row_level])
        sorted_right = right[tree.order]
        state = np.concatenate([np.ones((len(right), 1)), sorted_right], axis=1) * weight[:, None]
        passes = []
        for step in tree.steps:
            sums = np.add.reduceat(state, step.starts, axis=0)
            variance = step.known if step.level is None else np.full(len(sums), tau2[step.level])
            shrink = 1.0 / (1.0 + variance * sums[:, 0])
            passes.append((step, len(state), sums, variance * shrink))
            state = sums * shrink[:, None]
        offset = np.zeros((len(state), right.shape[1]))
        for step, size, sums, gain in reversed(passes):
            offset = offset + gain[:, None] * (sums[:, 1:] - sums[:, :1] * offset)
            offset = np.repeat(offset, np.diff(step.starts, append=size), axis=0)
        solved = np.empty_like(sorted_right)
        solved[tree.order] = (sorted_right - offset) * weight[:, None]
        return solved
