"""Computes accuracy from loss by two forms that agree where seen and part above: logistic and Gompertz.

- `link`: accuracy = floor + (ceiling - floor) / (1 + exp(k (loss - middle)))
- `gompertz`: accuracy = floor + (ceiling - floor) exp(-exp(k (loss - middle))), which leaves the floor late and
  fast and nears the ceiling slowly

Neither falls as the loss falls: a fit whose ceiling lies below its floor is made again in order (`Law.in_order`). A
benchmark on which better models do worse has no such link, and `holds` refuses it.

The chained two-step prediction (Bhagia et al. 2024) is a loss law followed by this link; `direct` goes from scale to
accuracy at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.terms import columns

FLOOR = Parameter("floor", 0.0, 1.0, log=False, meaning="accuracy without any knowledge: guessing")
CEILING = Parameter("ceiling", 0.0, 1.0, log=False, meaning="accuracy that no scale exceeds: wrong keys, ambiguity")


MOST_REACH = 50.0
"""Past this Gompertz's curve lies at its floor or ceiling to the last digit; larger exponents only overflow."""


def link_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute accuracy from loss, and its gradient; of the inner parameters k alone is a logarithm.

    Parameters
    ----------
    theta : float array, (B, 4)
        Inner parameters, one row per fit: floor, ceiling, ln k, middle.
    points : Points
        n points; reads `loss`.

    Returns
    -------
    value : float array, (B, n)
        Accuracy, 0-1.
    gradient : float array, (B, 4, n)
        Its derivative by each inner parameter.

    Raises
    ------
    ValueError
        The points have no losses.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    if points.loss is None:
        raise ValueError("the link reads the loss of its points")
    return _sigmoid_of_loss(theta, points.loss)


def _sigmoid_of_loss(theta: FloatArray, loss: FloatArray) -> tuple[FloatArray, FloatArray]:
    floor, ceiling, log_k, middle = columns(theta)
    k = np.exp(log_k)
    level = expit(-k * (loss - middle))
    slope = (ceiling - floor) * level * (1.0 - level)
    gradient = [1.0 - level, level, -slope * k * (loss - middle), slope * k + 0 * loss]
    return floor + (ceiling - floor) * level, np.stack(gradient, axis=1)


def gompertz_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute accuracy from loss by Gompertz's curve, and its gradient; of the inner parameters k alone is a logarithm.

    Parameters
    ----------
    theta : float array, (B, 4)
        Inner parameters, one row per fit: floor, ceiling, ln k, middle.
    points : Points
        n points; reads `loss`.

    Returns
    -------
    value : float array, (B, n)
        Accuracy, 0-1; at the middle it has come 1/e of the way.
    gradient : float array, (B, 4, n)
        Its derivative by each inner parameter.

    Raises
    ------
    ValueError
        The points have no losses.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    if points.loss is None:
        raise ValueError("the link reads the loss of its points")
    floor, ceiling, log_k, middle = columns(theta)
    k = np.exp(log_k)
    reach = np.clip(k * (points.loss - middle), -MOST_REACH, MOST_REACH)
    level = np.exp(-np.exp(reach))
    slope = (ceiling - floor) * level * np.exp(reach)
    gradient = [1.0 - level, level, -slope * reach, slope * k + 0 * points.loss]
    return floor + (ceiling - floor) * level, np.stack(gradient, axis=1)


def link_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw floors below and ceilings above what was seen; middles within the losses or half their range beyond.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `loss` and `accuracy`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 4)
        Inner parameters in the order of `link_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without accuracies 0.5 is assumed.
    """
    loss = np.array([1.0]) if points.loss is None else points.loss[np.isfinite(points.loss)]
    spread = max(float(np.ptp(loss)), 1e-3)
    k = np.log(rng.uniform(0.5, 12.0, count) / spread)
    middle = rng.uniform(loss.min() - 0.5 * spread, loss.max() + 0.5 * spread, count)
    return np.column_stack([*ends(points, rng, count), k, middle])


def ends(points: Points, rng: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
    """Draw floors at or below, and ceilings at or above, what was seen.

    Parameters
    ----------
    points : Points
        Reads `accuracy`, of which at least one must be finite; 0.5 is assumed where the column is missing.
    rng : numpy.random.Generator
        Draws floors, then ceilings.
    count : int
        Number of each.

    Returns
    -------
    floor, ceiling : float arrays, (count,)
        Accuracy, 0-1.
    """
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
    floor="ceiling",
    ordered=("floor", "ceiling"),
)
GOMPERTZ = replace(
    LINK,
    name="gompertz",
    formula="accuracy = floor + (ceiling - floor) exp(-exp(k (loss - middle)))",
    source="Gompertz 1825, Phil. Trans. 115, 513-583, as a growth curve; a rival to the logistic link",
    evaluate=gompertz_value,
)
