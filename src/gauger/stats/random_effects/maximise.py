"""Maximises a likelihood over variances >= 0: projected Newton steps on exact derivatives, an error when they fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from gauger.errors import ConvergenceError
from gauger.stats.random_effects.data import Array
from gauger.stats.random_effects.moments import Likelihood

STEPS = 100
HALVINGS = 40
STEP_TOLERANCE = 1e-5
"""A Newton step that moves every component by less than this share of its scale is the last one. Newton steps converge
quadratically, so the error left is about its square, 1e-10."""
STALLED = 0.1
"""The last step must bring the gradient below this share of what it was, else it was not the last ..."""
TINY, SMALL_STEPS = 1e-8, 5
"""... unless it was this small, or this many small ones in a row changed nothing: the gradient is then rounding error
(variances that differ by many orders of magnitude make it coarse)."""


GRADIENT_TOLERANCE = 1e-5
"""Log-likelihood units per e-fold of a component: what the slope of a component above zero may be at the end. A small
step alone proves nothing: on a likelihood that is flat at the scale of the step every step is small."""
NEAR = 3.0
"""Log-likelihood units."""


@dataclass(frozen=True)
class Maximum:
    """Where the search ended: always a point that satisfies the conditions of a (local) maximum."""

    tau2: Array
    """(L,)"""
    at: Likelihood
    steps: int
    """Newton steps taken."""
    boundary: tuple[bool, ...]
    """Which components are zero because the likelihood falls as they leave zero."""


class Objective(Protocol):
    """A log-likelihood of tau2 (L,)."""

    def __call__(self, tau2: Array) -> Likelihood:
        """Evaluate with gradient and Hessian."""
        ...

    def value(self, tau2: Array) -> float:
        """Evaluate without them, at a fraction of the cost."""
        ...


def maximise(likelihood_at: Objective, start: Array, free: NDArray[np.bool_], scale: float) -> Maximum:
    """Find tau2 >= 0 where the log-likelihood has its maximum over the free components.

    Components at zero whose gradient points outwards are held there; the rest take a Newton step with the Hessian made
    negative definite (absolute eigenvalues), halved until the likelihood rises. Likelihoods with two modes exist (few,
    very unequal rows), nearly always one of them at zero: where a component ends near zero, zero is tried as well.

    Parameters
    ----------
    likelihood_at : Objective
        tau2 (L,) -> `Likelihood` with gradient and Hessian.
    start : (L,) array
        First guess; also holds the fixed values.
    free : (L,) bool array
        False holds a component at its start.
    scale : float
        Typical size of a variance in these data, which sets the absolute part of the tolerance.

    Raises
    ------
    ConvergenceError
        When `STEPS` steps do not suffice or no step improves a point that is not a maximum.
    """
    maximum = _uphill(likelihood_at, start, likelihood_at(start), free, scale)
    for component in np.flatnonzero(free & (maximum.tau2 > 0.0)):
        if near_zero(float(maximum.tau2[component]), float(maximum.at.hessian[component, component])):
            rival = maximum.tau2.copy()
            rival[component] = 0.0
            if likelihood_at.value(rival) > maximum.at.value:
                maximum = _uphill(likelihood_at, rival, likelihood_at(rival), free, scale)
    _check_gradient(maximum, free)
    return maximum


def _check_gradient(maximum: Maximum, free: NDArray[np.bool_]) -> None:
    """Refuse an end at which the likelihood still rises: d l / d log tau2 of every component above zero."""
    slope = np.abs(maximum.at.gradient * maximum.tau2)[free]
    if (slope > GRADIENT_TOLERANCE * (1.0 + abs(maximum.at.value))).any():
        raise _not_converged(maximum.tau2, maximum.at)


def _not_converged(tau2: Array, at: Likelihood) -> ConvergenceError:
    gradient = ", ".join(f"{value:.3g}" for value in at.gradient)
    return ConvergenceError(f"The variances did not converge: tau2 = {tau2.tolist()}, gradient = [{gradient}].")


def near_zero(tau2: float, curvature: float) -> bool:
    """Tell whether zero may be the better mode: a parabola at the maximum falls by less than `NEAR` on the way to 0.

    Parameters
    ----------
    tau2 : float
        Variance component at the maximum, > 0.
    curvature : float
        Second derivative of the log-likelihood there; negative at a maximum.

    Returns
    -------
    bool
        A cheap screen: True asks for the likelihood at zero to be evaluated, and decides nothing itself.
    """
    return -0.5 * curvature * tau2**2 < NEAR


def _uphill(likelihood_at: Objective, tau2: Array, at: Likelihood, free: NDArray[np.bool_], scale: float) -> Maximum:
    small_steps = 0
    for step_number in range(1, STEPS + 1):
        step, moving = _step(at, tau2, free)
        size = float((np.abs(step) / (tau2 + 1e-3 * scale)).max())
        small = size <= STEP_TOLERANCE
        small_steps = small_steps + 1 if small else 0
        proposal, reached = _climb(likelihood_at, tau2, at, step) if step.any() else (tau2, at)
        if reached is None and not small:
            break
        at_rounding = size <= TINY or small_steps >= SMALL_STEPS or reached is None
        done = small and (at_rounding or _settled(at, reached, moving))
        if reached is not None:
            tau2, at = proposal, reached
        if done:
            return Maximum(tau2, at, step_number, tuple(bool(zero) for zero in free & (tau2 == 0.0)))
    raise _not_converged(tau2, at)


def _settled(before: Likelihood, after: Likelihood | None, moving: NDArray[np.bool_]) -> bool:
    """Tell whether a small step made the gradient collapse, as the last Newton step does."""
    if after is None:
        return False
    return bool((np.abs(after.gradient[moving]) <= STALLED * np.abs(before.gradient[moving])).all())


def _step(at: Likelihood, tau2: Array, free: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
    """Return a Newton step that leads out of no bound, and which components take part in it."""
    moving = free & ((tau2 > 0.0) | (at.gradient > 0.0))
    while True:
        step = _newton_step(at, moving)
        outward = (tau2 == 0.0) & (step < 0.0)
        if not outward.any():
            return step, moving
        moving = moving & ~outward


def _newton_step(at: Likelihood, moving: NDArray[np.bool_]) -> Array:
    if len(moving) == 1:
        return moving * at.gradient / max(abs(float(at.hessian[0, 0])), 1e-300)
    step = np.zeros(len(moving))
    index = np.flatnonzero(moving)
    if len(index) == 0:
        return step
    gradient, curvature = at.gradient[index], -at.hessian[index[:, None], index]
    _, newton, failed = lapack.dposv(curvature, gradient)
    if failed:
        values, vectors = np.linalg.eigh(curvature)
        values = np.maximum(np.abs(values), 1e-10 * np.abs(values).max() + 1e-300)
        newton = vectors @ ((vectors.T @ gradient) / values)
    step[index] = newton.ravel()
    return step


def _climb(likelihood_at: Objective, tau2: Array, at: Likelihood, step: Array) -> tuple[Array, Likelihood | None]:
    """Halve the step until the likelihood does not fall (beyond rounding); None when no fraction of it helps."""
    rounding = 1e-12 * (1.0 + abs(at.value))
    for halving in range(HALVINGS):
        proposal = np.maximum(tau2 + step * 0.5**halving, 0.0)
        reached = likelihood_at(proposal)
        if reached.value >= at.value - rounding:
            return proposal, reached
    return tau2, None
