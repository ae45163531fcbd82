"""Computes what a reader's restrictions show: means for every combination of them, and the rows behind the forest.

The page needs no network and no statistics library: the pooled means of all combinations are fitted here and looked up
there (162 fits, errors by study in score form as in the multiverse); each study's own line is computed in the page from
its rows, by the same generalised least squares as `forest.py`. tests/report/test_explorer.py holds both against the
Python engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from gauger.errors import ConvergenceError
from gauger.evidence.columns import ROLES, UPLIFT_CONTRASTS, Contrast
from gauger.evidence.effects import NO_GROUP, add_effects, shared_controls
from gauger.evidence.forest import row_variance
from gauger.evidence.pool import fit_rows, role_terms
from gauger.evidence.pooled import FEW_DF, MIN_STUDIES
from gauger.evidence.restrict import rows_of
from gauger.stats import CategoryFit, CategoryLikelihood, MetaFit, score_robust, t_quantile

OPTIONS: Mapping[str, Mapping[str, pl.Expr]] = {
    "control": {
        "the untouched base": pl.col("contrast") == str(Contrast.UNTOUCHED),
        "every control that is not distilled": pl.col("contrast").is_in([str(c) for c in UPLIFT_CONTRASTS]),
        "training without a teacher": pl.col("contrast") == str(Contrast.NO_TEACHER),
    },
    "student": {
        "any size": pl.lit(True),
        "below 30 billion": pl.col("student_params_b") < 30,
        "30 billion or more": pl.col("student_params_b") >= 30,
    },
    "year": {"any year": pl.lit(True), "2025 and later": pl.col("year") >= 2025},
    "teacher": {
        "any teacher": pl.lit(True),
        "behind an API": pl.col("teacher_access") == "api",
        "open weights": pl.col("teacher_access") == "weights",
    },
    "risk": {
        "any risk of bias": pl.lit(True),
        "no high risk": pl.col("risk") != "high",
        "low risk": pl.col("risk") == "low",
    },
}
"""Restriction -> its options; the first is the pre-specified analysis. All roles are in one fit."""


@dataclass(frozen=True)
class Mean:
    """One role's pooled mean under one combination (points)."""

    rows: int
    studies: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    few: bool = False
    """Fewer than four degrees of freedom."""
    row_variance: float = 0.0
    """Between the rows of a study, for the study lines."""


@dataclass(frozen=True)
class Explorer:
    """All combinations, and the rows."""

    frame: pl.DataFrame
    """Rows with `effect`, `variance`, `control_variance`, `shared` (control group or -1), and a column per option."""
    means: Mapping[tuple[int, ...], Mapping[str, Mean]]
    """Positions of the options, in the order of `OPTIONS` -> role -> mean."""


def explore(frame: pl.DataFrame) -> Explorer:
    """Fit every combination of the options, from all rows of `clean.prepare`."""
    rows = add_effects(rows_of(frame))
    rows = rows.with_columns(shared=pl.Series(shared_controls(rows)))
    flags = {
        f"{name}:{place}": condition.fill_null(False)
        for name, options in OPTIONS.items()
        for place, condition in enumerate(options.values())
    }
    rows = rows.with_columns(**flags)
    means = {}
    for chosen in product(*(range(len(options)) for options in OPTIONS.values())):
        keep = pl.all_horizontal([pl.col(f"{name}:{place}") for name, place in zip(OPTIONS, chosen, strict=True)])
        means[chosen] = _means(rows.filter(keep))
    return Explorer(rows, means)


def _means(rows: pl.DataFrame) -> dict[str, Mean]:
    counts = {str(role): rows.filter(pl.col("benchmark_role") == role) for role in ROLES}
    sizes = {role: (len(part), part["study_id"].n_unique()) for role, part in counts.items()}
    means = {role: Mean(*size) for role, size in sizes.items()}
    present = [role for role, (_, studies) in sizes.items() if studies >= MIN_STUDIES]
    rows = rows.filter(pl.col("benchmark_role").is_in(present))
    if not present or len(rows) <= len(present):
        return means
    try:
        fitted = fit_rows(rows, role_terms(rows, present), robust=False)
        errors, df = _errors(fitted, rows)
    except ConvergenceError:
        return means
    own = row_variance(fitted)
    for k, role in enumerate(present):
        here = np.flatnonzero((rows["benchmark_role"] == role).to_numpy())
        if df[k] < 1.0 or not np.isfinite(errors[k]):
            continue
        t = float(t_quantile(0.975, df[k]))
        mean = float(fitted.beta[k])
        spread = t * float(np.sqrt(errors[k] ** 2 + _spread(fitted, k)))
        half = t * float(errors[k])
        means[role] = Mean(
            *sizes[role], mean, mean - half, mean + half, mean - spread, mean + spread, bool(df[k] < FEW_DF),
            float(own[here[0]]),
        )  # fmt: skip
    return means


def _spread(fitted: MetaFit, k: int) -> float:
    if isinstance(fitted, CategoryFit):
        return fitted.spread_at(np.eye(len(fitted.beta))[k])
    return float(fitted.tau2.sum())


def _errors(fitted: MetaFit, rows: pl.DataFrame) -> tuple[Any, Any]:
    """Errors by study in score form where roles have their own variances, else CR2."""
    if isinstance(fitted, CategoryFit) and fitted.structure is not None:
        likelihood = CategoryLikelihood(fitted.data, np.asarray(fitted.category), fitted.method)
        information, score = likelihood.scores(*fitted.structure.unpack(fitted.found.tau2))
        r = fitted.data.basis.r
        robust = score_robust(r.T @ information @ r, score @ r)
        return np.sqrt(np.diag(robust.vcov)), robust.df
    refitted = fit_rows(rows, dict(zip(fitted.data.moderator_names, fitted.data.design.T, strict=True)))
    read = refitted.coefficients
    errors = np.array([np.nan if coefficient.reason else coefficient.se for coefficient in read])
    return errors, np.array([coefficient.df or 0.0 for coefficient in read])


__all__ = ["NO_GROUP", "OPTIONS", "Explorer", "Mean", "explore"]
