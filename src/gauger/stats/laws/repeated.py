"""Computes loss on repeated data: tokens seen again, and parameters beyond what data can feed, lose their worth.

L = E + A/N'^alpha + B/D'^beta with

- D' = U (1 + R*_D (1 - exp(-R_D/R*_D))), R_D = D/U - 1 repetitions of U distinct tokens;
- N' = U_N (1 + R*_N (1 - exp(-R_N/R*_N))), R_N = N/U_N - 1, where U_N = min(N, N_opt(U)) and
  N_opt(U) = (alpha A / (beta B))^(1/alpha) U^(beta/alpha) are the compute-optimal parameters for U tokens.

Muennighoff et al. 2023 (arXiv 2305.16264), equations 5 and 7 and appendix A.
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import ALIKE, HOFFMANN, hoffmann_starts
from gauger.stats.laws.terms import columns, log_sum

MUENNIGHOFF_2023 = {
    "E": 1.8692, "A": 520.83, "B": 1487.7, "alpha": 0.3526596, "beta": 0.3526596,
    "R_D": 15.387756, "R_N": 5.309743,
}  # fmt: skip
"""Muennighoff et al. 2023, appendix A: E, A, B = exp(0.6254804), exp(6.255414), exp(7.3049974); alpha = beta there."""


MOST_LOG_REPEATS = 60.0
"""Past this the worth has long reached its ceiling; larger numbers only overflow."""


def worth(log_unit: FloatArray, log_total: FloatArray, half_life: FloatArray) -> tuple[FloatArray, ...]:
    """Value of a resource of which only a unit is new: log effective amount and two derivatives.

    Parameters
    ----------
    log_unit, log_total : arrays that broadcast
        Logarithms of the new part U and of the whole.
    half_life : array
        R*: after R* repetitions, (1 - 1/e) R* of them counted.

    Returns
    -------
    log effective amount, its derivative by log U, its derivative by log R*.
    """
    repeats = np.expm1(np.clip(log_total - log_unit, 0.0, MOST_LOG_REPEATS))
    decay = np.exp(-repeats / half_life)
    factor = 1.0 + half_life * -np.expm1(-repeats / half_life)
    by_unit = 1.0 - (repeats + 1.0) * decay / factor
    by_half_life = (factor - 1.0 - repeats * decay) / factor
    return log_unit + np.log(factor), by_unit, by_half_life


def repeated_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute the log loss on repeated data and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 7)
        Inner parameters, one row per fit: ln E, ln A, ln B, ln alpha, ln beta, ln R_D, ln R_N.
    points : Points
        n points; reads `n_params`, `n_tokens` and `unique_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 7, n)
        Its derivative by each inner parameter.

    Without `unique_tokens` nothing is repeated, and the law turns on N beyond N_opt alone.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    e, a, b, log_alpha, log_beta, log_rd, log_rn = columns(theta)
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    tokens, _, tokens_by_rd = worth(points.log_unique, points.log_d, np.exp(log_rd))
    optimal = (log_alpha + a - log_beta - b + beta * points.log_unique) / alpha
    capped = optimal < points.log_n
    params, by_unit, params_by_rn = worth(np.minimum(optimal, points.log_n), points.log_n, np.exp(log_rn))
    value, (of_e, of_n, of_d) = log_sum(e + 0 * points.log_n, a - alpha * params, b - beta * tokens)
    by_optimal = np.where(capped, -alpha * of_n * by_unit, 0.0)
    gradient = [
        of_e,
        of_n + by_optimal / alpha,
        of_d - by_optimal / alpha,
        -alpha * params * of_n + by_optimal * (1.0 / alpha - optimal),
        -beta * tokens * of_d + by_optimal * (beta * points.log_unique - 1.0) / alpha,
        -beta * of_d * tokens_by_rd,
        -alpha * of_n * params_by_rn,
    ]
    return value, np.stack(gradient, axis=1)


def repeated_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of the plain law, half-lives spread over 1-100 repetitions.

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
    float array, (count, 7)
        Inner parameters in the order of `repeated_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    lives = rng.uniform(0.0, np.log(100.0), (count, 2))
    return np.column_stack([hoffmann_starts(points, rng, count), lives])


REPEATED = Law(
    name="repeated",
    formula="L = E + A/N'^alpha + B/D'^beta, D' = U (1 + R_D (1 - exp(-(D/U-1)/R_D))), N' likewise beyond N_opt(U)",
    source="Muennighoff et al. 2023, arXiv 2305.16264, equations 5 and 7, appendix A",
    identifiability="R_D is told by points with several repetitions (D/U well above 2), R_N by models larger than "
    "compute-optimal for their distinct tokens; without such points they run to a bound.",
    parameters=(
        *HOFFMANN.parameters,
        Parameter("R_D", 0.05, 1e4, unit="repetitions", meaning="repetitions after which tokens have lost their worth"),
        Parameter("R_N", 0.05, 1e4, unit="multiples", meaning="the same of parameters beyond the compute-optimal"),
    ),
    evaluate=repeated_value,
    starts=repeated_starts,
    varies=("n_params", "n_tokens", "unique_tokens"),
    needs=("unique_tokens",),
    floor="E",
    beliefs=(ALIKE,),
)  # fmt: skip
