"""Moderated variances: few-degree estimates shrunk towards their common value by empirical Bayes (Smyth 2004)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.panel import FloatArray


@dataclass(frozen=True)
class VariancePrior:
    """Scaled inverse chi-square prior of variances: 1 / sigma^2 ~ chi2(df) / (df scale)."""

    scale: float
    """Prior variance s0^2, in the unit of the variances."""
    df: float
    """Prior degrees of freedom d0; inf where the variances differ no more than chance lets them."""


def fit_variance_prior(variances: FloatArray, df: FloatArray) -> VariancePrior:
    """Estimate the prior that a set of sample variances shares, by moments of their logarithms.

    ``z = log s^2``, ``e = z - psi(d/2) + log(d/2)``; d0 solves ``psi'(d0/2) = var(e) - mean(psi'(d/2))`` and is
    infinite where the right side is not positive; ``log s0^2 = mean(e) + psi(d0/2) - log(d0/2)``.

    Parameters
    ----------
    variances : (n,) array
        Sample variances s^2 >= 0. A zero is lifted to 1e-5 of the median, as limma does.
    df : (n,) array
        Their degrees of freedom d > 0.

    Returns
    -------
    VariancePrior
        With one variance: that variance with df 0 (nothing to borrow).

    References
    ----------
    Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1) article 3, section 6.2. Agrees with limma's `fitFDist`
    (tests/golden).
    """
    usable = np.isfinite(variances) & (df > 1e-15) & (variances > -1e-15)
    variances, df = np.maximum(variances[usable], 0.0), df[usable]
    if len(variances) < 2:
        return VariancePrior(float(variances[0]) if len(variances) else np.nan, 0.0)
    median = float(np.median(variances))
    lifted = np.maximum(variances, 1e-5 * (median if median > 0 else 1.0))
    e = np.log(lifted) - special.digamma(df / 2) + np.log(df / 2)
    mean = float(e.mean())
    excess = float(((e - mean) ** 2).sum() / (len(e) - 1) - special.polygamma(1, df / 2).mean())
    if excess <= 0:
        return VariancePrior(float(np.exp(mean)), np.inf)
    prior_df = 2 * inverse_trigamma(excess)
    return VariancePrior(float(np.exp(mean + special.digamma(prior_df / 2) - np.log(prior_df / 2))), prior_df)


def squeeze_variances(variances: FloatArray, df: FloatArray, prior: VariancePrior) -> FloatArray:
    """Posterior variances ``(d0 s0^2 + d s^2) / (d0 + d)``; all equal to s0^2 where d0 is infinite."""
    if np.isinf(prior.df):
        return np.full(np.shape(variances), prior.scale)
    return np.asarray((prior.df * prior.scale + df * variances) / (prior.df + df))


def inverse_trigamma(value: float) -> float:
    """Solve trigamma(x) = value for x by Newton's method on 1 / trigamma, which is nearly linear.

    Edges: value > 1e7 gives 1 / sqrt(value), value < 1e-6 gives 1 / value (both the limits of trigamma).
    Source: Smyth (2004), appendix.
    """
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x
