"""Holds what an analysis of the evidence says: one pooled number, one fit, and what a sensitivity run may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from gauger.evidence.effects import EffectUnit
from gauger.stats import MetaFit

MIN_STUDIES = 2
BY_ROLE = "by role"
STRUCTURE = ("hcs", "diag")
"""Structure of the random effects: what the rule `category_fit.choose` gives on the rows over the untouched base of
this release (tests/evidence/test_structure.py fails when it would give another)."""
ENOUGH_FOR_VARIANCE = 5
"""Studies from which a role gets variances of its own; a rarer role takes those of the commonest."""
FEW_DF = 4.0
TOO_FEW = "fewer than two studies"
TOO_FEW_ROWS = "no more rows than coefficients"
NO_VARIATION = "the studies do not differ, so there is no standard error"
NOT_SEPARABLE = "it cannot be told apart from the other terms of the fit"
NOT_CONVERGED = "the fit did not converge"
SHAKY = "fewer than 4 degrees of freedom: too few studies carry this estimate for its interval to be trusted"


@dataclass(frozen=True)
class PoolingModel:
    """What a sensitivity run may change about the model; the defaults are the pre-specified analysis."""

    scale: EffectUnit = EffectUnit.POINTS
    shared: str = "control"
    """Sampling covariance: `control` (rows with one control score covary), `none`, or `cells` (every shared score, the
    student's too, and answers of all models to the same items correlated by `correlation`)."""
    correlation: float = 0.0
    """Correlation of two models' sampling errors on the same items; only with `cells`."""
    arm_level: bool = False
    """A third random intercept, between study and row: the distilled model."""
    level: float = 0.95
    heterogeneity: str = BY_ROLE
    """`by role` (true effects scatter differently by role and correlate within studies: `STRUCTURE`) or `one` (one
    variance between studies and one between rows for all roles)."""


PRESPECIFIED = PoolingModel()


@dataclass(frozen=True)
class Pooled:
    """One pooled number, in the unit of its model (points unless said otherwise)."""

    name: str
    n_rows: int
    n_studies: int
    estimate: float | None = None
    se: float | None = None
    """CR2, clustered by study."""
    df: float | None = None
    """Satterthwaite."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    """Two-sided, against zero."""
    prediction_low: float | None = None
    """Where the true effect of a new row of a new study would fall; None for differences and slopes."""
    prediction_high: float | None = None
    reason: str | None = None
    """Why there is no estimate; None where there is one."""
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


@dataclass(frozen=True)
class Analysis:
    """A fit and what it says."""

    pooled: tuple[Pooled, ...]
    n_rows: int
    n_studies: int
    tau: Mapping[str, float]
    """Standard deviation of true effects per level."""
    fitted: MetaFit | None = None
    """None where nothing could be fitted."""
    rows: pl.DataFrame | None = None
    """The rows of the fit, with their effects."""

    def __getitem__(self, name: str) -> Pooled:
        return next(mean for mean in self.pooled if mean.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {
            "estimates": [mean.to_dict() for mean in self.pooled],
            "n_rows": self.n_rows, "n_studies": self.n_studies, "tau": dict(self.tau),
        }  # fmt: skip
