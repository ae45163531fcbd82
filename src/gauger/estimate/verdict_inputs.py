"""Collects what a decision needs of one estimate: numerator, denominator, their covariance, degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.estimate.contrasts import PlannedBatch, values_of
from gauger.estimate.wanted import CellSampling
from gauger.records import Reason
from gauger.stats import RatioSet, fieller, probability_above, t_quantile

CONSTANT = 1e-8
"""Standard error of a contrast of scores, over its largest weight, below which nothing varied: what is left of it is
rounding. Over the weight, because a unit (points per teraflop) may make every number as small."""


@dataclass(frozen=True)
class JudgedContrast:
    """A contrast n (d = 1, without error) or a ratio n / d, with what its interval rests on."""

    numerator: float
    denominator: float
    var_numerator: float
    var_denominator: float
    covariance: float
    df: float
    """Satterthwaite degrees of freedom of n - theta d at the estimate."""
    is_ratio: bool
    is_constant: bool = False
    """Whether nothing varies in n - theta d at the estimate: there is no t interval to be had."""
    unit: float = 1.0
    """The largest weight of a cell mean in n - theta d at the estimate."""

    @property
    def value(self) -> float:
        """Return theta = n / d."""
        return self.numerator / self.denominator

    def se_at(self, theta: float) -> float:
        """Return the standard error of the contrast n - theta d."""
        variance = self.var_numerator - 2 * theta * self.covariance + theta**2 * self.var_denominator
        return float(np.sqrt(max(variance, 0.0)))

    def varies_at(self, theta: float) -> bool:
        """Tell whether anything was seen to vary, here and at the estimate: without that no test means anything."""
        return not self.is_constant and self.se_at(theta) > CONSTANT * self.unit

    @property
    def se(self) -> float:
        """Return the standard error of theta (first order for a ratio)."""
        return self.se_at(self.value) / abs(self.denominator)

    def interval(self, level: float) -> RatioSet:
        """Return every theta not rejected at a level: t interval of a contrast, Fieller set of a ratio."""
        if self.is_ratio:
            parts = (self.var_numerator, self.var_denominator, self.covariance)
            return fieller(self.numerator, self.denominator, *parts, self.df, level)
        half = float(t_quantile((1 + level) / 2, self.df)) * self.se if self.se > 0 else 0.0
        return RatioSet(self.value, self.value - half, self.value + half, "bounded", "")

    def complement(self) -> JudgedContrast:
        """Return 1 - n / d as the ratio (d - n) / d: its set is the mirror of this one's, end by end."""
        covariance = self.var_denominator - self.covariance
        variance = self.var_numerator + self.var_denominator - 2 * self.covariance
        return JudgedContrast(
            self.denominator - self.numerator,
            self.denominator,
            variance,
            self.var_denominator,
            covariance,
            self.df,
            is_ratio=True,
            is_constant=self.is_constant,
            unit=self.unit,
        )

    def probability_above(self, threshold: float) -> float:
        """Return P(theta > threshold): that of n - threshold d > 0, Fieller's own test (takes d > 0 as given)."""
        return float(probability_above(self.numerator - threshold * self.denominator, self.se_at(threshold), self.df))


def undefined_reason(batch: PlannedBatch, p: int) -> str | None:
    """Return why a planned estimate has no value.

    Parameters
    ----------
    batch : Batch
        The estimated contrasts.
    p : int
        Position of the estimate in the plan.

    Returns
    -------
    str or None
        None where it has a value. Else the first that applies: the plan's reason, the engine's reason, a denominator of
        0, a denominator that is not above 0 where the estimand needs that, a number that is not finite
        (`NOT_ESTIMABLE`).
    """
    planned, contrasts = batch.planned[p], batch.contrasts
    if planned.reason is not None:
        return str(planned.reason)
    rows = [int(row) for row in (batch.numerator[p], batch.denominator[p]) if row >= 0]
    reasons = [contrasts.undefined[row] for row in rows if contrasts.undefined[row] is not None]
    if reasons:
        return str(reasons[0])
    floor = planned.least_denominator
    if batch.judged_row(p) < 0:
        return str(floor or Reason.DENOMINATOR_ZERO)
    rows.append(batch.judged_row(p))
    if floor is not None and contrasts.value[batch.denominator[p]] <= 0:
        return str(floor)
    known = np.isfinite([contrasts.value[rows], contrasts.se[rows]]).all() and not np.isnan(contrasts.df[rows]).any()
    return None if known else str(Reason.NOT_ESTIMABLE)


def judged(batch: PlannedBatch, p: int) -> JudgedContrast | None:
    """Collect the pieces of a planned estimate.

    Parameters
    ----------
    batch : Batch
        The estimated contrasts.
    p : int
        Position of the estimate in the plan.

    Returns
    -------
    Judged or None
        Value, variances and degrees of freedom; of a share that is reported as 1 - ratio, those of the mirror. What a
        sample of cells or an estimated scale leaves uncertain is in the numerator's variance. None where it is
        undefined.

    Notes
    -----
    Coverage of the intervals that rest on it is in validation/estimands.
    """
    if undefined_reason(batch, p) is not None:
        return None
    n, d, row = int(batch.numerator[p]), int(batch.denominator[p]), batch.judged_row(p)
    planned = batch.planned[p]
    df = float(batch.contrasts.df[row])
    extra = planned.sampling
    top, bottom = values_of(planned, batch.means)
    unit = float(batch.units[row])
    if d < 0:
        variance, df = with_sampling(float(batch.contrasts.se[n]) ** 2, df, extra)
        constant = variance <= (CONSTANT * unit) ** 2
        return JudgedContrast(top, 1.0, variance, 0.0, 0.0, df, is_ratio=False, is_constant=constant, unit=unit)
    parts = np.array([batch.contrasts.se[n] ** 2, batch.contrasts.se[d] ** 2, batch.of_ratio[p]])
    parts = _matched(top / bottom, parts, float(batch.contrasts.se[row]) ** 2)
    var_n, var_d, cov = map(float, parts)
    if extra is not None:
        df = with_sampling(float(batch.contrasts.se[row]) ** 2, df, extra)[1]
        var_n += extra.variance
    constant = float(batch.contrasts.se[row]) <= CONSTANT * unit and (extra is None or extra.variance == 0)
    contrast = JudgedContrast(top, bottom, var_n, var_d, cov, df, is_ratio=True, is_constant=constant, unit=unit)
    return contrast.complement() if planned.complement else contrast


def with_sampling(variance: float, df: float, extra: CellSampling | None) -> tuple[float, float]:
    """Add an independent variance, with Satterthwaite's degrees of freedom of the sum.

    ``df = (v + e)^2 / (v^2 / df_v + e^2 / df_e)``, v of the contrast and e of the extra (Satterthwaite 1946).

    Parameters
    ----------
    variance : float
        Of the contrast, scale squared.
    df : float
        Degrees of freedom that it is known from.
    extra : CellSampling or None
        What having run a sample of cells, or having estimated a scale, adds.

    Returns
    -------
    tuple of float
        Variance and degrees of freedom of the sum; unchanged where nothing is added.
    """
    if extra is None or extra.variance == 0:
        return variance, df
    total = variance + extra.variance
    return total, total**2 / (variance**2 / df + extra.variance**2 / extra.df)


def _matched(theta: float, parts: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    """Make the variance of n - theta d the engine's own for that contrast.

    The engine floors the variance of every contrast by itself (a negative component is never subtracted, and what is
    not known of an arm's training is taken from others), so that of a combination is not exactly the combination of
    the covariances. All three by one factor: the shape of Fieller's set stays. Where the covariances leave nothing of
    the combination, as of a student whose every answer is its teacher's, the engine's variance is added to that of n.
    """
    combined = parts[0] - 2 * theta * parts[2] + theta**2 * parts[1]
    is_left = variance > 0 and combined > 1e-12 * (parts[0] + theta**2 * parts[1])
    matched: NDArray[np.float64] = parts * (variance / combined) if is_left else parts + np.array([variance, 0.0, 0.0])
    return matched
