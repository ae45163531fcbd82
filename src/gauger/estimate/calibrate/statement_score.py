"""Counts statements over many draws: how often *memorised* and *bound* are said, and what one scale would say.

The naive statement beside each is that of points alone: a harder parallel set makes it where nothing was memorised.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from gauger.estimate.calibrate.estimate_score import DrawTally
from gauger.estimate.calibrate.planted import Planted, intercepts
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.scales import NULLS, RESCALED, in_logits
from gauger.estimate.verdict_inputs import judged
from gauger.estimate.wanted import Planned, plan_estimates
from gauger.stats import t_quantile


@dataclass(frozen=True)
class StatementScore:
    """How often one statement was made about one arm; all are shares of draws."""

    estimand: str
    arm: str
    truth_logits: float | None
    """Planted value in item logits; None where the planted study has none (effects not uniform in logits)."""
    said: float
    """By both scales: what Gauger says."""
    in_points: float
    """By points alone."""
    in_logits: float
    """By item logits alone."""
    coverage_logits: float | None
    """Share of draws whose interval in item logits holds the planted value."""
    draws: int


@dataclass
class StatementTally:
    """Collects the statements of one planted study, on the averages over roles."""

    planted: Planted
    arms: tuple[str, ...]
    entries: list[Planned] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    truths: dict[tuple[str, str], float | None] = field(default_factory=dict)
    draws: int = 0

    def plan(self, cells: Cells) -> list[Planned]:
        """Plan one draw: each estimate in points, then in item logits. The latter's weights differ between draws."""
        points = [
            entry
            for entry in plan_estimates(cells, RESCALED)
            if entry.case.arm.name in self.arms and entry.case.target.benchmark is None
        ]
        points = [entry for entry in points if entry.estimand in NULLS or entry.case.target.over == "near"]
        if not self.truths:
            self.truths = {(entry.estimand, entry.case.arm.name): self._truth(entry) for entry in points}
        self.entries = [both for entry in points for both in (entry, in_logits(entry))]
        return self.entries

    def _truth(self, entry: Planned) -> float | None:
        """Return the planted value in item logits, which are the intercepts of the link that has them."""
        if self.planted.link != "logit":
            return None
        return DrawTally.of(entry, intercepts(self.planted)).truth

    def add(self, batch: PlannedBatch, start: int) -> None:
        """Take in one draw; the plan starts at this entry of the batch."""
        self.draws += 1
        for place in range(0, len(self.entries), 2):
            entry = self.entries[place]
            key = (entry.estimand, entry.case.arm.name)
            above = [_above_null(batch, start + place + k, entry.estimand) for k in (0, 1)]
            self.counts[*key, "points"] += above[0]
            self.counts[*key, "logits"] += above[1]
            self.counts[*key, "both"] += all(above)
            self.counts[*key, "covered"] += _covers(batch, start + place + 1, self.truths[key])

    def score(self) -> tuple[StatementScore, ...]:
        """Sum up over the draws."""
        n = max(self.draws, 1)
        return tuple(
            StatementScore(
                estimand=estimand,
                arm=arm,
                truth_logits=truth,
                said=self.counts[estimand, arm, "both"] / n,
                in_points=self.counts[estimand, arm, "points"] / n,
                in_logits=self.counts[estimand, arm, "logits"] / n,
                coverage_logits=None if truth is None else self.counts[estimand, arm, "covered"] / n,
                draws=self.draws,
            )
            for (estimand, arm), truth in self.truths.items()
        )


def _above_null(batch: PlannedBatch, p: int, estimand: str) -> bool:
    piece = judged(batch, p)
    if piece is None:
        return False
    interval = piece.interval(batch.level)
    bounded = interval.kind in ("bounded", "unbounded above")
    return bounded and interval.low is not None and interval.low > NULLS.get(estimand, 0.0)


def _covers(batch: PlannedBatch, p: int, truth: float | None) -> bool:
    piece = judged(batch, p)
    if piece is None or truth is None:
        return False
    half = float(t_quantile((1 + batch.level) / 2, piece.df)) * piece.se_at(truth)
    return bool(np.abs(piece.numerator - truth * piece.denominator) <= half + 1e-12)
