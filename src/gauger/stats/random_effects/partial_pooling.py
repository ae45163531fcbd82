"""Fits a meta-regression whose slopes are partially pooled: study, model and row levels by category, ridge by REML.

    y = X b + Z_s u + Z_m v + w + e,   u_s ~ N(0, G),   v_m ~ N(0, H),   w_i ~ N(0, omega_r),   e ~ N(0, V)
    b_j ~ N(0, tau_k^2) for the columns j of penalty group k;  b_j free for columns of no group

A group's variance tau_k^2 is a variance component like the others: all of them maximise one restricted likelihood, so
how strongly slopes are pulled to zero is read off the data. A column that no row informs keeps its prior variance.

Use `fit_categories` for means by category without slopes to be pooled; use this where predictors are many, thin and
correlated, and a prediction is wanted more than a coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, optimize, special

from gauger.errors import ConvergenceError, UserError
from gauger.stats.random_effects.data import Array, Codes
from gauger.stats.random_effects.threads import one_thread

FREE = -1
"""Penalty group of a column whose coefficient is not pooled."""
SMALLEST, LARGEST_SD = np.log(1e-3), np.log(30.0)
"""Bounds of every log standard deviation, in the unit of the effects' own scatter."""
LOWEST_CORRELATION, HIGHEST_CORRELATION = -0.4, 0.98
SLOPE = 1e-3
"""Largest slope of the log-likelihood at the end, in every free number that stands at no bound."""


@dataclass(frozen=True)
class PoolingProblem:
    """What is to be fitted."""

    effect: Array
    """(n,) effects."""
    blocks: tuple[tuple[Codes, Array], ...]
    """One (rows (m,), V (m, m)) per study, sampling covariance; rows of different studies are independent."""
    category: Codes
    """(n,) category (role) of each row, 0 to R - 1."""
    model: Codes
    """(n,) label of the model behind each row, nested in studies."""
    design: Array
    """(n, p)."""
    penalty: Codes
    """(p,) penalty group of each column, 0 to K - 1, or `FREE`."""
    categories: int
    """R."""

    def __post_init__(self) -> None:
        n, p = self.design.shape
        counted = sum(len(rows) for rows, _ in self.blocks)
        if not len(self.effect) == len(self.category) == len(self.model) == n == counted or len(self.penalty) != p:
            raise UserError("arrays of one length, and every row in one study", f"{n} rows, {counted} in studies")

    @property
    def penalties(self) -> int:
        """K."""
        return int(self.penalty.max(initial=FREE)) + 1


@dataclass(frozen=True)
class PooledComponents:
    """Variance components."""

    study: Array
    """(R, R) covariance G of a study's effects over categories."""
    model: Array
    """(R, R) covariance H of a model's effects over categories."""
    row: Array
    """(R,) omega."""
    ridge: Array
    """(K,) tau^2 of each penalty group."""

    def of_new(self) -> Array:
        """(R,) variance of a true effect: of a new row of a new model of a new study."""
        return np.asarray(np.diag(self.study) + np.diag(self.model) + self.row)


@dataclass(frozen=True)
class PartialFit:
    """A fit; `predict` says what it expects elsewhere."""

    beta: Array
    """(p,) posterior means of the coefficients."""
    vcov: Array
    """(p, p) their covariance: the posterior's for pooled columns, the estimator's for free ones."""
    components: PooledComponents
    free: Array
    """The numbers that were searched; a start for a similar fit."""
    log_likelihood: float
    """Restricted."""

    def predict(self, design: Array) -> tuple[Array, Array]:
        """Return the expected effect (m,) at rows of a design, and the variance (m,) of that expectation."""
        return design @ self.beta, np.einsum("ij,jk,ik->i", design, self.vcov, design)


def fit_partial_pooling(problem: PoolingProblem, start: Array | None = None) -> PartialFit:
    """Maximise the restricted likelihood over all variance components, slopes integrated out.

    -2 l = sum_s log|S_s| + log|A| - sum_j log(1 / tau_j^2) + y' S^-1 y - b' A b,  A = X' S^-1 X + diag(1 / tau_j^2),
    b = A^-1 X' S^-1 y, with 1 / tau_j^2 = 0 for free columns: for those it is REML, for the others the marginal
    likelihood of a Gaussian prior (Lindley & Smith 1972; Searle, Casella & McCulloch 1992, chapter 9).

    Parameters
    ----------
    problem : PoolingProblem
        n rows, p columns, R categories, K penalty groups.
    start : array, optional
        `PartialFit.free` of a fit with the same R and K.

    Returns
    -------
    PartialFit

    Raises
    ------
    ConvergenceError
        The slope does not vanish, or free columns are collinear.

    Notes
    -----
    A variance at its lower bound (a thousandth of the scatter) is a legitimate end. Variance components are taken as
    known afterwards; what that costs in coverage is for a back-test to show. Equal to the literal n x n formula, and
    to `fit_categories` where no column is pooled and models are rows: tests/stats/test_partial_pooling.py.
    """
    unit = float(np.std(problem.effect)) or 1.0
    search = _Search(problem, unit)
    begin = search.start() if start is None else np.asarray(start, dtype=float)
    with one_thread():
        optimum = optimize.minimize(
            search.down, begin, jac=True, method="L-BFGS-B", bounds=search.bounds,
            options={"maxiter": 400, "ftol": 1e-15, "gtol": SLOPE / 4},
        )  # fmt: skip
        if not np.isfinite(optimum.fun) or search.steepest(optimum.x, optimum.jac) > max(
            SLOPE, 1e-6 * abs(optimum.fun)
        ):
            raise ConvergenceError(f"Partial pooling did not converge: {optimum.message}.")
        state = search.state(optimum.x)
    return PartialFit(state.beta, state.vcov, search.components(optimum.x), optimum.x, -0.5 * state.value)


@dataclass(frozen=True)
class _State:
    value: float
    beta: Array
    vcov: Array
    inverses: Sequence[Array]


class _Search:
    """The likelihood as a function of the free numbers, with its gradient."""

    def __init__(self, problem: PoolingProblem, unit: float) -> None:
        self.problem, self.unit = problem, unit
        R = problem.categories
        self.parts = [_Part(problem, rows, v, R) for rows, v in problem.blocks]

    def start(self) -> Array:
        R, K = self.problem.categories, self.problem.penalties
        return np.concatenate([np.full(R, -0.9), [0.5], np.full(R, -1.2), np.full(R, -0.9), np.full(K, -1.5)])

    @cached_property
    def bounds(self) -> list[tuple[float, float]]:
        R, K = self.problem.categories, self.problem.penalties
        wide = (float(SMALLEST), float(LARGEST_SD))
        return [wide] * R + [(-8.0, 8.0)] + [wide] * (2 * R + K)

    def steepest(self, free: Array, slope: Array) -> float:
        """Largest slope among the numbers that no bound holds."""
        held = [
            (x <= low + 1e-9 and s > 0) or (x >= high - 1e-9 and s < 0)
            for x, s, (low, high) in zip(free, slope, self.bounds, strict=True)
        ]
        return float(np.abs(np.where(held, 0.0, slope)).max(initial=0.0))

    def _sds(self, free: Array) -> tuple[Array, float, Array, Array, Array]:
        R = self.problem.categories
        sd = self.unit * np.exp(np.concatenate([free[:R], free[R + 1 :]]))
        share = float(special.expit(free[R]))
        rho = LOWEST_CORRELATION + (HIGHEST_CORRELATION - LOWEST_CORRELATION) * share
        return sd[:R], rho, sd[R : 2 * R], sd[2 * R : 3 * R], sd[3 * R :]

    def components(self, free: Array) -> PooledComponents:
        study, rho, model, row, ridge = self._sds(free)
        related = np.full((len(study), len(study)), rho)
        np.fill_diagonal(related, 1.0)
        return PooledComponents(
            related * np.outer(study, study), related * np.outer(model, model), row**2, ridge**2
        )  # fmt: skip

    def state(self, free: Array) -> _State:
        known, p = self.components(free), self.problem.design.shape[1]
        information, score = np.zeros((p, p)), np.zeros(p)
        log_det, quadratic, inverses = 0.0, 0.0, []
        for part in self.parts:
            factor = linalg.cho_factor(part.marginal(known), lower=True, check_finite=False)
            inverse = linalg.cho_solve(factor, np.eye(len(part.y)), check_finite=False)
            log_det += 2.0 * float(np.log(np.diag(factor[0])).sum())
            weighed = inverse @ part.x
            information += part.x.T @ weighed
            score += weighed.T @ part.y
            quadratic += float(part.y @ inverse @ part.y)
            inverses.append(inverse)
        penalty = self.problem.penalty
        precision = np.where(penalty >= 0, 1.0 / np.append(known.ridge, 1.0)[penalty], 0.0)
        information[np.diag_indices(p)] += precision
        try:
            factor = linalg.cho_factor(information, lower=True)
        except linalg.LinAlgError as error:
            raise ConvergenceError("Columns that are not pooled are collinear.") from error
        vcov = linalg.cho_solve(factor, np.eye(p))
        beta = vcov @ score
        prior = float(np.log(precision[penalty >= 0]).sum())
        value = log_det + 2.0 * float(np.log(np.diag(factor[0])).sum()) - prior + quadratic - float(beta @ score)
        return _State(value, beta, vcov, inverses)

    def down(self, free: Array) -> tuple[float, Array]:
        """-l and its gradient."""
        at = self.state(free)
        R = self.problem.categories
        of_study, of_model, of_row = np.zeros((R, R)), np.zeros((R, R)), np.zeros(R)
        for part, inverse in zip(self.parts, at.inverses, strict=True):
            weighed = inverse @ part.x
            g = inverse @ (part.y - part.x @ at.beta)
            s = inverse - weighed @ at.vcov @ weighed.T - np.outer(g, g)
            of_study += part.z.T @ s @ part.z
            of_model += part.z.T @ (s * part.same_model) @ part.z
            of_row += part.z.T @ np.diag(s)
        return 0.5 * at.value, 0.5 * self._gradient(free, at, of_study, of_model, of_row)

    def _gradient(self, free: Array, at: _State, of_study: Array, of_model: Array, of_row: Array) -> Array:
        study, rho, model, row, ridge = self._sds(free)
        share = float(special.expit(free[len(study)]))
        bend = (HIGHEST_CORRELATION - LOWEST_CORRELATION) * share * (1.0 - share)
        related = np.full((len(study), len(study)), rho)
        np.fill_diagonal(related, 1.0)
        slopes = [2.0 * ((of * related) @ sd) * sd for of, sd in ((of_study, study), (of_model, model))]
        off = sum(float((of * np.outer(sd, sd)).sum() - (np.diag(of) * sd**2).sum())
                  for of, sd in ((of_study, study), (of_model, model)))  # fmt: skip
        penalty, K = self.problem.penalty, self.problem.penalties
        spent = np.diag(at.vcov) + at.beta**2
        pooled = [2.0 * ((penalty == k).sum() - spent[penalty == k].sum() / ridge[k] ** 2) for k in range(K)]
        return np.concatenate([slopes[0], [bend * off], slopes[1], 2.0 * of_row * row**2, pooled])


class _Part:
    """The rows of one study."""

    def __init__(self, problem: PoolingProblem, rows: Codes, covariance: Array, categories: int) -> None:
        self.y, self.x, self.v = problem.effect[rows], problem.design[rows], covariance
        self.category = problem.category[rows]
        self.z = np.eye(categories)[self.category]
        model = problem.model[rows]
        self.same_model = (model[:, None] == model[None, :]).astype(float)

    def marginal(self, known: PooledComponents) -> Array:
        """Sampling covariance plus what all levels add."""
        where = np.ix_(self.category, self.category)
        s = self.v + known.study[where] + known.model[where] * self.same_model
        s[np.diag_indices(len(self.y))] += known.row[self.category]
        return np.asarray(s)
