"""Maps data to coordinates in which the arithmetic is safe: X orthonormalised, y without its least-squares fit.

Effects near 2 with variances near 1e-6, or a moderator such as the year 2026, would cost up to ten digits by
cancellation in X'WX and y'Wy. REML's constant log|X'X| is 0 in these coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """X = Q R, and y = X b + residual by unweighted least squares."""

    q: Array
    """(n, p) orthonormal columns."""
    r: Array
    """(p, p) upper triangular."""
    beta: Array
    """(p,) b."""
    residual: Array
    """(n,)"""

    def to_design(self, gamma: Array, covariance: Array) -> tuple[Array, Array]:
        """Map coefficients (p,) on Q of the residual, and their covariance (p, p), to coefficients on X of y."""
        inverse = np.linalg.inv(self.r)
        return self.beta + inverse @ gamma, inverse @ covariance @ inverse.T


def basis_of(design: Array | None, effect: Array) -> Basis:
    """Orthonormalise a design of full rank (None: a column of ones).

    Parameters
    ----------
    design : float array, (n, p), or None
        X, of full column rank (not checked); None: a column of ones.
    effect : float array, (n,)
        y.

    Returns
    -------
    Basis
        Its residual is orthogonal to X up to rounding of the residual, not of y.
    """
    if design is None:
        root, mean = len(effect) ** 0.5, effect.sum(keepdims=True) / len(effect)
        return Basis(np.full((len(effect), 1), 1.0 / root), np.array([[root]]), mean, effect - mean)
    q, r = np.linalg.qr(design)
    beta = solve_triangular(r, q.T @ effect)
    residual = effect - q @ (q.T @ effect)
    # Once more: the first residual still holds a rounding error of the size of y, not of the residual.
    correction = q.T @ residual
    return Basis(q, r, beta + solve_triangular(r, correction), residual - q @ correction)
