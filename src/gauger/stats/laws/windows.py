"""Lays out the windows of points to which a law is fitted: all of them, and the upper half by compute.

Laws hold least at the smallest scale, where warm-ups fill the run and embeddings the model. So a law of loss is also
fitted to the upper half of its points by compute alone, and predicts the mean of both fits: averaging over where the
data begin needs no test of where they should (Pesaran and Timmermann 2007, Journal of Econometrics 137, 134-161).

Dimension letters: K fits side by side, W windows of each, n points.
"""

from __future__ import annotations

import numpy as np

from gauger.stats.laws.law import Law
from gauger.stats.laws.points import FloatArray, Points


def windows(law: Law, points: Points, weights: FloatArray) -> FloatArray:
    """Lay out the windows of each fit: all of its points, and the upper half of them by compute, (K * W, n).

    Parameters
    ----------
    law : Law
        Only a law with a floor of its loss has a second window, and only where the half is enough to fit it.
    points : Points
        n points.
    weights : float array, (K, n)
        Weights of the points in each fit.

    Returns
    -------
    float array, (K * W, n)
        W is 1 or 2 for all; where the half is too small the second window repeats the first.
    """
    if not law.floor or law.outcome != "loss":
        return weights
    rows = []
    for weight in weights:
        used = weight > 0
        upper = used & (points.log_flops >= np.median(points.log_flops[used]))
        rows += [weight, weight * upper if upper.sum() >= law.least_to_compete else weight]
    return np.array(rows)
