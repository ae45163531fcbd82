"""One pooled analysis of evidence rows: effects and covariances in, coefficients with intervals out.

The model is the same everywhere: effects of rows within studies, a random intercept for each, the sampling covariance
of `effects.py`, REML, and CR2 errors clustered by study with Satterthwaite degrees of freedom. What differs between
analyses is the rows and the terms; what a sensitivity run changes is the `Model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.columns import ROLES
from gauger.evidence.effects import Array, Codes, Scale, add_effects, paired_covariance, shared_controls
from gauger.stats.random_effects import MetaData, MetaFit, fit

MIN_STUDIES = 2
FEW_DF = 4.0
TOO_FEW = "fewer than two studies"
SHAKY = "fewer than 4 degrees of freedom: too few studies carry this estimate for its interval to be trusted"


@dataclass(frozen=True)
class Model:
    """What a sensitivity run may change about the model; the defaults are the pre-specified analysis."""

    scale: Scale = Scale.POINTS
    shared: str = "control"
    """Sampling covariance: `control` (rows with one control score covary), `none`, or `cells` (every shared score, the
    student's too, and answers of all models to the same items correlated by `correlation`)."""
    correlation: float = 0.0
    """Correlation of two models' sampling errors on the same items; only with `cells`."""
    arm_level: bool = False
    """A third random intercept, between study and row: the distilled model."""
    level: float = 0.95


PRESPECIFIED = Model()


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
        return next(one for one in self.pooled if one.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {
            "estimates": [one.to_dict() for one in self.pooled],
            "n_rows": self.n_rows, "n_studies": self.n_studies, "tau": dict(self.tau),
        }  # fmt: skip


def study_codes(rows: pl.DataFrame) -> Codes:
    """Number the studies of the rows."""
    return np.asarray(rows["study_id"].cast(pl.Categorical).to_physical().to_numpy(), dtype=np.intp)


def meta_data(rows: pl.DataFrame, terms: Mapping[str, Array], model: Model = PRESPECIFIED) -> MetaData:
    """Build the engine's input from rows that carry effects.

    Parameters
    ----------
    rows : DataFrame
        n rows with the columns of `add_effects` and `add_identity`.
    terms : mapping of name -> array (n,)
        Columns of the design; no intercept is added.
    """
    study = study_codes(rows)
    levels = {"study": study}
    if model.arm_level:
        levels["arm"] = np.asarray(rows["model"].cast(pl.Categorical).to_physical().to_numpy(), dtype=np.intp)
    levels["row"] = np.arange(len(rows), dtype=np.intp)
    kept = _splitting(levels)
    shared: dict[str, Any] = {}
    if model.shared == "control":
        shared = {"shared_group": shared_controls(rows), "shared_variance": rows["control_variance"].to_numpy()}
    elif model.shared == "cells":
        shared = {"covariance": tuple(paired_covariance(rows, model.correlation))}
    return MetaData(
        effect=rows["effect"].to_numpy(), variance=rows["variance"].to_numpy(),
        levels=tuple(levels[name] for name in kept), level_names=tuple(kept),
        moderators=np.column_stack(list(terms.values())), moderator_names=tuple(terms), **shared,
    )  # fmt: skip


def _splitting(levels: Mapping[str, Codes]) -> list[str]:
    """Keep the levels that split the one outside them (where every study has one row, the study level says nothing)."""
    kept, groups = [], 0
    outer: Codes = np.zeros(len(next(iter(levels.values()))), dtype=np.intp)
    for name, codes in levels.items():
        outer = np.unique(outer * (codes.max() + 1) + codes, return_inverse=True)[1].ravel()
        size = int(outer.max()) + 1
        if size > groups:
            kept.append(name)
        groups = size
    return kept


def pool(rows: pl.DataFrame, terms: Mapping[str, Array], model: Model = PRESPECIFIED) -> Analysis:
    """Fit one meta-regression and read its coefficients.

    Parameters
    ----------
    rows : DataFrame
        Rows with both scores and `n_items`; effects are added here.
    terms : mapping of name -> array (n,)
        Design columns. A column that is not zero in fewer than two studies must have been taken out (see `pool_roles`).

    Returns
    -------
    Analysis
        With one `Pooled` per term; prediction intervals are left to the caller, who knows which terms are means.
    """
    return pool_effects(add_effects(rows, model.scale), terms, model)


def pool_effects(rows: pl.DataFrame, terms: Mapping[str, Array], model: Model = PRESPECIFIED) -> Analysis:
    """Do the same for rows that carry their effects and variances already; see `pool`."""
    fitted = fit(meta_data(rows, terms, model), test="t", robust=study_codes(rows), level=model.level)
    pooled = []
    for coefficient, column in zip(fitted.coefficients, terms.values(), strict=True):
        members = rows.filter(pl.Series(column != 0))
        pooled.append(
            Pooled(
                coefficient.name, len(members), members["study_id"].n_unique(), coefficient.estimate, coefficient.se,
                coefficient.df, coefficient.low, coefficient.high, coefficient.p,
                note=_note(coefficient.df),
            )
        )  # fmt: skip
    tau = {name: float(np.sqrt(t)) for name, t in zip(fitted.data.level_names, fitted.tau2, strict=True)}
    return Analysis(tuple(pooled), len(rows), rows["study_id"].n_unique(), tau, fitted, rows)


def _note(df: float | None) -> str | None:
    return SHAKY if df is not None and df < FEW_DF else None


def pool_roles(
    rows: pl.DataFrame, model: Model = PRESPECIFIED, roles: Sequence[str] = ROLES, column: str = "benchmark_role"
) -> Analysis:
    """Pool the effect by role of the benchmark: one mean per role, all in one fit, and targeted minus held-out.

    Roles with fewer than two studies are taken out of the fit and returned as undefined, with the reason.

    Parameters
    ----------
    rows : DataFrame
        Rows with both scores and `n_items`.
    roles : sequence of str
        The values of `column` to report, in order.
    column : str
        What to pool by; any text column.
    """
    parts = {role: rows.filter(pl.col(column) == role) for role in roles}
    studies = {role: part["study_id"].n_unique() for role, part in parts.items()}
    thin = {role: Pooled(role, len(parts[role]), studies[role], reason=TOO_FEW) for role in roles}
    kept = [role for role in roles if studies[role] >= MIN_STUDIES]
    rows = rows.filter(pl.col(column).is_in([str(role) for role in kept]))
    if len(rows) <= len(kept) or rows["study_id"].n_unique() < MIN_STUDIES:
        difference = (Pooled(DIFFERENCE, 0, 0, reason=TOO_FEW),) if column == "benchmark_role" else ()
        return Analysis((*thin.values(), *difference), 0, 0, {})
    analysis = pool(rows, role_terms(rows, kept, column), model)
    found = {one.name: one for one in predictions(analysis)}
    pooled = [found.get(role, thin[role]) for role in roles]
    return replace(analysis, pooled=(*pooled, *(_difference(analysis) if column == "benchmark_role" else ())))


def role_terms(
    rows: pl.DataFrame, roles: Sequence[str] | None = None, column: str = "benchmark_role"
) -> dict[str, Array]:
    """Design columns, one indicator per role; None takes every role that stands in the rows."""
    present = roles if roles is not None else [role for role in ROLES if (rows[column] == role).any()]
    return {str(role): (rows[column] == role).cast(pl.Float64).to_numpy() for role in present}


def predictions(analysis: Analysis) -> list[Pooled]:
    """Give the means of a fit (one column per mean) their prediction intervals."""
    if analysis.fitted is None:
        return list(analysis.pooled)
    at = [analysis.fitted.prediction(row) for row in np.eye(len(analysis.pooled))]
    return [
        replace(one, prediction_low=there.prediction_low, prediction_high=there.prediction_high)
        for one, there in zip(analysis.pooled, at, strict=True)
    ]


def contrast(analysis: Analysis, weights: Mapping[str, float], name: str) -> Pooled | None:
    """Read a linear combination of a fit's terms; None where one of them is not in the fit."""
    names = [one.name for one in analysis.pooled if one.reason is None]
    if analysis.fitted is None or analysis.rows is None or not set(weights) <= set(names):
        return None
    found = analysis.fitted.contrast([weights.get(one, 0.0) for one in analysis.fitted.data.moderator_names], name)
    design = analysis.fitted.data.design[:, [names.index(one) for one in weights]]
    rows = analysis.rows.filter(pl.Series((design != 0).any(axis=1)))
    return Pooled(
        name, len(rows), rows["study_id"].n_unique(), found.estimate, found.se, found.df, found.low, found.high,
        found.p, note=_note(found.df),
    )  # fmt: skip


DIFFERENCE = "targeted minus held-out"


def _difference(analysis: Analysis) -> tuple[Pooled, ...]:
    found = contrast(analysis, {"targeted": 1.0, "held-out": -1.0}, DIFFERENCE)
    return (found,) if found else (Pooled(DIFFERENCE, 0, 0, reason=TOO_FEW),)
