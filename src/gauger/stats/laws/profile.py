"""Profile likelihood intervals: for fits whose random-weight draws are not to be trusted (few points, bounds).

A parameter is held at values around its estimate and all others are fitted anew. With Huber's loss Q and its factor
k = mean(psi^2)/mean(psi'), 2 (Q(value) - Q)/k is compared with the quantile of F(1, n - P) (Schrader and Hettmansperger
1980, Biometrika 67, 93-101). Delta is raised to 1.345 robust standard deviations: at 1e-3 too few residuals lie in the
curved part to know k.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.laws.bootstrap import count_units
from gauger.stats.laws.fit import DELTA_STANDARDISED, LawFit
from gauger.stats.laws.minimise import Problem, minimise
from gauger.stats.laws.points import FloatArray
from gauger.stats.student import t_quantile

REACH = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5, 4.0, 6.5, 10.0, 16.0, 26.0, 42.0)
"""How far from the estimate values are tried, in inner units (logarithms)."""


@dataclass(frozen=True)
class Profile:
    """Interval of one parameter; None where the statistic never crosses on that side: unbounded."""

    low: float | None
    high: float | None


def profile(fitted: LawFit, parameter: int, level: float = 0.95) -> Profile:
    """Profile one parameter (its position) and return its interval in natural units."""
    problem, theta, least = _softened(fitted)
    low, high = fitted.law.bounds
    law_parameter = fitted.law.parameters[parameter]
    step = 1.0 if law_parameter.log else max(abs(theta[parameter]), 0.05)
    limit = _limit(fitted, problem, theta, level)
    ends = []
    for side, bound in ((-1.0, low[parameter]), (1.0, high[parameter])):
        values = theta[parameter] + side * step * np.array(REACH)
        values = np.minimum(values, bound) if side > 0 else np.maximum(values, bound)
        rise = _rise(fitted, problem, (theta, parameter, values)) - least
        end = _crossing(np.concatenate([[theta[parameter]], values]), np.concatenate([[0.0], rise]), limit)
        ends.append(None if end is None else float(np.exp(end) if law_parameter.log else end))
    return Profile(ends[0], ends[1])


def _softened(fitted: LawFit) -> tuple[Problem, FloatArray, float]:
    standard = fitted.noise if fitted.law.outcome == "loss" else 1.0
    problem = replace(fitted.problem, delta=max(fitted.problem.delta, DELTA_STANDARDISED * standard))
    found = minimise(problem, fitted.theta[None], fitted.weights[None], tolerance=1e-12, steps=500)
    return problem, found.theta[0], float(found.objective[0])


def _limit(fitted: LawFit, problem: Problem, theta: FloatArray, level: float) -> float:
    """How far Q may rise above its minimum."""
    value, _ = fitted.law.evaluate(theta[None], fitted.points)
    residual = (value[0] - problem.observed) / problem.scale
    psi, inside = np.clip(residual, -problem.delta, problem.delta), np.abs(residual) <= problem.delta
    total, units = fitted.weights.sum(), count_units(fitted)
    freedom = max(units - len(theta), 1.0)
    factor = (fitted.weights * psi**2).sum() / total / max((fitted.weights * inside).sum() / total, 0.05)
    return float(0.5 * t_quantile(0.5 + level / 2.0, freedom) ** 2 * factor * len(residual) / freedom)


def _rise(fitted: LawFit, problem: Problem, held: tuple[FloatArray, int, FloatArray]) -> FloatArray:
    """Least Q with one parameter held at each value; each fit starts from its neighbour's, outwards."""
    theta, parameter, values = held
    low, high = (np.tile(bound, (1, 1)) for bound in fitted.law.bounds)
    start, found = theta[None].copy(), []
    for value in values:
        low[0, parameter] = high[0, parameter] = start[0, parameter] = value
        fit = minimise(problem, start, fitted.weights[None], bounds=(low, high), steps=300)
        start = fit.theta.copy()
        found.append(float(fit.objective[0]))
    return np.array(found)


def _crossing(values: FloatArray, rise: FloatArray, limit: float) -> float | None:
    """Where the signed root of the rise passes the limit, by interpolation of roots."""
    root, wanted = np.sqrt(np.maximum(rise, 0.0)), np.sqrt(limit)
    above = np.flatnonzero(root > wanted)
    if not len(above):
        return None
    after = int(above[0])
    share = (wanted - root[after - 1]) / (root[after] - root[after - 1])
    return float(values[after - 1] + share * (values[after] - values[after - 1]))
