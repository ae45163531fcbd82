"""Estimates who gains most: how uplift changes with where the student started, or with its size.

Every function regresses the uplifts of several students on one property of theirs. A random-effects meta-regression
(REML, Knapp-Hartung), for uplifts differ between students for other reasons too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauger.stats import MetaData, design_matrix
from gauger.stats import fit as fit_meta
from gauger.stats.crossed import FloatArray

LEAST_DIFFERENT = 4
"""Different values of the property below which no slope is given."""
POINTS = 10.0
"""Steps of a tenth of the score, ten points, in a score of 1."""
NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class UpliftSlope:
    """How uplift changes with one property of the student."""

    slope: float
    """Change of uplift per unit of the property, on the scale of the scores."""
    se: float
    low: float
    high: float
    df: float | None
    at_mean: float
    """Uplift at the mean of the property."""
    mean: float
    """The mean of the property."""
    n: int


def uplift_against_ability(
    base_score: Sequence[float], uplift: Sequence[float], covariance: FloatArray, level: float = 0.95
) -> UpliftSlope | None:
    """Regress uplift on the starting ability of the student, over students or benchmarks.

    Parameters
    ----------
    base_score : n numbers
        The untouched student's score, 0-1, one per student and benchmark; its logit is the ability.
    uplift : n numbers
        Uplift over the matched control, which shares no answers with the base.
    covariance : (n, n) array
        Their joint covariance (`Contrasts.joint`): uplifts of one student share its replicates.
    level : float

    Returns
    -------
    UpliftSlope or None
        Per logit; None with fewer than four different abilities.

    Notes
    -----
    Do not pass gains (arm minus base): their errors contain the base's, with the opposite sign, and the slope would be
    negative without any effect. The base's own error flattens the slope a little: abilities are taken as known.
    """
    score = np.clip(np.asarray(base_score, dtype=float), 1e-3, 1 - 1e-3)
    return uplift_slope(np.log(score / (1 - score)), uplift, covariance, level)


def uplift_against_score(
    base_score: Sequence[float], uplift: Sequence[float], covariance: FloatArray, level: float = 0.95
) -> UpliftSlope | None:
    """Regress uplift on the starting score, per 10 points: the unit in which the literature can be asked.

    A line in points; use `uplift_against_ability` where scores come near 0 or 1, as a line in points bends there.

    Parameters
    ----------
    base_score : sequence of float, (n,)
        The untouched student's score, in [0, 1].
    uplift : sequence of float, (n,)
        Uplift over the matched control, score scale; never gains (`uplift_against_ability`, Notes).
    covariance : float array, (n, n)
        Their joint covariance, score scale squared.
    level : float
        Of the slope's interval, 0-1.

    Returns
    -------
    UpliftSlope or None
        `slope` per 10 points, `mean` in tenths of the score; None with fewer than four different scores.

    Notes
    -----
    Tested in tests/estimate/test_ability.py.
    """
    return uplift_slope(POINTS * np.asarray(base_score, dtype=float), uplift, covariance, level)


def uplift_against_size(
    n_params: Sequence[float], uplift: Sequence[float], covariance: FloatArray, level: float = 0.95
) -> UpliftSlope | None:
    """Regress uplift on the binary logarithm of the student's size: the slope per doubling of its weights.

    Parameters
    ----------
    n_params : sequence of float, (n,)
        Weights of each student, above 0.
    uplift : sequence of float, (n,)
        Uplift over the matched control, score scale.
    covariance : float array, (n, n)
        Their joint covariance, score scale squared.
    level : float
        Of the slope's interval, 0-1.

    Returns
    -------
    UpliftSlope or None
        `slope` per doubling, `mean` as a binary logarithm; None with fewer than four different sizes.

    Notes
    -----
    Tested in tests/estimate/test_ability.py.
    """
    return uplift_slope(np.log2(np.asarray(n_params, dtype=float)), uplift, covariance, level)


def uplift_slope(
    moderator: FloatArray, uplift: Sequence[float], covariance: FloatArray, level: float = 0.95
) -> UpliftSlope | None:
    """Regress uplift on a number, y = a + b (x - mean x) + u + e with u ~ N(0, tau2) and e ~ N(0, covariance).

    Parameters
    ----------
    moderator : (n,) array
    uplift : n numbers
    covariance : (n, n) array
        Sampling may leave an estimate of it slightly indefinite; it is then mended (`_positive`).
    level : float

    Returns
    -------
    UpliftSlope or None
        Per unit of the moderator; None with fewer than four different values of it.
    """
    x = np.asarray(moderator, dtype=float)
    n = len(x)
    if len(np.unique(x)) < LEAST_DIFFERENT:
        return None
    design, columns = design_matrix({"moderator": x - x.mean()}, n)
    joint = _positive(np.asarray(covariance, dtype=float))
    data = MetaData(
        effect=np.asarray(uplift, dtype=float),
        variance=np.diag(joint),
        moderators=design,
        moderator_names=columns,
        covariance=((np.arange(n), joint),),
    )
    middle, slope = fit_meta(data, test="knapp-hartung", level=level).coefficients
    return UpliftSlope(slope.estimate, slope.se, slope.low, slope.high, slope.df, middle.estimate, float(x.mean()), n)


def _positive(covariance: FloatArray) -> FloatArray:
    """Raise eigenvalues that sampling left below a millionth of the mean variance to it; a proper covariance stays."""
    values, vectors = np.linalg.eigh(covariance)
    least = NEGLIGIBLE * float(np.diag(covariance).mean())
    return covariance if values[0] >= least else np.asarray((vectors * np.maximum(values, least)) @ vectors.T)
