"""Estimates how well variance components are known: profile-likelihood intervals, and Q-profile for one tau2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.optimize import brentq

from gauger.errors import UserError
from gauger.stats.random_effects.data import MetaData
from gauger.stats.random_effects.fitting import ModelLikelihood, likelihood_of
from gauger.stats.random_effects.maximise import maximise
from gauger.stats.random_effects.result import MetaFit
from gauger.stats.random_effects.threads import one_thread

DOUBLINGS = 60


@dataclass(frozen=True)
class ComponentInterval:
    """One variance component with its interval."""

    name: str
    """The level."""
    tau2: float
    low: float
    """0 where the interval reaches the boundary."""
    high: float | None
    """None where the likelihood never falls far enough: the data do not bound it."""


def profile_intervals(fitted: MetaFit, level: float | None = None) -> tuple[ComponentInterval, ...]:
    """Return per level the tau2 that a likelihood-ratio test would not reject, the other components re-estimated.

    The set {t : 2 (l_max - l_profile(t)) <= chi2_1(level)}. Cut at 0, where the test is conservative.

    Parameters
    ----------
    fitted : MetaFit
        From `fit`; n rows, p coefficients, L levels.
    level : float, optional
        Coverage, 0-1; default: the fit's.

    Returns
    -------
    tuple of ComponentInterval
        One per level, effect scale squared; the upper end is None where the data do not bound it.

    Raises
    ------
    ConvergenceError
        The other components cannot be re-estimated at some value.

    With one level and few rows prefer `q_profile_interval`, which is exact.

    Source: Hardy & Thompson (1996), Stat. Med. 15:619; equality with metafor's `confint(type="PL")`:
    tests/stats/test_random_effects_golden.py.
    """
    level = fitted.level if level is None else level
    likelihood_at = likelihood_of(fitted.data, fitted.method)
    cut = float(special.chdtri(1, 1.0 - level))
    with one_thread():
        return tuple(_profile_interval(fitted, component, likelihood_at, cut) for component in range(len(fitted.tau2)))


def _profile_interval(fitted: MetaFit, component: int, likelihood_at: ModelLikelihood, cut: float) -> ComponentInterval:
    estimate, scale = float(fitted.tau2[component]), fitted.data.precise_variance
    free = np.arange(len(fitted.tau2)) != component
    warm = fitted.tau2.copy()

    def excess(value: float) -> float:
        """How far the profile at this value lies below the cut."""
        warm[component] = value
        maximum = maximise(likelihood_at, warm.copy(), free, scale)
        return 2.0 * (fitted.log_likelihood - maximum.at.value) - cut

    name = fitted.data.level_names[component]
    low = 0.0 if estimate == 0.0 or excess(0.0) <= 0.0 else _root(excess, 0.0, estimate)
    high = max(2.0 * estimate, 0.1 * scale)
    for _ in range(DOUBLINGS):
        if excess(high) > 0.0:
            return ComponentInterval(name, estimate, low, _root(excess, estimate, high))
        high *= 2.0
    return ComponentInterval(name, estimate, low, None)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-12 * high, rtol=1e-10))


def q_profile_interval(data: MetaData, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of tau2 in the univariate model: where Q(tau2) meets the chi-squared quantiles.

    Q(t) = r'Wr with W = 1 / (v + t) falls in t and is chi-squared with n - p degrees of freedom at the true value, so
    the interval is exact under normality. Both ends are 0 when even Q(0) is below the lower quantile.

    Parameters
    ----------
    data : MetaData
        n rows, p coefficients; its one level is the row.
    level : float
        Coverage, 0-1.

    Returns
    -------
    low, high : float
        Effect scale squared, >= 0.

    Raises
    ------
    UserError
        More than one level, or a level that is not the row.

    Source: Viechtbauer (2007), Stat. Med. 26:37; equality with metafor's `confint`:
    tests/stats/test_random_effects_golden.py.
    """
    if len(data.levels) > 1 or data.row_level != 0:
        raise UserError("one level, the row, for a Q-profile interval", ", ".join(data.level_names))
    likelihood_at, (n, p) = likelihood_of(data), data.design.shape
    ends = [
        _q_root(likelihood_at, float(special.chdtri(n - p, tail)), data) for tail in (0.5 - level / 2, 0.5 + level / 2)
    ]
    return ends[0], ends[1]


def _q_root(likelihood_at: ModelLikelihood, quantile: float, data: MetaData) -> float:
    def excess(tau2: float) -> float:
        at = likelihood_at(np.array([tau2]))
        return float(at.rss) - quantile

    if excess(0.0) <= 0.0:
        return 0.0
    high = data.typical_variance
    while excess(high) > 0.0:
        high *= 2.0
    return _root(excess, 0.0, high)
