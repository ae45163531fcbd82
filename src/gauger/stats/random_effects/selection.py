"""Estimates a mean where results may have been selected by their p-values: step-function selection models, PET-PEESE.

Published results need not be a random draw of all results. A step-function model says how much likelier a result is to
be seen if its one-sided p-value lies below a step, and corrects the mean for it; PET-PEESE extrapolates to a study
without sampling error. Neither can tell selection from small studies that really differ, and with few studies (under
about 20) both are very uncertain: `average` therefore weighs the candidates instead of choosing one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from gauger.errors import UserError
from gauger.stats.random_effects.data import Array, MetaData
from gauger.stats.random_effects.fitting import fit
from gauger.stats.random_effects.small_study import classical_egger_test
from gauger.stats.student import t_quantile

FEWEST = 10
"""Independent results below which no selection model is fitted."""
TOO_FEW = f"fewer than {FEWEST} independent results"
EMPTY_STEP = "no result in one of the intervals of p-values"
NO_SPREAD = "all results have one standard error"
EVEN = 1.5
"""Ratio of the largest to the smallest standard error below which no slope is extrapolated to zero error."""
PET_LEVEL = 0.10
"""PET's intercept must be positive at this two-sided level for PEESE to be read (Stanley & Doucouliagos 2014)."""


@dataclass(frozen=True)
class Selected:
    """A mean under one account of selection."""

    name: str
    n: int
    """Independent results."""
    estimate: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    tau2: float | None = None
    weights: tuple[float, ...] = ()
    """Step model: relative chance to be seen per interval of p-values, the first (smallest p) 1."""
    p_selection: float | None = None
    """Likelihood-ratio test of no selection (step), or of no slope (PET-PEESE)."""
    log_likelihood: float | None = None
    parameters: int = 0
    reason: str | None = None


def step_selection(
    effect: ArrayLike, variance: ArrayLike, steps: Sequence[float] = (0.025,), level: float = 0.95
) -> Selected:
    """Fit a random-effects model whose results are seen with a chance that steps at given one-sided p-values.

    y_i has density proportional to delta(p_i) phi((y_i - mu) / s_i) with s_i^2 = v_i + tau2 and
    p_i = 1 - Phi(y_i / sqrt v_i); maximum likelihood over mu, tau2 >= 0 and delta (delta = 1 in the first interval).

    Parameters
    ----------
    effect, variance : (n,) arrays
        Independent results, positive in the direction that would be selected for.
    steps : sequence of float
        Where the chance steps, increasing, in (0, 1); 0.025 is two-sided significance in the wanted direction.
    level : float
        Coverage of the Wald interval.

    Returns
    -------
    Selected
        Undefined, with the reason, for fewer than ten results or an interval of p-values without any.

    Source: Vevea & Hedges (1995), Psychometrika 60:419. Equal to `metafor::selmodel(type = "stepfun")`:
    tests/stats/test_selection.py.
    """
    y, v = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    cuts = np.asarray(steps, dtype=float)
    if len(cuts) == 0 or (np.diff(cuts) <= 0).any() or not ((cuts > 0) & (cuts < 1)).all():
        raise UserError("increasing steps between 0 and 1", str(list(steps)))
    name = "step at " + ", ".join(f"{cut:g}" for cut in cuts)
    where = np.searchsorted(cuts, special.ndtr(-y / np.sqrt(v)), side="left")
    if len(y) < FEWEST:
        return Selected(name, len(y), reason=TOO_FEW)
    if len(np.unique(where)) < len(cuts) + 1:
        return Selected(name, len(y), reason=EMPTY_STEP)
    bounds = np.concatenate([np.full((1, len(y)), np.inf), np.sqrt(v) * special.ndtri(1.0 - cuts)[:, None],
                             np.full((1, len(y)), -np.inf)])  # fmt: skip

    def loss(free: Array) -> float:
        mean, tau2, delta = free[0], free[1] ** 2, np.concatenate([[1.0], np.exp(free[2:])])
        s = np.sqrt(v + tau2)
        edge = special.ndtr((bounds - mean) / s)
        seen = delta @ (edge[:-1] - edge[1:])
        density = -0.5 * ((y - mean) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi)
        return -float((density + np.log(delta[where]) - np.log(np.maximum(seen, 1e-300))).sum())

    plain = fit(MetaData(y, v), method="ML")
    start = np.concatenate(
        [[plain.beta[0], max(np.sqrt(plain.tau2[0]), 0.1 * np.sqrt(np.median(v)))], np.full(len(cuts), -0.1)]
    )
    free = _minimise(loss, start)
    covariance = np.linalg.pinv(_hessian(loss, free))
    se = float(np.sqrt(max(covariance[0, 0], 0.0)))
    half = float(special.ndtri(0.5 + level / 2)) * se
    value = -loss(free)
    p = float(special.chdtrc(len(cuts), max(0.0, 2.0 * (value - plain.log_likelihood))))
    weights = (1.0, *np.exp(free[2:]).tolist())
    return Selected(name, len(y), float(free[0]), se, float(free[0]) - half, float(free[0]) + half, float(free[1] ** 2),
                    weights, p, value, len(free))  # fmt: skip


def pet_peese(effect: ArrayLike, variance: ArrayLike, level: float = 0.95) -> Selected:
    """Extrapolate to a study without sampling error: PET (on the standard error), or PEESE (on the variance).

    Weighted least squares with a multiplicative error; PEESE is read where PET's intercept is above zero at
    `PET_LEVEL`, because PET is biased downwards when there is an effect. Not for results whose variance depends on
    their size. With strong heterogeneity its type-I error is far above its level: a sign, not a correction.

    Parameters
    ----------
    effect : float array, (n,)
        Independent results, any unit.
    variance : float array, (n,)
        Their sampling variances, > 0, that unit squared.
    level : float
        Coverage of the interval, 0-1; t with n - 2 degrees of freedom.

    Returns
    -------
    Selected
        Named for the one that was read; `p_selection` is that of PET's slope in either case. Undefined, with the
        reason, for fewer than ten results or equal variances.

    Tested in tests/stats/test_selection.py.

    Source: Stanley & Doucouliagos (2014), Res. Synth. Methods 5:60; equal to metafor's `regtest(model = "lm")`.
    """
    y, v = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    if len(y) < FEWEST:
        return Selected("PET-PEESE", len(y), reason=TOO_FEW)
    if np.ptp(v) <= 1e-12 * v.max():
        return Selected("PET-PEESE", len(y), reason=NO_SPREAD)
    data = MetaData(y, v)
    pet = classical_egger_test(data, predictor="se", level=level)
    zero = pet.at_zero
    if zero is None:
        raise UserError("a model of the mean alone for PET-PEESE", "moderators")
    peese = zero.estimate > 0 and zero.p < PET_LEVEL
    read = classical_egger_test(data, predictor="variance", level=level).at_zero if peese else zero
    name = "PEESE" if peese else "PET"
    if read is None:
        raise UserError("a model of the mean alone for PET-PEESE", "moderators")
    return Selected(name, len(y), read.estimate, read.se, read.low, read.high, p_selection=pet.slope.p, parameters=3)


def candidates(effect: ArrayLike, variance: ArrayLike) -> tuple[Selected, ...]:
    """Fit every candidate of `average` by maximum likelihood to the same results: comparable likelihoods.

    Parameters
    ----------
    effect : float array, (n,)
        Independent results, any unit, positive in the direction that would be selected for.
    variance : float array, (n,)
        Their sampling variances, > 0, that unit squared.

    Returns
    -------
    tuple of Selected
        Three, or five where standard errors differ by a factor of 1.5. A step model may be undefined, with its reason.
    """
    y, v = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    fits = [_regression("no selection", y, v, None)]
    fits += [step_selection(y, v, (0.025,)), step_selection(y, v, (0.025, 0.5))]
    if v.max() >= EVEN**2 * v.min():
        fits += [
            _regression("slope on the standard error", y, v, np.sqrt(v)),
            _regression("slope on the variance", y, v, v),
        ]
    return tuple(fits)


def _regression(name: str, y: Array, v: Array, predictor: Array | None) -> Selected:
    design = None if predictor is None else np.column_stack([np.ones(len(y)), predictor])
    fitted = fit(MetaData(y, v, moderators=design), method="ML", test="z")
    mean = fitted.coefficients[0]
    return Selected(name, len(y), mean.estimate, mean.se, mean.low, mean.high, float(fitted.tau2[0]),
                    log_likelihood=fitted.log_likelihood, parameters=len(fitted.beta) + 1)  # fmt: skip


@dataclass(frozen=True)
class Averaged:
    """Candidates weighted by their BIC."""

    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    shares: tuple[tuple[str, float], ...]
    """Candidate -> weight."""
    candidates: tuple[Selected, ...]
    reason: str | None = None


def average(effect: ArrayLike, variance: ArrayLike, level: float = 0.95) -> Averaged:
    """Average a mean over accounts of selection: no selection, two step functions, slopes on error and on variance.

    Weights are proportional to exp(-BIC / 2), the approximate posterior probabilities of the candidates under equal
    priors and unit-information priors on their parameters (this is averaging by weights, not a full Bayesian model
    average); the variance is sum w (se^2 + (estimate - mean)^2).

    Parameters
    ----------
    effect : float array, (n,)
        Independent results, any unit, positive in the direction that would be selected for.
    variance : float array, (n,)
        Their sampling variances, > 0, that unit squared.
    level : float
        Coverage of the interval, 0-1; t with n - 2 degrees of freedom.

    Returns
    -------
    Averaged
        None throughout, with the reason, for fewer than ten results. Undefined candidates have no share.

    Tested in tests/stats/test_selection.py.

    Source: Raftery (1995), Sociol. Methodol. 25:111; Buckland et al. (1997), Biometrics 53:603; the idea of averaging
    over accounts of selection: Maier, Bartos & Wagenmakers (2023), Psychol. Methods 28:107.
    """
    y, v = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    if len(y) < FEWEST:
        return Averaged(None, None, None, None, (), (), TOO_FEW)
    known = [
        candidate
        for candidate in candidates(y, v)
        if candidate.log_likelihood is not None and candidate.estimate is not None
    ]
    bic = np.array(
        [-2.0 * (candidate.log_likelihood or 0.0) + candidate.parameters * np.log(len(y)) for candidate in known]
    )
    weight = np.exp(-0.5 * (bic - bic.min()))
    weight /= weight.sum()
    estimates = np.array([candidate.estimate for candidate in known], dtype=float)
    errors = np.array([candidate.se for candidate in known], dtype=float)
    mean = float(weight @ estimates)
    se = float(np.sqrt(weight @ (errors**2 + (estimates - mean) ** 2)))
    half = float(t_quantile(0.5 + level / 2, len(y) - 2)) * se
    shares = tuple((candidate.name, float(w)) for candidate, w in zip(known, weight, strict=True))
    return Averaged(mean, se, mean - half, mean + half, shares, tuple(known))


def _minimise(loss: Callable[[Array], float], start: Array) -> Array:
    """Search by simplex from two starts, then polish by Newton steps on differences."""
    best = start
    for guess in (start, start * np.concatenate([[1.0, 1.0], np.full(len(start) - 2, 10.0)])):
        minimum = optimize.minimize(
            loss,
            guess,
            method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000, "adaptive": True},
        ).x
        if loss(minimum) < loss(best) - 1e-10:
            best = minimum
    for _ in range(6):
        hessian, slope = _hessian(loss, best), _slope(loss, best)
        values, vectors = np.linalg.eigh(hessian)
        values = np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
        proposal = best - vectors @ ((vectors.T @ slope) / values)
        if loss(proposal) > loss(best) or np.abs(proposal - best).max() < 1e-9:
            break
        best = proposal
    return np.asarray(best)


def _slope(loss: Callable[[Array], float], at: Array) -> Array:
    step = 1e-5 * (1.0 + np.abs(at))
    return np.array([(loss(at + e) - loss(at - e)) / (2 * h) for h, e in zip(step, np.diag(step), strict=True)])


def _hessian(loss: Callable[[Array], float], at: Array) -> Array:
    step = 1e-4 * (1.0 + np.abs(at))
    moves = np.diag(step)
    n = len(at)
    hessian = np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            a, b = moves[i], moves[j]
            mixed = loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)
            hessian[i, j] = hessian[j, i] = mixed / (4.0 * step[i] * step[j])
    return hessian
