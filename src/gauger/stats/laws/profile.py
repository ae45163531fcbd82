"""Computes profile likelihood intervals, where random-weight draws are not to be trusted (few points, bounds).

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
from gauger.stats.laws.minimise import FitProblem, minimise
from gauger.stats.laws.points import FloatArray
from gauger.stats.student import t_quantile

REACH = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5, 4.0, 6.5, 10.0, 16.0, 26.0, 42.0)
"""How far from the estimate values are tried, in inner units (logarithms)."""


@dataclass(frozen=True)
class Profile:
    """Interval of one parameter; None where the statistic never crosses on that side: unbounded."""

    low: float | None
    high: float | None


def profiles(fitted: LawFit, level: float = 0.95) -> list[Profile]:
    """Profile every parameter of a fit and return their intervals, natural units, in order.

    Parameters
    ----------
    fitted : LawFit
        Best fit of the law, P parameters. Groups of points are counted for the degrees of freedom but not modelled.
    level : float
        Coverage, 0-1.

    Returns
    -------
    list of Profile
        P of them, natural units; an end is None where the statistic never reaches the limit within 42 inner units or
        the parameter's bound.

    Use it where `intervals.why_profile` names a reason; else draws are cheaper. The profile of a nearly linear law is
    its t interval: tests/stats/laws/test_fit_law.py. Coverage: validation/laws. Only the ratios of
    the weights count.
    """
    problem, theta, least = _softened(fitted)
    limit = _limit(fitted, problem, theta, level)
    units = np.array(
        [1.0 if parameter.log else max(abs(t), 0.05) for parameter, t in zip(fitted.law.parameters, theta, strict=True)]
    )
    values = _values(fitted, theta, units)
    rise = np.maximum(_least_with_one_held(fitted, problem, theta, values) - least, 0.0)
    ends = [
        _crossing(np.concatenate([[at], tried]), np.concatenate([[0.0], height]), limit)
        for at, tried, height in zip(np.repeat(theta, 2), values, rise, strict=True)
    ]
    intervals = []
    for parameter, low, high in zip(fitted.law.parameters, ends[::2], ends[1::2], strict=True):
        natural = [None if end is None else float(np.exp(end) if parameter.log else end) for end in (low, high)]
        intervals.append(Profile(natural[0], natural[1]))
    return intervals


def _values(fitted: LawFit, theta: FloatArray, units: FloatArray) -> FloatArray:
    """Values at which parameters are held, (2 P, steps): below and above each estimate, inside the bounds."""
    low, high = fitted.law.bounds
    step = units[:, None] * np.array(REACH)
    below, above = np.maximum(theta[:, None] - step, low[:, None]), np.minimum(theta[:, None] + step, high[:, None])
    return np.stack([below, above], axis=1).reshape(2 * len(theta), -1)


def _softened(fitted: LawFit) -> tuple[FitProblem, FloatArray, float]:
    standard = fitted.noise if fitted.law.outcome == "loss" else 1.0
    problem = replace(fitted.problem, delta=max(fitted.problem.delta, DELTA_STANDARDISED * standard))
    minima = minimise(problem, fitted.theta[None], fitted.weights[None], tolerance=1e-12, steps=500)
    return problem, minima.theta[0], float(minima.objective[0])


def _limit(fitted: LawFit, problem: FitProblem, theta: FloatArray, level: float) -> float:
    """How far Q may rise above its minimum."""
    value, _ = fitted.law.evaluate(theta[None], fitted.points)
    residual = (value[0] - problem.observed) / problem.scale
    psi, inside = np.clip(residual, -problem.delta, problem.delta), np.abs(residual) <= problem.delta
    total, units = fitted.weights.sum(), count_units(fitted)
    freedom = max(units - len(theta), 1.0)
    factor = (fitted.weights * psi**2).sum() / total / max((fitted.weights * inside).sum() / total, 0.05)
    return float(0.5 * t_quantile(0.5 + level / 2.0, freedom) ** 2 * factor * total / freedom)


def _least_with_one_held(fitted: LawFit, problem: FitProblem, theta: FloatArray, values: FloatArray) -> FloatArray:
    """Least Q with one parameter held at each value, (2 P, steps); each fit starts from its inner neighbour's."""
    rows = np.arange(len(values))
    low, high = (np.tile(bound, (len(values), 1)) for bound in fitted.law.bounds)
    start, least = np.tile(theta, (len(values), 1)), []
    for held in values.T:
        low[rows, rows // 2] = high[rows, rows // 2] = start[rows, rows // 2] = held
        fit = minimise(problem, start, fitted.weights[None], bounds=(low, high), steps=200, tolerance=1e-8)
        start = fit.theta.copy()
        least.append(fit.objective)
    return np.stack(least, axis=1)


def _crossing(values: FloatArray, rise: FloatArray, limit: float) -> float | None:
    """Where the signed root of the rise passes the limit, by interpolation of roots."""
    root, wanted = np.sqrt(np.maximum(rise, 0.0)), np.sqrt(limit)
    above = np.flatnonzero(root > wanted)
    if not len(above):
        return None
    after = int(above[0])
    share = (wanted - root[after - 1]) / (root[after] - root[after - 1])
    return float(values[after - 1] + share * (values[after] - values[after - 1]))
