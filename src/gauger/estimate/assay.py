"""The instrument's checks on itself, made before any verdict (DESIGN section 3, "Assay checks").

An instrument that cannot see a planted effect, or sees one where there is none, has nothing to say about the unknown
one. Each check may be switched off by the study with a reason; it is then neither passed nor failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gauger.estimate.design import Design
from gauger.records import ArmKind, AssayCheck, Estimate, Reason, Role
from gauger.stats.student import t_quantile


@dataclass(frozen=True)
class _Check:
    """What one control arm must show."""

    kind: ArmKind
    estimand: str
    roles: tuple[Role, ...]
    question: str
    holds: Callable[[float, float], bool]
    """Given the interval's ends: does the instrument work?"""


_CHECKS = (
    _Check(
        ArmKind.PLACEBO,
        "uplift",
        (Role.TARGETED, Role.PARALLEL, Role.NEAR),
        "A teacher with nothing to teach must show no uplift",
        lambda low, _high: low <= 0,
    ),
    _Check(
        ArmKind.LEAK,
        "memorisation",
        (Role.TARGETED,),
        "Leaked test items must show as memorisation",
        lambda low, _high: low > 0,
    ),
    _Check(
        ArmKind.REFERENCE,
        "gain",
        (Role.TARGETED,),
        "Training on the truth must gain on the targeted benchmarks",
        lambda low, _high: low > 0,
    ),
)


def assay_checks(estimates: Sequence[Estimate], design: Design) -> tuple[AssayCheck, ...]:
    """Check placebo, leak and reference arms.

    A check over several roles or arms takes each interval at a level that makes all of them hold at once (Bonferroni),
    so that a sound instrument fails it no more often than one interval would.

    Returns
    -------
    tuple of AssayCheck
        One per check. `passed` is None where the study has no such arm, or no benchmark to see it on.
    """
    return tuple(_make(check, estimates, design) for check in _CHECKS)


def _make(check: _Check, estimates: Sequence[Estimate], design: Design) -> AssayCheck:
    """Make one check over its arms and roles."""
    name = str(check.kind)
    arms = [arm.name for arm in design.of_kind(check.kind)]
    if name in design.switched_off:
        return AssayCheck(name, None, f"Switched off: {design.switched_off[name]}")
    if not arms:
        return AssayCheck(name, None, f"There is no {name} arm.")
    wanted = [
        one
        for one in estimates
        if one.estimand == check.estimand and one.arm in arms and one.benchmark is None and one.over in check.roles
    ]
    seen = [one for one in wanted if one.reason != Reason.BENCHMARK_MISSING]
    if not seen:
        return AssayCheck(name, None, f"{check.question}; there is nothing to see it on.")
    undefined = [one for one in seen if one.reason is not None]
    if undefined:
        why = ", ".join(f"{one.arm} on {one.over}: {one.reason}" for one in undefined)
        return AssayCheck(name, False, f"{check.question}; the check could not be made ({why}).")
    ends = [_ends(one, design.level, len(seen)) for one in seen]
    passed = all(check.holds(low, high) for low, high in ends)
    shown = "; ".join(
        f"{one.arm} on {one.over}: {_points(one.value)} ({_points(low)} to {_points(high)})"
        for one, (low, high) in zip(seen, ends, strict=True)
    )
    return AssayCheck(name, passed, f"{check.question}. {check.estimand.capitalize()} in points: {shown}.")


def _ends(estimate: Estimate, level: float, n_checks: int) -> tuple[float, float]:
    """Return the t interval at the level that makes n checks hold at once."""
    assert estimate.value is not None  # noqa: S101 - undefined estimates were sorted out before
    assert estimate.se is not None  # noqa: S101
    df = float("inf") if estimate.df is None else estimate.df
    half = float(t_quantile(1 - (1 - level) / (2 * n_checks), df)) * estimate.se
    return estimate.value - half, estimate.value + half


def _points(score: float | None) -> str:
    """Write a difference of scores in percentage points."""
    return "" if score is None else f"{100 * score:+.1f}"
