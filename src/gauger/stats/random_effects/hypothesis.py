"""Joint tests: do these moderators matter at all?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array
from gauger.stats.random_effects.result import MetaFit
from gauger.stats.robust import ClusterRobust


@dataclass(frozen=True)
class JointTest:
    """A Wald-type test that several linear combinations are all zero."""

    statistic: float
    """Chi-squared for "z", else F."""
    df: int
    """Number of combinations."""
    df_denominator: float | None
    """None for the chi-squared."""
    p: float


def joint_test(fitted: MetaFit, columns: ArrayLike | None = None) -> JointTest:
    """Test that the coefficients of `columns` (default: all but the intercept) are zero.

    "z": b'V^-1 b against chi-squared; "t" and "knapp-hartung": divided by the number of columns, against F. With robust
    errors: the approximate Hotelling test, which corrects for few clusters.

    Source: metafor's omnibus test; Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36:672, eq. 15-17 (robust).
    """
    index = _columns(fitted, columns)
    contrasts = np.eye(len(fitted.beta))[index]
    b, covariance = contrasts @ fitted.beta, contrasts @ fitted.vcov @ contrasts.T
    wald, m = float(b @ np.linalg.solve(covariance, b)), len(index)
    if fitted.robust is not None:
        return _hotelling(fitted.robust, contrasts, wald)
    if fitted.test == "z":
        return JointTest(wald, m, None, float(special.chdtrc(m, wald)))
    df = min(float(one.df or 0.0) for one in (fitted.coefficients[j] for j in index))
    return JointTest(wald / m, m, df, float(special.fdtrc(m, df, wald / m)))


def _columns(fitted: MetaFit, columns: ArrayLike | None) -> list[int]:
    if columns is not None:
        return [int(j) for j in np.atleast_1d(np.asarray(columns))]
    constant = (fitted.data.design == fitted.data.design[0]).all(axis=0)
    index = np.flatnonzero(~constant).tolist()
    if not index:
        raise UserError("moderators to test", "a model of the intercept alone")
    return [int(j) for j in index]


def _hotelling(robust: ClusterRobust, contrasts: Array, wald: float) -> JointTest:
    """F = (eta - m + 1) / (eta m) * Q with m and eta - m + 1 degrees of freedom."""
    m = len(contrasts)
    model = contrasts @ robust.bread @ contrasts.T
    values, vectors = np.linalg.eigh(model)
    whitened = (vectors / np.sqrt(values)) @ vectors.T @ contrasts
    spread = robust.spread(whitened)
    total = 0.0
    for s in range(m):
        for t in range(m):
            total += float((spread[s, t] * spread[t, s]).sum() + (spread[s, s] * spread[t, t]).sum())
    eta = m * (m + 1) / total
    df = eta - m + 1
    if df <= 0.0:
        raise UserError("more clusters for a joint robust test", f"{df:.2g} denominator degrees of freedom")
    f = df / (eta * m) * wald
    return JointTest(f, m, df, float(special.fdtrc(m, df, f)))
