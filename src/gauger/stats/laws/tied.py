"""Computes loss with one exponent for parameters and tokens: L = E + A/N^alpha + B/D^alpha.

Gadre et al. 2024 (arXiv 2403.08540) write it in compute C = 6 N D and over-training M = D/N, equation 4:
L = E + (a M^eta + b M^-eta) C^-eta with alpha = 2 eta; with C = 6 N D the two are the same curve. One parameter fewer
than `hoffmann` lets it be fitted to five models, four of one M and one over-trained, as they do.
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import CAPACITY, DATA, EXPONENT, IRREDUCIBLE, hoffmann_starts, hoffmann_value


def tied_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute log(E + A/N^alpha + B/D^alpha) and its gradient; inner parameters are all logarithms.

    Parameters
    ----------
    theta : float array, (B, 4)
        Inner parameters, one row per fit: ln E, ln A, ln B, ln alpha.
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
    value, gradient = hoffmann_value(np.column_stack([theta, theta[:, 3]]), points)
    return value, np.concatenate([gradient[:, :3], gradient[:, 3:4] + gradient[:, 4:5]], axis=1)


def tied_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of `hoffmann` with the exponent of the parameters for both.

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
        Inner parameters in the order of `tied_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without losses a typical loss of 1 is assumed.
    """
    start = hoffmann_starts(points, rng, count)
    # The amplitude of the tokens was drawn for their own exponent: moved so that its term keeps its share.
    start[:, 2] += (np.exp(start[:, 3]) - np.exp(start[:, 4])) * float(np.median(points.log_d))
    return start[:, :4]


TIED = Law(
    name="tied",
    formula="L = E + A/N^alpha + B/D^alpha",
    source="Gadre et al. 2024, arXiv 2403.08540, equation 4, written in N and D",
    identifiability="N must vary over a decade or so; one over-trained model tells A from B. E stays correlated with "
    "alpha unless some points come near it.",
    parameters=(IRREDUCIBLE, CAPACITY[0], DATA[0], Parameter("alpha", *EXPONENT, meaning="exponent of both")),
    evaluate=tied_value,
    starts=tied_starts,
    varies=("n_params", "n_tokens"),
    floor="E",
    fewest=5,
)
