"""Finds at how many tokens fitted curves cross: where a control catches up with its distilled arm.

Curves are asked on the budgets that their points and their back-test support, and nowhere else. Each is many draws of
one fit, so that a crossing has an interval and a share of the draws that show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauger.errors import UserError
from gauger.stats import Ensemble, Points, curve_draws
from gauger.stats.laws import FloatArray

GRID = 241
DRAWS = 2000
TOUCH = 1e-9


@dataclass(frozen=True)
class Crossing:
    """Budget at which the control catches up with the distilled arm."""

    tokens: float | None
    """None: not within the data."""
    low: float | None
    high: float | None
    share: float
    """Share of the draws in which the curves cross within the supported budgets."""
    text: str


def crossing(control: Ensemble, distilled: Ensemble, n_params: float, level: float = 0.95) -> Crossing:
    """Beyond how many tokens does the control catch up with the distilled arm?

    Parameters
    ----------
    control, distilled : Ensemble
        Curves of one outcome, fitted separately.
    n_params : float
        Size of the student.
    level : float

    Returns
    -------
    Crossing
        Within the budgets that both curves support. Not within the data: where fewer than half of the draws cross
        there; the text then says that an arm is ahead throughout only where so many draws as `level` say it. An end of
        the interval is None where that tail of the draws does not cross.
    """
    of_control, other = supported(control, n_params), supported(distilled, n_params)
    low, high = max(of_control[0], other[0]), min(of_control[-1], other[-1])
    if high <= low:
        return Crossing(None, None, None, 0.0, "the curves share no budgets")
    budgets = np.geomspace(low, high, GRID)
    gap = drawn_curves(distilled, n_params, budgets) - drawn_curves(control, n_params, budgets)
    gap = gap if control.fits[0].law.outcome == "loss" else -gap
    tokens = first_crossing(gap, np.log(budgets))
    within = np.isfinite(tokens) & (tokens > 0)
    share = float(within.mean())
    tail = 0.5 * (1.0 - level)
    if share < 0.5:
        return Crossing(None, None, None, share, _not_within(float((tokens == 0).mean()), share, level))
    value, ends = float(np.median(tokens[within])), finite_quantiles(tokens, tail)
    span = " to ".join((_end(ends[0], "below the data"), _end(ends[1], "beyond the data")))
    in_some = "" if share >= level else f", in {share:.0%} of the curves that fit"
    text = f"beyond about {value:.3g} tokens the control catches up ({span}{in_some})"
    return Crossing(value, ends[0], ends[1], share, text)


def _not_within(behind: float, share: float, level: float) -> str:
    """Say who leads, if nearly all draws say the same; `behind`: share in which the control does throughout."""
    ahead = 1.0 - behind - share
    if behind >= level:
        return "the control is at least as good throughout the data"
    if ahead >= level:
        return "not within the data: the distilled arm stays ahead of its control"
    leads = f"{ahead:.0%} keep the distilled arm ahead throughout the data, {behind:.0%} the control"
    return f"undecided: of the curves that fit, {leads}, and {share:.0%} cross"


def _end(tokens: float | None, outside: str) -> str:
    return outside if tokens is None else f"{tokens:.3g}"


def supported(control: Ensemble, n_params: float) -> FloatArray:
    """Budgets on which the control's curve is asked, smallest to largest.

    From the smallest budget of its points to as far beyond the largest as the back-test has seen longer runs; no
    further than the largest where there was no back-test.

    Parameters
    ----------
    control : Ensemble
        Fitted to the control's points.
    n_params : float
        Size of the student; checked only, the budgets do not depend on it.

    Returns
    -------
    float array, (GRID,)
        Tokens, evenly spaced in their logarithm.

    Raises
    ------
    UserError
        A size that is not above 0.

    Notes
    -----
    Tested in tests/estimate/test_scaling_equivalents.py.
    """
    if n_params <= 0:
        raise UserError("a number of parameters above 0", f"{n_params:g}")
    points = control.fits[0].points
    reach = 0.0 if control.test is None else float(control.test.axes[:, 1].max())
    return np.geomspace(points.n_tokens.min(), points.n_tokens.max() * np.exp(reach), GRID)


def drawn_curves(ensemble: Ensemble, n_params: float, budgets: FloatArray) -> FloatArray:
    """Draw the expected outcome over budgets, in natural units, (DRAWS, GRID).

    Parameters
    ----------
    ensemble : Ensemble
        Fitted to the points of one arm.
    n_params : float
        Size of the student.
    budgets : float array, (GRID,)
        Tokens.
    """
    drawn = curve_draws(ensemble, Points(np.full(len(budgets), n_params), budgets), DRAWS)
    return np.exp(drawn) if ensemble.fits[0].law.outcome == "loss" else drawn


def first_crossing(gap: FloatArray, log_budgets: FloatArray) -> FloatArray:
    """Find where each row of a gap first rises to 0, in tokens; 0 where it starts there, infinite where it never does.

    Parameters
    ----------
    gap : float array, (DRAWS, GRID)
        Below 0 where the curve that rises has not yet reached the other; one row a draw.
    log_budgets : float array, (GRID,)
        Logarithms of the tokens at which the gap is known; between two of them it is a straight line.

    Returns
    -------
    float array, (DRAWS,)
    """
    # Curves that coincide differ by rounding alone; without the tolerance they would never seem to meet.
    reached = gap >= -TOUCH * np.abs(gap).max()
    first = reached.argmax(axis=1)
    rows = np.arange(len(gap))
    before = np.maximum(first - 1, 0)
    low, high = gap[rows, before], gap[rows, first]
    share = np.clip(np.divide(-low, high - low, out=np.ones(len(gap)), where=high > low), 0.0, 1.0)
    at = np.exp(log_budgets[before] + share * (log_budgets[first] - log_budgets[before]))
    return np.asarray(np.where(~reached.any(axis=1), np.inf, np.where(reached[:, 0], 0.0, at)))


def finite_quantiles(values: FloatArray, tail: float) -> tuple[float | None, float | None]:
    """Return both quantiles of values that may hold 0 and infinity, which become None.

    Parameters
    ----------
    values : float array
        Draws.
    tail : float
        Share of the draws beyond either end, 0-0.5.
    """
    # An observed value, never a mean of two: between a number and infinity every mean is infinite.
    low, high = np.quantile(values, [tail, 1.0 - tail], method="closest_observation")
    return (float(low) if 0 < low < np.inf else None, float(high) if 0 < high < np.inf else None)
