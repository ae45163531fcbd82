"""Computes loss in the shares of the training data's domains: L = c + exp(t_1 r_1 + ... + t_K r_K).

Ye et al. 2024 (arXiv 2403.16952), equation 1: L = c + k exp(t . r). The shares r sum to 1, so ln k is a part of every t
and is left out. Models are of one size and one number of tokens; one law for each number K of domains.
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import IRREDUCIBLE
from gauger.stats.laws.terms import log_sum, typical

DOMAINS = range(2, 9)
"""Numbers of domains that there is a law for."""


def mixture_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute log(c + exp(t . r)) and its gradient; of the inner parameters c alone is a logarithm.

    Parameters
    ----------
    theta : float array, (B, K + 1)
        Inner parameters, one row per fit: ln c, t_1 ... t_K.
    points : Points
        n points; reads the first K columns of `shares`.

    Returns
    -------
    value : float array, (B, n)
        Natural logarithm of the loss in nats per token.
    gradient : float array, (B, K + 1, n)
        Its derivative by each inner parameter.

    Raises
    ------
    ValueError
        The points have no shares.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    if points.shares is None:
        raise ValueError("the mixture law reads the shares of its points")
    shares = points.shares[:, : theta.shape[1] - 1]
    value, (of_c, of_mix) = log_sum(theta[:, :1] + 0 * points.log_n, theta[:, 1:] @ shares.T)
    return value, np.concatenate([of_c[:, None], of_mix[:, None] * shares.T], axis=1)


def mixture_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Split the typical loss between c and the mixture; domains help or harm by up to a factor of e^2.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `loss` and the number of `shares`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, K + 1)
        Inner parameters in the order of `mixture_value`. Without losses a typical loss of 1 is assumed.
    """
    domains = 2 if points.shares is None else points.shares.shape[1]
    loss, part = typical(points.loss), rng.uniform(0.05, 0.95, count)
    t = np.log((1.0 - part) * loss)[:, None] + rng.uniform(-2.0, 2.0, (count, domains))
    return np.column_stack([np.log(part * loss), t])


def _mixture(domains: int) -> Law:
    names = [f"t_{k}" for k in range(1, domains + 1)]
    return Law(
        name=f"mixture-{domains}",
        formula=f"L = c + exp(t_1 r_1 + ... + t_{domains} r_{domains}), r the shares of {domains} domains",
        source="Ye et al. 2024, arXiv 2403.16952, equation 1; ln k is in every t",
        identifiability="Every share must vary, not all together; c is told only by mixtures that come near it.",
        parameters=(
            Parameter(
                "c", IRREDUCIBLE.low, IRREDUCIBLE.high, unit="nats per token", meaning="loss of the best mixture"
            ),
            *(Parameter(name, -60.0, 20.0, log=False, meaning="what a share of this domain does") for name in names),
        ),
        evaluate=mixture_value,
        starts=lambda points, rng, count: mixture_starts(points, rng, count)[:, : domains + 1],
        needs=("loss", "shares"),
    )


MIXTURES = tuple(_mixture(domains) for domains in DOMAINS)
