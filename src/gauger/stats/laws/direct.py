"""From scale to accuracy at once, for points without a loss.

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
    """Accuracy and its gradient; inner (floor, ceiling, m, p, q), none a logarithm."""
    floor, ceiling, m, p, q = columns(theta)
    level = expit(m + p * points.log_n + q * points.log_d)
    slope = (ceiling - floor) * level * (1.0 - level)
    gradient = [1.0 - level, level, slope, slope * points.log_n, slope * points.log_d]
    return floor + (ceiling - floor) * level, np.stack(gradient, axis=1)


def sigmoid_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Slopes from flat to steep, the middle of the sigmoid somewhere near the data."""
    p, q = rng.uniform(0.0, 1.5, (2, count))
    m = rng.normal(0.0, 2.0, count) - p * np.median(points.log_n) - q * np.median(points.log_d)
    return np.column_stack([*ends(points, rng, count), m, p, q])


def error_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Accuracy and its gradient; inner (ceiling, then A, B, alpha, beta as logarithms)."""
    ceiling, a, b, log_alpha, log_beta = columns(theta)
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    of_n, of_d = np.exp(a - alpha * points.log_n), np.exp(b - beta * points.log_d)
    gradient = [np.ones_like(of_n), -of_n, -of_d, alpha * points.log_n * of_n, beta * points.log_d * of_d]
    return ceiling - of_n - of_d, np.stack(gradient, axis=1)


def error_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Starts of Hoffmann's law on the error, 1 - accuracy."""
    found = hoffmann_starts(_errors(points), rng, count)
    return np.column_stack([1.0 - np.exp(found[:, 0]), found[:, 1:]])


def _errors(points: Points) -> Points:
    accuracy = np.full(len(points), 0.5) if points.accuracy is None else points.accuracy
    return replace(points, loss=np.clip(1.0 - accuracy, 1e-3, 1.0))


def sigmoid_tokens_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Accuracy and its gradient; inner (floor, ceiling, m, q)."""
    value, gradient = sigmoid_value(np.insert(theta, 3, 0.0, axis=1), points)
    return value, np.delete(gradient, 3, axis=1)


def sigmoid_tokens_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Starts of `sigmoid` without a slope in ln N."""
    q = rng.uniform(0.0, 1.5, count)
    return np.column_stack([*ends(points, rng, count), rng.normal(0.0, 2.0, count) - q * np.median(points.log_d), q])


def error_tokens_value(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Accuracy and its gradient; inner (ceiling, then B and beta as logarithms)."""
    ceiling, b, log_beta = columns(theta)
    beta = np.exp(log_beta)
    of_d = np.exp(b - beta * points.log_d)
    return ceiling - of_d, np.stack([np.ones_like(of_d), -of_d, beta * points.log_d * of_d], axis=1)


def error_tokens_starts(points: Points, rng: np.random.Generator, count: int) -> FloatArray:
    """Starts of the power law on the error."""
    found = power_starts(_errors(points), rng, count)
    return np.column_stack([1.0 - np.exp(found[:, 0]), found[:, 1:]])


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
