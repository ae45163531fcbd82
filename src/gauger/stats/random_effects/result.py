"""Reports what a fit says: coefficients with intervals, variance components, heterogeneity, prediction intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.heterogeneity import Heterogeneity, heterogeneity
from gauger.stats.random_effects.maximise import Maximum
from gauger.stats.random_effects.robust import ClusterRobust


@dataclass(frozen=True)
class Coefficient:
    """One pooled effect or slope."""

    name: str
    estimate: float
    se: float
    df: float | None
    """Degrees of freedom of its t distribution; None where the normal was used."""
    low: float
    high: float
    p: float
    """Two-sided, against zero."""
    reason: str | None = None
    """Why there is no standard error (`se`, `low`, `high` and `p` are then NaN); None where there is one."""

    @property
    def statistic(self) -> float:
        """Estimate / standard error."""
        return self.estimate / self.se


@dataclass(frozen=True)
class Prediction:
    """A fitted mean, and where a new true effect would fall."""

    estimate: float
    se: float
    df: float | None
    low: float
    """Confidence interval of the mean."""
    high: float
    prediction_low: float
    """Prediction interval of one new true effect: mean +- quantile * sqrt(se^2 + sum of tau2)."""
    prediction_high: float


@dataclass(frozen=True)
class MetaFit:
    """A converged fit. Numbers derived from it are computed when first asked for."""

    data: MetaData
    method: str
    test: str
    df_rule: str
    level: float
    """Coverage of the intervals."""
    found: Maximum
    """Where the search ended: tau2, likelihood, steps, boundary."""
    robust: ClusterRobust | None = None
    """CR2 covariance, when asked for."""

    @property
    def tau2(self) -> Array:
        """(L,) variance of true effects at each level, from the outside in."""
        return self.found.tau2

    @property
    def log_likelihood(self) -> float:
        """The maximum reached (restricted for REML)."""
        return self.found.at.value

    @property
    def beta(self) -> Array:
        """(p,) coefficients."""
        return self.found.at.beta

    @cached_property
    def vcov(self) -> Array:
        """(p, p) covariance of the coefficients that the tests use: CR2, Knapp-Hartung or the model's."""
        if self.robust is not None:
            return self.robust.vcov
        return self.found.at.vcov * self.dispersion

    @property
    def dispersion(self) -> float:
        """Factor on the model's covariance: r'M^-1 r / (n - p) for Knapp-Hartung, else 1."""
        n, p = self.data.design.shape
        return self.found.at.rss / (n - p) if self.test == "knapp-hartung" else 1.0

    @cached_property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """One per column of X, with the chosen test's interval."""
        return tuple(
            self._coefficient(name, row)
            for name, row in zip(self.data.moderator_names, np.eye(len(self.beta)), strict=True)
        )

    def contrast(self, weights: ArrayLike, name: str = "contrast") -> Coefficient:
        """Estimate a linear combination of the coefficients: weights (p,) . beta, with the fit's test."""
        row = np.asarray(weights, dtype=float)
        if row.shape != self.beta.shape:
            raise UserError(f"{len(self.beta)} weights, one per coefficient", f"shape {row.shape}")
        return self._coefficient(name, row)

    def prediction(self, row: ArrayLike | None = None) -> Prediction:
        """Say where the true effect of a new group would fall, at the moderator values `row` (p,).

        `row` may be left out only in a model of the intercept alone. With t-type tests or robust errors the quantile is
        t with the same degrees of freedom as the mean's interval (metafor's default); the interval is a statement about
        true effects, not about new estimates, and is not to be trusted with fewer than about five outermost groups.
        """
        if row is None and len(self.beta) > 1:
            raise UserError(
                "moderator values to predict at", "none", hint="Pass one value per column of the design matrix."
            )
        mean = self.contrast(np.ones(1) if row is None else row, "mean")
        return prediction_around(mean, float(self.tau2.sum()), self.level)

    @cached_property
    def heterogeneity(self) -> Heterogeneity:
        """Cochran's Q and I2 per level."""
        return heterogeneity(self.data, self.tau2)

    @property
    def i2(self) -> Array:
        """(L,) share (0-1) of the total variance that lies at each level."""
        return self.heterogeneity.i2

    def _coefficient(self, name: str, row: Array) -> Coefficient:
        estimate = float(row @ self.beta)
        reason = None if self.robust is None else self.robust.why_undefined(row)
        if reason is not None:
            return Coefficient(name, estimate, math.nan, None, math.nan, math.nan, math.nan, reason)
        se = float(np.sqrt(row @ self.vcov @ row))
        df = self._df(row)
        return coefficient_of(name, estimate, se, df, self.level)

    def _df(self, row: Array) -> float | None:
        if self.robust is not None:
            return self.robust.df(row)
        if self.test == "z":
            return None
        n, p = self.data.design.shape
        if self.df_rule == "residual":
            return float(n - p)
        return float(max(1, min(self._groups_containing(j) for j in np.flatnonzero(row).tolist()) - p))

    def _groups_containing(self, column: int) -> int:
        """Count the groups of the coarsest level within which a column of X is constant; n when there is none."""
        values = np.unique(self.data.design[:, column], return_inverse=True)[1].ravel()
        for codes in self.data.levels:
            groups = int(codes.max()) + 1
            if len(np.unique(codes * (values.max() + 1) + values)) == groups:
                return groups
        return len(self.data)


def coefficient_of(name: str, estimate: float, se: float, df: float | None, level: float) -> Coefficient:
    """Test an estimate against zero with t (or the normal, df None) and give its interval.

    Parameters
    ----------
    name : str
        Name to report.
    estimate : float
        Effect scale.
    se : float
        Standard error, >= 0. With 0 the p-value is 0, or 1 where the estimate is 0 too.
    df : float or None
        Degrees of freedom of t, > 0; None for the normal.
    level : float
        Coverage, 0-1.

    Returns
    -------
    Coefficient
        Two-sided p-value and the interval estimate +- quantile x se.
    """
    half = _quantile(level, df) * se
    # points that lie on the line exactly leave no residual: no null value but the estimate itself is tenable
    certain = math.copysign(math.inf, estimate) if estimate else 0.0
    statistic = estimate / se if se > 0 else certain
    return Coefficient(name, estimate, se, df, estimate - half, estimate + half, _two_sided_p(statistic, df))


def prediction_around(mean: Coefficient, spread: float, level: float) -> Prediction:
    """Say where a new true effect would fall: mean +- quantile x sqrt(se^2 + spread), on the mean's degrees of freedom.

    Parameters
    ----------
    mean : Coefficient
        The mean there, with its standard error and interval.
    spread : float
        Variance of true effects about it, >= 0.
    level : float
        Coverage, 0-1.
    """
    half = _quantile(level, mean.df) * float(np.sqrt(mean.se**2 + spread))
    return Prediction(mean.estimate, mean.se, mean.df, mean.low, mean.high, mean.estimate - half, mean.estimate + half)


def _quantile(level: float, df: float | None) -> float:
    upper = 0.5 + level / 2.0
    return float(special.ndtri(upper) if df is None else special.stdtrit(df, upper))


def _two_sided_p(statistic: float, df: float | None) -> float:
    tail = -abs(statistic)
    return float(2.0 * (special.ndtr(tail) if df is None else special.stdtr(df, tail)))
