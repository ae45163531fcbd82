"""Maximise a likelihood over variances >= 0: projected Newton steps on exact derivatives, an error when they fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.errors import ConvergenceError
from gauger.stats.random_effects.data import Array
from gauger.stats.random_effects.moments import Likelihood

STEPS = 100
HALVINGS = 40
STEP_TOLERANCE = 1e-7
"""Stop when a Newton step moves every component by less than this share of its scale. Newton steps converge
quadratically, so the error left is about the square: 1e-14."""


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


def maximise(
    likelihood_at: Callable[[Array], Likelihood], start: Array, free: NDArray[np.bool_], scale: float
) -> Maximum:
    """Find tau2 >= 0 where the log-likelihood has its maximum over the free components.

    Components at zero whose gradient points outwards are held there; the rest take a Newton step with the Hessian made
    negative definite (absolute eigenvalues), halved until the likelihood rises. Multimodal likelihoods exist
    (few, very unequal rows): this finds the mode uphill from `start`.

    Parameters
    ----------
    likelihood_at : callable
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
    tau2, at = start, likelihood_at(start)
    for step_number in range(1, STEPS + 1):
        moving = free & ((tau2 > 0.0) | (at.gradient > 0.0))
        step = _newton_step(at, moving)
        small = bool((np.abs(step) <= STEP_TOLERANCE * (tau2 + 1e-3 * scale)).all())
        if small and not moving.any():
            return _maximum(tau2, at, step_number, free)
        proposal, reached = _climb(likelihood_at, tau2, at, step)
        if reached is None:
            if small:
                return _maximum(tau2, at, step_number, free)
            break
        tau2, at = proposal, reached
        if small:
            return _maximum(tau2, at, step_number, free)
    gradient = ", ".join(f"{value:.3g}" for value in at.gradient)
    raise ConvergenceError(
        f"The variance components did not converge: tau2 = {tau2.tolist()}, gradient = [{gradient}]."
    )


def _newton_step(at: Likelihood, moving: NDArray[np.bool_]) -> Array:
    step = np.zeros(len(moving))
    index = np.flatnonzero(moving)
    if len(index) == 1:
        curvature = abs(float(at.hessian[index[0], index[0]]))
        step[index] = at.gradient[index] / max(curvature, 1e-300)
    elif len(index):
        values, vectors = np.linalg.eigh(at.hessian[np.ix_(index, index)])
        values = np.maximum(np.abs(values), 1e-10 * np.abs(values).max() + 1e-300)
        step[index] = vectors @ ((vectors.T @ at.gradient[index]) / values)
    return step


def _climb(
    likelihood_at: Callable[[Array], Likelihood], tau2: Array, at: Likelihood, step: Array
) -> tuple[Array, Likelihood | None]:
    """Halve the step until the likelihood does not fall (beyond rounding); None when no fraction of it helps."""
    rounding = 1e-12 * (1.0 + abs(at.value))
    for halving in range(HALVINGS):
        proposal = np.maximum(tau2 + step * 0.5**halving, 0.0)
        reached = likelihood_at(proposal)
        if reached.value >= at.value - rounding:
            return proposal, reached
    return tau2, None


def _maximum(tau2: Array, at: Likelihood, steps: int, free: NDArray[np.bool_]) -> Maximum:
    return Maximum(tau2, at, steps, tuple(bool(zero) for zero in free & (tau2 == 0.0)))
