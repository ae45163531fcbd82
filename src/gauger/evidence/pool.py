"""Makes one pooled analysis of evidence rows: effects and covariances in, coefficients with intervals out.

The model is the same everywhere: effects of rows within studies; random effects of studies that differ by role of the
benchmark and correlate within a study, and of rows, with a variance per role; the sampling covariance of `effects.py`;
REML; and CR2 errors clustered by study with Satterthwaite degrees of freedom. What differs between analyses is the rows
and the terms; what a sensitivity run changes is the `PoolingModel`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from gauger.errors import ConvergenceError
from gauger.evidence.columns import ROLES
from gauger.evidence.effects import Array, Codes, add_effects, paired_covariance, shared_controls
from gauger.evidence.pooled import (
    BY_ROLE,
    ENOUGH_FOR_VARIANCE,
    FEW_DF,
    MIN_STUDIES,
    NO_VARIATION,
    NOT_CONVERGED,
    NOT_SEPARABLE,
    PRESPECIFIED,
    SHAKY,
    STRUCTURE,
    TOO_FEW,
    TOO_FEW_ROWS,
    Analysis,
    Pooled,
    PoolingModel,
)
from gauger.stats import CategoryFit, MetaData, MetaFit, fit, fit_categories


def study_codes(rows: pl.DataFrame) -> Codes:
    """Number the studies of the rows."""
    return np.asarray(rows["study_id"].cast(pl.Categorical).to_physical().to_numpy(), dtype=np.intp)


def meta_data(rows: pl.DataFrame, terms: Mapping[str, Array], model: PoolingModel = PRESPECIFIED) -> MetaData:
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


def pool(rows: pl.DataFrame, terms: Mapping[str, Array], model: PoolingModel = PRESPECIFIED) -> Analysis:
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


def pool_effects(rows: pl.DataFrame, terms: Mapping[str, Array], model: PoolingModel = PRESPECIFIED) -> Analysis:
    """Do the same for rows that carry their effects and variances already; see `pool`.

    What cannot be fitted (too few studies or rows, terms that cannot be told apart, no convergence) gives undefined
    numbers with the reason, never an exception: a report of a small table must still be a report.
    """
    n_studies = rows["study_id"].n_unique()
    reason = _obstacle(n_studies, terms)
    if reason is None:
        try:
            fitted = fit_rows(rows, terms, model)
        except ConvergenceError:
            reason = NOT_CONVERGED
    if reason is not None:
        return Analysis(tuple(_counted(rows, name, column, reason) for name, column in terms.items()), 0, 0, {})
    tau = _spreads(fitted)
    pooled = tuple(_read(fitted, rows, row, name) for row, name in zip(np.eye(len(terms)), terms, strict=True))
    return Analysis(pooled, len(rows), n_studies, tau, fitted, rows)


def fit_rows(
    rows: pl.DataFrame, terms: Mapping[str, Array], model: PoolingModel = PRESPECIFIED, robust: bool = True,
    start: Array | None = None,
) -> MetaFit:  # fmt: skip
    """Fit the model to rows that carry effects: random effects by role where `model` and the rows allow it.

    Parameters
    ----------
    robust : bool
        With CR2 errors by study; False saves a third of the time where only the means are wanted.
    start : array, optional
        Free numbers of a fit by role of nearly the same rows (`found.tau2`).
    """
    data = meta_data(rows, terms, model)
    category = variance_category(rows) if model.heterogeneity == BY_ROLE else None
    if category is None or data.covariance or len(data.levels) != 2:
        return fit(data, test="t", robust=study_codes(rows) if robust else None, level=model.level)
    groups, own = STRUCTURE
    return fit_categories(data, category, groups=groups, rows=own, robust=robust, level=model.level, start=start,
                          polish=robust and model == PRESPECIFIED)  # fmt: skip


def variance_category(rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.str_]] | None:
    """Say whose variances each row takes: its role's, or the commonest role's where too few studies have its role.

    None where fewer than two roles have enough studies: there is nothing to tell apart.
    """
    studies = dict(rows.group_by("benchmark_role").agg(pl.col("study_id").n_unique()).iter_rows())
    own = [role for role in ROLES if studies.get(str(role), 0) >= ENOUGH_FOR_VARIANCE]
    if len(own) < 2:
        return None
    commonest = max(own, key=lambda role: studies[str(role)])
    roles = rows["benchmark_role"].replace_strict({str(role): str(role) for role in own}, default=str(commonest))
    return roles.to_numpy().astype(str)


def _spreads(fitted: MetaFit) -> dict[str, float]:
    """Standard deviations of true effects: per level, and by role where they differ."""
    if not isinstance(fitted, CategoryFit):
        return {name: float(np.sqrt(t)) for name, t in zip(fitted.data.level_names, fitted.tau2, strict=True)}
    between, within = np.sqrt(np.diag(np.asarray(fitted.groups))), np.sqrt(np.asarray(fitted.omega))
    spreads = {f"study: {name}": float(tau) for name, tau in zip(fitted.names, between, strict=True)}
    return spreads | {f"row: {name}": float(tau) for name, tau in zip(fitted.names, within, strict=True)}


def _obstacle(n_studies: int, terms: Mapping[str, Array]) -> str | None:
    """Say why these terms cannot be fitted; None where they can."""
    if n_studies < MIN_STUDIES:
        return TOO_FEW
    design = np.column_stack(list(terms.values()))
    if len(design) <= design.shape[1]:
        return TOO_FEW_ROWS
    scaled = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    return None if np.linalg.matrix_rank(scaled) == design.shape[1] else NOT_SEPARABLE


def _counted(rows: pl.DataFrame, name: str, column: Array, reason: str | None = None) -> Pooled:
    """Return an undefined number that knows its rows: those where the column is not zero."""
    members = rows.filter(pl.Series(column != 0))
    return Pooled(name, len(members), members["study_id"].n_unique(), reason=reason)


def _read(fitted: MetaFit, rows: pl.DataFrame, weights: Array, name: str) -> Pooled:
    """Read a linear combination of the coefficients, or say that it has no standard error."""
    empty = _counted(rows, name, np.abs(fitted.data.design) @ np.abs(weights), NO_VARIATION)
    if weights @ fitted.vcov @ weights <= 1e-16 * max(1.0, float(weights @ fitted.beta) ** 2):
        return empty
    mean = fitted.contrast(weights, name)
    if mean.reason is not None:
        return replace(empty, reason=mean.reason)
    return replace(
        empty, reason=None, estimate=mean.estimate, se=mean.se, df=mean.df, low=mean.low, high=mean.high,
        p=mean.p, note=SHAKY if mean.df is not None and mean.df < FEW_DF else None,
    )  # fmt: skip


def pool_roles(
    rows: pl.DataFrame, model: PoolingModel = PRESPECIFIED, roles: Sequence[str] = ROLES, column: str = "benchmark_role"
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
    if not kept:
        difference = (Pooled(DIFFERENCE, 0, 0, reason=TOO_FEW),) if column == "benchmark_role" else ()
        return Analysis((*thin.values(), *difference), 0, 0, {})
    analysis = pool(rows, role_terms(rows, kept, column), model)
    means = {mean.name: mean for mean in predictions(analysis)}
    pooled = [means.get(role, thin[role]) for role in roles]
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
    at = [None if mean.reason else analysis.fitted.prediction(row)
          for mean, row in zip(analysis.pooled, np.eye(len(analysis.pooled)), strict=True)]  # fmt: skip
    return [
        mean if prediction is None
        else replace(mean, prediction_low=prediction.prediction_low, prediction_high=prediction.prediction_high)
        for mean, prediction in zip(analysis.pooled, at, strict=True)
    ]  # fmt: skip


def contrast(analysis: Analysis, weights: Mapping[str, float], name: str) -> Pooled | None:
    """Read a linear combination of a fit's terms; None where one of them is not in the fit."""
    if analysis.fitted is None or analysis.rows is None:
        return None
    terms = analysis.fitted.data.moderator_names
    if not set(weights) <= set(terms):
        return None
    return _read(analysis.fitted, analysis.rows, np.array([weights.get(term, 0.0) for term in terms]), name)


DIFFERENCE = "targeted minus held-out"


def _difference(analysis: Analysis) -> tuple[Pooled, ...]:
    difference = contrast(analysis, {"targeted": 1.0, "held-out": -1.0}, DIFFERENCE)
    return (difference,) if difference else (Pooled(DIFFERENCE, 0, 0, reason=TOO_FEW),)
