"""Minimises many robust fits at once: Huber's loss by iteratively reweighted Levenberg-Marquardt, over B fits.

Each fit b minimises Q = sum_i w[b,i] rho((f_i(theta_b) - y_i) / s_i), rho(r) = r^2/2 for |r| <= delta, else
delta (|r| - delta/2). Reweighting by min(1, delta/|r|) majorises rho, so every accepted step lowers Q; steps are damped
Gauss-Newton steps on the free parameters, held inside the bounds. A fit that no longer improves leaves the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.laws.law import Law
from gauger.stats.laws.points import BoolArray, FloatArray, Points

CHUNK_CELLS = 120_000
"""Fits are taken through in chunks of about this many fit x point cells, so that the work stays in cache."""
PATIENCE = 3
"""Steps in a row without a relevant gain after which a fit has converged."""


@dataclass(frozen=True)
class FitProblem:
    """What is fitted, and how robustly."""

    law: Law
    points: Points
    observed: FloatArray
    """(n,), or (B, n) where every fit has its own: log loss, or accuracy."""
    scale: FloatArray
    """(n,): residuals are divided by it."""
    delta: float
    """Where Huber's loss turns from square to straight, in scaled residuals."""


@dataclass(frozen=True)
class Minima:
    """What came out of B fits."""

    theta: FloatArray
    """(B, P): inner parameters."""
    objective: FloatArray
    """(B,): Q at them."""
    converged: BoolArray
    """(B,): stopped because nothing was left to gain, not because the steps ran out."""


def huber(residual: FloatArray, delta: float) -> FloatArray:
    """Compute Huber's loss, elementwise.

    Parameters
    ----------
    residual : float array
        Any shape, scaled residuals.
    delta : float
        > 0, where the loss turns from square to straight.

    Returns
    -------
    float array
        ``r^2 / 2`` for |r| <= delta, else ``delta (|r| - delta / 2)``.

    Source: Huber (1964), Ann. Math. Stat. 35, 73-101. By hand in tests/stats/laws/test_fit_law.py.
    """
    size = np.abs(residual)
    return np.where(size <= delta, 0.5 * residual**2, delta * (size - 0.5 * delta))


def minimise(
    problem: FitProblem,
    starts: FloatArray,
    weights: FloatArray,
    *,
    bounds: tuple[FloatArray, FloatArray] | None = None,
    steps: int = 200,
    tolerance: float = 1e-6,
) -> Minima:
    """Take B fits to their minima.

    Parameters
    ----------
    problem : FitProblem
        Its `observed` may be (B, n): every fit then has outcomes of its own, as refits of simulated data do.
    starts : (B, P) array
        Inner parameters; clipped into the bounds.
    weights : (B, n) or (1, n) array
        Weights of the points in each fit; 0 leaves a point out.
    bounds : two (P,) or (B, P) arrays, optional
        Inner bounds; the law's own by default. Equal bounds hold a parameter fixed.
    steps : int
        Most steps of one fit.
    tolerance : float
        A step that lowers Q by less than this share is no gain. At 1e-6 parameters are within about a hundredth of
        their standard error.
    """
    low, high = problem.law.bounds if bounds is None else bounds
    shape = starts.shape
    low, high = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    n_points = problem.observed.shape[-1]
    weights = np.broadcast_to(weights, (shape[0], n_points))
    rows = max(1, CHUNK_CELLS // max(1, n_points))
    chunks = [
        _descend(_rows_of(problem, at), starts[at], weights[at], (low[at], high[at]), (steps, tolerance))
        for at in (slice(first, first + rows) for first in range(0, shape[0], rows))
    ]
    return Minima(
        np.concatenate([chunk.theta for chunk in chunks]),
        np.concatenate([chunk.objective for chunk in chunks]),
        np.concatenate([chunk.converged for chunk in chunks]),
    )


def _rows_of(problem: FitProblem, at: slice) -> FitProblem:
    return problem if problem.observed.ndim == 1 else replace(problem, observed=problem.observed[at])


class _Batch:
    """Fits that are still moving: parameters, residuals, gradients, damping."""

    def __init__(
        self, problem: FitProblem, theta: FloatArray, weights: FloatArray, bounds: tuple[FloatArray, FloatArray]
    ) -> None:
        self.problem, self.weights, (self.low, self.high) = problem, weights, bounds
        self.rows = np.arange(len(theta))
        self.theta = np.clip(theta, self.low, self.high)
        self.residual, self.gradient, self.objective = self._look(self.theta)
        self.damping = np.full(len(theta), 1e-2)
        self.stale = np.zeros(len(theta), dtype=np.int64)

    def _look(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        problem = self.problem
        value, gradient = problem.law.evaluate(theta, problem.points)
        residual = (value - problem.observed) / problem.scale
        objective = (self.weights * huber(residual, problem.delta)).sum(axis=1)
        return residual, gradient, np.where(np.isfinite(objective), objective, np.inf)

    def step(self, tolerance: float) -> None:
        """Propose one damped step for every fit and keep those that lower the objective."""
        trial = np.clip(self.theta + self._direction(), self.low, self.high)
        residual, gradient, objective = self._look(trial)
        better = objective < self.objective
        gain = self.objective - objective > tolerance * self.objective
        self.stale = np.where(better & gain, 0, self.stale + 1)
        self.theta[better], self.objective[better] = trial[better], objective[better]
        self.residual[better], self.gradient[better] = residual[better], gradient[better]
        self.damping = np.clip(self.damping * np.where(better, 0.2, 5.0), 1e-12, 1e8)

    def _direction(self) -> FloatArray:
        delta, scale = self.problem.delta, self.problem.scale
        size = np.maximum(np.abs(self.residual), delta)
        weight = self.weights * (delta / size) / scale**2
        slope = np.matmul(self.gradient, (weight * self.residual * scale)[:, :, None])[:, :, 0]
        curvature = np.matmul(self.gradient * weight[:, None, :], self.gradient.transpose(0, 2, 1))
        held = ((self.theta <= self.low) & (slope > 0)) | ((self.theta >= self.high) & (slope < 0))
        free = ~(held | (self.low == self.high))
        curvature *= (free[:, :, None] & free[:, None, :]).astype(float)
        diagonal = np.einsum("bpp->bp", curvature)
        floor = 1e-9 * diagonal.max(axis=1, keepdims=True) + 1e-300
        diagonal += self.damping[:, None] * np.maximum(diagonal, floor) + np.where(free, floor, 1.0)
        return -np.linalg.solve(curvature, np.where(free, slope, 0.0)[:, :, None])[:, :, 0]

    def keep(self, going: BoolArray) -> None:
        """Let finished fits go."""
        for name in ("rows", "theta", "residual", "gradient", "objective", "damping", "stale", "weights"):
            setattr(self, name, getattr(self, name)[going])
        self.low, self.high = self.low[going], self.high[going]
        if self.problem.observed.ndim == 2:
            self.problem = replace(self.problem, observed=self.problem.observed[going])


def _descend(
    problem: FitProblem,
    starts: FloatArray,
    weights: FloatArray,
    bounds: tuple[FloatArray, FloatArray],
    limits: tuple[int, float],
) -> Minima:
    steps, tolerance = limits
    batch = _Batch(problem, starts, weights, bounds)
    theta, objective = batch.theta.copy(), batch.objective.copy()
    converged = np.zeros(len(starts), dtype=bool)
    for step in range(steps):
        batch.step(tolerance)
        # Steps also gain nothing while the damping is too high for them to move: that alone is no convergence.
        done = (batch.stale >= PATIENCE) & ((batch.damping < 1.0) | (batch.stale >= 4 * PATIENCE))
        last = step == steps - 1
        if last or done.mean() > 0.2 or done.all():
            theta[batch.rows], objective[batch.rows] = batch.theta, batch.objective
            converged[batch.rows] = done
            batch.keep(~done)
            if not len(batch.rows):
                break
    return Minima(theta, objective, converged)
