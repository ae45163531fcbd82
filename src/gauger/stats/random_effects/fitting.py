"""Fits a random-effects meta-analysis or meta-regression: REML or ML, any nesting, full sampling covariance.

>>> data = MetaData(effect=y, variance=v, levels=(study, np.arange(n)), level_names=("study", "row"))  # doctest: +SKIP
>>> fitted = fit(data, test="t", robust=study)                                                         # doctest: +SKIP
>>> fitted.coefficients[0].estimate, fitted.tau2, fitted.prediction()                                   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gauger.errors import UserError, nearest
from gauger.stats.random_effects import univariate
from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.engine import MomentsEngine, engine_for
from gauger.stats.random_effects.maximise import Maximum, maximise
from gauger.stats.random_effects.moments import Likelihood, likelihood
from gauger.stats.random_effects.result import MetaFit
from gauger.stats.random_effects.robust import cluster_robust
from gauger.stats.random_effects.threads import one_thread

Method = Literal["REML", "ML"]
Test = Literal["z", "t", "knapp-hartung"]
DegreesOfFreedom = Literal["residual", "contain"]
MARGIN = 2.0
"""Log-likelihood units by which an uneven start must be better."""
UNEQUAL = 20.0
"""Ratio of the largest to the smallest sampling variance from which uneven starts are tried."""
TESTS = ("z", "t", "knapp-hartung")


def fit(
    data: MetaData,
    *,
    method: Method = "REML",
    test: Test = "z",
    robust: ArrayLike | None = None,
    df: DegreesOfFreedom = "residual",
    level: float = 0.95,
    tau2: ArrayLike | None = None,
) -> MetaFit:
    """Pool effects: what is the mean effect (or its dependence on moderators), and how much do true effects vary?

    Maximises the (restricted) likelihood of y ~ N(X b, V + sum_l tau2_l Z_l Z_l') over tau2 >= 0, then estimates b by
    generalised least squares.

    Parameters
    ----------
    data : MetaData
        Effects, variances, levels, moderators; n rows, p coefficients, L levels.
    method : {"REML", "ML"}
        REML unless fits with different moderators are to be compared by their likelihood.
    test : {"z", "t", "knapp-hartung"}
        How coefficients are tested. "z" is too narrow for fewer than about 40 groups. "knapp-hartung" rescales the
        covariance by r'M^-1 r / (n - p) and uses t; with one level this is the Knapp-Hartung method, with more levels
        its direct generalisation.
    robust : (n,) labels, optional
        Clusters for CR2 standard errors with Satterthwaite degrees of freedom, which then replace the model's in
        `coefficients` and `prediction`; tau2 stays the model's. Use the outermost level. Needs >= 2 clusters and is
        honest about few: look at `df` (below 4 the p-value is not to be trusted).
    df : {"residual", "contain"}
        For "t" and "knapp-hartung": n - p, or the number of groups of the coarsest level within which the coefficient's
        column is constant, minus p (at least 1). Both as in metafor; prefer "contain" with several levels.
    level : float
        Coverage of every interval.
    tau2 : (L,) array, optional
        Hold these components fixed (NaN leaves one free) instead of estimating.

    Returns
    -------
    MetaFit

    Raises
    ------
    ConvergenceError
        When the maximum was not reached: never a number that is not one.
    UserError
        For an unknown option or fewer than 2 clusters.

    Source: Viechtbauer (2005), J. Educ. Behav. Stat. 30:261; Konstantopoulos (2011), Res. Synth. Methods 2:61;
    Knapp & Hartung (2003), Stat. Med. 22:2693. Equality with metafor:
    tests/stats/test_random_effects_golden.py; coverage: validation/random_effects.
    """
    _check_options(method, test, df)
    maximum = search(data, method, tau2)
    fitted = MetaFit(data, method, test, df, level, maximum)
    if robust is None:
        return fitted
    return MetaFit(data, method, test, df, level, maximum, cluster_robust(data, maximum, robust))


def search(data: MetaData, method: str = "REML", tau2: ArrayLike | None = None, start: Array | None = None) -> Maximum:
    """Find the variance components: the part of `fit` that iterates. A good `start` (L,) saves steps.

    Parameters
    ----------
    data : MetaData
        Effects, variances, levels, moderators; n rows, p coefficients, L levels.
    method : {"REML", "ML"}
        Not checked here: anything but "REML" is taken as ML.
    tau2 : (L,) array, optional
        Components held fixed, >= 0; NaN leaves one free.
    start : float array, (L,), optional
        First guess, effect scale squared; for fits close to one that is known.

    Returns
    -------
    Maximum
        Coefficients and covariance are on X (`Basis.to_design`).

    Raises
    ------
    ConvergenceError
        The maximum was not reached.
    UserError
        A fixed tau2 below 0.
    """
    L = len(data.levels)
    if tau2 is None and univariate.applies(data):
        return univariate.maximise_mean(
            data, method == "REML", _first_guess(data) if start is None else float(start[0])
        )
    fixed = np.full(L, np.nan) if tau2 is None else np.array(tau2, dtype=float).reshape(L)
    if (fixed < 0).any():
        raise UserError("fixed tau2 >= 0", f"{np.nanmin(fixed):g}")
    free = np.isnan(fixed)
    with one_thread():
        objective = likelihood_of(data, method)
        guess = _start(objective, data, fixed) if start is None else start
        maximum = maximise(objective, np.where(free, guess, fixed), free, data.precise_variance)
        beta, vcov = data.basis.to_design(maximum.at.beta, maximum.at.vcov)
    return replace(maximum, at=replace(maximum.at, beta=beta, vcov=vcov))


@dataclass(frozen=True)
class ModelLikelihood:
    """The function tau2 (L,) -> `Likelihood` of some data; coefficients are in the safe basis (`Basis.to_design`)."""

    engine: MomentsEngine
    n: int
    method: str

    def __call__(self, tau2: Array) -> Likelihood:
        """Evaluate with gradient and Hessian."""
        return likelihood(self.engine.moments(tau2), self.n, self.method)

    def value(self, tau2: Array) -> float:
        """Evaluate the log-likelihood alone, at a fraction of the cost."""
        return likelihood(self.engine.moments(tau2, derivatives=False), self.n, self.method).value


def likelihood_of(data: MetaData, method: str = "REML") -> ModelLikelihood:
    """Return the (restricted) likelihood of these data as a function of tau2.

    Parameters
    ----------
    data : MetaData
        Effects, variances, levels, moderators; n rows, p coefficients, L levels.
    method : {"REML", "ML"}
        Restricted or plain.

    Returns
    -------
    ModelLikelihood
        tau2 (L,) -> `Likelihood`; its coefficients are in the safe basis, not on X.

    Tested against the definition in tests/stats/test_random_effects_moments.py.
    """
    return ModelLikelihood(engine_for(data), len(data), method)


def _start(objective: ModelLikelihood, data: MetaData, fixed: Array) -> Array:
    """Split the heterogeneity evenly; with very unequal rows (several modes) also try nearly all of it at one level."""
    L, total = len(fixed), _first_guess(data)
    even = np.full(L, total / L)
    if data.variance.max() < UNEQUAL * data.variance.min():
        return even
    best, value = even, objective.value(np.where(np.isnan(fixed), even, fixed)) + MARGIN
    for guess in _guesses(data, total, L):
        reached = objective.value(np.where(np.isnan(fixed), guess, fixed))
        if reached > value:
            best, value = guess, reached
    return best


def _guesses(data: MetaData, total: float, L: int) -> Iterator[Array]:
    """Yield splits of the total over the levels; with very uneven rows also of every smaller power of ten."""
    decades = 0
    if data.uneven:
        decades = int(np.log10(data.variance.max() / data.variance.min())) + 1
    for size in total * 10.0 ** -np.arange(decades + 1):
        if decades:
            yield np.full(L, size / L)
        if L > 1:
            for level in range(L):
                uneven = np.full(L, 0.1 * size / (L - 1))
                uneven[level] = 0.9 * size
                yield uneven


def _first_guess(data: MetaData) -> float:
    """Estimate the total heterogeneity by unweighted moments (Hedges), kept away from zero."""
    residual, (n, p) = data.basis.residual, data.basis.q.shape
    spread = float(residual @ residual) / (n - p)
    typical = data.typical_variance
    return float(max(spread - typical, 0.1 * typical))


def _check_options(method: str, test: str, df: str) -> None:
    for what, given, known in (
        ("method", method, ("REML", "ML")),
        ("test", test, TESTS),
        ("df", df, ("residual", "contain")),
    ):
        if given not in known:
            raise UserError(f"a known {what}", repr(given), hint=nearest(given, known))
