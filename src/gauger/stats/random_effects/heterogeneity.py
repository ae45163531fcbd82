"""Estimates how much of what varies is not sampling error: Cochran's Q and I2 per level."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.engine import engine_for


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's test, and the shares of variance."""

    q: float
    """r'V^-1 r under one common effect (no tau2)."""
    df: int
    """n - p."""
    p: float
    i2: Array
    """(L,) tau2_l / (sum of tau2 + typical sampling variance), 0-1, from the outside in."""
    typical_variance: float
    """(n - p) / tr(P), P = V^-1 - V^-1 X (X'V^-1X)^-1 X'V^-1: Higgins & Thompson's typical sampling variance."""

    @property
    def i2_total(self) -> float:
        """Share of the variance that is not sampling error, all levels together."""
        return float(self.i2.sum())


def heterogeneity(data: MetaData, tau2: Array) -> Heterogeneity:
    """Test homogeneity and split the variance by level.

    I2_l = tau2_l / (sum tau2 + s2), with s2 the typical sampling variance. With one level this is the usual I2; with
    several, the generalisation that metafor's author documents for multilevel models. I2 depends on how large the
    studies are: read tau2 and the prediction interval first.

    Parameters
    ----------
    data : MetaData
        Effects, variances, levels, moderators; n rows, p coefficients, L levels.
    tau2 : float array, (L,)
        Variance components, >= 0, effect scale squared.

    Returns
    -------
    Heterogeneity
        Q does not depend on `tau2`; its p-value assumes known sampling variances.

    Equality with metafor: tests/stats/test_random_effects_golden.py.

    Source: Higgins & Thompson (2002), Stat. Med. 21:1539, eq. 9; Cheung (2014), Psychol. Methods 19:211, eq. 9.
    """
    n, p = data.design.shape
    q, trace = _independent(data) if not data.covariance and data.shared_group is None else _dependent(data)
    typical = (n - p) / trace
    i2 = tau2 / (tau2.sum() + typical)
    return Heterogeneity(q, n - p, float(special.chdtrc(n - p, q)), i2, typical)


def _independent(data: MetaData) -> tuple[float, float]:
    """Return Q and tr(P) for a diagonal V."""
    if data.moderators is None:
        weight, y = 1.0 / data.variance, data.basis.residual
        total, first = float(weight.sum()), float(weight @ y)
        return float(weight @ (y * y)) - first * first / total, total - float(weight @ weight) / total
    weight, X, y = 1.0 / data.variance, data.basis.q, data.basis.residual
    weighted = X * weight[:, None]
    xx = np.linalg.inv(X.T @ weighted)
    residual = y - X @ (xx @ (weighted.T @ y))
    return float(weight @ residual**2), float(weight.sum() - (xx * (weighted.T @ weighted)).sum())


def _dependent(data: MetaData) -> tuple[float, float]:
    """Return Q and tr(P) for any V: d log|V + t I| / dt at t = 0 is tr V^-1, and likewise for the term in X."""
    p = data.design.shape[1]
    alone = replace(data, levels=(), level_names=())
    moments = engine_for(alone).moments(np.zeros(1))
    cross, cross_1 = moments.cross.parts[0], moments.cross.first[0]
    xx = np.linalg.inv(cross[:p, :p])
    q = float(cross[p, p] - cross[:p, p] @ xx @ cross[:p, p])
    return q, float(moments.logdet.first[0] + np.trace(xx @ cross_1[:p, :p]))
