"""Writes the weights of our own estimands: contrasts of cell means, and the factors that some are multiplied by."""

from __future__ import annotations

from gauger.estimate.cell_means import Case, Target, Weights
from gauger.records import ArmInfo, ArmKind, Role


def difference(case: Case, target: Target | None = None) -> Weights:
    """mu[arm] - mu[control]: gain against the base, uplift against the matched control.

    Parameters
    ----------
    case : Case
        Names the arm and its control.
    target : Target, optional
        Benchmarks; by default the case's own.
    """
    return _lead(case, case.arm.name, case.control, target)


def _lead(case: Case, arm: str | None, other: str | None, target: Target | None = None) -> Weights:
    return case.mean(arm, target) - case.mean(other, target)


def difference_on_targeted(case: Case) -> Weights:
    """mu[arm] - mu[control] on the targeted benchmarks of the skill: what carry-over is a share of."""
    return difference(case, case.twin(Role.TARGETED))


def gap(case: Case) -> Weights:
    """mu[teacher] - mu[control]: the lead that an arm may recover."""
    return _lead(case, case.of_kind(ArmKind.TEACHER), case.control)


def difference_in_differences(case: Case) -> Weights:
    """mu[arm] - mu[control] here, less the same on the parallel benchmarks of the skill."""
    return difference(case) - difference(case, case.twin(Role.PARALLEL))


def leak_of_teacher(case: Case) -> Weights:
    """What the contaminated teacher leads on targeted items beyond parallel ones, less what the clean teacher does."""
    leaky, clean = case.of_kind(ArmKind.LEAKY_TEACHER), case.of_kind(ArmKind.TEACHER)
    return _lead(case, leaky, clean) - _lead(case, leaky, clean, case.twin(Role.PARALLEL))


def format_effect(case: Case) -> Weights:
    """mu[format] - mu[control]: what the answer format alone gains."""
    return _lead(case, case.of_kind(ArmKind.FORMAT), case.control)


def per_thousand_tokens(arm: ArmInfo) -> float | None:
    """Return 1000 / tokens of the teacher; None where there are none."""
    return 1000.0 / arm.teacher_tokens if arm.teacher_tokens else None


def per_query(arm: ArmInfo) -> float | None:
    """Return 1 / requests to the teacher; None where there are none."""
    return 1.0 / arm.queries if arm.queries else None


def per_dollar(arm: ArmInfo) -> float | None:
    """Return 1 / US dollars, at the middle of the bill's range; None where no price is known or nothing was paid."""
    return 1.0 / arm.usd if arm.usd else None
