"""Fits one law: what is compared with what, from where the search starts, and the best fit found.

Loss laws compare logarithms of losses by Huber's loss with delta 1e-3, as Hoffmann et al. (2022) and Besiroglu et al.
(2024) do. Accuracy laws compare accuracies in units of their standard errors with delta 1.345 (95 % efficient where
errors are normal). Where points carry standard errors, a lack-of-fit variance tau2 is added to each until the squared
residuals are as large as they should be (Cochran's moment condition), so that precise points do not rule alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauger.errors import UserError
from gauger.stats.laws.law import Law
from gauger.stats.laws.minimise import FitProblem, minimise
from gauger.stats.laws.points import FloatArray, Points

DELTA_LOG_LOSS = 1e-3
DELTA_STANDARDISED = 1.345
SAME_OPTIMUM = 1e-4
"""Fits whose objectives differ by less than this share have found the same optimum."""


@dataclass(frozen=True)
class Search:
    """How hard the best fit is looked for."""

    starts: int = 200
    """Random starting points."""
    delta: float | None = None
    """Where Huber's loss turns straight; None: 1e-3 on log loss, 1.345 standard errors on accuracy."""
    seed: int = 0
    first: FloatArray | None = None
    """(S, P): starting points of one's own, natural units, in place of random ones."""


@dataclass(frozen=True)
class LawFit:
    """A law and the parameters at which it comes closest to the points."""

    law: Law
    points: Points
    problem: FitProblem
    weights: FloatArray
    """(n,): weights of the points in the objective."""
    theta: FloatArray
    """(P,): inner parameters."""
    objective: float
    """sum of weight x Huber's loss at them."""
    reached: float
    """Share of the starting points that led to this optimum: near 0, a better one may have been missed."""
    tau2: float
    """Lack-of-fit variance that was added to the squared standard errors; 0 where points have none."""

    @property
    def values(self) -> FloatArray:
        """(P,): natural parameters."""
        return self.law.natural(self.theta)

    @property
    def residuals(self) -> FloatArray:
        """(n,): predicted - observed, log loss or accuracy."""
        return np.asarray(self.law.evaluate(self.theta[None], self.points)[0][0] - self.problem.observed)

    @property
    def effective_n(self) -> float:
        """How many equally weighted points the weights are worth."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    @property
    def noise(self) -> float:
        """Robust standard deviation of one point around the law, log loss or accuracy units."""
        return robust_scale(self.residuals, self.weights, len(self.theta))


def robust_scale(residuals: FloatArray, weights: FloatArray, n_parameters: int) -> float:
    """Estimate the standard deviation of residuals about 0, clipped at 3 robust ones (median size / 0.6745).

    Corrected for the parameters by sqrt(n / (n - P)), and for the clipping of a normal distribution (0.5 %).

    Parameters
    ----------
    residuals : float array, (n,)
        Any unit; centred on 0 by the fit, not here.
    weights : float array, (n,)
        At least 0, some above; points of weight 0 are left out. Their scale does not matter.
    n_parameters : int
        P; at least one degree of freedom is left.

    Returns
    -------
    float
        In the unit of the residuals; 0 where all are 0.

    Checked on normal residuals in tests/stats/laws/test_fit_law.py.
    """
    used = weights > 0
    size, weight = np.abs(residuals[used]), weights[used]
    order = np.argsort(size)
    middle = float(np.interp(0.5, np.cumsum(weight[order]) / weight.sum(), size[order])) / 0.6745
    clipped = np.minimum(size, 3.0 * middle) if middle > 0 else size
    # Kish's effective number: unequal weights rest on fewer points than there are.
    n = weight.sum() ** 2 / (weight**2).sum()
    freedom = max(n - n_parameters, 1.0)
    return float(np.sqrt((weight * clipped**2).sum() / weight.sum() * n / freedom) * 1.005)


def usable(points: Points, law: Law) -> Points:
    """Keep the points that have a weight and what the law reads.

    Parameters
    ----------
    points : Points
        n points.
    law : Law
        Its outcome and `needs` say which columns are read. NaN in `teacher_loss` means no teacher, and is kept.

    Returns
    -------
    Points
        At least `law.least` of them.

    Raises
    ------
    UserError
        A column is missing, or fewer points are left.
    """
    column = {"loss": points.loss, "accuracy": points.accuracy}
    wanted = {law.outcome, *(name for name in law.needs if name in column)}
    keep = np.ones(len(points), dtype=bool) if points.weight is None else points.weight > 0
    for name in sorted(wanted):
        values = column[name]
        if values is None:
            raise UserError(f"a column {name!r}, which the law {law.name!r} reads", "none")
        keep &= np.isfinite(values)
    for name in law.needs:
        if getattr(points, name) is None:
            raise UserError(f"a column {name!r}, which the law {law.name!r} reads", "none")
    few = law.least
    if keep.sum() < few:
        hint = "Take a law with fewer parameters, or more points."
        raise UserError(f"at least {few} points for the law {law.name!r}", str(int(keep.sum())), hint=hint)
    return points.take(keep)


def problem_of(
    law: Law, points: Points, delta: float | None = None, tau2: float = 0.0
) -> tuple[FitProblem, FloatArray]:
    """Set up what is fitted to what, and with which weights.

    Parameters
    ----------
    law : Law
        Its outcome decides the scale: log loss, or accuracy in standard errors.
    points : Points
        n points that have the outcome (`usable`).
    delta : float, optional
        Where Huber's loss turns straight, in scaled residuals; None: 1e-3 on log loss, 1.345 on accuracy.
    tau2 : float
        Lack-of-fit variance added to every squared standard error; nothing where losses have none.

    Returns
    -------
    problem : Problem
        What `minimise` takes.
    weights : float array, (n,)
        The points' own; for losses with standard errors times median variance / variance.
    """
    weight = np.ones(len(points)) if points.weight is None else points.weight
    if law.outcome == "accuracy":
        observed = np.asarray(points.accuracy)
        scale = np.sqrt(_accuracy_variance(points) + tau2)
        return FitProblem(law, points, observed, scale, delta or DELTA_STANDARDISED), weight
    observed = np.log(np.asarray(points.loss))
    variance = log_loss_variance(points)
    if variance is not None:
        variance = variance + max(tau2, 1e-12)
        weight = weight * (np.median(variance) / variance)
    return FitProblem(law, points, observed, np.ones(len(points)), delta or DELTA_LOG_LOSS), weight


def log_loss_variance(points: Points) -> FloatArray | None:
    """Squared standard errors of the log losses, (n,); None where they were not given."""
    if points.loss_se is None or points.loss is None:
        return None
    known = points.loss_se / points.loss
    return np.asarray(np.where(np.isfinite(known), known, np.nanmedian(known)) ** 2)


def _accuracy_variance(points: Points) -> FloatArray:
    """Squared standard errors of the accuracies: as given, else binomial, else all alike."""
    accuracy = np.asarray(points.accuracy)
    variance = np.full(len(points), np.nan)
    if points.n_items is not None:
        drawn = (accuracy * points.n_items + 1.0) / (points.n_items + 2.0)
        variance = drawn * (1.0 - drawn) / points.n_items
    if points.accuracy_se is not None:
        variance = np.where(np.isfinite(points.accuracy_se), points.accuracy_se**2, variance)
    usual = np.nanmedian(variance) if np.isfinite(variance).any() else 1e-4
    return np.maximum(np.where(np.isfinite(variance), variance, usual), 1e-10)


def fit_law(points: Points, law: Law, search: Search | None = None) -> LawFit:
    """Find the parameters of a law that come closest to the points.

    Parameters
    ----------
    points : Points
        At least `law.least` of them with the law's outcome; see `usable`.
    law : Law
    search : Search, optional

    Returns
    -------
    LawFit
        Its parameters may lie at a bound or be undetermined: `diagnose.findings` says so. A law with parameters in
        order (`Law.ordered`) whose best fit is out of order is fitted again in order.

    Notes
    -----
    Proven in validation/laws (bias and coverage on planted laws); recomputed by SciPy in tests/stats/laws.
    """
    search = search or Search()
    points = usable(points, law)
    fitted = _settle(points, law, search)
    if not law.is_out_of_order(fitted.theta):
        return fitted
    again = _settle(points, law.in_order(), search)
    first, second = (law.names.index(name) for name in law.ordered or ())
    theta = again.theta.copy()
    theta[second] = max(theta[first], theta[second])
    return replace(again, theta=theta)


def _settle(points: Points, law: Law, search: Search) -> LawFit:
    """Fit a law, where errors are known again with what they lack."""
    fitted = _best(points, law, search, 0.0)
    if log_loss_variance(points) is None and law.outcome == "loss":
        return fitted
    for _ in range(2):
        tau2 = _lack_of_fit(fitted)
        if tau2 <= 0.0 and fitted.tau2 <= 0.0:
            break
        fitted = _best(points, law, search, tau2)
    return fitted


def _best(points: Points, law: Law, search: Search, tau2: float) -> LawFit:
    problem, weights = problem_of(law, points, search.delta, tau2)
    rng = np.random.default_rng(search.seed)
    starts = law.starts(points, rng, search.starts) if search.first is None else law.inner(np.atleast_2d(search.first))
    minima = minimise(problem, starts, weights[None])
    best = int(np.argmin(minima.objective))
    objective = float(minima.objective[best])
    reached = float((minima.objective <= objective * (1.0 + SAME_OPTIMUM)).mean())
    final = minimise(problem, minima.theta[best : best + 1], weights[None], tolerance=1e-13, steps=1000)
    return LawFit(law, points, problem, weights, final.theta[0], float(final.objective[0]), reached, tau2)


def _lack_of_fit(fitted: LawFit) -> float:
    """Variance to add to every squared error so that sum(r^2 / (se^2 + tau2)) = n - P; 0 where they suffice."""
    variance = (
        _accuracy_variance(fitted.points) if fitted.law.outcome == "accuracy" else log_loss_variance(fitted.points)
    )
    if variance is None:
        return 0.0
    limit = 3.0 * np.median(np.abs(fitted.residuals)) / 0.6745
    squared = np.minimum(np.abs(fitted.residuals), limit) ** 2
    freedom = max(len(squared) - len(fitted.theta), 1)
    low, high = 0.0, float(squared.max()) + 1e-12
    if (squared / variance).sum() <= freedom:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (squared / (variance + middle)).sum() > freedom else (low, middle)
    return 0.5 * (low + high)
