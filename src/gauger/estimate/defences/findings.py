"""Estimates a study's defences: a question and scores in, estimates and one outcome per defence out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import PlannedBatch, run_batch
from gauger.estimate.defences.best import BestContrast, ContrastFamily, best_of, maximin, without_luck
from gauger.estimate.defences.outcome import DefenceVerdict, decide_defence
from gauger.estimate.defences.plan import DefenceContrast, plan_defences
from gauger.estimate.defences.question import ANYBODY, OPEN_SURFACE, DefenceQuestion
from gauger.estimate.defences.ratio_set import BestRatio, PairedRatio, rate_of_best, share_of_best
from gauger.estimate.results import collect_estimates, tidy
from gauger.estimate.verdict_inputs import undefined_reason
from gauger.records import Estimate, Reason, SetKind

COLLAPSED = 1e-6
"""Width of a ratio's set below which nothing varied: students on both surfaces answer every item alike."""
BEST_NOTE = (
    "The best attacker, whichever it is: from intervals that hold for all of them together, and without the luck of "
    "the one that came out best."
)


@dataclass(frozen=True)
class DefenceFindings:
    """What a study says of its defences."""

    estimates: tuple[Estimate, ...]
    verdicts: tuple[DefenceVerdict, ...]


NO_DEFENCES = DefenceFindings((), ())


def find_defences(cells: Cells, question: DefenceQuestion) -> DefenceFindings:
    """Estimate uplift, what is removed of it, what honest users lose, and decide about every defence.

    Parameters
    ----------
    cells : Cells
        The study's scores and design; attackers and surfaces are arms of it.
    question : DefenceQuestion
        What was fixed before the run.

    Returns
    -------
    DefenceFindings
        Estimates of single attackers (simultaneous ends: all attackers on all surfaces at once), then those of the best
        attacker, whose `low` and `high` hold over all attackers of one surface or defence, and whose simultaneous ends
        over all defences too.

    Notes
    -----
    Coverage, false and true outcomes are in validation/defences, beside the naive interval of whoever came out best.
    """
    if cells.design.level != question.level:
        cells = Cells(cells.cube, replace(cells.design, level=question.level))
    contrasts = plan_defences(cells, question)
    batch = run_batch(cells, [contrast.planned for contrast in contrasts])
    single = [contrast for contrast in contrasts if contrast.other is None]
    listed = collect_estimates(batch, len(single))
    estimates = [
        replace(estimate, defence=contrast.defence, attacker=contrast.attacker)
        for estimate, contrast in zip(listed, single, strict=True)
    ]
    best = _Best(question, contrasts, batch)
    uplifts = _uplifts(question, estimates)
    verdicts = [
        decide_defence(
            defence,
            threshold,
            uplifts,
            {name: uplifts[OPEN_SURFACE][name] for name in question.before(defence)},
            replicated=best.is_replicated,
        )
        for defence, threshold in question.thresholds.items()
    ]
    return DefenceFindings((*estimates, *best.estimates()), tuple(verdicts))


def _uplifts(question: DefenceQuestion, estimates: Sequence[Estimate]) -> dict[str, dict[str, Estimate]]:
    by_surface: dict[str, dict[str, Estimate]] = {surface: {} for surface in question.attacks}
    for estimate in estimates:
        if estimate.estimand == "uplift" and estimate.defence is not None and estimate.attacker is not None:
            by_surface[estimate.defence][estimate.attacker] = estimate
    return by_surface


@dataclass(frozen=True)
class _Best:
    """What is said of the best attacker, whichever it is."""

    question: DefenceQuestion
    contrasts: Sequence[DefenceContrast]
    batch: PlannedBatch

    @property
    def is_replicated(self) -> bool:
        """Whether the noise of training is known."""
        rows = [int(self.batch.numerator[p]) for p in self._places("uplift")]
        return bool(rows) and not self.batch.contrasts.training_unknown[rows].any()

    def estimates(self) -> Iterator[Estimate]:
        """Yield the estimates of the best attackers, by estimand."""
        yield from (self._uplift(surface) for surface in self.question.attacks)
        removed = {defence: self._removed(defence) for defence in self.question.thresholds}
        yield from removed.values()
        yield from (self._share(defence) for defence in self.question.thresholds)
        for surface in self.question.attacks:
            if self.question.adaptive(surface) and self.question.unreacting(surface):
                yield self._pairs("adaptive_gap", surface)
        yield from (self._exchange(defence, removed[defence]) for defence in self.question.honest)

    # --- families ---------------------------------------------------------------------------------------------------

    def _before(self, defence: str) -> list[int]:
        """Return the places of the uplifts on the open surface that a defence is held against."""
        counted = self.question.before(defence)
        return [p for p in self._places("uplift", OPEN_SURFACE) if self.contrasts[p].attacker in counted]

    def _places(self, estimand: str, surface: str | None = None, *, pairs: bool = False) -> list[int]:
        """Return the places of defined contrasts of an estimand: single attackers, or pairs."""
        return [
            p
            for p, contrast in enumerate(self.contrasts)
            if contrast.planned.estimand == estimand
            and surface in (None, contrast.defence)
            and (contrast.other is not None) is pairs
            and undefined_reason(self.batch, p) is None
        ]

    def _family(self, places: Sequence[int]) -> ContrastFamily:
        rows = self.batch.numerator[list(places)]
        contrasts = self.batch.contrasts
        return ContrastFamily(contrasts.value[rows], contrasts.joint.among(rows), contrasts.df[rows])

    @cached_property
    def _criticals(self) -> dict[tuple[int, ...], NDArray[np.float64]]:
        return {}

    def _critical(self, places: Sequence[int]) -> NDArray[np.float64]:
        """Return how many standard errors the intervals of a family reach, computed once for each family."""
        key = tuple(places)
        if key not in self._criticals:
            self._criticals[key] = self._family(places).critical(self.batch.level)
        return self._criticals[key]

    def _is_whole(self, estimand: str, surface: str) -> bool:
        """Whether every attacker that an estimate of the best one is over has an estimate of his own."""
        whole = len(self._places("uplift", surface)) == len(self.question.attacks[surface])
        if estimand in ("uplift_removed", "residual_share", "exchange_rate"):
            whole &= len(self._before(surface)) == len(self.question.before(surface))
        return whole

    def _why(self, surface: str) -> str:
        """Return why nothing can be said of the best attacker on a surface."""
        arms = self.question.attacks[surface].values()
        return str(Reason.NOTHING_CAME_THROUGH if self.question.starved.issuperset(arms) else Reason.ARM_MISSING)

    # --- estimates --------------------------------------------------------------------------------------------------

    def _uplift(self, surface: str) -> Estimate:
        here, everywhere = self._places("uplift", surface), self._places("uplift")
        if not here:
            return self._named("best_uplift", surface, reason=self._why(surface), kind=str(SetKind.NONE))
        own, together = (
            best_of(self._family(here), self._critical(places)[np.isin(places, here)]) for places in (here, everywhere)
        )
        return self._bounded("best_uplift", surface, own, together)

    def _removed(self, defence: str) -> Estimate:
        removed = self._pairs("uplift_removed", defence)
        if removed.value is None:
            return removed
        # The difference of the two values without luck; the median of all pairs would have no such meaning.
        value = self._value(self._before(defence)) - self._value(self._places("uplift", defence))
        assert removed.low is not None and removed.high is not None  # noqa: S101, PT018 - a defined one has both ends
        return replace(removed, value=tidy(float(np.clip(value, removed.low, removed.high))))

    def _value(self, places: Sequence[int]) -> float:
        return without_luck(self._family(places))

    def _pairs(self, estimand: str, surface: str) -> Estimate:
        """Bound the best of the first attackers less the best of the second ones, from all their differences."""
        here, everywhere = (self._places(estimand, place, pairs=True) for place in (surface, None))
        if not here:
            return self._named(estimand, surface, reason=self._why(surface), kind=str(SetKind.NONE))
        own, together = (
            self._between(here, self._critical(places)[np.isin(places, here)]) for places in (here, everywhere)
        )
        return self._bounded(estimand, surface, own, together)

    def _between(self, places: Sequence[int], critical: NDArray[np.float64]) -> BestContrast:
        family = self._family(places)
        half = critical * family.se
        ends = (family.value, family.value - half, family.value + half)
        value, low, high = (maximin(self._matrix(places, end)) for end in ends)
        return BestContrast(value, low, high)

    def _matrix(self, places: Sequence[int], values: NDArray[Any]) -> NDArray[Any]:
        """Lay out values of pairs as (J, K); pairs are planned row by row."""
        firsts = list(dict.fromkeys(self.contrasts[p].attacker for p in places))
        return np.asarray(values).reshape(len(firsts), -1)

    def _share(self, defence: str) -> Estimate:
        """Estimate max_k uplift[defence, k] / max_j uplift[open, j], with Fieller's set over all pairs."""
        here, before = self._places("uplift", defence), self._before(defence)
        if not here or not before:
            return self._named("residual_share", defence, reason=self._why(defence), kind=str(SetKind.NONE))
        bottom = self._value(before)
        if bottom <= 0:
            return self._named("residual_share", defence, reason=str(Reason.NOTHING_TO_REMOVE), kind=str(SetKind.NONE))
        n, d = np.meshgrid(np.arange(len(here)), len(here) + np.arange(len(before)), indexing="ij")
        value = self._value(here) / bottom
        pairs = PairedRatio(self._family([*here, *before]), n, d)
        return self._ratio("residual_share", defence, value, share_of_best(pairs, value, self.batch.level))

    def _exchange(self, defence: str, removed: Estimate) -> Estimate:
        """Estimate the uplift removed per point that honest users lose."""
        pairs, cost = self._places("uplift_removed", defence, pairs=True), self._places("honest_cost", defence)
        if not pairs or not cost:
            return self._named("exchange_rate", defence, reason=self._why(defence), kind=str(SetKind.NONE))
        family, bottom = self._family([*pairs, *cost]), float(self._family(cost).value[0])
        if bottom <= 0:
            return self._named("exchange_rate", defence, reason=str(Reason.COSTS_NOTHING), kind=str(SetKind.NONE))
        n = self._matrix(pairs, np.arange(len(pairs)))
        value = float(removed.value or 0.0) / bottom
        rate = rate_of_best(PairedRatio(family, n, np.full_like(n, len(pairs))), value, self.batch.level)
        return self._ratio("exchange_rate", defence, value, rate)

    # --- rows -------------------------------------------------------------------------------------------------------

    def _ratio(self, estimand: str, defence: str, value: float, rate: BestRatio) -> Estimate:
        if rate.low is not None and rate.high is not None and abs(rate.high - rate.low) < COLLAPSED:
            # The two differ in no answer of any student: that is no certainty, and what it may hide is not known here
            return self._named(estimand, defence, value=tidy(value), kind=str(SetKind.NONE))
        ends = {"low": tidy(rate.low), "high": tidy(rate.high)}
        return self._named(estimand, defence, value=tidy(value), kind=str(rate.kind), **ends)

    def _bounded(self, estimand: str, surface: str, own: BestContrast, together: BestContrast) -> Estimate:
        ends = {
            "value": tidy(own.value),
            "low": tidy(own.low),
            "high": tidy(own.high),
            "simultaneous_low": tidy(min(own.low, together.low)),
            "simultaneous_high": tidy(max(own.high, together.high)),
        }
        return self._named(estimand, surface, **ends)

    def _named(self, estimand: str, surface: str, **given: Any) -> Estimate:
        control = f"{ANYBODY}@{OPEN_SURFACE}" if estimand in ("uplift_removed", "residual_share") else None
        left_out = "" if self._is_whole(estimand, surface) else " An attacker has no estimate, and is not among them."
        role = self.question.role
        about: dict[str, Any] = {
            "level": self.batch.level,
            "role": role,
            "over": role,
            "defence": surface,
            "note": BEST_NOTE + left_out,
        }
        return Estimate(estimand, f"{ANYBODY}@{surface}", control, **about, **given)
