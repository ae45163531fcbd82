"""Simultaneous intervals and adjusted p-values for a family of contrasts: max-t, and Holm as the plain one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from gauger.stats.panel import FloatArray
from gauger.stats.student import t_cdf, t_quantile

SAMPLES = 8192
SEED = 20040101


@dataclass(frozen=True)
class Simultaneous:
    """A family of contrasts judged together."""

    critical: float
    """Quantile of max |t| at the level."""
    low: FloatArray
    """(C,): lower ends of intervals that hold together with probability `level`."""
    high: FloatArray
    """(C,): upper ends."""
    p_adjusted: FloatArray
    """(C,): two-sided max-t adjusted p-values of theta = 0."""
    p_holm: FloatArray
    """(C,): two-sided Holm-adjusted p-values."""


def max_t(value: FloatArray, covariance: FloatArray, df: FloatArray, level: float = 0.95) -> Simultaneous:
    """Thin version: Gaussian max over a fixed sample, mapped through each contrast's own t."""
    se = np.sqrt(np.diag(covariance))
    ok = np.isfinite(value) & (se > 0)
    df = np.broadcast_to(np.asarray(df, float), value.shape)
    low, high, adjusted = (np.full(value.shape, np.nan) for _ in range(3))
    p = np.full(value.shape, np.nan)
    if not ok.any():
        return Simultaneous(np.nan, low, high, adjusted, p)
    correlation = covariance[np.ix_(ok, ok)] / np.outer(se[ok], se[ok])
    eigenvalues, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    draws = np.random.default_rng(SEED).standard_normal((SAMPLES, len(root)))
    largest = np.sort(np.abs(draws @ root.T).max(axis=1))
    two_sided = special.ndtr(-np.quantile(largest, level))
    t = np.abs(value[ok]) / se[ok]
    tail = t_cdf(-t, df[ok])
    p[ok] = 2 * tail
    adjusted[ok] = np.maximum(1 - np.searchsorted(largest, -special.ndtri(tail)) / SAMPLES, p[ok])
    critical = t_quantile(1 - two_sided, df[ok])
    low[ok], high[ok] = value[ok] - critical * se[ok], value[ok] + critical * se[ok]
    return Simultaneous(float(critical.max()), low, high, adjusted, holm(p))


def holm(p: FloatArray) -> FloatArray:
    """Holm's step-down adjusted p-values (1979); NaN stays NaN and does not count."""
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
