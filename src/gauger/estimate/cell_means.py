"""Writes cell means as weight matrices: the algebra that every estimand is written in.

mu[a, b] is the expected score of arm a on benchmark b. A linear contrast is a matrix of weights (A, B) on these means;
the mean of one cell is the matrix with a single 1, the average over a role's benchmarks spreads that 1 evenly, and
differences of contrasts are differences of matrices. What a study cannot provide raises `MissingCell` with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.design import Design
from gauger.estimate.logit_scale import LogitScale, logit_scale
from gauger.estimate.score_arrays import Cube
from gauger.records import ArmInfo, ArmKind, Reason, Role

Weights = NDArray[np.float64]
"""Shape (A, B)."""

ALL = "all"
"""What an average over benchmarks without any role is called in `Estimate.over`."""


class MissingCell(Exception):  # noqa: N818 - a reason, not an error: it ends as data in an undefined estimate
    """A cell mean that the records do not provide; carries the `Reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class Target:
    """What an estimate is taken over: one benchmark, or the plain average over several."""

    benchmark: str | None
    """None for an average."""
    role: str | None
    over: str | None
    """The role averaged over; None for one benchmark."""
    positions: tuple[int, ...]
    """Positions of the benchmarks on axis B; empty where no benchmark has the role."""
    skill: str | None = None
    """Skill of the one benchmark, where the design gives it."""
    shares: tuple[float, ...] | None = None
    """What each benchmark counts for in the average, summing to 1; None: all alike."""


@dataclass(frozen=True)
class Cells:
    """The cell means of one study: which targets exist, and the weights of each mean."""

    cube: Cube
    design: Design

    def benchmark(self, position: int) -> Target:
        """Return the target that is one benchmark."""
        name = self.cube.benchmarks[position]
        return Target(name, self.cube.roles[position], None, (position,), self.design.skills.get(name))

    def average(self, role: str) -> Target:
        """Return the average over the benchmarks of a role."""
        return Target(None, role, role, tuple(self.cube.with_role(role)))

    def averages(self) -> list[Target]:
        """Return the averages over each role present; over all benchmarks where none has a role."""
        if not self.has_roles():
            everything = tuple(range(len(self.cube.benchmarks)))
            return [Target(None, None, ALL, everything)] if len(everything) > 1 else []
        return [self.average(role) for role in map(str, Role) if self.cube.with_role(role)]

    def has_roles(self) -> bool:
        """Tell whether any benchmark has a role."""
        return any(role is not None for role in self.cube.roles)

    def same_skill(self, role: str, skill: str | None) -> Target:
        """Return the average over a role's benchmarks, only those of the skill where one is given."""
        target = self.average(role)
        if skill is None:
            return target
        names, skills = self.cube.benchmarks, self.design.skills
        return Target(None, role, role, tuple(b for b in target.positions if skills.get(names[b]) == skill), skill)

    def mean(self, arm: str | None, target: Target) -> Weights:
        """Return the weights of mu[arm, target].

        Raises
        ------
        MissingCell
            No benchmark with the role, no such arm, or no scored row of the arm on one of the benchmarks.
        """
        if not target.positions:
            raise MissingCell(Reason.BENCHMARK_MISSING)
        if arm is None or arm not in self.cube.arms:
            raise MissingCell(Reason.ARM_MISSING)
        a, b = self.cube.arms.index(arm), list(target.positions)
        if not self.cube.present[a].any():
            raise MissingCell(Reason.ARM_MISSING)
        if not self.cube.present[a, b].all():
            raise MissingCell(Reason.NO_SCORED_ROWS)
        weights = np.zeros(self.cube.present.shape)
        weights[a, b] = 1.0 / len(b) if target.shares is None else target.shares
        return weights

    @cached_property
    def logits(self) -> LogitScale:
        """All cell means as item logits."""
        return logit_scale(self.cube.panel, self.cube.means)

    @cached_property
    def common_items(self) -> NDArray[np.int64]:
        """(B, A, A): how many items of each benchmark two arms both have scores for."""
        masks = [np.asarray(np.isfinite(scores).any(axis=1), dtype=np.float64) for scores in self.cube.panel.scores]
        return np.array([np.matmul(mask, mask.T) for mask in masks]).astype(np.int64)

    def require_common_items(self, weights: Weights) -> None:
        """Refuse a contrast of arms that share no item on one of its benchmarks.

        Raises
        ------
        MissingCell
            With the reason `NO_COMMON_ITEMS`.
        """
        # Only within a benchmark: arms that are compared across benchmarks never share items, and need none in common.
        benchmarks, arms = np.nonzero(weights.T)
        starts = np.flatnonzero(np.diff(benchmarks, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(arms)], strict=True):
            if end - start > 1 and (self.common_items[benchmarks[start]][np.ix_(*2 * [arms[start:end]])] == 0).any():
                raise MissingCell(Reason.NO_COMMON_ITEMS)


@dataclass(frozen=True)
class Case:
    """One estimate to be made: an arm, what it is compared with, and where."""

    cells: Cells
    arm: ArmInfo
    control: str | None
    target: Target

    def mean(self, arm: str | None, target: Target | None = None) -> Weights:
        """Return the weights of an arm's mean, at this case's own target unless another is given."""
        return self.cells.mean(arm, target or self.target)

    def of_kind(self, kind: ArmKind) -> str | None:
        """Return the name of the study's first arm of a kind."""
        return self.cells.design.first(kind)

    def twin(self, role: Role) -> Target:
        """Return the benchmarks of another role that this target is set against: those of its skill, where known."""
        return self.cells.same_skill(str(role), self.target.skill)
