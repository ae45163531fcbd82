"""Computes accuracy from scale at once, for points without a loss.

- `sigmoid`: accuracy = floor + (ceiling - floor) / (1 + exp(-(m + p ln N + q ln D)))
- `error`: accuracy = ceiling - A/N^alpha - B/D^beta
- `sigmoid-tokens`, `error-tokens`: the same for one model size

They disagree about what lies ahead: a sigmoid saturates exponentially in ln D, an error curve by a power.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit

from gauger.stats.laws.law import Law, Parameter
from gauger.stats.laws.links import CEILING, FLOOR, ends
from gauger.stats.laws.one_scale import power_starts
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.supervised import CAPACITY, DATA, hoffmann_starts
from gauger.stats.laws.terms import columns


def sigmoid_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute the sigmoid of scale and its gradient; no inner parameter is a logarithm.

    Parameters
    ----------
    theta : float array, (B, 5)
        Inner parameters, one row per fit: floor, ceiling, m, p, q.
    points : Points
        n points; reads `n_params` and `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Accuracy, 0-1.
    gradient : float array, (B, 5, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    floor, ceiling, m, p, q = columns(theta)
    level = expit(m + p * points.log_n + q * points.log_d)
    slope = (ceiling - floor) * level * (1.0 - level)
    gradient = [1.0 - level, level, slope, slope * points.log_n, slope * points.log_d]
    return floor + (ceiling - floor) * level, np.stack(gradient, axis=1)


def sigmoid_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw slopes from flat to steep, the middle of the sigmoid somewhere near the data.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_params`, `n_tokens` and `accuracy`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 5)
        Inner parameters in the order of `sigmoid_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without accuracies 0.5 is assumed.
    """
    p, q = rng.uniform(0.0, 1.5, (2, count))
    m = rng.normal(0.0, 2.0, count) - p * np.median(points.log_n) - q * np.median(points.log_d)
    return np.column_stack([*ends(points, rng, count), m, p, q])


def error_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute ceiling - A/N^alpha - B/D^beta and its gradient; all but the ceiling are logarithms.

    Parameters
    ----------
    theta : float array, (B, 5)
        Inner parameters, one row per fit: ceiling, ln A, ln B, ln alpha, ln beta.
    points : Points
        n points; reads `n_params` and `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Accuracy, 0-1; not held inside these bounds.
    gradient : float array, (B, 5, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    ceiling, a, b, log_alpha, log_beta = columns(theta)
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    of_n, of_d = np.exp(a - alpha * points.log_n), np.exp(b - beta * points.log_d)
    gradient = [np.ones_like(of_n), -of_n, -of_d, alpha * points.log_n * of_n, beta * points.log_d * of_d]
    return ceiling - of_n - of_d, np.stack(gradient, axis=1)


def error_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of Hoffmann's law on the error, 1 - accuracy.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_params`, `n_tokens` and `accuracy`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 5)
        Inner parameters in the order of `error_value`. Some may lie beyond the law's bounds: `minimise` clips them.
        Without accuracies 0.5 is assumed.
    """
    starts = hoffmann_starts(_errors(points), rng, count)
    return np.column_stack([1.0 - np.exp(starts[:, 0]), starts[:, 1:]])


def _errors(points: Points) -> Points:
    accuracy = np.full(len(points), 0.5) if points.accuracy is None else points.accuracy
    return replace(points, loss=np.clip(1.0 - accuracy, 1e-3, 1.0))


def sigmoid_tokens_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute the sigmoid of ln D and its gradient: `sigmoid_value` with p = 0.

    Parameters
    ----------
    theta : float array, (B, 4)
        Inner parameters, one row per fit: floor, ceiling, m, q.
    points : Points
        n points; reads `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Accuracy, 0-1.
    gradient : float array, (B, 4, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    value, gradient = sigmoid_value(np.insert(theta, 3, 0.0, axis=1), points)
    return value, np.delete(gradient, 3, axis=1)


def sigmoid_tokens_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of `sigmoid` without a slope in ln N.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_tokens` and `accuracy`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 4)
        Inner parameters in the order of `sigmoid_tokens_value`. Some may lie beyond the law's bounds: `minimise` clips
        them. Without accuracies 0.5 is assumed.
    """
    q = rng.uniform(0.0, 1.5, count)
    return np.column_stack([*ends(points, rng, count), rng.normal(0.0, 2.0, count) - q * np.median(points.log_d), q])


def error_tokens_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Compute ceiling - B/D^beta and its gradient; all but the ceiling are logarithms.

    Parameters
    ----------
    theta : float array, (B, 3)
        Inner parameters, one row per fit: ceiling, ln B, ln beta.
    points : Points
        n points; reads `n_tokens`.

    Returns
    -------
    value : float array, (B, n)
        Accuracy, 0-1; not held inside these bounds.
    gradient : float array, (B, 3, n)
        Its derivative by each inner parameter.

    Formula and gradient are recomputed in tests/stats/laws/test_laws.py.
    """
    ceiling, b, log_beta = columns(theta)
    beta = np.exp(log_beta)
    of_d = np.exp(b - beta * points.log_d)
    return ceiling - of_d, np.stack([np.ones_like(of_d), -of_d, beta * points.log_d * of_d], axis=1)


def error_tokens_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw starts of the power law on the error, 1 - accuracy.

    Parameters
    ----------
    points : Points
        n >= 1 points; reads `n_tokens` and `accuracy`.
    rng : numpy.random.Generator
        Draws the starts.
    count : int
        Number of starting points.

    Returns
    -------
    float array, (count, 3)
        Inner parameters in the order of `error_tokens_value`. Some may lie beyond the law's bounds: `minimise` clips
        them. Without accuracies 0.5 is assumed.
    """
    starts = power_starts(_errors(points), rng, count)
    return np.column_stack([1.0 - np.exp(starts[:, 0]), starts[:, 1:]])


SOURCE = "the direct form of the link; cf. Krajewski et al. 2025, arXiv 2512.08894, who fit accuracy at once"
KNOWN = "floor and ceiling are told only by points near them; p and A need several N, q and B several D."
OFFSET = Parameter("m", -1e3, 1e3, log=False, meaning="offset")
STEEP_N = Parameter("p", -5.0, 20.0, log=False, meaning="steepness in ln N")
STEEP_D = Parameter("q", -5.0, 20.0, log=False, meaning="steepness in ln D")

SIGMOID = Law(
    name="sigmoid",
    formula="accuracy = floor + (ceiling - floor)/(1 + exp(-(m + p ln N + q ln D)))",
    source=SOURCE,
    identifiability=KNOWN,
    parameters=(FLOOR, CEILING, OFFSET, STEEP_N, STEEP_D),
    evaluate=sigmoid_value,
    starts=sigmoid_starts,
    outcome="accuracy",
    varies=("n_params", "n_tokens"),
    needs=("accuracy",),
    floor="ceiling",
)
SIGMOID_TOKENS = replace(
    SIGMOID,
    name="sigmoid-tokens",
    formula="accuracy = floor + (ceiling - floor)/(1 + exp(-(m + q ln D)))",
    parameters=(FLOOR, CEILING, OFFSET, STEEP_D),
    evaluate=sigmoid_tokens_value,
    starts=sigmoid_tokens_starts,
    varies=("n_tokens",),
)
ERROR = replace(
    SIGMOID,
    name="error",
    formula="accuracy = ceiling - A/N^alpha - B/D^beta",
    source="Hestness et al. 2017, arXiv 1712.00409, on error rates; Rosenfeld et al. 2020, arXiv 1909.12673",
    parameters=(CEILING, CAPACITY[0], DATA[0], CAPACITY[1], DATA[1]),
    evaluate=error_value,
    starts=error_starts,
)
ERROR_TOKENS = replace(
    ERROR,
    name="error-tokens",
    formula="accuracy = ceiling - B/D^beta",
    parameters=(CEILING, *DATA),
    evaluate=error_tokens_value,
    starts=error_tokens_starts,
    varies=("n_tokens",),
)
