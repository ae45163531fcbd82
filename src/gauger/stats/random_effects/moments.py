"""From moments, log|M| and C = [X y]' M^-1 [X y] with derivatives in tau2, to the likelihood, whatever M's structure.

Both engines (`nested`, `dense`) deliver `Moments`; everything that REML and ML need follows from them here, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.random_effects.data import Array

LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Moments:
    """log|M| and C = B' M^-1 B for B = [X, y] (q = p + 1 columns), with first and second derivatives in tau2 (L,)."""

    logdet: float
    logdet_1: Array
    """(L,)"""
    logdet_2: Array
    """(L, L)"""
    cross: Array
    """(q, q)"""
    cross_1: Array
    """(L, q, q)"""
    cross_2: Array
    """(L, L, q, q)"""

    def __add__(self, other: Moments) -> Moments:
        """Add the moments of independent rows."""
        return Moments(
            self.logdet + other.logdet,
            self.logdet_1 + other.logdet_1,
            self.logdet_2 + other.logdet_2,
            self.cross + other.cross,
            self.cross_1 + other.cross_1,
            self.cross_2 + other.cross_2,
        )


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


def likelihood(moments: Moments, n: int, logdet_xx: float | None) -> Likelihood:
    """Evaluate the restricted log-likelihood, or the plain one when `logdet_xx` is None, with exact derivatives.

    REML: -1/2 [(n - p) log 2pi - log|X'X| + log|M| + log|X'WX| + r'Wr], W = M^-1; ML drops the two X terms and has n
    for n - p. The constant `log|X'X|` makes the value independent of how X is parametrised (metafor's convention).
    With t = [-beta, 1]: r'Wr = t'Ct, d r'Wr = t'C_k t, d2 r'Wr = t'C_kl t - 2 (C_k t)_x' (X'WX)^-1 (C_l t)_x.

    Source: Searle, Casella & McCulloch (1992), Variance Components, section 6.6; tested against finite differences.
    """
    p = moments.cross.shape[0] - 1
    vcov = np.asarray(np.linalg.inv(moments.cross[:p, :p]), dtype=float)
    beta = vcov @ moments.cross[:p, p]
    t = np.append(-beta, 1.0)
    rss = float(moments.cross[p, p] - moments.cross[p, :p] @ beta)
    slope = moments.cross_1 @ t
    loss = moments.logdet + rss
    gradient = moments.logdet_1 + slope @ t
    hessian = moments.logdet_2 + moments.cross_2 @ t @ t - 2.0 * slope[:, :p] @ vcov @ slope[:, :p].T
    if logdet_xx is None:
        return Likelihood(-0.5 * (loss + n * LOG_2PI), -0.5 * gradient, -0.5 * hessian, beta, vcov, rss)
    share = vcov @ moments.cross_1[:, :p, :p]
    loss += -float(np.linalg.slogdet(vcov)[1]) - logdet_xx + (n - p) * LOG_2PI
    gradient = gradient + np.trace(share, axis1=1, axis2=2)
    hessian = hessian + np.einsum("ij,klji->kl", vcov, moments.cross_2[..., :p, :p])
    hessian -= np.einsum("kij,lji->kl", share, share)
    return Likelihood(-0.5 * loss, -0.5 * gradient, -0.5 * hessian, beta, vcov, rss)
