"""Estimates parameters with standard errors and intervals: by random-weight draws, or by profile where those fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.bootstrap import Draws, interval, wider_tail
from gauger.stats.laws.diagnose import CLOSE, at_bounds, vague_directions
from gauger.stats.laws.fit import LawFit
from gauger.stats.laws.points import FloatArray
from gauger.stats.laws.profile import Profile, profiles

UNITS_PER_PARAMETER = 6.0
"""With fewer units (points or groups) for each parameter the draws are not trusted."""
BOUND_SHARE = 0.05
"""Nor where a parameter lies at a bound in more than this share of draws."""


@dataclass(frozen=True)
class ParameterEstimate:
    """One parameter, natural units."""

    name: str
    value: float
    se: float | None
    """Standard deviation of the draws; None where the points leave the parameter undetermined."""
    low: float | None
    """None: unbounded below."""
    high: float | None
    """None: unbounded above."""
    method: str
    """`draws` or `profile`."""
    unit: str
    at_bound: bool


def why_profile(fitted: LawFit, draws: Draws) -> list[str]:
    """List the reasons not to trust the draws, in words; empty where they may be trusted.

    Parameters
    ----------
    fitted : LawFit
        Best fit of the law.
    draws : Draws
        Its refits under random weights.

    Returns
    -------
    list of str
        For the report.
    """
    reasons = []
    if draws.n_units < UNITS_PER_PARAMETER * len(fitted.theta):
        reasons.append(f"{draws.n_units:.0f} independent points for {len(fitted.theta)} parameters")
    low, high = fitted.law.bounds
    room = CLOSE * (high - low)
    share = ((draws.theta <= low + room) | (draws.theta >= high - room)).mean(axis=0)
    named = [name for name, part in zip(fitted.law.names, share, strict=True) if part > BOUND_SHARE]
    if named:
        reasons.append(f"{', '.join(named)} at a bound in many refits")
    if vague_directions(fitted):
        reasons.append("a direction that the points do not determine")
    if draws.failed > BOUND_SHARE:
        reasons.append(f"{draws.failed:.0%} of the refits did not come to rest")
    return reasons


def parameter_estimates(fitted: LawFit, draws: Draws, level: float = 0.95) -> tuple[list[ParameterEstimate], list[str]]:
    """Estimate every parameter; also return why draws are not to be trusted (empty: they may be).

    An interval always contains the estimate. With few groups the draws stay, however few: a profile knows nothing of
    groups.

    Parameters
    ----------
    fitted : LawFit
        Best fit of the law, P parameters.
    draws : Draws
        Its refits under random weights.
    level : float
        Coverage, 0-1.

    Returns
    -------
    estimates : list of ParameterEstimate
        P of them, natural units. The standard error is that of the draws even where the interval is a profile's.
    reasons : list of str
        From `why_profile`. With groups they are reported though the draws stay.

    Coverage of both kinds: validation/laws.
    """
    reasons = why_profile(fitted, draws)
    profiled = profiles(fitted, level) if reasons and fitted.points.group is None else None
    natural = fitted.law.natural(draws.theta)
    tail = wider_tail(level, draws.n_units, len(fitted.theta))
    low, high = interval(natural, tail)
    bounds = at_bounds(fitted)
    undetermined = _undetermined(fitted)
    estimates = []
    for p, parameter in enumerate(fitted.law.parameters):
        ends = Profile(float(low[p]), float(high[p])) if profiled is None else profiled[p]
        value = float(fitted.values[p])
        estimates.append(
            ParameterEstimate(
                name=parameter.name,
                value=value,
                se=None if undetermined[p] else _finite(natural[:, p].std(ddof=1)),
                low=None if ends.low is None else min(ends.low, value),
                high=None if ends.high is None else max(ends.high, value),
                method="draws" if profiled is None else "profile",
                unit=parameter.unit,
                at_bound=bool(bounds[p]),
            )
        )
    return estimates, reasons


def _undetermined(fitted: LawFit) -> FloatArray:
    """Tell which parameters have a large part in an undetermined direction, (P,)."""
    part = np.zeros(len(fitted.theta))
    for _, vector in vague_directions(fitted):
        part = np.maximum(part, np.abs(vector))
    return np.asarray(part > 0.3)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
