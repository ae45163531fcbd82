"""The commonest case, written for speed: one mean, one tau2, independent rows.

The same safeguarded Newton search as `batched`, on floats: with a dozen rows the number of calls is the cost.
"""

from __future__ import annotations

import math

import numpy as np

from gauger.errors import ConvergenceError
from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.maximise import STEP_TOLERANCE, STEPS, Maximum, near_zero
from gauger.stats.random_effects.moments import LOG_2PI, Likelihood


def applies(data: MetaData) -> bool:
    """Tell whether these data are one mean of independent rows with a row level alone."""
    return data.moderators is None and len(data.levels) == 1 and data.shared_group is None and data.row_level == 0


def maximise_mean(data: MetaData, reml: bool, start: float) -> Maximum:
    """Find tau2 >= 0 by Newton steps inside a bracket of the slope's sign change; errors as `maximise`."""
    tau2, low, high = start, 0.0, math.inf
    scale = 1e-3 * float(data.variance.mean())
    for number in range(1, STEPS + 1):
        slope, observed, expected = _slopes(data.effect, data.variance, tau2, reml)
        if slope > 0.0:
            low = tau2
        else:
            high = tau2
        moved = tau2 + slope / (observed if observed > 0.0 else expected)
        if moved >= high:
            moved = 0.5 * (tau2 + high)
        elif moved <= low:
            moved = 0.5 * (tau2 + low) if low > 0.0 else 0.0
        small = abs(moved - tau2) <= STEP_TOLERANCE * (tau2 + scale)
        tau2 = moved
        if small:
            tau2, at = _or_zero(data, tau2, reml)
            return Maximum(np.array([tau2]), at, number, (tau2 == 0.0,))
    raise ConvergenceError(f"tau2 did not converge in {STEPS} steps: last value {tau2:g}, slope {slope:.3g}.")


def _or_zero(data: MetaData, tau2: float, reml: bool) -> tuple[float, Likelihood]:
    """Prefer a mode at zero if it is the higher one; tried only where it can be."""
    at = mean_likelihood(data, tau2, reml)
    if tau2 > 0.0 and near_zero(tau2, float(at.hessian[0, 0])):
        zero = mean_likelihood(data, 0.0, reml)
        if zero.value > at.value and zero.gradient[0] <= 0.0:
            return 0.0, zero
    return tau2, at


def _slopes(effect: Array, variance: Array, tau2: float, reml: bool) -> tuple[float, float, float]:
    """Return slope, observed and expected curvature of the log-likelihood; formulas as in `batched`."""
    w = 1.0 / (variance + tau2)
    total = float(w.sum())
    wr = w * (effect - float(w @ effect) / total)
    w2, squares = w * w, wr * wr
    trace, trace2 = total, float(w @ w)
    pull = float(w @ wr)
    ypppy = float(w @ squares) - pull * pull / total
    if reml:
        share = trace2 / total
        trace, trace2 = total - share, trace2 - 2.0 * float(w2 @ w) / total + share * share
    return 0.5 * (float(squares.sum()) - trace), ypppy - 0.5 * trace2, 0.5 * trace2


def mean_likelihood(data: MetaData, tau2: float, reml: bool) -> Likelihood:
    """Evaluate the (restricted) likelihood and the weighted mean at tau2."""
    total = data.variance + tau2
    w = 1.0 / total
    n, sum_w = len(w), float(w.sum())
    mean = float(w @ data.effect) / sum_w
    residual = data.effect - mean
    rss = float(w @ (residual * residual))
    loss = float(np.log(total).sum()) + rss
    loss += (n - 1) * LOG_2PI + math.log(sum_w / n) if reml else n * LOG_2PI
    slope, observed, _ = _slopes(data.effect, data.variance, tau2, reml)
    return Likelihood(
        -0.5 * loss, np.array([slope]), np.array([[-observed]]), np.array([mean]), np.array([[1.0 / sum_w]]), rss
    )
