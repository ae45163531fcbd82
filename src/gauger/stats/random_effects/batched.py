"""Fits many univariate random-effects models at once: one tau2 per data set, Newton steps over all data sets.

For simulations, permutation tests and leave-one-out. Every step is kept inside a bracket on which the slope of the
likelihood changes sign, so it cannot run away; a data set that has not converged is an error all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gauger.errors import ConvergenceError, UserError
from gauger.stats.random_effects.data import Array, Codes
from gauger.stats.random_effects.maximise import NEAR, STEP_TOLERANCE, STEPS
from gauger.stats.random_effects.moments import LOG_2PI


@dataclass(frozen=True)
class ManyFits:
    """Results of S data sets with p coefficients each."""

    tau2: Array
    """(S,)"""
    beta: Array
    """(S, p)"""
    vcov: Array
    """(S, p, p) (X'WX)^-1, W = 1 / (v + tau2)."""
    rss: Array
    """(S,) r'Wr."""
    log_likelihood: Array
    """(S,)"""
    rows: NDArray[np.intp]
    """(S,) rows present in each data set."""

    @property
    def se(self) -> Array:
        """(S, p) standard errors of the z and t tests."""
        return np.asarray(np.sqrt(np.diagonal(self.vcov, axis1=1, axis2=2)))

    @property
    def se_knapp_hartung(self) -> Array:
        """(S, p) standard errors of the Knapp-Hartung test: se * sqrt(r'Wr / (n - p))."""
        return np.asarray(self.se * np.sqrt(self.rss / (self.rows - self.beta.shape[1]))[:, None])


@dataclass(frozen=True)
class BatchedData:
    """Data sets with a common design; rows that are absent have weight zero."""

    effect: Array
    """(S, k), 0 where absent."""
    variance: Array
    """(S, k), 1 where absent."""
    present: Array | None
    """(S, k) 1.0 or 0.0; None when all rows are there."""
    design: Array
    """(k, p) orthonormal."""

    def take(self, sets: Codes) -> BatchedData:
        """Keep some of the data sets."""
        present = None if self.present is None else self.present[sets]
        return BatchedData(self.effect[sets], self.variance[sets], present, self.design)

    def masked(self, values: Array) -> Array:
        """Set absent rows to zero."""
        return values if self.present is None else values * self.present

    @property
    def rows(self) -> NDArray[np.intp]:
        """(S,) rows present."""
        full = np.full(len(self.effect), self.effect.shape[1])
        return full if self.present is None else self.present.sum(1).astype(np.intp)


def fit_many(
    effect: ArrayLike,
    variance: ArrayLike,
    moderators: ArrayLike | None = None,
    *,
    present: ArrayLike | None = None,
    method: str = "REML",
) -> ManyFits:
    """Fit y_s ~ N(X b_s, diag(v_s) + tau2_s I) for S data sets of k rows.

    Parameters
    ----------
    effect, variance : (S, k) arrays
        One data set per line; `variance` may be (k,) if common. Values of absent rows are ignored.
    moderators : (k, p) array, optional
        Common design with its column of ones; None is the intercept alone.
    present : (S, k) bool array, optional
        Which rows a data set has.
    method : {"REML", "ML"}

    Returns
    -------
    ManyFits

    Raises
    ------
    ConvergenceError
        When any data set has not converged after `STEPS` steps; it names the first.
    """
    batch, r = _batch(effect, variance, moderators, present)
    tau2 = _first_guesses(batch, batch.masked(batch.variance).sum(1) / batch.rows)
    # the scale that the precise rows see: at that of the mean variance a flat likelihood looks like an end
    scale = batch.rows / batch.masked(1.0 / batch.variance).sum(1)
    low, high = np.zeros(len(tau2)), np.full(len(tau2), np.inf)
    active = np.arange(len(tau2))
    for _ in range(STEPS):
        part = batch.take(active) if len(active) < len(tau2) else batch
        slope, curvature = _slopes(part, tau2[active], method)[:2]
        here, rising = tau2[active], slope > 0.0
        low[active], high[active] = np.where(rising, here, low[active]), np.where(rising, high[active], here)
        moved = _bracketed(here, slope / curvature, low[active], high[active])
        small = np.abs(moved - here) <= STEP_TOLERANCE * (here + 1e-3 * scale[active])
        tau2[active] = moved
        active = active[~small]
        if not len(active):
            return _on_design(_or_zero(batch, tau2, method), r)
    raise ConvergenceError(f"{len(active)} of {len(tau2)} data sets did not converge, the first is number {active[0]}.")


def _batch(
    effect: ArrayLike, variance: ArrayLike, moderators: ArrayLike | None, present: ArrayLike | None
) -> tuple[BatchedData, Array]:
    """Check the data sets and put them on an orthonormal design: X = Q R."""
    y = np.atleast_2d(np.asarray(effect, dtype=float))
    v = np.broadcast_to(np.asarray(variance, dtype=float), y.shape)
    design = np.ones((y.shape[1], 1)) if moderators is None else np.asarray(moderators, dtype=float)
    here = None if present is None else np.asarray(present, dtype=bool)
    if here is not None:
        y, v = np.where(here, y, 0.0), np.where(here, v, 1.0)
    q, r = np.linalg.qr(design)
    batch = BatchedData(y, v, None if here is None else here.astype(float), q)
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise UserError("finite effects and finite variances > 0 in every row that is present")
    if design.shape[0] != y.shape[1] or batch.rows.min() <= design.shape[1]:
        raise UserError("more rows than coefficients in every data set", f"{batch.rows.min()} rows")
    return batch, r


def _on_design(fits: ManyFits, r: Array) -> ManyFits:
    """Map coefficients on Q to coefficients on X."""
    inverse = np.linalg.inv(r)
    return replace(fits, beta=fits.beta @ inverse.T, vcov=inverse @ fits.vcov @ inverse.T)


def _first_guesses(batch: BatchedData, scale: Array) -> Array:
    """Estimate tau2 by unweighted moments, kept away from zero."""
    weight = np.ones_like(batch.effect) if batch.present is None else batch.present
    _, beta = _least_squares(batch, weight)
    residual = batch.masked(batch.effect - beta @ batch.design.T)
    spread = (residual**2).sum(1) / (batch.rows - batch.design.shape[1])
    return np.asarray(np.maximum(spread - scale, 0.1 * scale))


def _least_squares(batch: BatchedData, weight: Array) -> tuple[Array, Array]:
    """Return (X'WX)^-1 (S, p, p) and beta (S, p)."""
    design = batch.design
    vcov = _inverse(_crossed(weight, design))
    return vcov, np.einsum("sij,sj->si", vcov, (weight * batch.effect) @ design)


def _crossed(weight: Array, design: Array) -> Array:
    """Return X' diag(w_s) X (S, p, p)."""
    p = design.shape[1]
    return (weight @ (design[:, :, None] * design[:, None, :]).reshape(len(design), p * p)).reshape(-1, p, p)


def _inverse(stack: Array) -> Array:
    return 1.0 / stack if stack.shape[1] == 1 else np.asarray(np.linalg.inv(stack))


def _slopes(batch: BatchedData, tau2: Array, method: str) -> tuple[Array, Array, Array, Array]:
    """Return slope of the log-likelihood, a positive curvature for the step, (X'WX)^-1 and beta.

    With P = W - WX (X'WX)^-1 X'W: slope = 1/2 (y'PPy - tr P), observed curvature y'PPPy - 1/2 tr PP where that is
    positive, the expected one, 1/2 tr PP, elsewhere. ML has W for P in the traces.
    """
    w = batch.masked(1.0 / (batch.variance + tau2[:, None]))
    vcov, beta = _least_squares(batch, w)
    wr = w * (batch.effect - beta @ batch.design.T)
    squares = wr * wr
    pull = (w * wr) @ batch.design
    ypppy = np.einsum("sk,sk->s", w, squares) - np.einsum("si,sij,sj->s", pull, vcov, pull)
    w2 = w * w
    trace, trace2 = w.sum(1), w2.sum(1)
    if method == "REML":
        second = vcov @ _crossed(w2, batch.design)
        trace = trace - np.trace(second, axis1=1, axis2=2)
        third = np.einsum("sij,sji->s", vcov, _crossed(w2 * w, batch.design))
        trace2 = trace2 - 2.0 * third + np.einsum("sij,sji->s", second, second)
    observed = ypppy - 0.5 * trace2
    return 0.5 * (squares.sum(1) - trace), np.where(observed > 0.0, observed, 0.5 * trace2), vcov, beta


def _bracketed(tau2: Array, step: Array, low: Array, high: Array) -> Array:
    """Take the step if it stays inside (low, high), else go half way to the end it would cross; 0 can be reached."""
    moved = tau2 + step
    moved = np.where(moved >= high, 0.5 * (tau2 + high), moved)
    return np.where(moved <= low, np.where(low > 0.0, 0.5 * (tau2 + low), 0.0), moved)


def _or_zero(batch: BatchedData, tau2: Array, method: str) -> ManyFits:
    """Prefer a mode at zero where it is the higher one; tried only where the mode found is near zero."""
    curvature = _slopes(batch, tau2, method)[1]
    near = np.flatnonzero((tau2 > 0.0) & (0.5 * curvature * tau2**2 < NEAR))
    if len(near):
        part, zero = batch.take(near), np.zeros(len(near))
        boundary = _slopes(part, zero, method)[0] <= 0.0
        higher = _results(part, zero, method).log_likelihood > _results(part, tau2[near], method).log_likelihood
        tau2[near[boundary & higher]] = 0.0
    return _results(batch, tau2, method)


def _results(batch: BatchedData, tau2: Array, method: str) -> ManyFits:
    total = batch.variance + tau2[:, None]
    weight = batch.masked(1.0 / total)
    vcov, beta = _least_squares(batch, weight)
    rss = (weight * (batch.effect - beta @ batch.design.T) ** 2).sum(1)
    loss = batch.masked(np.log(total)).sum(1) + rss
    n, p = batch.rows, batch.design.shape[1]
    if method == "ML":
        return ManyFits(tau2, beta, vcov, rss, -0.5 * (loss + n * LOG_2PI), n)
    here = np.ones_like(batch.effect) if batch.present is None else batch.present
    plain = np.linalg.slogdet(_crossed(here, batch.design))[1]
    loss = loss - np.linalg.slogdet(vcov)[1] - plain + (n - p) * LOG_2PI
    return ManyFits(tau2, beta, vcov, rss, -0.5 * loss, n)
