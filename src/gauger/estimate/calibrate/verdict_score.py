"""Counts verdicts over many draws: how often right, how often falsely *major*, and what others would say.

Two naive verdicts stand beside the real one. Both call a study *major* where the lower end of an interval over items
alone lies above the threshold: one for the same estimand (training noise ignored), one for the field's headline, the
share of the teacher's lead over the untouched base that the raw gain on the targeted benchmarks recovers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gauger.estimate.assay import CHECKS
from gauger.estimate.calibrate.estimate_score import DrawTally, naive_half_width
from gauger.estimate.calibrate.planted import Planted, planted_design, true_means
from gauger.estimate.cell_means import Case, Cells
from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.design import Design, FixedRule
from gauger.estimate.estimands import find_estimand
from gauger.estimate.verdict import Judging, decide, judge_study, plan_judging
from gauger.estimate.verdict_inputs import judged
from gauger.estimate.wanted import Planned, plan_one
from gauger.records import ArmKind, CheckOutcome, Role, VerdictOutcome


@dataclass(frozen=True)
class VerdictScore:
    """How the verdict did over the draws of one cell; rates are shares of draws."""

    truth: float | None
    """Planted theta of the rule; None where it does not exist."""
    threshold: float
    major: float
    minor: float
    undetermined: float
    invalid: float
    not_powered: float
    not_replicated: float
    naive_major: float
    """*Major* by the interval over items alone, for the same estimand."""
    headline_major: float
    """*Major* by the field's headline: raw gain on targeted benchmarks, items alone."""
    unchecked_decided: float
    """*Major* or *minor* by the interval, whatever the checks say."""
    decided_replicated: float
    """The same, where anything was replicated at all."""
    naive_decided: float
    """Decided either way by the interval over items alone."""
    placebo_above_zero: float
    """The placebo's interval lies above 0: *invalid* by a rule without a margin."""
    failed: Mapping[str, float]
    """Check -> how often it failed."""
    passed: Mapping[str, float]
    """Check -> how often it passed."""
    draws: int

    @property
    def is_null(self) -> bool:
        """Tell whether *major* would be false: the planted theta does not exceed the threshold."""
        return self.truth is None or self.truth <= self.threshold + 1e-9

    @property
    def false_major(self) -> float | None:
        """Rate of false *major* verdicts; None where *major* is true."""
        return self.major if self.is_null else None

    @property
    def decided(self) -> float:
        """Share of studies that are *major* or *minor*."""
        return self.major + self.minor


@dataclass
class VerdictTally:
    """Collects the verdicts of one planted study."""

    design: Design
    rule: FixedRule
    truth: float | None = None
    judging: Judging | None = None
    counts: Counter[str] = field(default_factory=Counter)
    draws: int = 0

    @classmethod
    def of(cls, planted: Planted) -> VerdictTally:
        """Start a tally for the planted study's own rule."""
        design = planted_design(planted)
        assert design.rule is not None  # noqa: S101 - planted designs have one
        return cls(design, design.rule)

    def plan(self, cells: Cells, planted: Planted) -> list[Planned]:
        """Plan the field's headline, then the judged estimate and what the checks look at, for one draw."""
        self.judging = plan_judging(cells, self.rule)
        own = self.judging.estimate
        if self.draws == 0:
            self.truth = DrawTally.of(own, true_means(planted)).truth
        headline = Case(cells, own.case.arm, self.design.first(ArmKind.BASE), cells.average(Role.TARGETED))
        return [plan_one("gap_recovered", find_estimand("gap_recovered"), headline), *self.judging.entries]

    def add(self, batch: PlannedBatch, start: int) -> None:
        """Take in one draw; the tally's plan starts at this entry of the batch."""
        self.counts["headline"] += self._naive_major(batch, start)
        self.add_judged(batch, start + 1)

    def add_judged(self, batch: PlannedBatch, start: int) -> None:
        """Take in one draw without the headline; the judging's entries start at this entry of the batch."""
        assert self.judging is not None  # noqa: S101 - planned before
        verdict, checks = judge_study(batch, start, self.judging, self.design)
        piece = judged(batch, start)
        self.draws += 1
        self.counts[verdict.outcome] += 1
        self.counts["naive"] += self._naive_major(batch, start)
        if piece is not None:
            unchecked = decide(piece, self.rule.threshold, self.rule.level) != "undetermined"
            self.counts["unchecked"] += unchecked
            self.counts["unchecked replicated"] += unchecked and verdict.outcome != VerdictOutcome.NOT_REPLICATED
            distance = abs(piece.value - self.rule.threshold)
            self.counts["naive decided"] += distance > naive_half_width(batch, start)
        self.counts.update(f"{check.name} {check.outcome}" for check in checks)
        for place, check in enumerate(self.judging.checks):
            if check.name == "placebo":
                self.counts["placebo above zero"] += self._above_zero(batch, start, place)

    def _above_zero(self, batch: PlannedBatch, start: int, place: int) -> bool:
        """Tell whether a check's interval lies above 0: the placebo's bound without a margin."""
        assert self.judging is not None  # noqa: S101 - planned before
        before = sum(len(check.entries) for check in self.judging.checks[:place])
        piece = judged(batch, start + 1 + before)
        low = None if piece is None else piece.interval(self.rule.level).low
        return low is not None and low > 0

    def _naive_major(self, batch: PlannedBatch, p: int) -> bool:
        """Call it major by an interval over items alone."""
        piece = judged(batch, p)
        return piece is not None and piece.value - naive_half_width(batch, p) > self.rule.threshold

    def score(self) -> VerdictScore:
        """Sum up over the draws."""
        share = {key: count / max(self.draws, 1) for key, count in self.counts.items()}
        outcomes = {str(outcome): share.get(str(outcome), 0.0) for outcome in VerdictOutcome}
        failed, passed = (
            {name: share.get(f"{name} {outcome}", 0.0) for name in CHECKS}
            for outcome in (CheckOutcome.FAILED, CheckOutcome.PASSED)
        )
        return VerdictScore(
            truth=self.truth,
            threshold=self.rule.threshold,
            naive_major=share.get("naive", 0.0),
            headline_major=share.get("headline", 0.0),
            unchecked_decided=share.get("unchecked", 0.0),
            decided_replicated=share.get("unchecked replicated", 0.0),
            naive_decided=share.get("naive decided", 0.0),
            placebo_above_zero=share.get("placebo above zero", 0.0),
            failed=failed,
            passed=passed,
            draws=self.draws,
            **outcomes,
        )
