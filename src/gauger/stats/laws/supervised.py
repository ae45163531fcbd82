"""Computes supervised loss in parameters and tokens: three forms that agree where fitted and part beyond.

- `hoffmann` (also `chinchilla`): L = E + A/N^alpha + B/D^beta
- `interaction`: L = E + (A/N^alpha + B/D^beta)^gamma
- `kaplan`: L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D, without an irreducible loss

N parameters, D training tokens, L nats per token. Amplitudes A and B carry the odd unit nats x count^exponent; only
A/N^alpha is a loss.
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Belief, Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.terms import amplitude, columns, exponents, log_sum, shares, typical

EXPONENT = (1e-3, 5.0)
AMPLITUDE = (1e-9, 1e35)
IRREDUCIBLE = Parameter("E", 1e-6, 1e3, unit="nats per token", meaning="loss that no scale removes")
CAPACITY = (
    Parameter("A", *AMPLITUDE, meaning="amplitude of what too few parameters cost"),
    Parameter("alpha", *EXPONENT, meaning="exponent of parameters"),
)
DATA = (
    Parameter("B", *AMPLITUDE, meaning="amplitude of what too few tokens cost"),
    Parameter("beta", *EXPONENT, meaning="exponent of tokens"),
)

ALIKE = Belief(
    "alpha",
    "beta",
    0.2,
    "ln(alpha/beta) is 0.19 in Hoffmann et al. 2022, -0.05 in Besiroglu et al. 2024 and in Busbridge et al. 2025, "
    "and 0 by assumption in Muennighoff et al. 2023 and Gadre et al. 2024",
)
UNBENT = Belief("gamma", None, 0.7, "gamma is 0.45 in Busbridge et al. 2025, 1 in all sums of two powers")
NO_FLOOR_PRIOR = 0.1
"""Text has an entropy: a law whose loss falls to 0 has held up in no study that went far enough to tell."""

HOFFMANN_2022 = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
"""Hoffmann et al. 2022 (arXiv 2203.15556), equation 10: Approach 3 as printed."""
BESIROGLU_2024 = {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}
"""Besiroglu et al. 2024 (arXiv 2404.10102), table 1: the same fit made anew on 240 points, delta 1e-3."""
BUSBRIDGE_SUPERVISED_2025 = {"E": 1.22, "A": 3355.0, "B": 18186.0, "alpha": 0.408, "beta": 0.431, "gamma": 0.452}
"""Busbridge et al. 2025 (arXiv 2502.08606), appendix: their supervised law."""
KAPLAN_2020 = {"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103}
"""Kaplan et al. 2020 (arXiv 2001.08361), table 2: the joint fit in N and D."""


def hoffmann_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute log(E + A/N^alpha + B/D^beta) and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 5)
        Inner parameters, one row per fit: ln E, ln A, ln B, ln alpha, ln beta.
    points : Points
        n points; reads `n_params` and `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 5, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    e, a, b, log_alpha, log_beta = columns(theta)
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    value, (of_e, of_n, of_d) = log_sum(e + 0 * points.log_n, a - alpha * points.log_n, b - beta * points.log_d)
    gradient = np.stack([of_e, of_n, of_d, -alpha * points.log_n * of_n, -beta * points.log_d * of_d], axis=1)
    return value, gradient


def hoffmann_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw exponents from 0.05-1.5; split the typical loss at random between the three terms.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_params`, `n_tokens` and `loss`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 5)
        Inner parameters in the order of `hoffmann_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    loss, part = typical(points.loss), shares(rng, count, 3)
    alpha, beta = exponents(rng, count), exponents(rng, count)
    a = amplitude(part[:, 1], loss, alpha, points.log_n)
    b = amplitude(part[:, 2], loss, beta, points.log_d)
    return np.stack([np.log(part[:, 0] * loss), a, b, alpha, beta], axis=1)


def interaction_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute log(E + (A/N^alpha + B/D^beta)^gamma) and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 6)
        Inner parameters, one row per fit: ln E, ln A, ln B, ln alpha, ln beta, ln gamma.
    points : Points
        n points; reads `n_params` and `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 6, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    e, a, b, log_alpha, log_beta, log_gamma = columns(theta)
    alpha, beta, gamma = np.exp(log_alpha), np.exp(log_beta), np.exp(log_gamma)
    inside, (of_n, of_d) = log_sum(a - alpha * points.log_n, b - beta * points.log_d)
    value, (of_e, of_power) = log_sum(e + 0 * points.log_n, gamma * inside)
    slope = gamma * of_power
    gradient = [of_e, slope * of_n, slope * of_d, -slope * of_n * alpha * points.log_n]
    gradient += [-slope * of_d * beta * points.log_d, slope * inside]
    return value, np.stack(gradient, axis=1)


def interaction_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of the sum of powers, bent by gamma from 0.2 to 2.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_params`, `n_tokens` and `loss`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 6)
        Inner parameters in the order of `interaction_value`. Some may lie beyond the law's bounds: `minimise` clips
        them. Without losses a typical loss of 1 is assumed.
    """
    plain = hoffmann_starts(points, rng, count)
    gamma = rng.uniform(np.log(0.2), np.log(2.0), count)
    inside = 1.0 / np.exp(gamma)
    plain[:, 1:3] *= inside[:, None]
    plain[:, 3:5] -= gamma[:, None]
    return np.column_stack([plain, gamma])


def kaplan_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute the log of Kaplan's form and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 4)
        Inner parameters, one row per fit: ln N_c, ln D_c, ln alpha_N, ln alpha_D.
    points : Points
        n points; reads `n_params` and `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 4, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    n_c, d_c, log_n, log_d = columns(theta)
    alpha_n, alpha_d = np.exp(log_n), np.exp(log_d)
    ratio = alpha_n / alpha_d
    lack = n_c - points.log_n
    inside, (of_n, of_d) = log_sum(ratio * lack, d_c - points.log_d)
    by_n, by_d = alpha_n * of_n, alpha_d * of_d
    gradient = [by_n + 0 * lack, by_d, by_n * lack, alpha_d * inside - by_n * lack]
    return alpha_d * inside, np.stack(gradient, axis=1)


def kaplan_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw exponents from 0.02-0.5; each term alone would give a random share of the typical loss.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_params`, `n_tokens` and `loss`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 4)
        Inner parameters in the order of `kaplan_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    loss, part = typical(points.loss), rng.uniform(0.3, 1.0, (count, 2))
    alpha_n, alpha_d = exponents(rng, count, 0.02, 0.5), exponents(rng, count, 0.02, 0.5)
    n_c = np.log(part[:, 0] * loss) / np.exp(alpha_n) + np.median(points.log_n)
    d_c = np.log(part[:, 1] * loss) / np.exp(alpha_d) + np.median(points.log_d)
    return np.stack([n_c, d_c, alpha_n, alpha_d], axis=1)


HOFFMANN = Law(
    name="hoffmann",
    formula="L = E + A/N^alpha + B/D^beta",
    source="Hoffmann et al. 2022, arXiv 2203.15556, equation 10 (Approach 3)",
    identifiability="N and D must each vary over a decade or so, and not together; E, beta and B stay correlated "
    "unless some points come near E. A and alpha (B and beta) lie on a narrow ridge: read A/N^alpha, not A.",
    parameters=(IRREDUCIBLE, CAPACITY[0], DATA[0], CAPACITY[1], DATA[1]),
    evaluate=hoffmann_value,
    starts=hoffmann_starts,
    varies=("n_params", "n_tokens"),
    floor="E",
    beliefs=(ALIKE,),
)
INTERACTION = Law(
    name="interaction",
    formula="L = E + (A/N^alpha + B/D^beta)^gamma",
    source="Busbridge et al. 2025, arXiv 2502.08606, their supervised law",
    identifiability="As hoffmann; gamma is told by points where both terms matter. Only alpha*gamma and beta*gamma are "
    "told where one term rules everywhere.",
    parameters=(
        *HOFFMANN.parameters,
        Parameter("gamma", 0.05, 20.0, meaning="how the two terms combine; 1 is hoffmann"),
    ),
    evaluate=interaction_value,
    starts=interaction_starts,
    varies=("n_params", "n_tokens"),
    floor="E",
    beliefs=(ALIKE, UNBENT),
)
KAPLAN = Law(
    name="kaplan",
    formula="L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D",
    source="Kaplan et al. 2020, arXiv 2001.08361, equation 1.5",
    identifiability="N and D must each vary; there is no irreducible loss, so it falls for ever.",
    parameters=(
        Parameter("N_c", 1e-30, 1e60, unit="parameters", meaning="scale of parameters"),
        Parameter("D_c", 1e-30, 1e60, unit="tokens", meaning="scale of tokens"),
        Parameter("alpha_N", *EXPONENT, meaning="exponent of parameters"),
        Parameter("alpha_D", *EXPONENT, meaning="exponent of tokens"),
    ),
    evaluate=kaplan_value,
    starts=kaplan_starts,
    varies=("n_params", "n_tokens"),
    prior=NO_FLOOR_PRIOR,
)
