"""Computes Student's t by scipy.special alone: importing scipy.stats would triple every command's start-up time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


def t_quantile(probability: ArrayLike, df: ArrayLike) -> Any:
    """Return the quantile of Student's t; infinite df gives the normal quantile; NaN stays NaN.

    Parameters
    ----------
    probability : float array
        Lower tail, 0-1; broadcasts against `df`.
    df : float array
        Degrees of freedom > 0; inf for the normal.

    Returns
    -------
    float or float array
        -inf at 0 and inf at 1.

    Compared with scipy.stats in tests/stats/test_small_parts.py.
    """
    lower = np.asarray(probability, float)
    # scipy answers inf at 0 as at 1
    quantile = np.where(lower == 0, -np.inf, special.stdtrit(np.asarray(df, float), lower))
    return quantile if quantile.ndim else quantile[()]


def t_cdf(t: ArrayLike, df: ArrayLike) -> Any:
    """Return P(T <= t) for Student's t.

    Parameters
    ----------
    t : float array
        Broadcasts against `df`.
    df : float array
        Degrees of freedom > 0; inf for the normal.

    Returns
    -------
    float or float array
        0-1; NaN where an argument is NaN.

    Compared with scipy.stats in tests/stats/test_small_parts.py.
    """
    return special.stdtr(np.asarray(df, float), np.asarray(t, float))


def probability_above(value: ArrayLike, se: ArrayLike, df: ArrayLike, threshold: float = 0.0) -> Any:
    """P(theta > threshold) when (theta - value) / se follows Student's t: superiority, equivalence, *major*.

    Parameters
    ----------
    value, se, df : arrays that broadcast
        Estimate, standard error, degrees of freedom (inf = normal).
    threshold : float

    Returns
    -------
    array
        Probability; where se is 0 it is 1, 0 or 0.5 as value lies above, below or at the threshold.
    """
    distance = np.asarray(value, float) - threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        probability = t_cdf(distance / np.asarray(se, float), df)
    certain = np.asarray(se) == 0
    return np.where(certain, np.where(distance > 0, 1.0, np.where(distance < 0, 0.0, 0.5)), probability)
