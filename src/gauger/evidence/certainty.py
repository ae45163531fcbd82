"""Grades the certainty of a claim by stated rules: GRADE's five domains, adapted to published model evaluations.

A claim starts at *high*, because the rows are measurements, and loses one or two steps per domain. The rules are
thresholds on numbers that are computed from the table, so that anyone can check a grade and nobody can argue one.

| domain | one step | two steps |
|---|---|---|
| risk of bias | fewer than half of the studies at low risk | at least half at high or unclear risk |
| inconsistency | the prediction interval includes zero | more than a third of new results expected beyond zero |
| indirectness | the rows answer a neighbouring question (said per claim) | they do so in two respects |
| imprecision | the interval includes zero or is over 10 points wide | under 5 studies or 4 df, or -5 and +5 in it |
| selection | gain grows as benchmarks shrink (p < 0.05), or correcting moves the mean by half and 2 points | both |

Source: Guyatt et al. (2011), J. Clin. Epidemiol. 64:383 (the series); narrative wording after Santesso et al. (2020),
J. Clin. Epidemiol. 119:126.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from scipy import special


class Certainty(StrEnum):
    """How sure one may be that the true mean lies near the estimate."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"
    VERY_LOW = "very low"


GRADES = (Certainty.VERY_LOW, Certainty.LOW, Certainty.MODERATE, Certainty.HIGH)
DOMAINS = ("risk of bias", "inconsistency", "indirectness", "imprecision", "selection")
IMPORTANT = 5.0
"""Points that matter to a reader."""
WIDE = 10.0
"""Points: an interval wider than this says little."""
SHIFT = 2.0
"""Points by which a correction must move a mean to count, however small the mean is."""
FEW_STUDIES = 5
FEW_DF = 4.0


@dataclass(frozen=True)
class Facts:
    """The numbers that a grade rests on."""

    estimate: float
    low: float
    high: float
    df: float
    n_studies: int
    low_risk_share: float
    """Share (0-1) of studies at low risk of bias."""
    bad_risk_share: float
    """Share at high or unclear risk."""
    prediction_low: float | None = None
    prediction_high: float | None = None
    indirect: tuple[str, ...] = ()
    """In which respects the rows answer a neighbouring question."""
    small_slope_p: float | None = None
    """Two-sided p of the slope on 1 / sqrt(n items); None where undefined."""
    small_slope: float | None = None
    corrected: float | None = None
    """Mean averaged over accounts of selection; None where undefined."""
    uncorrected: float | None = None
    """The same results' mean without any account of selection."""


@dataclass(frozen=True)
class CertaintyDomain:
    """One domain's judgement."""

    name: str
    steps: int
    """0, 1 or 2 steps down."""
    why: str


def grade(facts: Facts) -> tuple[Certainty, tuple[CertaintyDomain, ...]]:
    """Return the certainty and the five judgements behind it; never below very low."""
    domains = (_bias(facts), _inconsistency(facts), _indirectness(facts), _imprecision(facts), _selection(facts))
    place = max(0, len(GRADES) - 1 - sum(domain.steps for domain in domains))
    return GRADES[place], domains


def _bias(facts: Facts) -> CertaintyDomain:
    steps = 2 if facts.bad_risk_share >= 0.5 else 1 if facts.low_risk_share < 0.5 else 0
    why = (
        f"{facts.low_risk_share:.0%} of the studies are at low risk of bias, {facts.bad_risk_share:.0%} at high or "
        "unclear risk"
    )
    return CertaintyDomain(DOMAINS[0], steps, why)


def beyond_zero(estimate: float, low: float, high: float) -> float:
    """Share (0-1) of new results expected on the other side of zero, from a symmetric 95 % prediction interval."""
    sd = (high - low) / (2 * float(special.ndtri(0.975)))
    return float(special.ndtr(-abs(estimate) / sd)) if sd > 0 else 0.0


def _inconsistency(facts: Facts) -> CertaintyDomain:
    if facts.prediction_low is None or facts.prediction_high is None:
        return CertaintyDomain(DOMAINS[1], 1, "no prediction interval can be given")
    includes = facts.prediction_low <= 0 <= facts.prediction_high
    share = beyond_zero(facts.estimate, facts.prediction_low, facts.prediction_high)
    steps = 2 if share > 1 / 3 else 1 if includes else 0
    why = (
        f"a new result would fall between {facts.prediction_low:.0f} and {facts.prediction_high:.0f} points, "
        f"{share:.0%} of them beyond zero"
    )
    return CertaintyDomain(DOMAINS[1], steps, why)


def _indirectness(facts: Facts) -> CertaintyDomain:
    why = "; ".join(facts.indirect) if facts.indirect else "the rows answer the question itself"
    return CertaintyDomain(DOMAINS[2], min(2, len(facts.indirect)), why)


def _imprecision(facts: Facts) -> CertaintyDomain:
    few = facts.n_studies < FEW_STUDIES or facts.df < FEW_DF
    both = facts.low < -IMPORTANT and facts.high > IMPORTANT
    includes, wide = facts.low <= 0 <= facts.high, facts.high - facts.low > WIDE
    steps = 2 if few or both else 1 if includes or wide else 0
    zero = "includes zero" if includes else "does not include zero"
    width = facts.high - facts.low
    why = f"{facts.n_studies} studies ({facts.df:.1f} df); the interval is {width:.1f} points wide and {zero}"
    return CertaintyDomain(DOMAINS[3], steps, why)


def _selection(facts: Facts) -> CertaintyDomain:
    p, slope = facts.small_slope_p, facts.small_slope
    small = p is not None and slope is not None and p < 0.05 and slope > 0
    shifted, reasons = False, []
    if small:
        reasons.append("smaller benchmarks gain more")
    if facts.corrected is not None and facts.uncorrected is not None:
        shift = abs(facts.corrected - facts.uncorrected)
        shifted = shift > max(0.5 * abs(facts.uncorrected), SHIFT)
        ends = f"from {facts.uncorrected:+.1f} to {facts.corrected:+.1f}"
        reasons.append(f"correcting for selection moves the mean of the studies {ends}")
    else:
        reasons.append("too few studies for a selection model")
    return CertaintyDomain(DOMAINS[4], int(small) + int(shifted), "; ".join(reasons))


WOULD_CHANGE: Mapping[str, str] = {
    "risk of bias": "studies with seeds apart from the benchmark, no other training data and a matched control",
    "inconsistency": "knowing what makes results differ: the same recipe on several students and benchmarks",
    "indirectness": "rows that answer the question itself",
    "imprecision": "more studies",
    "selection": "registered studies, and large benchmarks whatever their outcome",
}
"""Domain -> what would raise the certainty."""


def would_change(domains: tuple[CertaintyDomain, ...]) -> tuple[str, ...]:
    """Name what would raise the certainty, heaviest domain first."""
    lowering = sorted((domain for domain in domains if domain.steps), key=lambda domain: -domain.steps)
    return tuple(WOULD_CHANGE[domain.name] for domain in lowering)
