"""Fits the commonest case, written for speed: one mean, one tau2, independent rows.

The same safeguarded Newton search as `batched`, on floats: with a dozen rows the number of calls is the cost.
"""

from __future__ import annotations

import math

import numpy as np

from gauger.errors import ConvergenceError
from gauger.stats.random_effects.data import MetaData
from gauger.stats.random_effects.maximise import GRADIENT_TOLERANCE, STEP_TOLERANCE, STEPS, Maximum, near_zero
from gauger.stats.random_effects.moments import LOG_2PI, Likelihood


def applies(data: MetaData) -> bool:
    """Tell whether these data are one mean of independent rows with a row level alone."""
    return data.moderators is None and len(data.levels) == 1 and data.shared_group is None and data.row_level == 0


def maximise_mean(data: MetaData, reml: bool, start: float) -> Maximum:
    """Find tau2 >= 0 by Newton steps inside a bracket of the slope's sign change.

    Parameters
    ----------
    data : MetaData
        For which `applies` is True.
    reml : bool
        Restricted likelihood; False: ML.
    start : float
        First guess of tau2, >= 0, effect scale squared. Replaced by a search over a grid where variances are uneven.

    Returns
    -------
    Maximum
        The higher one of a mode above zero and one at zero.

    Raises
    ------
    ConvergenceError
        `STEPS` steps do not suffice.

    Equal to the general search: tests/stats/test_random_effects_batched.py.
    """
    sums = WeightedSums(data)
    tau2, low, high = start, 0.0, math.inf
    if data.uneven:
        tau2, low, high = _bracket(sums, data, start, reml)
    scale = 1e-3 * data.precise_variance
    for number in range(1, STEPS + 1):
        slope, observed, expected = sums.at(tau2).slopes(reml)
        if slope > 0.0:
            low = tau2
        else:
            high = tau2
        # Where the likelihood is not concave Newton's step would go downhill: Fisher scoring instead.
        moved = tau2 + slope / (observed if observed > 0.0 else expected)
        if moved >= high:
            moved = 0.5 * (tau2 + high)
        elif moved <= low:
            moved = 0.5 * (tau2 + low) if low > 0.0 else 0.0
        small = abs(moved - tau2) <= STEP_TOLERANCE * (tau2 + scale)
        tau2 = moved
        if small and abs(slope) * tau2 <= GRADIENT_TOLERANCE:
            tau2, at = _or_zero(sums, tau2, reml)
            return Maximum(np.array([tau2]), at, number, (tau2 == 0.0,))
    raise ConvergenceError(f"tau2 did not converge in {STEPS} steps: last value {tau2:g}, slope {slope:.3g}.")


def _bracket(sums: WeightedSums, data: MetaData, start: float, reml: bool) -> tuple[float, float, float]:
    """Return the best of tau2 on a grid in logarithms, and the neighbours between which its mode lies.

    Where variances differ by orders of magnitude the likelihood is flat for decades of tau2, and a search that begins
    at the mean variance stops there: the precise rows alone say how much true effects differ.
    """
    least, most = math.log10(1e-3 * data.variance.min()), math.log10(10.0 * max(data.variance.max(), start))
    grid = np.concatenate([[0.0], 10.0 ** np.linspace(least, most, int(4 * (most - least)) + 2)])
    best = int(np.argmax([sums.at(float(tau2)).likelihood(reml).value for tau2 in grid]))
    high = float(grid[best + 1]) if best + 1 < len(grid) else math.inf
    return float(grid[best]), float(grid[max(best - 1, 0)]), high


def _or_zero(sums: WeightedSums, tau2: float, reml: bool) -> tuple[float, Likelihood]:
    """Prefer a mode at zero if it is the higher one; tried only where it can be."""
    at = sums.at(tau2).likelihood(reml)
    if tau2 > 0.0 and near_zero(tau2, float(at.hessian[0, 0])):
        zero = sums.at(0.0).likelihood(reml)
        if zero.value > at.value and zero.gradient[0] <= 0.0:
            return 0.0, zero
    return tau2, at


class WeightedSums:
    """Sums of w^i r^j, i = 1, 2, 3 and j = 0, 1, 2, at the last tau2 asked for: all that the likelihood needs.

    w = 1 / (v + tau2); r is the effect less its unweighted mean, so that sums of squares do not cancel.
    """

    def __init__(self, data: MetaData) -> None:
        residual = data.basis.residual
        self.variance, self.mean = data.variance, float(data.basis.beta[0])
        self.columns = np.ones((3, len(residual)))
        self.columns[1] = residual
        np.multiply(residual, residual, out=self.columns[2])
        self.powers = np.empty((3, len(residual)))
        self.first, self.second, self.third = self.powers
        self.sums: list[list[float]] = []

    def at(self, tau2: float) -> WeightedSums:
        """Evaluate the sums at tau2."""
        np.reciprocal(self.variance + tau2, out=self.first)
        np.multiply(self.first, self.first, out=self.second)
        np.multiply(self.second, self.first, out=self.third)
        self.sums = self.powers.dot(self.columns.T).tolist()
        return self

    def slopes(self, reml: bool) -> tuple[float, float, float]:
        """Return slope, observed and expected curvature of the log-likelihood; formulas as in `batched`."""
        (w, wr, _), (w2, w2r, w2rr), (w3, w3r, w3rr) = self.sums
        mean = wr / w
        yppy = w2rr - 2.0 * mean * w2r + mean * mean * w2
        pull = w2r - mean * w2
        ypppy = w3rr - 2.0 * mean * w3r + mean * mean * w3 - pull * pull / w
        trace, trace2 = w, w2
        if reml:
            share = w2 / w
            trace, trace2 = w - share, w2 - 2.0 * w3 / w + share * share
        return 0.5 * (yppy - trace), ypppy - 0.5 * trace2, 0.5 * trace2

    def likelihood(self, reml: bool) -> Likelihood:
        """Return the (restricted) likelihood and the weighted mean."""
        n, (w, wr, wrr) = len(self.variance), self.sums[0]
        rss = wrr - wr * wr / w
        loss = rss - float(np.log(self.first).sum())
        loss += (n - 1) * LOG_2PI + math.log(w / n) if reml else n * LOG_2PI
        slope, observed, _ = self.slopes(reml)
        mean, error = np.array([self.mean + wr / w]), np.array([[1.0 / w]])
        return Likelihood(-0.5 * loss, np.array([slope]), np.array([[-observed]]), mean, error, rss)
