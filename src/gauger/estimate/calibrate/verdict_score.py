"""Verdicts over many draws of a planted study: how often right, how often falsely *major*, and what others would say.

Two naive verdicts stand beside the real one. Both call a study *major* where the lower end of an interval over items
alone lies above the threshold: one for the same estimand (training noise ignored), one for the field's headline, the
share of the teacher's lead over the untouched base that the raw gain on the targeted benchmarks recovers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gauger.estimate.assay import assay_checks
from gauger.estimate.calibrate.estimate_score import Tally, naive_half_width
from gauger.estimate.calibrate.planted import Planted, planted_design, true_means
from gauger.estimate.cell_means import Case, Cells
from gauger.estimate.contrasts import Batch
from gauger.estimate.design import Design, VerdictRule
from gauger.estimate.estimands import find_estimand
from gauger.estimate.results import collect_one
from gauger.estimate.verdict import judge_study, plan_verdict
from gauger.estimate.verdict_inputs import judged
from gauger.estimate.wanted import Planned, plan_estimates, plan_one
from gauger.records import ArmKind, AssayCheck, Role

ASSAY_ESTIMANDS = {"uplift": ArmKind.PLACEBO, "memorisation": ArmKind.LEAK, "gain": ArmKind.REFERENCE}


@dataclass(frozen=True)
class VerdictScore:
    """How the verdict did over the draws of one cell; all but the first two are shares of draws."""

    truth: float | None
    """Planted theta of the rule; None where it does not exist."""
    threshold: float
    major: float
    minor: float
    undetermined: float
    invalid: float
    naive_major: float
    """*Major* by the interval over items alone, for the same estimand."""
    headline_major: float
    """*Major* by the field's headline: raw gain on targeted benchmarks, items alone."""
    placebo_failed: float
    leak_failed: float
    reference_failed: float
    draws: int

    @property
    def is_null(self) -> bool:
        """Tell whether *major* would be false: the planted theta does not exceed the threshold."""
        return self.truth is None or self.truth <= self.threshold + 1e-9

    @property
    def false_major(self) -> float | None:
        """Rate of false *major* verdicts; None where *major* is true."""
        return self.major if self.is_null else None


@dataclass
class VerdictTally:
    """Collects the verdicts of one planted study."""

    design: Design
    rule: VerdictRule
    truth: float | None = None
    counts: Counter[str] = field(default_factory=Counter)
    draws: int = 0
    n_planned: int = 0

    @classmethod
    def of(cls, planted: Planted) -> VerdictTally:
        """Start a tally for the planted study's own rule."""
        design = planted_design(planted)
        assert design.rule is not None  # noqa: S101 - planted designs have one
        return cls(design, design.rule)

    def plan(self, cells: Cells, planted: Planted) -> list[Planned]:
        """Plan the judged estimate, the field's headline, and what the assay checks look at, in this order."""
        assay = [
            entry
            for entry in plan_estimates(cells, ASSAY_ESTIMANDS)
            if entry.case.arm.kind == ASSAY_ESTIMANDS[entry.estimand] and entry.case.target.benchmark is None
        ]
        own = plan_verdict(cells, self.rule)
        self.truth = Tally.of(own, true_means(planted)).truth
        headline = Case(cells, own.case.arm, self.design.first(ArmKind.BASE), cells.average(Role.TARGETED))
        planned = [own, plan_one("gap_recovered", find_estimand("gap_recovered"), headline), *assay]
        self.n_planned = len(planned)
        return planned

    def add(self, batch: Batch, start: int) -> None:
        """Take in one draw; the tally's plan starts at this entry of the batch."""
        estimates = [collect_one(batch, p) for p in range(start, start + self.n_planned)]
        assay = assay_checks(estimates[2:], self.design)
        verdict = judge_study(batch, start, estimates[0], self.design, assay)
        assert verdict is not None  # noqa: S101 - planted designs have a rule
        self.draws += 1
        self.counts[verdict.outcome] += 1
        self.counts["naive"] += self._naive_major(batch, start)
        self.counts["headline"] += self._naive_major(batch, start + 1)
        self.counts.update(_failed(assay))

    def _naive_major(self, batch: Batch, p: int) -> bool:
        """Call it major by an interval over items alone."""
        piece = judged(batch, p)
        return piece is not None and piece.value - naive_half_width(batch, p) > self.rule.threshold

    def score(self) -> VerdictScore:
        """Sum up over the draws."""
        share = {key: count / max(self.draws, 1) for key, count in self.counts.items()}
        return VerdictScore(
            truth=self.truth,
            threshold=self.rule.threshold,
            major=share.get("major", 0.0),
            minor=share.get("minor", 0.0),
            undetermined=share.get("undetermined", 0.0),
            invalid=share.get("invalid", 0.0),
            naive_major=share.get("naive", 0.0),
            headline_major=share.get("headline", 0.0),
            placebo_failed=share.get("placebo failed", 0.0),
            leak_failed=share.get("leak failed", 0.0),
            reference_failed=share.get("reference failed", 0.0),
            draws=self.draws,
        )


def _failed(assay: tuple[AssayCheck, ...]) -> list[str]:
    """Name the checks that failed."""
    return [f"{check.name} failed" for check in assay if check.passed is False]
