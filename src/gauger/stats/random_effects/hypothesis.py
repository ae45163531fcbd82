"""Tests jointly: do these moderators matter at all?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array
from gauger.stats.random_effects.result import MetaFit
from gauger.stats.robust import UNSEEN, ClusterRobust


@dataclass(frozen=True)
class JointTest:
    """A Wald-type test that several linear combinations are all zero."""

    statistic: float | None
    """Chi-squared for "z", else F; None where the test is undefined."""
    df: int
    """Number of combinations."""
    df_denominator: float | None
    """None for the chi-squared."""
    p: float | None
    reason: str | None = None
    """Why there is no test; None where there is one."""


FEW_CLUSTERS = "too few clusters for a joint robust test"


def joint_test(fitted: MetaFit, columns: ArrayLike | None = None) -> JointTest:
    """Test that the coefficients of `columns` (default: all but the intercept) are zero.

    "z": b'V^-1 b against chi-squared; "t" and "knapp-hartung": divided by the number of columns, against F. With robust
    errors: the approximate Hotelling test, which corrects for few clusters; undefined, with a reason, where they are
    too few for it or determine a coefficient.

    Parameters
    ----------
    fitted : MetaFit
        From `fit`; n rows, p coefficients, L levels.
    columns : int array, optional
        Columns of X to test; default: all that are not constant.

    Returns
    -------
    JointTest
        Its numbers are None, with a reason, where a robust test is undefined. For "t" and "knapp-hartung" the
        denominator takes the smallest degrees of freedom of the columns tested.

    Raises
    ------
    UserError
        Nothing to test: the intercept alone.

    Tested in tests/stats/test_random_effects_fit.py and test_random_effects_golden.py.

    Source: metafor's omnibus test; Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36:672, eq. 15-17 (robust).
    """
    index = _columns(fitted, columns)
    contrasts = np.eye(len(fitted.beta))[index]
    b, covariance = contrasts @ fitted.beta, contrasts @ fitted.vcov @ contrasts.T
    if fitted.robust is not None:
        return _hotelling(fitted.robust, contrasts, b)
    wald, m = float(b @ np.linalg.solve(covariance, b)), len(index)
    if fitted.test == "z":
        return JointTest(wald, m, None, float(special.chdtrc(m, wald)))
    df = min(float(coefficient.df or 0.0) for coefficient in (fitted.coefficients[j] for j in index))
    return JointTest(wald / m, m, df, float(special.fdtrc(m, df, wald / m)))


def _columns(fitted: MetaFit, columns: ArrayLike | None) -> list[int]:
    if columns is not None:
        return [int(j) for j in np.atleast_1d(np.asarray(columns))]
    constant = (fitted.data.design == fitted.data.design[0]).all(axis=0)
    index = np.flatnonzero(~constant).tolist()
    if not index:
        raise UserError("moderators to test", "a model of the intercept alone")
    return [int(j) for j in index]


def _hotelling(robust: ClusterRobust, contrasts: Array, b: Array) -> JointTest:
    """F = (eta - m + 1) / (eta m) * Q with m and eta - m + 1 degrees of freedom.

    eta matches the spread of the whitened CR2 covariance to a Wishart's. It is whitened by its own *expectation*, not
    by the model's covariance: the two differ where one cluster alone carries a coefficient, and eta was far too large.
    """
    m = len(contrasts)
    expected = robust.expected(contrasts)
    scale = np.sqrt(np.diag(contrasts @ robust.bread @ contrasts.T))
    values, vectors = np.linalg.eigh(expected / np.outer(scale, scale))
    if values[0] <= UNSEEN:
        return JointTest(None, m, None, None, FEW_CLUSTERS)
    root = (vectors / np.sqrt(values)) @ vectors.T
    spread = robust.spread(root @ (contrasts / scale[:, None]))
    total = 0.0
    for s in range(m):
        for t in range(m):
            total += float((spread[s, t] * spread[t, s]).sum() + (spread[s, s] * spread[t, t]).sum())
    eta = m * (m + 1) / total
    df = eta - m + 1
    covariance = contrasts @ robust.vcov @ contrasts.T / np.outer(scale, scale)
    if df <= 0.0 or np.linalg.matrix_rank(covariance, hermitian=True) < m:
        return JointTest(None, m, None, None, f"{FEW_CLUSTERS} ({robust.clusters})")
    wald = float(b / scale @ np.linalg.solve(covariance, b / scale))
    f = df / (eta * m) * wald
    return JointTest(f, m, df, float(special.fdtrc(m, df, f)))
