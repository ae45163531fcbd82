"""Scores one estimate over many draws: how far off, how often covered, how wide, how often significant."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.contrasts import PlannedBatch
from gauger.estimate.verdict_inputs import judged
from gauger.estimate.wanted import Planned
from gauger.stats import RatioSet, t_quantile

FloatArray = NDArray[np.float64]
QUARTILES = 1.349
"""Distance of a normal distribution's quartiles in standard deviations."""
ROUNDING = 1e-12
"""What rounding may add to a distance that is exactly covered (an interval of width 0 on its truth)."""


@dataclass(frozen=True)
class Score:
    """How one estimate did over the draws of one cell."""

    estimand: str
    arm: str
    over: str
    truth: float | None
    """Planted value; None where the planted ratio does not exist (its denominator is 0)."""
    bias: float | None
    """Mean of estimate - truth; for a ratio the median, as its mean need not exist."""
    bias_error: float | None
    """Monte Carlo standard error of the bias: what so many draws leave uncertain; None for fewer than two draws."""
    coverage: float | None
    """Share of draws whose interval contains the truth."""
    naive_coverage: float | None
    """The same for the interval over items alone."""
    width: float | None
    """Median width of the bounded intervals."""
    naive_width: float | None
    bounded: float
    """Share of draws with a bounded interval (1 for a contrast)."""
    power: float
    """Share of draws whose interval excludes 0 (where the truth is 0: the rate of false alarms)."""
    naive_power: float
    draws: int
    """Draws in which the estimate was defined."""


@dataclass(frozen=True)
class _Draw:
    """What one draw said."""

    value: float
    width: float
    """NaN where unbounded."""
    naive_width: float
    covered: bool
    naive_covered: bool
    excludes_zero: bool
    naive_excludes_zero: bool


@dataclass
class DrawTally:
    """Collects one planned estimate over the draws."""

    planned: Planned
    numerator: float
    """Planted value of the contrast, or of the ratio's numerator."""
    denominator: float
    """Planted value of the ratio's denominator; 1 for a contrast, 0 where the ratio does not exist."""
    seen: list[_Draw] = field(default_factory=list)

    @classmethod
    def of(cls, planned: Planned, means: FloatArray) -> DrawTally:
        """Start a tally; `means` (A, B) are the planted cell means."""
        assert planned.numerator is not None  # noqa: S101 - planted studies are complete
        numerator = float((planned.numerator * means).sum())
        denominator = 1.0 if planned.denominator is None else float((planned.denominator * means).sum())
        if planned.complement:
            numerator = denominator - numerator
        return cls(planned, numerator, denominator if abs(denominator) > ROUNDING else 0.0)

    @property
    def truth(self) -> float | None:
        """Return the planted value of the estimand."""
        return self.numerator / self.denominator if self.denominator != 0 else None

    def add(self, batch: PlannedBatch, p: int) -> None:
        """Take in one draw, in which the estimate is entry p of the batch."""
        piece = judged(batch, p)
        if piece is None:
            return
        critical = float(t_quantile((1 + batch.level) / 2, piece.df))
        naive = naive_half_width(batch, p)
        truth = np.nan if self.truth is None else self.truth
        self.seen.append(
            _Draw(
                value=piece.value,
                width=_width(piece.interval(batch.level)),
                naive_width=2 * naive,
                covered=_within(piece.numerator - truth * piece.denominator, critical * piece.se_at(truth)),
                naive_covered=_within(piece.value - truth, naive),
                excludes_zero=not _within(piece.numerator, critical * piece.se_at(0.0)),
                naive_excludes_zero=not _within(piece.value, naive),
            )
        )

    def score(self) -> Score:
        """Sum up over the draws."""
        entry, n = self.planned, len(self.seen)
        values = np.array([draw.value for draw in self.seen])
        widths = np.array([draw.width for draw in self.seen])
        truth, known = self.truth, self.truth is not None and n > 0
        centre = float(np.median(values) if entry.is_ratio else np.mean(values)) if n else 0.0
        return Score(
            estimand=entry.estimand,
            arm=entry.case.arm.name,
            over=str(entry.case.target.over),
            truth=truth,
            bias=centre - truth if known and truth is not None else None,
            bias_error=_centre_error(values, entry.is_ratio) if known else None,
            coverage=_share([draw.covered for draw in self.seen]) if known else None,
            naive_coverage=_share([draw.naive_covered for draw in self.seen]) if known else None,
            width=_median(widths),
            naive_width=_median(np.array([draw.naive_width for draw in self.seen])),
            bounded=_share(np.isfinite(widths).tolist()),
            power=_share([draw.excludes_zero for draw in self.seen]),
            naive_power=_share([draw.naive_excludes_zero for draw in self.seen]),
            draws=n,
        )


def naive_half_width(batch: PlannedBatch, p: int) -> float:
    """Return the half width of the field's interval: items alone, normal; first order for a ratio.

    ``z sqrt(item variance)``, over the denominator for a ratio. Shown beside our own because it must fail: replicates
    are taken as exact.

    Parameters
    ----------
    batch : Batch
        The estimated contrasts.
    p : int
        Position of a defined estimate in points; on other scales the denominator's weights are derivatives.

    Returns
    -------
    float
        On the estimate's own scale, at the batch's level.
    """
    z = float(t_quantile((1 + batch.level) / 2, np.inf))
    half = z * float(np.sqrt(batch.contrasts.item_variance[batch.judged_row(p)]))
    return half / abs(float(batch.contrasts.value[batch.denominator[p]])) if batch.planned[p].is_ratio else half


def _width(interval: RatioSet) -> float:
    """Width of a bounded set; NaN for any other."""
    if interval.kind != "bounded" or interval.low is None or interval.high is None:
        return float("nan")
    return interval.high - interval.low


def _within(distance: float, half: float) -> bool:
    """Tell whether a distance lies within a half width; never where the truth does not exist."""
    return bool(abs(distance) <= half + ROUNDING)


def _centre_error(values: FloatArray, is_median: bool) -> float | None:
    """Standard error of a mean: s / sqrt(n); of a median: the normal sqrt(pi / 2) s / sqrt(n), s from the quartiles."""
    n = len(values)
    if n < 2:
        return None
    if not is_median:
        return float(values.std(ddof=1) / np.sqrt(n))
    low, high = np.quantile(values, (0.25, 0.75))
    return float(np.sqrt(np.pi / 2 / n) * (high - low) / QUARTILES)


def _share(events: list[bool]) -> float:
    """Share of draws in which something happened; 0 without draws."""
    return float(np.mean(events)) if events else 0.0


def _median(values: FloatArray) -> float | None:
    """Median of the known values; None where there is none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
