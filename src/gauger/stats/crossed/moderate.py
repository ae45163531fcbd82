"""Moderates variances: shrinks few-degree estimates towards their common value by empirical Bayes (Smyth 2004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from gauger.stats.crossed.panel import FloatArray

_LARGE, _SMALL = 1e7, 1e-6
"""Beyond these, the limits of trigamma are exact to double precision."""


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
    infinite where the right side is not positive; ``log s0^2 = mean(e) + psi(d0/2) - log(d0/2)``. Where d0 is infinite,
    s0^2 is the pooled variance ``sum d s^2 / sum d``, the maximum likelihood estimate.

    Parameters
    ----------
    variances : (n,) array
        Sample variances s^2 >= 0. A zero is lifted to 1e-5 of the median, as limma does.
    df : (n,) array
        Their degrees of freedom d > 0; entries without any (or not finite) are left out.

    Returns
    -------
    VariancePrior
        With one variance: that variance with df 0 (nothing to borrow); with none: scale NaN.

    Notes
    -----
    Not for variances that tie at zero, as those of two replicates' scores on few items do: see `prior_spread`, which
    moderates the replicate noise of contrasts by cube roots in place of logarithms.

    References
    ----------
    Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1) article 3, section 6.2. Equal to limma's `fitFDist`
    (tests/golden/moderated.json), which in the infinite case weights all variances alike whatever their d.
    """
    usable = np.isfinite(variances) & (df > 1e-15) & (variances > -1e-15)
    variances, df = np.maximum(variances[usable], 0.0), df[usable]
    if len(variances) < 2:
        return VariancePrior(float(variances[0]) if len(variances) else np.nan, 0.0)
    median = float(np.median(variances))
    lifted = np.maximum(variances, 1e-5 * (median if median > 0 else 1.0))
    e = np.log(lifted) - special.digamma(df / 2) + np.log(df / 2)
    excess = float(e.var(ddof=1) - special.polygamma(1, df / 2).mean())
    if excess <= 0:
        return VariancePrior(float((lifted * df).sum() / df.sum()), np.inf)
    half = float(inverse_trigamma(excess))
    return VariancePrior(float(np.exp(e.mean() + special.digamma(half) - np.log(half))), 2 * half)


def squeeze_variances(variances: FloatArray, df: FloatArray, prior: VariancePrior) -> FloatArray:
    """Shrink variances to their posterior ``(d0 s0^2 + d s^2) / (d0 + d)``; all become s0^2 where d0 is infinite.

    Parameters
    ----------
    variances, df : (n,) arrays
        Sample variances s^2 and their degrees of freedom d.
    prior : VariancePrior
        From `fit_variance_prior`. Source: Smyth (2004), equation 3; limma's `squeezeVar`.
    """
    trust = trust_in_prior(prior.df, df)
    return np.asarray(trust * prior.scale + (1 - trust) * variances)


def trust_in_prior(prior_df: ArrayLike, df: ArrayLike) -> FloatArray:
    """Weigh the prior, ``d0 / (d0 + d)``: 1 where d0 is infinite, 0 where it is 0 (unless d is 0 too: then 1).

    Parameters
    ----------
    prior_df : float array
        d0 >= 0, prior degrees of freedom; inf allowed. Broadcasts against `df`.
    df : float array
        d >= 0, degrees of freedom of the sample variance.

    Returns
    -------
    float array
        0-1. Source: Smyth (2004), equation 3. Tested in tests/stats/test_moderate.py.
    """
    d0, d = np.broadcast_arrays(np.asarray(prior_df, float), np.asarray(df, float))
    # inf / inf would be NaN: infinite d0 is put in at the end.
    finite = np.where(np.isinf(d0), 1.0, d0)
    share = np.divide(finite, finite + d, out=np.ones_like(finite), where=finite + d > 0)
    return np.where(np.isinf(d0), 1.0, share)


def prior_df(stray: ArrayLike) -> FloatArray:
    """Prior degrees of freedom of variances whose logarithms vary by `stray`: trigamma(d0 / 2) = stray; inf at 0."""
    stray = np.asarray(stray, dtype=float)
    return np.where(stray > _SMALL, 2 * inverse_trigamma(np.maximum(stray, _SMALL)), np.inf)


def inverse_trigamma(value: ArrayLike) -> Any:
    """Solve trigamma(x) = value > 0 for x by Newton's method on 1 / trigamma, which is nearly linear.

    Edges: value > 1e7 gives 1 / sqrt(value), value < 1e-6 gives 1 / value (both the limits of trigamma).
    Source: Smyth (2004), appendix.
    """
    value = np.asarray(value, dtype=float)
    wanted = np.clip(value, _SMALL, _LARGE)
    x = 0.5 + 1 / wanted
    for _ in range(20):
        trigamma = special.polygamma(1, x)
        step = trigamma * (1 - trigamma / wanted) / special.polygamma(2, x)
        x = x + step
        if np.max(-step / x, initial=0.0) < 1e-10:
            break
    return np.where(value > _LARGE, 1 / np.sqrt(value), np.where(value < _SMALL, 1 / value, x))
