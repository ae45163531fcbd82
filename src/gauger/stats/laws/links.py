"""From loss to accuracy: accuracy = floor + (ceiling - floor) / (1 + exp(k (loss - middle))).

The chained two-step prediction (Bhagia et al. 2024) is a loss law followed by this link; `direct` goes from scale to
accuracy at once.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.terms import columns

FLOOR = Parameter("floor", 0.0, 1.0, log=False, meaning="accuracy without any knowledge: guessing")
CEILING = Parameter("ceiling", 0.0, 1.0, log=False, meaning="accuracy that no scale exceeds: wrong keys, ambiguity")


def link_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Accuracy from loss, and its gradient; inner (floor, ceiling, k as a logarithm, middle)."""
    if points.loss is None:
        raise ValueError("the link reads the loss of its points")
    return _sigmoid_of_loss(theta, points.loss)


def accuracy_at(theta: FloatArray, loss: FloatArray) -> FloatArray:
    """Accuracy of (B, 4) links at (B, n) losses: the second step of a chained prediction."""
    floor, ceiling, log_k, middle = columns(theta)
    return np.asarray(floor + (ceiling - floor) * expit(-np.exp(log_k) * (loss - middle)))


def _sigmoid_of_loss(theta: FloatArray, loss: FloatArray) -> tuple[FloatArray, FloatArray]:
    floor, ceiling, log_k, middle = columns(theta)
    k = np.exp(log_k)
    level = expit(-k * (loss - middle))
    slope = (ceiling - floor) * level * (1.0 - level)
    gradient = [1.0 - level, level, -slope * k * (loss - middle), slope * k + 0 * loss]
    return floor + (ceiling - floor) * level, np.stack(gradient, axis=1)


def link_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Floors below and ceilings above what was seen; middles within the losses."""
    loss = np.array([1.0]) if points.loss is None else points.loss[np.isfinite(points.loss)]
    spread = max(float(np.ptp(loss)), 1e-3)
    k = np.log(rng.uniform(0.5, 12.0, count) / spread)
    middle = rng.uniform(loss.min() - 0.5 * spread, loss.max() + 0.5 * spread, count)
    return np.column_stack([*ends(points, rng, count), k, middle])


def ends(points: Points, rng: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
    """Floors at or below, and ceilings at or above, what was seen, (count,) each."""
    seen = np.array([0.5]) if points.accuracy is None else points.accuracy[np.isfinite(points.accuracy)]
    return rng.uniform(0.0, seen.min() + 1e-9, count), rng.uniform(seen.max() - 1e-9, 1.0, count)


LINK = Law(
    name="link",
    formula="accuracy = floor + (ceiling - floor)/(1 + exp(k (loss - middle)))",
    source="Bhagia et al. 2024, arXiv 2412.04403, equation 2",
    identifiability="floor and ceiling are told only by points near them; else they trade off against k and middle.",
    parameters=(
        FLOOR,
        CEILING,
        Parameter("k", 1e-3, 1e4, unit="per nat", meaning="steepness"),
        Parameter("middle", -10.0, 1e3, log=False, unit="nats per token", meaning="loss half way"),
    ),
    evaluate=link_value,
    starts=link_starts,
    outcome="accuracy",
    varies=("loss",),
    needs=("loss", "accuracy"),
)
