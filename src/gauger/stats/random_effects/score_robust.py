"""Estimates cluster-robust errors from each cluster's score and information alone: bias-reduced, in p x p matrices.

CR2 adjusts a cluster's residuals by a matrix A_j with A_j (Phi_j - X_j M X_j') A_j' = Phi_j. clubSandwich takes the
symmetric A_j, which needs an eigendecomposition as large as the cluster. With the inverse-variance weights of a
random-effects model another A_j = D_j'(I - H_j)^(-1/2) D_j'^-1 (Phi_j = D_j'D_j) makes the same covariance unbiased
under the working model, whatever D_j, and its scores are

    s_j = M (I - S_j M)^(-1/2) u_j,   S_j = X_j'W_j X_j,   u_j = X_j'W_j r_j,   M = (sum S_j)^-1.

Use this for many fits of the same data (a multiverse); use `gauger.stats.robust.cr2` where equality with clubSandwich
matters. Both agree to a few per cent of the error: tests/stats/test_score_robust.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FITTED_AWAY = 1e-9
"""Eigenvalue of I - H_j below which a cluster determines a direction alone; it then says nothing of its error."""


@dataclass(frozen=True)
class ScoreRobust:
    """Robust errors of p coefficients."""

    vcov: Array
    """(p, p)"""
    df: Array
    """(p,) Satterthwaite degrees of freedom of each coefficient."""


def score_robust(information: Array, score: Array) -> ScoreRobust:
    """Return the covariance sum_j s_j s_j' and its degrees of freedom.

    Parameters
    ----------
    information : (J, p, p) array
        S_j of each cluster.
    score : (J, p) array
        u_j of each cluster, at the estimate (they sum to zero).

    Returns
    -------
    ScoreRobust
        df_c = (tr P)^2 / sum P_ij^2 with P_ij = g_i'(d_ij S_i - S_i M S_j) g_j, the working-model covariance of the
        clusters' contributions to coefficient c (Pustejovsky & Tipton 2018, eq. 11, for these scores).
    """
    bread = np.linalg.inv(information.sum(0))
    root = np.linalg.cholesky(bread)
    values, vectors = np.linalg.eigh(np.eye(len(bread)) - root.T @ information @ root)
    power = np.where(values > FITTED_AWAY, np.abs(values) + (values <= FITTED_AWAY), np.inf) ** -0.5
    adjust = (vectors * power[:, None, :]) @ vectors.transpose(0, 2, 1)
    g = root @ adjust @ root.T
    s = (g @ score[:, :, None])[:, :, 0]
    pulled = g @ information
    own = np.einsum("jcp,jcp->cj", pulled, g)
    return ScoreRobust(s.T @ s, np.array([_df(pulled[:, c], bread, own[c]) for c in range(len(bread))]))


def _df(pulled: Array, bread: Array, own: Array) -> float:
    spread = -pulled @ bread @ pulled.T
    spread[np.diag_indices(len(own))] += own
    total = float((spread**2).sum())
    return float(np.trace(spread) ** 2 / total) if total > 0 else 0.0
