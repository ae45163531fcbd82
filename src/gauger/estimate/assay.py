"""Plans and makes the instrument's checks on itself, on the verdict's own estimand, role and scale.

An instrument that cannot see a planted effect, or sees one where there is none, has nothing to say about the unknown
one (docs/methods.md). Each check ends passed, failed or not powered; with theta the estimand of the
verdict rule on its role, tau its threshold and delta the placebo's margin:

- *placebo*: its theta. Fails if the lower end exceeds +delta, passes if the upper end lies below +delta. A placebo more
  than delta below the base never learned the form of the answers: it could not fail.
- *leak*: leak arm minus its twin (the same teacher rows, as many extra rows that nobody tests), over theta's own
  denominator. Fails if the lower end exceeds tau, passes if the upper end lies below; where tau is not above 0, so that
  adding nothing would be major, delta. Without a twin it could not fail. Not made where theta is of targeted
  benchmarks: a leak is made to raise those.
- *memorisation*: that of the leak arm over its twin (without one, over its matched control), in points and in item
  logits. Fails if it lies below 0, passes if above in both.
- *reference*: its theta. Fails if the upper end lies below tau, passes if the lower end exceeds it.

Delta is above 0 (half of tau's size unless declared): a control without any effect passes the surer the better a study
is. With neither, as at a tau of 0, placebo and leak decide nothing. Checks share the error of failing (Bonferroni), so
that a study with more checks is not surer to be invalid; each passes at the rule's own level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gauger.estimate.cell_means import Case, Cells
from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.estimands import against_same_without_items, find_estimand
from gauger.estimate.scales import in_logits
from gauger.estimate.verdict_inputs import JudgedContrast, judged, undefined_reason
from gauger.estimate.wanted import Planned, plan_contrast, plan_one
from gauger.records import ArmInfo, ArmKind, AssayCheck, CheckOutcome, Role
from gauger.stats import RatioSet

CHECKS = ("placebo", "leak", "memorisation", "reference")
_KIND = {"placebo": ArmKind.PLACEBO, "leak": ArmKind.LEAK, "memorisation": ArmKind.LEAK, "reference": ArmKind.REFERENCE}
_QUESTION = {
    "placebo": "A teacher with nothing to teach must not exceed the margin",
    "leak": "What a leak adds must not pass for a major difference",
    "memorisation": "Leaked test items must show as memorisation",
    "reference": "Training on the truth must be major by the same rule",
}
_MARGIN_ALONE = "What a leak adds must not exceed the margin"
ON_TARGETED = (
    "The verdict is on targeted benchmarks, which a leak of their test items is made to raise, so what it adds there "
    "shows nothing. Memorisation says whether leaked items are seen."
)
NO_MARGIN = "it could not pass: a threshold of 0 has no half, and no placebo margin was declared"
NO_TWIN = (
    "there is no twin of the leak arm (the same rows with as many extra ones that nobody tests), so its increment is "
    "not known"
)


@dataclass(frozen=True)
class PlannedCheck:
    """One check of one arm, before its numbers are known."""

    name: str
    arm: ArmInfo
    entries: tuple[Planned, ...]
    """What it is judged on; of the placebo also its distance from the base, of memorisation both scales."""
    could_not_fail: str | None = None
    """Why the check says nothing, known from the design alone."""


def plan_checks(cells: Cells, rule: FixedRule) -> list[PlannedCheck]:
    """Plan every check that the study's arms allow, for every arm of its kind.

    Parameters
    ----------
    cells : Cells
        The study's scores and design. Kinds that the design switched off are skipped.
    rule : VerdictRule
        The verdict's rule: its estimand, role and threshold are those of the checks.

    Returns
    -------
    list of PlannedCheck
        In the order of `CHECKS`. A leak arm without a twin is planned and marked as one that could not fail. Empty
        where the study has none of these arms; `make_checks` then says that they were not made. What a leak adds is
        not looked at for a rule on targeted benchmarks.

    Notes
    -----
    Tested in tests/estimate/test_assay.py; how often checks fail falsely is in validation/verdict.
    """
    return [
        _plan(cells, rule, name, arm)
        for name in CHECKS
        for arm in cells.design.of_kind(_KIND[name])
        if str(_KIND[name]) not in cells.design.switched_off and not _is_by_construction(name, rule)
    ]


def _is_by_construction(name: str, rule: FixedRule) -> bool:
    """Tell whether a check would fail of a sound instrument too: leaked items raise the benchmarks that they are of."""
    return name == "leak" and rule.role == Role.TARGETED


def _plan(cells: Cells, rule: FixedRule, name: str, arm: ArmInfo) -> PlannedCheck:
    if name == "memorisation":
        estimand = find_estimand("memorisation")
        case = Case(cells, arm, against_same_without_items(cells.design, arm), cells.average(Role.TARGETED))
        points = plan_one(name, estimand, case)
        return PlannedCheck(name, arm, (points, in_logits(points)))
    control = _control_of(cells.design, rule, arm)
    if name == "leak":
        twin = cells.design.twin_of(arm)
        planned = plan_increment(cells, rule, arm, twin)
        return PlannedCheck(name, arm, (planned,), NO_TWIN if twin is None else None)
    own = plan_increment(cells, rule, arm, control)
    if name == "placebo":
        return PlannedCheck(name, arm, (own, plan_increment(cells, rule, arm, cells.design.first(ArmKind.BASE))))
    return PlannedCheck(name, arm, (own,))


def plan_increment(cells: Cells, rule: FixedRule, arm: ArmInfo, control: str | None) -> Planned:
    """Plan (mu[arm] - mu[control]) on the rule's role, over the denominator of the judged arm's own theta.

    One denominator for all checks: increments are then in the unit of the threshold.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    rule : VerdictRule
        Names the estimand, the role and the judged arm.
    arm : ArmInfo
        The arm whose increment is asked for.
    control : str or None
        The arm that it is taken over: twin, matched control or base.

    Returns
    -------
    Planned
        Undefined with its reason (`ARM_MISSING`) where there is no control; a plain contrast where the rule's estimand
        has no denominator.
    """
    estimand = find_estimand(rule.estimand)
    target = cells.average(rule.role)
    judged_arm = next(candidate for candidate in cells.design.arms if candidate.name == rule.arm)
    own = Case(cells, judged_arm, _control_of(cells.design, rule, judged_arm), target)
    return plan_contrast(rule.estimand, estimand, Case(cells, arm, control, target), own)


def _control_of(design: Design, rule: FixedRule, arm: ArmInfo) -> str | None:
    """Return what the rule's estimand compares an arm with."""
    estimand = find_estimand(rule.estimand)
    return estimand.control(design, arm) if estimand.control else None


def make_checks(
    batch: PlannedBatch, start: int, checks: Sequence[PlannedCheck], design: Design, rule: FixedRule
) -> tuple[AssayCheck, ...]:
    """Make the planned checks, whose entries stand in the batch from `start` on, one after the other.

    Parameters
    ----------
    batch : Batch
        The estimated contrasts.
    start : int
        Position of the first check's first entry in the batch.
    checks : sequence of PlannedCheck
        As planned, in the order in which their entries were put into the batch. Their number n sets the stricter level
        of failing, 1 - (1 - level) / n.
    design : Design
        Says which kinds were switched off, and why.
    rule : VerdictRule
        Its threshold and placebo margin are the bounds; its level is that of passing.

    Returns
    -------
    tuple of AssayCheck
        In the order of `CHECKS`; one that was not made says why. An undefined estimate, or one without a lead to
        measure it by, is *not powered*, never passed.

    Notes
    -----
    Tested in tests/estimate/test_assay.py; false alarms over planted studies are in validation/verdict.
    """
    made: list[AssayCheck] = []
    for check in checks:
        rows = range(start, start + len(check.entries))
        start += len(check.entries)
        made.append(_make(batch, list(rows), check, rule, len(checks)))
    completed = list(made)
    for name in CHECKS:
        if not any(check.name == name for check in made):
            completed.append(_not_made(name, design, rule))
    return tuple(sorted(completed, key=lambda check: CHECKS.index(check.name)))


def _not_made(name: str, design: Design, rule: FixedRule) -> AssayCheck:
    kind = str(_KIND[name])
    if kind in design.switched_off:
        return AssayCheck(name, CheckOutcome.NOT_MADE, f"Switched off: {design.switched_off[kind]}")
    if design.of_kind(_KIND[name]) and _is_by_construction(name, rule):
        return AssayCheck(name, CheckOutcome.NOT_MADE, ON_TARGETED)
    return AssayCheck(name, CheckOutcome.NOT_MADE, f"There is no {kind} arm.")


def _make(batch: PlannedBatch, rows: list[int], check: PlannedCheck, rule: FixedRule, n_checks: int) -> AssayCheck:
    asked = _MARGIN_ALONE if check.name == "leak" and rule.threshold <= 0 else _QUESTION[check.name]
    question = f"{asked} ({check.arm.name})"
    if check.could_not_fail is not None:
        return AssayCheck(
            check.name, CheckOutcome.NOT_POWERED, f"{question}; it could not fail: {check.could_not_fail}."
        )
    bounds = {"placebo": rule.margin, "leak": rule.most_increment, "memorisation": 0.0}
    bound = bounds.get(check.name, rule.threshold)
    if check.name in ("placebo", "leak") and bound <= 0:
        return AssayCheck(check.name, CheckOutcome.NOT_POWERED, f"{question}; {NO_MARGIN}.")
    piece = judged(batch, rows[0])
    if piece is None:
        why = undefined_reason(batch, rows[0])
        return AssayCheck(check.name, CheckOutcome.NOT_POWERED, f"{question}; it could not be made: {why}.")
    if piece.denominator <= 0:
        why = "there is no lead to measure it by"
        return AssayCheck(check.name, CheckOutcome.NOT_POWERED, f"{question}; it could not be made: {why}.")
    strict = 1 - (1 - rule.level) / max(n_checks, 1)
    usual, wide = piece.interval(rule.level), piece.interval(strict)
    detail = f"{question}. {_told(check, piece, usual)}; the bound is {_number(bound, piece)}."
    judge = _below if check.name in ("placebo", "leak") else _above
    outcome = judge(usual, wide, bound)
    if len(rows) > 1 and outcome == CheckOutcome.PASSED:
        doubt = _second_look(batch, rows[1], check, rule)
        if doubt is not None:
            return AssayCheck(check.name, CheckOutcome.NOT_POWERED, f"{detail} {doubt}")
    return AssayCheck(check.name, outcome, detail)


def _below(usual: RatioSet, wide: RatioSet, bound: float) -> CheckOutcome:
    """Judge a number that must lie below its bound."""
    if wide.kind in ("bounded", "unbounded above") and wide.low is not None and wide.low > bound:
        return CheckOutcome.FAILED
    below = usual.kind in ("bounded", "unbounded below") and usual.high is not None and usual.high < bound
    return CheckOutcome.PASSED if below else CheckOutcome.NOT_POWERED


def _above(usual: RatioSet, wide: RatioSet, bound: float) -> CheckOutcome:
    """Judge a number that must lie above its bound."""
    if wide.kind in ("bounded", "unbounded below") and wide.high is not None and wide.high < bound:
        return CheckOutcome.FAILED
    above = usual.kind in ("bounded", "unbounded above") and usual.low is not None and usual.low > bound
    return CheckOutcome.PASSED if above else CheckOutcome.NOT_POWERED


def _second_look(batch: PlannedBatch, row: int, check: PlannedCheck, rule: FixedRule) -> str | None:
    """Say why a check that seems passed says nothing: a placebo far below the base, a leak seen in points alone."""
    piece = judged(batch, row)
    if check.name == "placebo":
        if piece is None or piece.denominator <= 0:
            why = undefined_reason(batch, row) or "there is no lead to measure it by"
            return f"Whether it learned the form cannot be seen ({why}), so it may be that it could not fail."
        if piece.value < -rule.margin:
            return "It lies below the base by more than the margin, so it never learned the form: it could not fail."
        return None
    if piece is None:
        return f"In item logits it could not be made: {undefined_reason(batch, row)}."
    interval = piece.interval(rule.level)
    if interval.low is not None and interval.low > 0:
        return None
    return f"In item logits the interval ({interval.low:.2f} to {interval.high:.2f}) does not lie above 0."


def _told(check: PlannedCheck, piece: JudgedContrast, interval: RatioSet) -> str:
    what = {"leak": "Increment", "memorisation": "Memorisation"}.get(check.name, check.entries[0].estimand.capitalize())
    ends = [_number(end, piece) for end in (interval.low, interval.high) if end is not None]
    range_text = " to ".join(ends) if interval.kind == "bounded" else interval.text
    return f"{what.replace('_', ' ')}: {_number(piece.value, piece)} ({range_text})"


def _number(value: float, piece: JudgedContrast) -> str:
    """Write a share in per cent, a difference of scores in points."""
    return f"{100 * value:.1f} %" if piece.is_ratio else f"{100 * value:+.1f} points"
