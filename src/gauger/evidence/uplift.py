"""Answers the first pre-specified question: uplift by role under each kind of control, and gap recovered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import optimize

from gauger.evidence.columns import ROLES, UPLIFT_CONTRASTS, BenchmarkRole
from gauger.evidence.effects import Array, EffectUnit, add_effects, add_gap_recovered, score_variance
from gauger.evidence.pool import pool_effects, pool_roles
from gauger.evidence.pooled import MIN_STUDIES, TOO_FEW, Analysis
from gauger.evidence.restrict import rows_of
from gauger.stats import t_quantile


def by_contrast(frame: pl.DataFrame) -> Mapping[str, Analysis]:
    """Pool the uplift by role, separately for each kind of control.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.

    Returns
    -------
    mapping of contrast -> Analysis
        One fit per contrast with one mean per role; roles with fewer than two studies are undefined with a reason.
    """
    return {str(contrast): pool_roles(rows_of(frame, (contrast,))) for contrast in UPLIFT_CONTRASTS}


@dataclass(frozen=True)
class Share:
    """A pooled share of the teacher's advantage, with the set of shares that the data do not reject."""

    name: str
    n_rows: int
    n_studies: int
    value: float | None = None
    """0 learned nothing, 1 reached the teacher."""
    low: float | None = None
    """Ends of the interval; None where they lie outside -2 to 3, or where there is no value."""
    high: float | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


def gap_recovered(frame: pl.DataFrame) -> tuple[Share, ...]:
    """Pool the share of the teacher's advantage that the student recovered, by role, over the untouched base.

    The share is the R for which the pooled mean of (distilled - control) - R (teacher - control) is zero: a ratio of
    averaged contrasts, not an average of ratios, so a teacher hardly above the control cannot dominate. Its interval
    holds every R whose pooled mean is not distinguishable from zero (Fieller's argument, with the full multilevel fit
    at every R).

    Returns
    -------
    tuple of Share
        One per role. Rows count where the teacher's score is known and above the control.
    """
    rows = add_gap_recovered(rows_of(frame, ("untouched-base",))).filter(pl.col("gap_recovered").is_not_null())
    return tuple(_share(str(role), rows.filter(pl.col("benchmark_role") == role)) for role in ROLES)


LOWEST, HIGHEST = -2.0, 3.0
OUTSIDE = "no share between -2 and 3 fits"


def _share(name: str, rows: pl.DataFrame) -> Share:
    n_studies = rows["study_id"].n_unique()
    if n_studies < MIN_STUDIES or len(rows) < 3:
        return Share(name, len(rows), n_studies, reason=TOO_FEW)

    rows = add_effects(rows)
    teacher = score_variance(
        rows["score_teacher"].to_numpy() / 100, rows["n_items"].cast(pl.Float64).to_numpy(), EffectUnit.POINTS
    )

    def statistic(share: float, quantiles: float) -> float:
        """Pooled mean at this share, plus so many critical values of its standard error."""
        pooled = pool_effects(_shifted(rows, share, teacher), {"mean": np.ones(len(rows))}).pooled[0]
        if pooled.estimate is None or pooled.se is None or pooled.df is None:
            return float("nan")
        return pooled.estimate + quantiles * pooled.se * float(t_quantile(0.975, pooled.df))

    value, low, high = (_root(statistic, quantiles) for quantiles in (0.0, -1.0, 1.0))
    return Share(name, len(rows), n_studies, value, low, high, None if value is not None else OUTSIDE)


def _shifted(rows: pl.DataFrame, share: float, teacher_variance: Array) -> pl.DataFrame:
    """(distilled - control) - R (teacher - control), with variance v_d + (1 - R)^2 v_c + R^2 v_t."""
    student = pl.col("variance") - pl.col("control_variance")
    kept = (1 - share) ** 2 * pl.col("control_variance")
    return rows.with_columns(
        effect=pl.col("effect") - share * pl.col("teacher_gap"),
        variance=student + kept + pl.Series(share**2 * teacher_variance), control_variance=kept,
    )  # fmt: skip


def _root(statistic: Any, quantiles: float) -> float | None:
    ends = statistic(LOWEST, quantiles), statistic(HIGHEST, quantiles)
    if not ends[0] > 0 > ends[1]:
        return None
    root = optimize.brentq(statistic, LOWEST, HIGHEST, args=(quantiles,), xtol=1e-3)
    return float(root)


AIMED = (BenchmarkRole.TARGETED, BenchmarkRole.FRESH)
"""The roles that stay within the skill that was trained."""
