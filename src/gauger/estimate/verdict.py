"""Decides the verdict on a study, against a threshold that was fixed before the run.

In this order (docs/methods.md): *invalid* if a check of the instrument failed; *not replicated* if no arm was trained
more than once; *not powered* if a check straddles its bound or could not have failed (for *minor* also: if the
reference is not *major* by the same rule); then *major*, *minor* or *undetermined*, and never more than *undetermined*
where replicates were added with results in sight and undeclared (optional stopping), or a limit ended the run before
the plan was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt

from gauger.estimate.assay import PlannedCheck, make_checks, plan_checks
from gauger.estimate.cell_means import Case, Cells
from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.estimands import find_estimand
from gauger.estimate.results import collect_one, tidy
from gauger.estimate.settle import settling_addition
from gauger.estimate.verdict_inputs import JudgedContrast, judged
from gauger.estimate.wanted import Planned, plan_one
from gauger.records import AssayCheck, CheckOutcome, Estimate, Verdict, VerdictOutcome
from gauger.stats import ONCE_VARIANCE, t_quantile

NOT_REPLICATED = (
    "No arm was trained more than once, so the noise of training is unknown: train the judged arm and its control "
    "again with other seeds. The interval covers item sampling alone."
)
_OPEN_TO_MORE = (VerdictOutcome.MAJOR, VerdictOutcome.MINOR, VerdictOutcome.UNDETERMINED)
NO_VARIATION = "No answer differed from its arm's mean, so nothing is known of how the numbers vary: ask more items."


@dataclass(frozen=True)
class Judging:
    """What a verdict rests on, planned: the estimate that the rule judges, and the checks of the instrument."""

    estimate: Planned
    checks: tuple[PlannedCheck, ...]

    @property
    def entries(self) -> list[Planned]:
        """Return everything that must be estimated, the judged estimate first."""
        return [self.estimate, *(entry for check in self.checks for entry in check.entries)]


def plan_judging(cells: Cells, rule: FixedRule) -> Judging:
    """Plan the judged estimate and every check that the study's arms allow.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    rule : VerdictRule
        Fixed before the run.

    Returns
    -------
    Judging
        Its `entries` go into one batch, the judged estimate first; `judge_study` reads them in that order.
    """
    return Judging(plan_verdict(cells, rule), tuple(plan_checks(cells, rule)))


def plan_verdict(cells: Cells, rule: FixedRule) -> Planned:
    """Plan the one estimate that the rule judges: the average over the benchmarks of its role.

    Parameters
    ----------
    cells : Cells
        The study's scores and design.
    rule : VerdictRule
        Names the arm, the estimand and the role.

    Returns
    -------
    Planned
        Undefined with its reason where the arm, its control or a benchmark of the role has no scores.

    Raises
    ------
    UserError
        An estimand that is not known.
    """
    estimand = find_estimand(rule.estimand)
    arm = next(arm for arm in cells.design.arms if arm.name == rule.arm)
    control = estimand.control(cells.design, arm) if estimand.control else None
    return plan_one(rule.estimand, estimand, Case(cells, arm, control, cells.average(rule.role)))


def judge_study(
    batch: PlannedBatch, start: int, judging: Judging, design: Design
) -> tuple[Verdict, tuple[AssayCheck, ...]]:
    """Judge by the design's rule; the judging's entries stand in the batch from `start` on.

    Major if the lower end of the interval lies above the threshold tau, minor if the upper end lies below, else
    undetermined. For a ratio n / d the interval is Fieller's, which is the test of the linear contrast n - tau d, and
    `probability_major` is P(n - tau d > 0) under the estimator's t distribution: above (1 + level) / 2 exactly where
    `decide` says major.

    Parameters
    ----------
    batch : Batch
        Holds the judged estimate at `start`, and the checks' entries behind it.
    start : int
        Position of the judged estimate.
    judging : Judging
        As planned by `plan_judging`.
    design : Design
        Must have a rule.

    Returns
    -------
    verdict : Verdict
        The first outcome in the order at the head of this file that applies. `probability_major` is None where it means
        nothing: undefined, no lead, no variation, nothing replicated.
    checks : tuple of AssayCheck
        All checks, those that were not made included.

    Notes
    -----
    Tested in tests/estimate/test_validity_cases.py; false verdicts over planted studies are in validation/verdict and
    validation/calibrate.
    """
    rule = design.rule
    assert rule is not None  # noqa: S101 - a judging is planned for a rule
    checks = make_checks(batch, start + 1, judging.checks, design, rule)
    piece = judged(batch, start)
    estimate = collect_one(batch, start, rule.level)
    outcome, why = _outcome(batch, start, piece, estimate, checks, rule)
    if design.unfinished and not rule.stopping and piece is not None and outcome in _OPEN_TO_MORE:
        outcome, why = VerdictOutcome.UNDETERMINED, design.unfinished
    ratio = (
        _turning_noise(batch, start, piece, rule) if outcome in (VerdictOutcome.MAJOR, VerdictOutcome.MINOR) else None
    )
    if ratio is not None:
        note = (
            f"The outcome would turn undetermined if that training were about {ratio:.1f} times as noisy as the "
            f"replicated arms'; it is taken for {ONCE_VARIANCE**0.5:.0f} times."
        )
        estimate = replace(estimate, note=" ".join(filter(None, [estimate.note, note])))
    verdict = Verdict(
        rule={**asdict(rule), "placebo_margin": rule.margin, "control": estimate.control},
        outcome=str(outcome),
        probability_major=_probability(batch, start, piece, rule.threshold),
        settled_by=why,
        estimate=estimate,
        checks=[_listed(check) for check in checks if check.outcome != CheckOutcome.NOT_MADE],
        noise_ratio=tidy(ratio),
    )
    return verdict, checks


def _listed(check: AssayCheck) -> dict[str, str]:
    return {"name": check.name, "outcome": str(check.outcome), "detail": check.detail}


def _outcome(
    batch: PlannedBatch,
    p: int,
    piece: JudgedContrast | None,
    estimate: Estimate,
    checks: Sequence[AssayCheck],
    rule: FixedRule,
) -> tuple[VerdictOutcome, str | None]:
    """Return the first outcome in order that applies, and why, or what would settle it."""
    failed = [check for check in checks if check.outcome == CheckOutcome.FAILED]
    if failed:
        reasons = " ".join(f"The {check.name} check failed. {check.detail}" for check in failed)
        return VerdictOutcome.INVALID, reasons
    if piece is None:
        return VerdictOutcome.UNDETERMINED, f"The estimate is undefined: {estimate.reason}."
    if batch.contrasts.training_unknown[batch.judged_row(p)]:
        return VerdictOutcome.NOT_REPLICATED, NOT_REPLICATED
    doubtful = [check for check in checks if check.outcome == CheckOutcome.NOT_POWERED and check.name != "reference"]
    if doubtful:
        return VerdictOutcome.NOT_POWERED, _doubts(doubtful)
    if piece.denominator <= 0:
        return VerdictOutcome.UNDETERMINED, "There is no lead to recover: it is not above zero."
    if not piece.varies_at(rule.threshold):
        return VerdictOutcome.UNDETERMINED, NO_VARIATION
    outcome = VerdictOutcome(decide(piece, rule.threshold, rule.level))
    references = [check for check in checks if check.name == "reference"]
    if outcome == VerdictOutcome.MINOR and any(reference.outcome != CheckOutcome.PASSED for reference in references):
        return (
            VerdictOutcome.NOT_POWERED,
            f"The arm is below the threshold, but minor cannot be said. {_doubts(references)}",
        )
    if rule.stopping:
        return VerdictOutcome.UNDETERMINED, rule.stopping
    if outcome == VerdictOutcome.UNDETERMINED:
        return outcome, settling_addition(batch, p, piece, rule.threshold, rule.level)
    return outcome, None


def _doubts(checks: Sequence[AssayCheck]) -> str:
    """Say which checks decide nothing, and what makes them decide."""
    reasons = " ".join(f"The {check.name} check decides nothing. {check.detail}" for check in checks)
    return f"{reasons} More replicates and items narrow a check that straddles; one that could not fail needs its arm."


def decide(piece: JudgedContrast, threshold: float, level: float) -> str:
    """Return major, minor or undetermined by the interval at a level.

    Parameters
    ----------
    piece : Judged
        The estimate's parts.
    threshold : float
        On the estimand's own scale: a ratio, or a difference of scores between -1 and 1.
    level : float
        Two-sided, between 0.5 and 1.

    Returns
    -------
    str
        Undetermined where the interval holds the threshold, where a ratio's set is not bounded or its denominator is
        not above 0, and where nothing varied. Checks of the instrument are not looked at: `judge_study` does that.

    Notes
    -----
    Tested in tests/estimate/test_verdict.py.
    """
    interval = piece.interval(level)
    if interval.kind != "bounded" or piece.denominator <= 0 or not piece.varies_at(threshold):
        return "undetermined"
    assert interval.low is not None  # noqa: S101 - a bounded set has both ends
    assert interval.high is not None  # noqa: S101
    if interval.low > threshold:
        return "major"
    return "minor" if interval.high < threshold else "undetermined"


def _probability(batch: PlannedBatch, p: int, piece: JudgedContrast | None, threshold: float) -> float | None:
    """Return P(theta > threshold), to ten digits; None where it means nothing."""
    if piece is None or piece.denominator <= 0 or not piece.varies_at(threshold):
        return None
    if batch.contrasts.training_unknown[batch.judged_row(p)]:
        return None
    return tidy(piece.probability_above(threshold))


def _turning_noise(batch: PlannedBatch, p: int, piece: JudgedContrast | None, rule: FixedRule) -> float | None:
    """Return how many times noisier than the replicated arms those trained once must be to undo the outcome.

    The interval of n - tau d reaches ``t sqrt(V)`` with ``V = V0 + (k^2 - 1) B``, B the borrowed part; solved for the
    k at which it reaches 0, times what the borrowed noise is taken to be. None where nothing is borrowed.
    """
    borrowed = float(batch.contrasts.borrowed_variance[batch.judged_row(p)])
    if piece is None or borrowed <= 0:
        return None
    distance = abs(piece.numerator - rule.threshold * piece.denominator)
    reach = distance / float(t_quantile((1 + rule.level) / 2, piece.df))
    more = max(1 + (reach**2 - piece.se_at(rule.threshold) ** 2) / borrowed, 1.0)
    return sqrt(more * ONCE_VARIANCE)
