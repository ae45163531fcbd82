"""Computes simultaneous intervals and adjusted p-values for a family of contrasts: max-t, and Holm as the plain one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.linalg import lapack

from gauger.stats.crossed.panel import FloatArray, IntArray
from gauger.stats.student import t_cdf, t_quantile

SEED = 20040101
MOST_DRAWS, FEWEST_DRAWS = 2**18, 2**13
MOST_PRODUCTS = 2**32
"""Multiplications that the draws of a family may cost (a few tenths of a second), within the limits above."""
CHUNK = 2**11
"""Draws held in memory at once."""
DF_CLASSES_PER_OCTAVE = 4
"""Degrees of freedom that differ are rounded to classes of a factor 2^(1/4) while the joint distribution is drawn."""
LARGE = 2048
"""Families of more contrasts are drawn through landmarks: their correlations are never written out."""
LANDMARKS = 512
"""Contrasts through which a large family's members are correlated."""
RANK_TOLERANCE = 1e-3
"""Variance that the draws of a contrast may leave out (they are rescaled to variance 1)."""


@dataclass(frozen=True)
class Simultaneous:
    """A family of C contrasts judged together."""

    critical: FloatArray
    """(C,): how many standard errors each interval reaches; one number where all have the same degrees of freedom."""
    low: FloatArray
    """(C,): lower ends of intervals that hold together with probability `level`."""
    high: FloatArray
    """(C,): upper ends."""
    p_adjusted: FloatArray
    """(C,): two-sided max-t adjusted p-values of theta = 0."""
    p_holm: FloatArray
    """(C,): two-sided Holm-adjusted p-values."""


def max_t(
    value: FloatArray, covariance: FloatArray, df: FloatArray, level: float = 0.95, most_draws: int = MOST_DRAWS
) -> Simultaneous:
    """Judge a family of contrasts at once, from their joint distribution.

    ``T_c = Z_c / sqrt(W_c / df_c)``: Z normal with the correlation of the estimates, W_c chi-square quantiles at one
    common uniform number. With equal df this is the multivariate t of Hothorn, Bretz and Westfall (2008). Intervals are
    equally improbable each: the smallest of the family's two-sided p-values falls below alpha* with probability
    ``1 - level``; contrast c gets ``value ± t(1 - alpha*/2, df_c) se``.

    Parameters
    ----------
    value : (C,) array
        Estimates; NaN entries are left out of the family and stay NaN.
    covariance : (C, C) array
        Their covariance; a contrast with variance 0 is left out too. May be singular.
    df : (C,) array or float
        Degrees of freedom, inf = known variances.
    level : float
        Joint confidence level, 0-1.
    most_draws : int
        Fewer make it faster: with 2^14 the tail probability of 0.05 has a standard error of 0.0017.

    Returns
    -------
    Simultaneous

    Notes
    -----
    The distribution is drawn, with a fixed seed, so the same input gives the same answer: 262,144 draws for up to about
    a hundred contrasts (standard error of a tail probability of 0.05: 0.0004), no fewer than 8,192 for thousands
    (0.0024, which moves the critical value by less than 1 %).
    Adjusted p-values are never below the unadjusted ones. Equal to multcomp and mvtnorm within that
    error (tests/golden/max_t.json).

    References
    ----------
    Hothorn, Bretz and Westfall (2008), Biom. J. 50, 346-363.
    """
    df = np.broadcast_to(np.asarray(df, dtype=float), np.shape(value))
    variance = np.diag(covariance)
    known = np.isfinite(value) & (np.nan_to_num(variance) > 0)
    columns = {name: np.full(np.shape(value), np.nan) for name in ("critical", "low", "high", "p_adjusted", "p")}
    if known.any():
        se = np.sqrt(variance[known])
        correlation = covariance[np.ix_(known, known)] / np.outer(se, se)
        smallest = _smallest_log_p(_root(correlation), df[known], most_draws)
        columns["p"][known] = 2 * t_cdf(-np.abs(value[known]) / se, df[known])
        below = np.searchsorted(smallest, np.log(np.maximum(columns["p"][known], 1e-300)), side="right") / len(smallest)
        columns["p_adjusted"][known] = np.maximum(below, columns["p"][known])
        columns["critical"][known] = t_quantile(1 - np.exp(np.quantile(smallest, 1 - level)) / 2, df[known])
        half = columns["critical"][known] * se
        columns["low"][known], columns["high"][known] = value[known] - half, value[known] + half
    return Simultaneous(columns["critical"], columns["low"], columns["high"], columns["p_adjusted"], holm(columns["p"]))


def critical_values(
    correlations: Callable[[IntArray, IntArray], FloatArray],
    df: FloatArray,
    level: float = 0.95,
    most_draws: int = MOST_DRAWS,
) -> FloatArray:
    """Return how many standard errors each interval of a large family reaches, without the family's C x C correlations.

    As `max_t`, but drawn through landmarks: `LANDMARKS` members, evenly spaced, are drawn jointly, every other one by
    its regression on them, and what they do not explain of it independently of all others. Left-out correlations make
    the largest of many draws larger, so the intervals are wider than those of `max_t`, not narrower
    (tests/stats/test_simultaneous.py compares the two). Time and memory grow with C x landmarks.

    Parameters
    ----------
    correlations : callable
        Positions (n,) and (m,) of members -> their correlations (n, m).
    df : (C,) array
        Degrees of freedom, inf = known variances.
    level : float
        Joint confidence level, 0-1.
    most_draws : int
        As for `max_t`.

    Returns
    -------
    (C,) array
    """
    every = np.arange(len(df))
    chosen = np.unique(np.linspace(0, len(df) - 1, min(LANDMARKS, len(df))).round().astype(np.int64))
    across = correlations(every, chosen)
    values, vectors = np.linalg.eigh(across[chosen])
    kept = values > RANK_TOLERANCE
    root = across @ (vectors[:, kept] / np.sqrt(values[kept]))
    explained = np.linalg.norm(root, axis=1)
    root /= np.maximum(explained, 1.0)[:, None]
    rest = np.sqrt(np.maximum(1.0 - explained**2, 0.0))
    smallest = _smallest_log_p(root, df, most_draws, rest)
    return np.asarray(t_quantile(1 - np.exp(np.quantile(smallest, 1 - level)) / 2, df))


def holm(p: FloatArray) -> FloatArray:
    """Adjust p-values by Holm's step-down rule (1979): valid whatever the dependence; NaN stays NaN, uncounted."""
    adjusted = np.full(np.shape(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _smallest_log_p(root: FloatArray, df: FloatArray, most_draws: int, rest: FloatArray | None = None) -> FloatArray:
    """Draw the logarithm of the family's smallest two-sided p-value many times; sorted.

    `root` (C, rank) makes members of common draws, `rest` (C,) is the standard deviation of what each has of its own.
    """
    classes, kind = _df_classes(df)
    order = np.argsort(kind, kind="stable")
    alone = None if rest is None else rest[order].astype(np.float32)
    root, starts = root[order].astype(np.float32), np.searchsorted(kind[order], np.arange(len(classes)))
    tables = [_Table.of(class_df) for class_df in classes]
    wanted = MOST_PRODUCTS // (root.size + 20 * len(df) + 1500 * len(classes))
    rng = np.random.default_rng(SEED)
    n_chunks = max(int(np.clip(wanted, FEWEST_DRAWS, most_draws)) // CHUNK, 1)
    return np.sort(np.concatenate([_chunk(root, alone, starts, tables, rng) for _ in range(n_chunks)]))


@dataclass(frozen=True)
class _Table:
    """Student's t with one number of degrees of freedom, ready to be drawn from and looked up."""

    shrink: FloatArray
    """(CHUNK,): sqrt(chi2 / df) at equally spaced quantiles, ascending."""
    log_p: FloatArray
    """Logarithm of the two-sided p-value at `_GRID`."""

    @classmethod
    def of(cls, df: float) -> _Table:
        middle = (np.arange(CHUNK) + 0.5) / CHUNK
        shrink = np.ones(CHUNK) if np.isinf(df) else np.sqrt(special.chdtri(df, 1 - middle) / df)
        with np.errstate(divide="ignore"):
            log_p = np.log(2 * t_cdf(-np.expm1(_GRID), df))
        return cls(shrink, np.maximum(log_p, -700.0))


_GRID = np.linspace(0.0, np.log1p(2000.0), 4096)
"""log(1 + |t|)"""


def _chunk(
    root: FloatArray,
    alone: NDArray[np.float32] | None,
    starts: IntArray,
    tables: list[_Table],
    rng: np.random.Generator,
) -> FloatArray:
    """(CHUNK,) smallest log p-values; contrasts of one df class stand together from `starts` on."""
    z = rng.standard_normal((CHUNK, root.shape[1]), dtype=np.float32) @ root.T
    if alone is not None:
        z += rng.standard_normal(z.shape, dtype=np.float32) * alone
    np.abs(z, out=z)
    largest = np.maximum.reduceat(z, starts, axis=1).astype(float)
    quantile = rng.permutation(CHUNK)
    smallest = np.zeros(CHUNK)
    for column, table in enumerate(tables):
        t = largest[:, column] / table.shrink[quantile]
        np.minimum(smallest, np.interp(np.log1p(t), _GRID, table.log_p), out=smallest)
    return smallest


def _df_classes(df: FloatArray) -> tuple[FloatArray, IntArray]:
    """Round degrees of freedom to classes: the classes' df, and each contrast's class. Equal df stay exact."""
    if np.all(df == df[0]):
        return df[:1], np.zeros(len(df), dtype=np.int64)
    octaves = np.log2(np.clip(df, 0.5, 1e4))
    classes, kind = np.unique(np.round(octaves * DF_CLASSES_PER_OCTAVE), return_inverse=True)
    return 2 ** (classes / DF_CLASSES_PER_OCTAVE), kind


def _root(correlation: FloatArray) -> FloatArray:
    """(C, rank) matrix L with unit rows and L L' = correlation, by Cholesky with pivoting; rank-deficient is fine."""
    factor, pivot, rank, _ = lapack.dpstrf(correlation, tol=RANK_TOLERANCE, lower=1)
    root = np.zeros((len(correlation), int(rank)))
    root[pivot - 1] = np.tril(factor)[:, : int(rank)]
    length = np.linalg.norm(root, axis=1, keepdims=True)
    return np.asarray(root / length)
