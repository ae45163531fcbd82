"""Tests whether any law holds: no structure in residuals, no back-test errors of one sign beyond what noise makes.

For each law, its own noise is put back on its own curve many times (residuals drawn anew, as a law that holds would
have them in any order), and every such table is fitted and back-tested as the real one was. Two statistics are compared
with those of the tables, so that neither the parameters that a fit absorbs nor the points that cuts share need theory:

- structure: the share of the squared residuals that cubic polynomials of ln N and ln D take up, and columns that set
  the points apart while no law reads them (`unread`);
- one sign: the mean over cuts of the held-out errors, each in claimed standard deviations.

A law is refused where twice the smaller p lies at or below `LEVEL`. *No law holds* where every law of the competition
is refused; so a law that holds is missed in at most `LEVEL` of all tables, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.stats.laws.backtest import Backtest, scale_cuts
from gauger.stats.laws.fit import DELTA_STANDARDISED, LawFit
from gauger.stats.laws.forecast import Ensemble
from gauger.stats.laws.minimise import minimise
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.unread import unread_columns

TABLES = 99
LEVEL = 0.05
POINTS_PER_SHAPE = 4
"""Points that there must be for each polynomial."""
CLIPPED = 3.0
"""Residuals count for at most so many robust standard deviations."""


@dataclass(frozen=True)
class LawCheck:
    """One law against tables that it made itself."""

    law: str
    structure: float
    """Share of the squared residuals that smooth curves take up, 0-1."""
    structure_p: float
    one_sign: float | None
    """Mean held-out error in claimed standard deviations, observed - predicted; None without a back-test."""
    one_sign_p: float | None

    @property
    def p(self) -> float:
        """Twice the smaller of both."""
        return min(1.0, 2.0 * min(self.structure_p, 1.0 if self.one_sign_p is None else self.one_sign_p))

    @property
    def refused(self) -> bool:
        """Whether the law does not hold."""
        return self.p <= LEVEL


@dataclass(frozen=True)
class LawVerdict:
    """Whether some law holds."""

    holds: bool
    checks: tuple[LawCheck, ...]
    """Laws in the order of their weights, up to the first that holds."""
    unread: tuple[str, ...] = ()
    """Columns that vary while no law reads them: what they explain counts as structure."""


def law_holds(ensemble: Ensemble, seed: int | None = None) -> LawVerdict:
    """Say whether some law of a competition holds for its points.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted laws with their back-test.
    seed : int, optional
        Of the tables; by default the ensemble's own.

    Returns
    -------
    LawVerdict
        Holds: what points do not refute. Few points refute little. Laws that weigh nothing beside the best are checked
        too: one that holds is enough.

    False alarms and power: validation/laws.
    """
    checks = []
    unread = tuple(unread_columns(ensemble.fits[0].points, ensemble.laws))
    for m in np.argsort(-ensemble.weights, kind="stable"):
        rng = np.random.default_rng([ensemble.seed if seed is None else seed, 8, int(m)])
        checks.append(_check(ensemble.fits[m], ensemble, int(m), rng))
        if not checks[-1].refused:
            return LawVerdict(True, tuple(checks), unread)
    return LawVerdict(False, tuple(checks), unread)


def _check(fitted: LawFit, ensemble: Ensemble, which: int, rng: np.random.Generator) -> LawCheck:
    delta = max(fitted.problem.delta, DELTA_STANDARDISED * (fitted.noise if fitted.law.outcome == "loss" else 1.0))
    problem = replace(fitted.problem, delta=delta)
    best = minimise(problem, fitted.theta[None], fitted.weights[None], tolerance=1e-10, steps=500).theta
    curve = fitted.law.evaluate(best, fitted.points)[0][0]
    unit = problem.scale / np.sqrt(fitted.weights / fitted.weights.mean())
    standard = (problem.observed - curve) / unit
    tables = np.concatenate([problem.observed[None], curve + unit * _redrawn(standard, fitted.points, rng)])
    least = max(fit.law.least_to_compete for fit in ensemble.fits)
    cuts = [] if ensemble.test is None else scale_cuts(fitted.points, least)
    masks = np.array([np.ones(len(curve)), *cuts], dtype=float)
    rows = len(tables) * len(masks)
    weights = np.tile(masks * fitted.weights, (len(tables), 1))
    observed = np.repeat(tables, len(masks), axis=0)
    start = np.repeat(best, rows, axis=0)
    theta = minimise(replace(problem, observed=observed), start, weights, steps=60, tolerance=1e-5).theta
    error = (observed - fitted.law.evaluate(theta, fitted.points)[0]).reshape(len(tables), len(masks), -1)
    structure = _structure(error[:, 0] / unit, _shapes(fitted.points, unread_columns(fitted.points, ensemble.laws)))
    if ensemble.test is None:
        return LawCheck(fitted.law.name, float(structure[0]), _p(structure), None, None)
    sign = _one_sign(error[:, 1:], ensemble.test, which)
    return LawCheck(fitted.law.name, float(structure[0]), _p(structure), float(sign[0]), _p(np.abs(sign)))


def _redrawn(standard: FloatArray, points: Points, rng: np.random.Generator) -> FloatArray:
    """Draw residuals anew, (TABLES, n): from all of them; with groups each keeps its own, its sign by chance."""
    if points.group is None:
        return np.asarray(rng.choice(standard - standard.mean(), (TABLES, len(standard))))
    _, codes = np.unique(points.group, return_inverse=True)
    signs = rng.choice([-1.0, 1.0], (TABLES, int(codes.max()) + 1))
    return np.asarray(signs[:, codes] * standard)


def _shapes(points: Points, unread: Mapping[str, FloatArray]) -> FloatArray:
    """Orthonormal polynomials of ln N and ln D up to the third degree, as many as the points allow, (n, q).

    Columns that no law reads come first: they are what a curve through all points is likeliest to miss. Where neither
    axis varies: squares of the domains' shares, and the shares.
    """
    axes = [x for x in (points.log_n, points.log_d) if np.ptp(x) > 0]
    units = [2.0 * (x - x.min()) / np.ptp(x) - 1.0 for x in axes]
    columns = [np.ones(len(points)), *(column for varying in unread.values() for column in varying.T)]
    if not units:
        shares = [] if points.shares is None else list(points.shares.T)
        return _orthonormal([*columns, *(share**2 for share in shares), *shares])
    for degree in (1, 2, 3):
        if len(units) == 1:
            columns.append(units[0] ** degree)
        else:
            columns += [units[0] ** (degree - j) * units[1] ** j for j in range(degree + 1)]
    return _orthonormal(columns)


def _orthonormal(columns: Sequence[FloatArray]) -> FloatArray:
    """Take as many columns as there are points for, orthonormal, (n, q)."""
    q, r = np.linalg.qr(np.stack(columns[: max(len(columns[0]) // POINTS_PER_SHAPE, 1)], axis=1))
    return np.asarray(q[:, np.abs(np.diag(r)) > 1e-8])


def _structure(residuals: FloatArray, shapes: FloatArray) -> FloatArray:
    """Share of the squared residuals (T, n) within the shapes, (T,)."""
    robust = np.median(np.abs(residuals), axis=1, keepdims=True) / 0.6745
    clipped = np.clip(residuals, -CLIPPED * robust, CLIPPED * robust)
    total = (clipped**2).sum(axis=1)
    return np.asarray(((clipped @ shapes) ** 2).sum(axis=1) / np.maximum(total, 1e-300))


def _one_sign(error: FloatArray, test: Backtest, which: int) -> FloatArray:
    """Mean over cuts of the held-out errors (T, K, n) in claimed standard deviations, (T,)."""
    claimed = np.sqrt(test.spread[which] ** 2 + test.noise[which] ** 2)
    z = error[:, test.cut, test.point] / np.maximum(claimed, 1e-12)
    per_cut = np.stack([z[:, test.cut == k].mean(axis=1) for k in np.unique(test.cut)], axis=1)
    return np.asarray(per_cut.mean(axis=1))


def _p(statistic: FloatArray) -> float:
    """Share of the tables whose statistic is at least that of the first, the first among them."""
    return float((statistic >= statistic[0]).mean())
