"""Computes loss in tokens alone, for one model size: the curve of a control arm over its budgets.

- `power`: L = E + B/D^beta
- `rectified`: L = E + B/(D_0 + D^beta), flat until the new tokens outweigh what the base already knows
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import DATA, IRREDUCIBLE
from gauger.stats.laws.terms import amplitude, columns, exponents, log_sum, shares, typical


def power_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute log(E + B/D^beta) and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 3)
        Inner parameters, one row per fit: ln E, ln B, ln beta.
    points : Points
        n points; reads `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 3, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    e, b, log_beta = columns(theta)
    beta = np.exp(log_beta)
    value, (of_e, of_d) = log_sum(e + 0 * points.log_d, b - beta * points.log_d)
    return value, np.stack([of_e, of_d, -beta * points.log_d * of_d], axis=1)


def power_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw exponents from 0.05-1.5; split the typical loss at random.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_tokens` and `loss`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 3)
        Inner parameters in the order of `power_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    loss, part, beta = typical(points.loss), shares(rng, count, 2), exponents(rng, count)
    return np.stack([np.log(part[:, 0] * loss), amplitude(part[:, 1], loss, beta, points.log_d), beta], axis=1)


def rectified_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute log(E + B/(D_0 + D^beta)) and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 4)
        Inner parameters, one row per fit: ln E, ln B, ln D_0, ln beta.
    points : Points
        n points; reads `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 4, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    e, b, d_0, log_beta = columns(theta)
    beta = np.exp(log_beta)
    below, (of_0, of_d) = log_sum(d_0 + 0 * points.log_d, beta * points.log_d)
    value, (of_e, of_b) = log_sum(e + 0 * points.log_d, b - below)
    return value, np.stack([of_e, of_b, -of_b * of_0, -of_b * of_d * beta * points.log_d], axis=1)


def rectified_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of the plain power, with D_0 from far below to far above what the data show.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_tokens` and `loss`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 4)
        Inner parameters in the order of `rectified_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    e, b, beta = power_starts(points, rng, count).T
    d_0 = np.exp(beta) * np.quantile(points.log_d, rng.uniform(0.0, 1.0, count)) + rng.uniform(-4.0, 1.0, count)
    return np.stack([e, b, d_0, beta], axis=1)


POWER = Law(
    name="power",
    formula="L = E + B/D^beta",
    source="Hestness et al. 2017, arXiv 1712.00409, equation 1; Hoffmann et al. 2022 at one N",
    identifiability="D must vary over a decade or more; E and beta are correlated unless the curve bends within the "
    "data.",
    parameters=(IRREDUCIBLE, *DATA),
    evaluate=power_value,
    starts=power_starts,
    varies=("n_tokens",),
    floor="E",
)
RECTIFIED = Law(
    name="rectified",
    formula="L = E + B/(D_0 + D^beta)",
    source="Lin et al. 2024, arXiv 2402.02314, equation 4 (fine-tuning of a pre-trained model)",
    identifiability="As power; D_0 is told by points on the flat part, before new tokens count.",
    parameters=(
        IRREDUCIBLE,
        DATA[0],
        Parameter("D_0", 1e-9, 1e35, unit="tokens^beta", meaning="what the pre-trained model already knows"),
        DATA[1],
    ),
    evaluate=rectified_value,
    starts=rectified_starts,
    varies=("n_tokens",),
    floor="E",
)
