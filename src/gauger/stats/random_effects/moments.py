"""Turns moments, log|M| and C = [X y]' M^-1 [X y] with derivatives in tau2, into the likelihood, for any M.

Both engines (`nested`, `dense`) deliver `Moments`; everything that REML and ML need follows from them here, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from gauger.errors import ConvergenceError
from gauger.stats.random_effects.data import Array
from gauger.stats.random_effects.second_derivatives import Jet

LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Moments:
    """log|M| and C = B' M^-1 B for B = [X, y] (q = p + 1 columns), with first and second derivatives in tau2 (L,)."""

    logdet: Jet
    """()"""
    cross: Jet
    """(q, q)"""

    def __add__(self, other: Moments) -> Moments:
        """Add the moments of independent rows."""
        return Moments(self.logdet + other.logdet, self.cross + other.cross)


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood at one tau2, its gradient and Hessian, and the generalised least squares that go with it."""

    value: float
    gradient: Array
    """(L,)"""
    hessian: Array
    """(L, L)"""
    beta: Array
    """(p,) X'WX^-1 X'Wy."""
    vcov: Array
    """(p, p) X'WX^-1."""
    rss: float
    """(y - X beta)' M^-1 (y - X beta)."""


def likelihood(moments: Moments, n: int, method: str) -> Likelihood:
    """Evaluate the restricted ("REML") or the plain ("ML") log-likelihood with exact derivatives.

    REML: -1/2 [(n - p) log 2pi - log|X'X| + log|M| + log|X'WX| + r'Wr], W = M^-1; ML drops the two X terms and has n
    for n - p. The constant log|X'X| makes the value independent of how X is parametrised (metafor's convention); it is
    0 here, as X is orthonormal in the basis that the engines compute in, and so are `beta` and `vcov` meant.
    With t = [-beta, 1]: r'Wr = t'Ct, d r'Wr = t'C_k t, d2 r'Wr = t'C_kl t - 2 (C_k t)_x' (X'WX)^-1 (C_l t)_x.

    Parameters
    ----------
    moments : Moments
        log|M| and C = [X y]' M^-1 [X y] at one tau2 (L,), with X orthonormal; from an engine.
    n : int
        Number of rows.
    method : {"REML", "ML"}
        Anything but "REML" is taken as ML.

    Returns
    -------
    Likelihood
        Without gradient and Hessian where the moments carry no derivatives.

    Raises
    ------
    ConvergenceError
        X'WX is not positive definite at this tau2.

    Source: Searle, Casella & McCulloch (1992), Variance Components, section 6.6; tested against finite differences in
    tests/stats/test_random_effects_moments.py.
    """
    cross, L, p = moments.cross.parts, moments.cross.variables, moments.cross.parts.shape[1] - 1
    vcov, logdet_xwx = inverse_and_logdet(cross[0, :p, :p])
    beta = vcov @ cross[0, :p, p]
    t = np.ones(p + 1)
    t[:p] = -beta
    slope = cross[: 1 + L] @ t
    quadratic = cross @ t @ t
    loss = moments.logdet.parts + quadratic
    bend = 2.0 * slope[1:, :p] @ vcov @ slope[1:, :p].T
    constant = n * LOG_2PI
    if method == "REML":
        # tr(vcov C_k) for all derivatives at once; the value's own entry is then the log determinant instead.
        square = cross[:, :p, :p].reshape(-1, p * p)
        traces = square @ vcov.ravel()
        traces[0] = logdet_xwx
        loss += traces
        share = vcov @ cross[1 : 1 + L, :p, :p]
        bend += share.reshape(L, p * p) @ share.transpose(0, 2, 1).reshape(L, p * p).T
        constant = (n - p) * LOG_2PI
    value = -0.5 * (float(loss[0]) + constant)
    if L == 0:
        return Likelihood(value, np.empty(0), np.empty((0, 0)), beta, vcov, float(quadratic[0]))
    total = Jet(loss, L)
    return Likelihood(value, -0.5 * total.first, -0.5 * (total.second - bend), beta, vcov, float(quadratic[0]))


def inverse_and_logdet(matrix: Array) -> tuple[Array, float]:
    """Return the inverse of a positive definite matrix and its log determinant, or raise `ConvergenceError`."""
    if matrix.size == 1 and matrix[0, 0] > 0.0:
        return 1.0 / matrix, float(np.log(matrix[0, 0]))
    lower, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        raise ConvergenceError("X'WX or the sampling covariance is not positive definite at the current tau2.")
    half, _ = lapack.dpotri(lower, lower=1)
    half += np.tril(half, -1).T
    return half, 2.0 * float(np.log(lower.diagonal()).sum())
