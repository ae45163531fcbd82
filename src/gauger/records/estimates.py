"""Describes an estimate: one number with its interval, on which scale it stands, or why it is undefined."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why an estimate is undefined."""

    NO_SCORED_ROWS = "no scored rows"
    ARM_MISSING = "arm missing"
    BENCHMARK_MISSING = "no benchmark with this role"
    NO_COMMON_ITEMS = "no common items"
    ONE_ITEM = "fewer than two items"
    DENOMINATOR_ZERO = "denominator is zero"
    NO_LEAD = "the teacher is not above the control"
    NO_UPLIFT = "the arm is not above its control on targeted benchmarks"
    NO_GAIN = "the arm is not above the base"
    NO_LEAK = "the teacher shows no leak"
    NOTHING_TO_REMOVE = "there is no uplift on the open surface"
    NOTHING_CAME_THROUGH = "no answer to train on came through"
    TOO_FEW_PAIRS = "too few different pairs of tokens"
    COSTS_NOTHING = "no loss of honest users is seen"
    DENOMINATOR_UNCERTAIN = "denominator not distinguishable from zero"
    NOT_ESTIMABLE = "not estimable from these data"


class SetKind(StrEnum):
    """Which values `low` and `high` of an estimate leave standing: a confidence set need not be an interval."""

    INTERVAL = "interval"
    """From `low` to `high`."""
    OUTSIDE = "outside"
    """Everything below `low` or above `high`: the denominator of the ratio may have either sign."""
    BELOW = "below"
    """Everything below `high`; there is no `low`."""
    ABOVE = "above"
    """Everything above `low`; there is no `high`."""
    EVERYTHING = "everything"
    """No value is ruled out; there are no ends."""
    NONE = "none"
    """There is no set: undefined, or nothing was seen that could give one."""


class Scale(StrEnum):
    """On which scale an estimate stands."""

    POINTS = "points"
    """The 0-1 scale of scores, their differences and ratios of these."""
    LOGIT = "logit"
    """Logits of items: every item of average difficulty moves by so much."""
    LEAD = "lead"
    """Share of the teacher's lead over the control on the same benchmarks."""


@dataclass(frozen=True)
class Estimate:
    """One number with its interval, as it stands in `estimates.json`."""

    estimand: str
    """Name in the registry of `estimate.estimands`: score, gain, uplift, gap_recovered, carryover, ..."""
    arm: str
    """The arm the estimate is about."""
    control: str | None = None
    """What it is compared with; None for a plain score."""
    benchmark: str | None = None
    """None when the estimate averages over benchmarks."""
    role: str | None = None
    """Role of the benchmark(s)."""
    over: str | None = None
    """The role averaged over, when `benchmark` is None."""
    value: float | None = None
    """0-1 scale; None exactly when `reason` is not."""
    se: float | None = None
    df: float | None = None
    """Satterthwaite degrees of freedom; None where the interval does not rest on a t distribution."""
    low: float | None = None
    """Lower bound of the set that `kind` names; None where it has none."""
    high: float | None = None
    """Upper bound of the set that `kind` names."""
    level: float = 0.95
    simultaneous_low: float | None = None
    """Ends of the interval that holds for the whole family at once."""
    simultaneous_high: float | None = None
    n_items: int | None = None
    n_clusters: int | None = None
    n_replicates: int | None = None
    """Training replicates of the arm that the estimate rests on."""
    reason: str | None = None
    """Why undefined (`Reason`); None when there is a value."""
    note: str | None = None
    """What a reader must know of this interval, in words (unbounded set; covers item sampling alone; ...)."""
    kind: str = SetKind.INTERVAL
    """A `SetKind`: what `low` and `high` bound; `none` where there is no value."""
    scale: str = Scale.POINTS
    """A `Scale`."""
    defence: str | None = None
    """Of an estimate about the study's defences: which; `open` is the teacher's own surface."""
    attacker: str | None = None
    """Of one about a single attacker: which. None where the best of them all is meant, whichever that is."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that stands in `estimates.json`."""
        return asdict(self)
