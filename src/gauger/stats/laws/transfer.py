"""Computes effective data transferred: pre-training is worth so many tokens of the new distribution.

D_T = k D_F^a N^b tokens are transferred into fine-tuning on D_F tokens, so that the loss is that of a model trained
from scratch on D_F + D_T: L = E + A/N^alpha + B/(D_F + D_T)^beta. Hernandez et al. 2021 (arXiv 2102.01293), equations
1.1 and 1.2, measure D_T against a curve from scratch; here that curve is Hoffmann's, fitted together with it.
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import ALIKE, HOFFMANN, hoffmann_starts
from gauger.stats.laws.terms import columns, log_sum

HERNANDEZ_TEXT_2021 = {"k": 1.9e4, "a": 0.18, "b": 0.38}
"""Hernandez et al. 2021, table 1: text to Python; D in characters, N without embeddings."""
HERNANDEZ_MIXED_2021 = {"k": 2.1e5, "a": 0.096, "b": 0.38}
"""Half text, half other code, to Python."""


def transfer_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute the log loss after transfer and its gradient; a and b are no logarithms.

    Parameters
    ----------
    theta : float array, (B, 8)
        Inner parameters, one row per fit: ln E, ln A, ln B, ln alpha, ln beta, ln k, a, b.
    points : Points
        n points; reads `n_params`, `n_tokens` and `pretrained`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, 8, n)
        Its derivative by each inner parameter.

    Points from scratch (`pretrained` below 0.5) have no transfer, and no gradient by k, a and b.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    e, a, b, log_alpha, log_beta, k, by_data, by_size = columns(theta)
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    transferred = k + by_data * points.log_d + by_size * points.log_n
    tokens, (_, of_transfer) = log_sum(points.log_d + 0 * transferred, transferred)
    scratch = points.from_pretrained < 0.5
    tokens = np.where(scratch, points.log_d, tokens)
    of_transfer = np.where(scratch, 0.0, of_transfer)
    value, (of_e, of_n, of_d) = log_sum(e + 0 * points.log_n, a - alpha * points.log_n, b - beta * tokens)
    by_transfer = -beta * of_d * of_transfer
    gradient = [of_e, of_n, of_d, -alpha * points.log_n * of_n, -beta * tokens * of_d]
    gradient += [by_transfer, by_transfer * points.log_d, by_transfer * points.log_n]
    return value, np.stack(gradient, axis=1)


def transfer_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of the plain law; transfer from a thousandth to a thousand times the new tokens at the middle.

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
    float array, (count, 8)
        Inner parameters in the order of `transfer_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    by_data, by_size = rng.uniform(0.0, 0.9, count), rng.uniform(0.0, 0.9, count)
    middle_d, middle_n = np.median(points.log_d), np.median(points.log_n)
    k = middle_d + rng.uniform(-7.0, 7.0, count) - by_data * middle_d - by_size * middle_n
    return np.column_stack([hoffmann_starts(points, rng, count), k, by_data, by_size])


TRANSFER = Law(
    name="transfer",
    formula="L = E + A/N^alpha + B/(D + D_T)^beta, D_T = k D^a N^b where pretrained",
    source="Hernandez et al. 2021, arXiv 2102.01293, equations 1.1 and 1.2; the curve from scratch is Hoffmann's",
    identifiability="Needs points from scratch (pretrained = 0) beside pre-trained ones, over the same losses; k and a "
    "lie on a ridge, and b needs several model sizes.",
    parameters=(
        *HOFFMANN.parameters,
        Parameter("k", 1e-30, 1e60, meaning="amplitude of the transfer"),
        Parameter("a", -1.0, 2.0, log=False, meaning="exponent of fine-tuning tokens; below 1: worth fades"),
        Parameter("b", -1.0, 3.0, log=False, meaning="exponent of parameters"),
    ),
    evaluate=transfer_value,
    starts=transfer_starts,
    varies=("n_params", "n_tokens", "pretrained"),
    needs=("pretrained",),
    floor="E",
    beliefs=(ALIKE,),
)
