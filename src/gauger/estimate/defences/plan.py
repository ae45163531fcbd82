"""Plans the contrasts: every attacker on every surface, all pairs of them, the honest user's loss.

uplift[s, k]    mu[attacker k on surface s] - mu[its matched control]
removed[d, j, k] uplift[open, j] - uplift[d, k]; with j = k the control cancels and replicates are paired
gap[s, j, k]    uplift[s, adaptive j] - uplift[s, passive k]
honest[d]       mu[teacher] - mu[teacher as the surface with d shows it]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gauger.estimate.cell_means import Case, Cells, MissingCell, Target, Weights
from gauger.estimate.defences.question import OPEN_SURFACE, DefenceQuestion
from gauger.estimate.estimand_weights import difference
from gauger.estimate.wanted import Planned
from gauger.records import ArmInfo, ArmKind, Reason

RATES = {
    "uplift_per_thousand_queries": 1e3,
    "uplift_per_million_tokens": 1e6,
    "uplift_per_dollar": 1.0,
}
"""Estimand -> what of the teacher's bill it is taken per."""


@dataclass(frozen=True)
class DefenceContrast:
    """One planned estimate, with the defence and the attacker it is about."""

    planned: Planned
    defence: str
    attacker: str | None = None
    other: str | None = None
    """Of a pair: the second attacker. Pairs are no estimates of their own: the best are bounded through them."""


def plan_defences(cells: Cells, question: DefenceQuestion) -> list[DefenceContrast]:
    """List every contrast that the defences need.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    question : DefenceQuestion
        What was fixed before the run.

    Returns
    -------
    list of DefenceContrast
        Estimates of single attackers and of honest users first, then all pairs. One whose arm has no records is
        planned with its reason.
    """
    planner = _DefencePlanner(cells, question, cells.average(question.role))
    return [*planner.single(), *planner.shares(), *planner.honest(), *planner.pairs()]


@dataclass(frozen=True)
class _DefencePlanner:
    cells: Cells
    question: DefenceQuestion
    target: Target

    def single(self) -> Iterator[DefenceContrast]:
        """Yield uplift of every attacker on every surface, then per query, token and dollar."""
        for estimand, unit in {"uplift": None, **RATES}.items():
            for surface, attackers in self.question.attacks.items():
                for attacker in attackers:
                    factor = 1.0 if unit is None else _rate(estimand, unit, self._arm(surface, attacker))
                    if factor is not None:
                        planned = self._contrast(estimand, surface, attacker, factor)
                        yield DefenceContrast(planned, surface, attacker)

    def shares(self) -> Iterator[DefenceContrast]:
        """Yield what a defence takes from each attacker: a difference, and the share that is left."""
        for defence in self.question.thresholds:
            for attacker in self.question.attacks[defence]:
                yield self.removed(defence, attacker, attacker)
                yield self._residual(defence, attacker)

    def pairs(self) -> Iterator[DefenceContrast]:
        """Yield all pairs that the best attackers may be."""
        for defence in self.question.thresholds:
            for first in self.question.before(defence):
                for second in self.question.attacks[defence]:
                    yield replace(self.removed(defence, first, second), other=second)
        for surface in self.question.attacks:
            for first in self.question.adaptive(surface):
                for second in self.question.unreacting(surface):
                    planned = self._difference("adaptive_gap", (surface, first), (surface, second))
                    yield DefenceContrast(planned, surface, first, second)

    def removed(self, defence: str, first: str, second: str) -> DefenceContrast:
        """Plan what one attacker gains on the open surface beyond another (or himself) on the defended one."""
        planned = self._difference("uplift_removed", (OPEN_SURFACE, first), (defence, second))
        return DefenceContrast(planned, defence, first)

    def honest(self) -> Iterator[DefenceContrast]:
        """Yield what the teacher's own score loses on every defended surface."""
        teacher = self.cells.design.first(ArmKind.TEACHER)
        for defence, arm in self.question.honest.items():
            yield DefenceContrast(_planned("honest_cost", self._case(self._info(arm), teacher), _lost), defence)

    def _residual(self, defence: str, attacker: str) -> DefenceContrast:
        top = self._contrast("residual_share", defence, attacker, 1.0)
        below = self._contrast("residual_share", OPEN_SURFACE, attacker, 1.0)
        if below.numerator is None:
            top = replace(top, numerator=None, reason=below.reason)
        planned = replace(top, denominator=below.numerator, least_denominator=Reason.NOTHING_TO_REMOVE)
        return DefenceContrast(planned, defence, attacker)

    def _contrast(self, estimand: str, surface: str, attacker: str, factor: float) -> Planned:
        arm = self._arm(surface, attacker)
        case = self._case(arm, self.cells.design.matched_of(arm))
        return _planned(estimand, case, lambda case: factor * difference(case))

    def _difference(self, estimand: str, first: tuple[str, str], second: tuple[str, str]) -> Planned:
        case = self._case(self._arm(*first), self._arm(*second).name)
        return _planned(estimand, case, lambda _: self._uplift(*first) - self._uplift(*second))

    def _uplift(self, surface: str, attacker: str) -> Weights:
        arm = self._arm(surface, attacker)
        return difference(self._case(arm, self.cells.design.matched_of(arm)))

    def _arm(self, surface: str, attacker: str) -> ArmInfo:
        return self._info(self.question.attacks[surface][attacker])

    def _info(self, name: str) -> ArmInfo:
        return next(arm for arm in self.cells.design.arms if arm.name == name)

    def _case(self, arm: ArmInfo, control: str | None) -> Case:
        return Case(self.cells, arm, control, self.target)


def _lost(case: Case) -> Weights:
    return case.mean(case.control) - case.mean(case.arm.name)


def _planned(estimand: str, case: Case, weights: Callable[[Case], Weights]) -> Planned:
    """Write down the weights of one contrast, or why there are none."""
    try:
        numerator = weights(case)
        case.cells.require_common_items(numerator)
    except MissingCell as missing:
        starved = not {case.arm.name, case.control}.isdisjoint(getattr(case.cells.design.defences, "starved", ()))
        return Planned(estimand, case, None, None, Reason.NOTHING_CAME_THROUGH if starved else missing.reason)
    return Planned(estimand, case, numerator, None)


def _rate(estimand: str, unit: float, arm: ArmInfo) -> float | None:
    """Return the factor on an arm's uplift; None where what it is taken per is not known, or nothing was spent."""
    spent = {
        "uplift_per_thousand_queries": arm.queries,
        "uplift_per_million_tokens": arm.teacher_tokens,
        "uplift_per_dollar": arm.usd,
    }[estimand]
    return unit / spent if spent else None
