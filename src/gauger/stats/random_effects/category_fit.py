"""Fits random effects that differ by category and correlate within groups, and chooses their structure by a rule.

One variance for all roles of a benchmark says that a study which gains much on its target gains as much elsewhere, and
weighs roles by each other's scatter. Where that is wrong, means, intervals and above all prediction intervals are.

Use `fit` for one variance per level. Use `fit_categories` where rows of one group fall into categories whose effects
scatter differently; `choose` picks the structure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from gauger.errors import ConvergenceError, UserError, nearest
from gauger.stats.random_effects.category_likelihood import CategoryLikelihood, marginal_of_rows
from gauger.stats.random_effects.category_structure import GROUPS, Structure
from gauger.stats.random_effects.data import Array, Codes, MetaData, sampling_block
from gauger.stats.random_effects.maximise import Maximum
from gauger.stats.random_effects.moments import Likelihood
from gauger.stats.random_effects.result import MetaFit, Prediction, prediction_around
from gauger.stats.random_effects.threads import one_thread
from gauger.stats.robust import ClusterRobust, cr2

GRADIENT = 1e-6
"""Largest slope of the log-likelihood in any free number (standard deviations in units of the data's scatter) at the
end: convergence is by gradient."""
SLACK = 1e-3
"""The same where the likelihood is flat in some direction, or where no polish was asked for."""
POLISH = 12
"""Newton steps after the quasi-Newton search at most."""
FLAT = 1e-4
"""A direction whose curvature is below this share of the largest is flat (a variance at zero, a correlation at 1)."""
SINGULAR = 1e-4
"""Smallest eigenvalue of the correlation matrix below which it is at its limit."""
CANDIDATES = (("one", "one"), ("hcs", "one"), ("hcs", "diag"), ("un", "one"), ("un", "diag"))
"""Structures that `choose` compares, simplest first."""


@dataclass(frozen=True)
class CategoryFit(MetaFit):
    """A fit with random effects by category; coefficients and contrasts as in `MetaFit`."""

    category: Codes | None = None
    """(n,) category of each row."""
    names: tuple[str, ...] = ()
    """The categories."""
    structure: Structure | None = None
    groups: Array | None = None
    """(R, R) covariance G of a group's effects over categories."""
    omega: Array | None = None
    """(R,) variance of true effects between rows of a group, per category."""

    @property
    def aic(self) -> float:
        """-2 l + 2 k with k variance parameters; comparable between structures with the same columns of X."""
        return -2.0 * self.log_likelihood + 2.0 * self._structure.parameters

    @property
    def _structure(self) -> Structure:
        if self.structure is None:
            raise ConvergenceError("A fit by category lacks its structure.")
        return self.structure

    @property
    def correlation(self) -> Array:
        """(R, R) correlation of a group's effects; 0 where a variance is 0."""
        g = np.asarray(self.groups)
        sd = np.sqrt(np.diag(g))
        safe = np.where(sd > 0, sd, 1.0)
        return np.asarray(g / np.outer(safe, safe))

    @property
    def singular(self) -> bool:
        """Tell whether some combination of categories has no variance between groups: a correlation at its limit."""
        return bool(np.linalg.eigvalsh(self.correlation)[0] < SINGULAR)

    def row_variance(self) -> Array:
        """(n,) omega of each row's category."""
        return np.asarray(np.asarray(self.omega)[np.asarray(self.category)])

    def spread_at(self, row: Array) -> float:
        """Variance of a new true effect at the moderator values `row`: the mean over the rows that have them.

        Where they belong to several categories, a new row comes from one of those in the same proportions.
        """
        here = (np.abs(self.data.design - row) < 1e-12).all(axis=1)
        if not here.any():
            raise UserError("moderator values that some row has, to predict at", str(row.tolist()))
        shares = np.bincount(np.asarray(self.category)[here], minlength=len(self.names)) / here.sum()
        return float(shares @ (np.diag(np.asarray(self.groups)) + np.asarray(self.omega)))

    def prediction(self, row: ArrayLike | None = None) -> Prediction:
        """Say where the true effect of a new row of a new group would fall, in the category that has values `row`.

        mean +- t sqrt(se^2 + G_rr + omega_r), on the degrees of freedom of the mean.
        """
        values = np.ones(1) if row is None else np.asarray(row, dtype=float)
        mean = self.contrast(values, "mean")
        return prediction_around(mean, self.spread_at(values), self.level)


def fit_categories(
    data: MetaData,
    category: ArrayLike,
    *,
    groups: str = "un",
    rows: str = "diag",
    method: str = "REML",
    robust: bool = True,
    level: float = 0.95,
    start: Array | None = None,
    polish: bool = True,
) -> CategoryFit:
    """Pool effects whose scatter differs by category: y ~ N(X b, V + Z G Z' + diag(omega)).

    Parameters
    ----------
    data : MetaData
        n rows, p coefficients; the first level are the groups (studies), within which shared controls must lie.
    category : (n,) labels
        The category (role) of each row; R categories.
    groups : {"un", "hcs", "one"}
        Structure of G (R, R); see `category_structure.GROUPS`.
    rows : {"diag", "one"}
        One row variance per category, or a single one.
    method : {"REML", "ML"}
    robust : bool
        CR2 errors by group with Satterthwaite degrees of freedom; else the model's own with z.
    level : float
        Coverage of intervals.
    start : array, optional
        Free numbers to begin at (`CategoryFit.found.tau2` of a fit with the same structure).
    polish : bool
        False stops at a slope of 1e-3 log-likelihood units, which leaves means to about 1e-4 of their error: for many
        fits of which only means and errors are wanted.

    Returns
    -------
    CategoryFit

    Raises
    ------
    ConvergenceError
        When the gradient does not vanish.
    UserError
        Unknown structure, one category, or shared controls that cross groups.

    Notes
    -----
    A variance of zero or a correlation of 1 is a legitimate end; the likelihood is then flat in that direction. With
    fewer than about five groups per category "un" says little: let `choose` decide.

    Source: the multivariate random-effects model, e.g. Jackson, Riley & White (2011), Stat. Med. 30:2481. Equal to
    metafor's `rma.mv(random = list(~ category | group, ~ category | row), struct = c("UN", "DIAG"))`:
    tests/stats/test_random_effects_by_category.py; coverage: validation/role_effects.
    """
    for what, given, known in (("structure of groups", groups, GROUPS), ("structure of rows", rows, ("one", "diag"))):
        if given not in known:
            raise UserError(f"a known {what}", repr(given), hint=nearest(given, known))
    names, codes = np.unique(np.asarray(category), return_inverse=True)
    codes = codes.ravel().astype(np.intp)
    likelihood = CategoryLikelihood(data, codes, method)
    structure = Structure(groups, rows, len(names))
    with one_thread():
        free, at, steps = _search(likelihood, structure, start, polish)
    factor, omega = structure.unpack(free)
    g = factor @ factor.T
    beta, vcov = data.basis.to_design(at.beta, at.vcov)
    maximum = Maximum(free, replace(at, beta=beta, vcov=vcov), steps, tuple(bool(w == 0.0) for w in free))
    fitted = CategoryFit(
        data, method, "z", "residual", level, maximum, None, codes, tuple(str(name) for name in names), structure, g,
        omega,
    )  # fmt: skip
    return replace(fitted, robust=_robust(fitted)) if robust else fitted


def _robust(fitted: CategoryFit) -> ClusterRobust:
    data, codes = fitted.data, np.asarray(fitted.category)
    g, omega = np.asarray(fitted.groups), np.asarray(fitted.omega)

    def marginal(rows: Codes) -> Array:
        return marginal_of_rows(data, codes, rows, g, omega, sampling_block(data, rows))

    with one_thread():
        residual = data.effect - data.design @ fitted.beta
        return cr2(data.design, residual, data.levels[0], marginal, fitted.found.at.vcov)


def choose(
    data: MetaData, category: ArrayLike, candidates: Sequence[tuple[str, str]] = CANDIDATES
) -> tuple[tuple[str, str], dict[tuple[str, str], float]]:
    """Choose a structure: the smallest AIC of the restricted likelihood among those that the data can tell.

    All candidates have the same X, so their restricted likelihoods compare; of ties the simplest. A candidate is left
    out that does not converge, or whose correlations end at their limits (a singular G, `CategoryFit.singular`): its
    AIC counts numbers that the data do not determine. "one, one", whose G is of rank one by design, always stays.

    Parameters
    ----------
    data : MetaData
        n rows; the first level are the groups.
    category : (n,) labels
        The category (role) of each row.
    candidates : sequence of (groups, rows)
        Structures to compare, simplest first; see `fit_categories`.

    Returns
    -------
    chosen : (groups, rows)
        The structure to pass to `fit_categories`.
    aic : dict
        (groups, rows) -> AIC, for every candidate that was compared.

    Raises
    ------
    ConvergenceError
        No candidate converged and can be told.

    Finds what was planted: tests/stats/test_random_effects_by_category.py.
    """
    aics: dict[tuple[str, str], float] = {}
    for groups, rows in candidates:
        try:
            fitted = fit_categories(data, category, groups=groups, rows=rows, robust=False)
        except ConvergenceError:
            continue
        if groups == "one" or not fitted.singular:
            aics[groups, rows] = fitted.aic
    if not aics:
        raise ConvergenceError("No structure of the random effects converged.")
    least = min(aics.values())
    return next(structure for structure, aic in aics.items() if aic <= least + 1e-6), aics


def _search(
    likelihood: CategoryLikelihood, structure: Structure, start: Array | None, polish: bool
) -> tuple[Array, Likelihood, int]:
    """Climb by BFGS, then polish by Newton steps on a differenced gradient until the gradient vanishes."""
    residual, (n, p) = likelihood.data.basis.residual, likelihood.data.design.shape
    total = max(float(residual @ residual) / (n - p), 1e-12)
    unit = np.sqrt(total)
    scale = _scale(structure, unit)

    def down(x: Array) -> tuple[float, Array]:
        free = x * scale
        factor, omega = structure.unpack(free)
        at, slopes = likelihood(factor, omega)
        return -at.value, -structure.gradient(free, slopes) * scale

    x = (structure.start(total) if start is None else np.asarray(start, dtype=float)) / scale
    searched = optimize.minimize(down, x, jac=True, method="BFGS", options={"gtol": 3e-4, "maxiter": 300})
    steps = int(searched.nit)
    done = not polish and np.abs(searched.jac).max() <= SLACK
    x = searched.x if done else _polish(down, searched.x)
    free = x * scale
    factor, omega = structure.unpack(free)
    return free, likelihood(factor, omega)[0], steps


def _scale(structure: Structure, unit: float) -> Array:
    scale = np.full(structure.parameters, unit)
    if structure.groups == "hcs" and structure.categories > 1:
        scale[structure.categories] = 1.0
    return scale


def _polish(down: Callable[[Array], tuple[float, Array]], x: Array) -> Array:
    """Take Newton steps with a Hessian from differences of the exact gradient until the slope vanishes."""
    value, slope = down(x)
    for _ in range(POLISH):
        if np.abs(slope).max() <= GRADIENT:
            return x
        # one-sided: an error of 1e-6 in the Hessian costs a Newton step no digit that the next does not bring back
        step = 1e-6 * (1.0 + np.abs(x))
        hessian = np.array([(down(x + e)[1] - slope) / h for h, e in zip(step, np.diag(step), strict=True)])
        values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
        values = np.maximum(np.abs(values), FLAT * np.abs(values).max() * 1e-2)
        move = -vectors @ ((vectors.T @ slope) / values)
        for halving in range(30):
            proposal = x + 0.5**halving * move
            reached, new_slope = down(proposal)
            if reached <= value + 1e-11 * (1.0 + abs(value)):
                x, value, slope = proposal, reached, new_slope
                break
        else:
            break
    if np.abs(slope).max() > SLACK:
        raise ConvergenceError(
            f"The variances by category did not converge: the largest slope is {np.abs(slope).max():.3g}."
        )
    return x
