"""Integrates laws over what points cannot tell but other studies can: irreducible loss, ceilings, exponents, bends.

How far a loss law falls beyond its points hangs on its irreducible loss E, which small models hardly show: a fit that
puts E at 0 and one that puts it at nine tenths of the lowest loss may be equally good, and part by a tenth of the loss
at ten times the size. So where laws compete, E is not set to its best value. With u = E / (lowest loss fitted), every
law with a floor is fitted at twelve values of u, drawn together to where they are worth something, and

    mass(u) ~ u^5 (1 - u)^2 exp(-nu (ln Q(u) - ln Q_min)),

where Q is the objective, nu the degrees of freedom (half of them where the residuals lie in the square part of Huber's
loss, whose likelihood with unknown scale is Q^(-nu/2); in the straight part it is Laplace's, Q^-nu). The prior
u^5 (1 - u)^2, a Beta(6, 3), has mean 0.67 and 95 % between 0.35 and 0.91: published fits on text have E of 1.2 to 1.9
nats where their lowest losses are 2 to 3 (Besiroglu et al. 2024, Muennighoff et al. 2023, Busbridge et al. 2025, Gadre
et al. 2024). It vanishes at u = 0, where points that do show a floor near 0 outweigh it.

Accuracy laws have the same trouble with their ceiling, which points far below it do not show and which a refit leaves
at its bound, where it spreads not at all: they are fitted at values of u = (ceiling - highest accuracy seen) / (1 -
highest), with the prior u^3, a Beta(4, 1): wrong keys are some 6 % of MMLU's (Gema et al. 2024, arXiv 2406.04127), so
ceilings near 1 are likelier than those just above what was reached.

The beliefs of a law enter Q too (`beliefs`); to which points it is fitted, say `windows`.

Dimension letters: K fits side by side (cuts of a back-test, and windows of each), G shares, P parameters, n points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.laws.beliefs import with_beliefs
from gauger.stats.laws.fit import DELTA_STANDARDISED
from gauger.stats.laws.law import Law
from gauger.stats.laws.minimise import FitProblem, minimise
from gauger.stats.laws.points import FloatArray, IntArray, Points

SHARES = 12
"""Values of E / lowest loss at which a law is fitted."""
PRIOR = {"loss": (6.0, 3.0), "accuracy": (4.0, 1.0)}
"""Beta distributions of u before any data."""
LEAST_ROOM = 1e-3
"""Between the highest accuracy seen and 1."""
ZOOMS = 2
"""Times that they are drawn together to where the mass is."""
NEGLIGIBLE = 8.0
"""A value whose log mass lies this far below the largest is worth nothing."""
LEAST_OBJECTIVE = 1e-12
"""Per unit of weight; exact points would leave no noise to weigh beliefs by."""


@dataclass(frozen=True)
class Integrated:
    """K fits of one law over G values of its floor."""

    problem: FitProblem
    """The law's own with its beliefs as further residuals."""
    weights: FloatArray
    """(K, n + beliefs): of points and beliefs."""
    theta: FloatArray
    """(K, G, P): best inner parameters at each value of the floor; G is 1 for a law without one."""
    mass: FloatArray
    """(K, G): what each value is worth; rows sum to 1."""
    low: FloatArray
    """(K,): lower end of the floors' range, nats per token (ceilings: accuracy); 0 for a law without one."""
    step: FloatArray
    """(K,): distance between neighbouring floors, in the same unit."""

    def mean(self, points: Points) -> FloatArray:
        """Average the predictions over the floor, (K, n')."""
        k, g, p = self.theta.shape
        value = self.problem.law.evaluate(self.theta.reshape(k * g, p), points)[0]
        return np.asarray((self.mass[:, :, None] * value[:, : len(points)].reshape(k, g, -1)).sum(axis=1))


def integrate(
    problem: FitProblem, best: FloatArray, weights: FloatArray, units: FloatArray, noise: float
) -> Integrated:
    """Fit a law at every value of its floor, with its beliefs, from its best fits on.

    Parameters
    ----------
    problem : FitProblem
        Law, points and what is observed.
    best : float array, (K, P)
        Inner parameters of K best fits without beliefs.
    weights : float array, (K, n)
        Weights of the points in each; 0 leaves a point out.
    units : float array, (K,)
        Independent units (points or groups) that each rests on.
    noise : float
        Robust standard deviation of one point: Huber's loss of a loss law turns straight at 1.345 of it, if that is
        beyond the problem's own delta. At 1e-3 fits are medians, which waste a third of what normal errors tell.

    Returns
    -------
    Integrated
        A law without floor and beliefs comes back with its best fits and mass 1.

    Tested in tests/stats/laws/test_floors.py; what it gains is measured in validation/laws and validation/public_laws.
    """
    law = problem.law
    if not law.floor and not law.beliefs:
        return plain(problem, best, weights)
    if law.outcome == "loss":
        problem = replace(problem, delta=max(problem.delta, DELTA_STANDARDISED * noise))
    objective, slope = _look(problem, best, weights)
    freedom = np.maximum(units - best.shape[1] + 1.0, 1.0)
    problem, weights = with_beliefs(problem, weights, objective / (slope * freedom))
    if not law.floor:
        again = minimise(problem, best, weights)
        return replace(plain(problem, again.theta, weights), problem=problem)
    start, room = _room(problem, weights)
    low, step = np.zeros(len(best)), np.full(len(best), 1.0 / SHARES)

    def held() -> FloatArray:
        return np.asarray(start[:, None] + room[:, None] * _floors(low, step))

    def log_mass() -> FloatArray:
        return _log_mass(_floors(low, step), height, slope * freedom, PRIOR[law.outcome])

    theta, height = _sweep(problem, best, weights, held())
    for _ in range(ZOOMS):
        low, step, nearest = _zoom(low, step, log_mass())
        first = np.take_along_axis(theta, nearest[:, :, None], axis=1)
        theta, height = _at_floors(problem, first, weights, held())
    mass = np.exp(log_mass() - log_mass().max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    return Integrated(problem, weights, theta, mass, start + room * low, room * step)


def _room(problem: FitProblem, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where u is 0 and how far it is to 1, (K,): from no loss to the lowest seen, from the highest accuracy to 1."""
    seen = [problem.observed[: len(problem.points)][w > 0] for w in weights[:, : len(problem.points)]]
    if problem.law.outcome == "loss":
        return np.zeros(len(weights)), np.exp([values.min() for values in seen])
    highest = np.array([min(values.max(), 1.0 - LEAST_ROOM) for values in seen])
    return highest, 1.0 - highest


def _floors(low: FloatArray, step: FloatArray) -> FloatArray:
    """Middles of `SHARES` steps from the lower end on, (K, G)."""
    return np.asarray(low[:, None] + step[:, None] * (np.arange(SHARES) + 0.5))


def _log_mass(share: FloatArray, height: FloatArray, power: FloatArray, beta: tuple[float, float]) -> FloatArray:
    prior = (beta[0] - 1.0) * np.log(share) + (beta[1] - 1.0) * np.log1p(-share)
    return np.asarray(prior - power[:, None] * np.log(height))


def _zoom(low: FloatArray, step: FloatArray, log_mass: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Draw the floors together to where there is mass, one step more either way; which old one is nearest each new."""
    worth = log_mass > log_mass.max(axis=1, keepdims=True) - NEGLIGIBLE
    first = np.maximum(worth.argmax(axis=1) - 1, 0)
    last = np.minimum(SHARES - 1 - worth[:, ::-1].argmax(axis=1) + 1, SHARES - 1)
    new_low, new_step = low + step * first, step * (last - first + 1) / SHARES
    nearest = (_floors(new_low, new_step) - low[:, None]) / step[:, None]
    return new_low, new_step, np.clip(nearest.astype(int), 0, SHARES - 1)


def plain(problem: FitProblem, best: FloatArray, weights: FloatArray) -> Integrated:
    """Return K best fits as they are: nothing is integrated, nothing believed; parameters as in `integrate`."""
    free = replace(problem, law=replace(problem.law, floor="", beliefs=()))
    none = np.zeros(len(best))
    return Integrated(free, weights, best[:, None], np.ones((len(best), 1)), none, none)


def draw_integrated(fitted: Integrated, random: FloatArray, rng: np.random.Generator, steps: int = 100) -> FloatArray:
    """Refit under random weights at floors drawn from their mass, (K, B, P).

    Parameters
    ----------
    fitted : Integrated
    random : float array, (B, n)
        Random weights of the points (`bootstrap.unit_weights`), the same for all K.
    rng : numpy.random.Generator
        Draws the floors.
    steps : int
        Most steps of one refit.
    """
    (k, _, p), (b, n) = fitted.theta.shape, random.shape
    which = np.stack([_stratified(mass, b, rng) for mass in fitted.mass])
    theta = np.take_along_axis(fitted.theta, which[:, :, None], axis=1).reshape(k * b, p)
    low, high = (np.tile(bound, (k * b, 1)) for bound in fitted.problem.law.bounds)
    if fitted.problem.law.floor:
        at = fitted.problem.law.names.index(fitted.problem.law.floor)
        value = _inner(fitted.problem.law, fitted.low[:, None] + fitted.step[:, None] * (which + rng.random((k, b))))
        theta[:, at] = low[:, at] = high[:, at] = np.clip(value.ravel(), low[:, at], high[:, at])
    weights = np.repeat(fitted.weights[:, None], b, axis=1)
    weights[:, :, :n] *= random
    minima = minimise(fitted.problem, theta, weights.reshape(k * b, -1), bounds=(low, high), steps=steps)
    return minima.theta.reshape(k, b, p)


def _inner(law: Law, floors: FloatArray) -> FloatArray:
    """Values of the floor as they are held inside a fit."""
    return np.asarray(np.log(floors)) if law.parameters[law.names.index(law.floor)].log else floors


def _stratified(mass: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """Draw shares so that each comes up as often as its mass says, to within one."""
    at = (np.arange(count) + 0.5) / count
    return np.asarray(rng.permutation(np.searchsorted(np.cumsum(mass), at).clip(0, len(mass) - 1)))


def _look(problem: FitProblem, theta: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Objective of K fits (not 0), and how many powers of it their likelihood falls by per degree of freedom."""
    value, _ = problem.law.evaluate(theta, problem.points)
    size = np.abs(value - problem.observed) / problem.scale
    rho = np.where(size <= problem.delta, 0.5 * size**2, problem.delta * (size - 0.5 * problem.delta))
    total = weights.sum(axis=1)
    inside = (weights * (size <= problem.delta)).sum(axis=1) / total
    return np.maximum((weights * rho).sum(axis=1), LEAST_OBJECTIVE * total), 1.0 - 0.5 * inside


def _sweep(
    problem: FitProblem, best: FloatArray, weights: FloatArray, floors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit K laws at every floor: from the best fit, then from each neighbour; (K, G, P) and objectives (K, G)."""
    theta, height = _at_floors(problem, np.repeat(best[:, None], SHARES, axis=1), weights, floors)
    for shift in (1, -1):
        start = np.roll(theta, shift, axis=1)
        edge = 0 if shift > 0 else SHARES - 1  # the ends have one neighbour only
        start[:, edge] = theta[:, edge]
        other, objective = _at_floors(problem, start, weights, floors)
        better = objective < height
        theta, height = np.where(better[:, :, None], other, theta), np.where(better, objective, height)
    return theta, height


def _at_floors(
    problem: FitProblem, start: FloatArray, weights: FloatArray, floors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit K laws with the floor held at (K, G) values, from (K, G, P) starts."""
    k, g, p = start.shape
    at = problem.law.names.index(problem.law.floor)
    low, high = (np.tile(bound, (k, g, 1)) for bound in problem.law.bounds)
    low[:, :, at] = high[:, :, at] = np.clip(_inner(problem.law, floors), low[:, :, at], high[:, :, at])
    bounds = (low.reshape(k * g, p), high.reshape(k * g, p))
    fit = minimise(problem, start.reshape(k * g, p), np.repeat(weights, g, axis=0), bounds=bounds, steps=100)
    least = LEAST_OBJECTIVE * weights[:, : len(problem.points)].sum(axis=1, keepdims=True)
    return fit.theta.reshape(k, g, p), np.maximum(fit.objective.reshape(k, g), least)
