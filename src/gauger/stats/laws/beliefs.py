"""Adds what is believed of a law's parameters (`law.Belief`) to its fit, as further residuals.

Beliefs enter the objective Q as normal terms: they pull `interaction` towards `hoffmann` and this towards `tied`, as
far as the points do not say otherwise.

Dimension letters: K fits side by side, P parameters, n points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gauger.stats.laws.minimise import FitProblem
from gauger.stats.laws.points import FloatArray, Points

FAR = 1e4
"""Scale of the beliefs' residuals: so small that Huber's loss is square there."""


def with_beliefs(problem: FitProblem, weights: FloatArray, nat: FloatArray) -> tuple[FitProblem, FloatArray]:
    """Append the beliefs of a law to what it is fitted to, as further residuals.

    Parameters
    ----------
    problem : FitProblem
        Law, n points and what is observed.
    weights : float array, (K, n)
        Weights of the points in each fit.
    nat : float array, (K,)
        What one nat of likelihood is worth in each objective.

    Returns
    -------
    FitProblem, float array (K, n + beliefs)
        As they came for a law without beliefs. Away from the problem's own points the law predicts as before.

    Notes
    -----
    Tested in tests/stats/laws/test_floors.py.
    """
    law, beliefs = problem.law, problem.law.beliefs
    if not beliefs:
        return problem, weights
    at = [(law.names.index(b.first), None if b.second is None else law.names.index(b.second)) for b in beliefs]

    def evaluate(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
        value, gradient = law.evaluate(theta, points)
        if points is not problem.points:
            return value, gradient
        more = np.zeros((len(theta), len(at)))
        slope = np.zeros((len(theta), theta.shape[1], len(at)))
        for j, (first, second) in enumerate(at):
            more[:, j] = theta[:, first] - (0.0 if second is None else theta[:, second])
            slope[:, first, j] = 1.0
            if second is not None:
                slope[:, second, j] = -1.0
        return np.concatenate([value, more], axis=1), np.concatenate([gradient, slope], axis=2)

    sd = np.array([belief.sd for belief in beliefs])
    pulled = replace(
        problem,
        law=replace(law, evaluate=evaluate),
        observed=np.concatenate([problem.observed, np.zeros(len(at))]),
        scale=np.concatenate([problem.scale, np.full(len(at), FAR)]),
    )
    return pulled, np.concatenate([weights, nat[:, None] * (FAR / sd) ** 2], axis=1)
