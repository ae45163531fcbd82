"""Measures what one study does to the result: leave-one-out and influence, by row or by any grouping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array, Codes, MetaData
from gauger.stats.random_effects.engine import engine_for
from gauger.stats.random_effects.fitting import search
from gauger.stats.random_effects.maximise import Maximum
from gauger.stats.random_effects.result import Coefficient, MetaFit
from gauger.stats.random_effects.robust import cluster_robust
from gauger.stats.random_effects.threads import one_thread


@dataclass(frozen=True)
class LeftOut:
    """The fit without one group."""

    label: str
    rows: int
    """Rows left out."""
    fitted: MetaFit

    @property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """Coefficients without the group."""
        return self.fitted.coefficients


@dataclass(frozen=True)
class Influence:
    """How far the result moves when a group is left out. One entry per group, in the order of `labels`."""

    labels: tuple[str, ...]
    tau2: Array
    """(J, L) components without the group."""
    beta: Array
    """(J, p) coefficients without the group."""
    dfbetas: Array
    """(J, p) (beta - beta without) / their standard error at the components without the group, all rows kept."""
    cooks_distance: Array
    """(J,) (beta - beta without)' V^-1 (beta - beta without), V the full fit's covariance."""
    covariance_ratio: Array
    """(J,) det V without / det V: above 1 where the group makes the result more precise."""
    weight: Array
    """(J,) share of the group in the first coefficient: sum of its rows' weights; sums to 1 for an intercept alone."""


def leave_one_out(
    fitted: MetaFit, labels: ArrayLike | None = None, *, robust: ArrayLike | None = None
) -> tuple[LeftOut, ...]:
    """Refit without each group in turn (default: each outermost group), starting from the full fit.

    Groups whose removal leaves the model not estimable (a moderator without variation) raise `UserError`, as such a
    fit would. `robust` holds the cluster labels (n,) when the refits are to have CR2 errors.

    Parameters
    ----------
    fitted : MetaFit
        From `fit`; n rows, p coefficients, L levels.
    labels : (n,) labels, optional
        Which rows are left out together.
    robust : (n,) labels, optional
        Clusters for CR2 errors of the refits.

    Returns
    -------
    tuple of LeftOut
        One per group, in sorted order of the labels.

    Raises
    ------
    UserError
        Labels of the wrong length, or a refit that cannot be estimated.
    ConvergenceError
        A refit did not converge.

    Tested in tests/stats/test_random_effects_inference.py.
    """
    codes, names = _groups(fitted, labels)
    clusters = None if robust is None else np.asarray(robust)
    # A start at exactly 0 has no scale to leave it by: begin a little above.
    start = np.maximum(fitted.tau2, 1e-3 * fitted.data.typical_variance)
    with one_thread():
        return tuple(_without(fitted, codes != code, name, start, clusters) for code, name in enumerate(names))


def _without(fitted: MetaFit, kept: NDArray[np.bool_], name: str, start: Array, clusters: Any) -> LeftOut:
    data = fitted.data.take(kept)
    maximum = search(data, fitted.method, start=start)
    errors = None if clusters is None else cluster_robust(data, maximum, clusters[kept])
    without = MetaFit(data, fitted.method, fitted.test, fitted.df_rule, fitted.level, maximum, errors)
    return LeftOut(name, int((~kept).sum()), without)


def influence(fitted: MetaFit, labels: ArrayLike | None = None) -> Influence:
    """Measure each group's influence with the variance components re-estimated without it.

    Uses the model's covariance (Knapp-Hartung's where that was the test), never the robust one.

    Parameters
    ----------
    fitted : MetaFit
        From `fit`; n rows, p coefficients, L levels.
    labels : (n,) labels, optional
        Which rows are left out together; default: the outermost groups.

    Returns
    -------
    Influence
        J groups, in sorted order of the labels.

    Raises
    ------
    UserError
        As `leave_one_out`.

    Source: Viechtbauer & Cheung (2010), Res. Synth. Methods 1:112; equality with metafor's `influence`,
    `cooks.distance` and `dfbetas`: tests/stats/test_random_effects_golden.py.
    """
    codes, _ = _groups(fitted, labels)
    left = leave_one_out(fitted, labels)
    full = _model_covariance(fitted)
    moved = np.array([fitted.beta - left_out.fitted.beta for left_out in left])
    inverse = np.linalg.inv(full)
    return Influence(
        tuple(left_out.label for left_out in left),
        np.array([left_out.fitted.tau2 for left_out in left]),
        np.array([left_out.fitted.beta for left_out in left]),
        np.array([shift / _se_at(fitted, left_out.fitted) for shift, left_out in zip(moved, left, strict=True)]),
        np.einsum("ji,ik,jk->j", moved, inverse, moved),
        np.array([np.linalg.det(_model_covariance(left_out.fitted)) for left_out in left]) / np.linalg.det(full),
        np.bincount(codes, weights=row_weights(fitted.data, fitted.found)).astype(float),
    )


def row_weights(data: MetaData, maximum: Maximum) -> Array:
    """Return the weight of each row in the first coefficient: beta_0 = weights . y.

    Parameters
    ----------
    data : MetaData
        Effects, variances, levels, moderators; n rows, p coefficients, L levels.
    maximum : Maximum
        Variance components and coefficients of a fit to these data (`search`).

    Returns
    -------
    float array, (n,)
        First row of (X'M^-1 X)^-1 X'M^-1; sums to 1 for an intercept alone. Some may be negative where rows covary.
    """
    weighted = engine_for(data).solve(maximum.tau2, data.design)
    return np.asarray(weighted @ maximum.at.vcov[0])


def _model_covariance(fitted: MetaFit) -> Array:
    return fitted.found.at.vcov * fitted.dispersion


def _se_at(fitted: MetaFit, without: MetaFit) -> Array:
    """Return standard errors on all rows with the components (and dispersion) of the fit without the group."""
    at = search(fitted.data, fitted.method, tau2=without.tau2).at
    return np.asarray(np.sqrt(np.diag(at.vcov) * without.dispersion))


def _groups(fitted: MetaFit, labels: ArrayLike | None) -> tuple[Codes, list[str]]:
    given = fitted.data.levels[0] if labels is None else np.asarray(labels)
    if given.shape != fitted.data.effect.shape:
        raise UserError(f"one label per row ({len(fitted.data)})", f"shape {given.shape}")
    names, codes = np.unique(given, return_inverse=True)
    return codes.ravel(), [str(name) for name in names]
