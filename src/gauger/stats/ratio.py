"""Estimates the ratio of two contrasts with its Fieller set: bounded, unbounded, outside or the whole line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gauger.stats.student import t_quantile


@dataclass(frozen=True)
class RatioSet:
    """A ratio and the set of values that the data do not reject."""

    value: float | None
    """numerator / denominator; None where the denominator estimate is exactly 0."""
    low: float | None
    """Lower end; None where the set has none."""
    high: float | None
    """Upper end; None where the set has none."""
    kind: str
    """bounded · unbounded above · unbounded below · outside (everything except what lies between low and high) ·
    whole line."""
    text: str
    """The set in words."""


def fieller(
    numerator: float,
    denominator: float,
    var_numerator: float,
    var_denominator: float,
    covariance: float,
    df: float,
    level: float = 0.95,
) -> RatioSet:
    r"""Find every ratio that the data do not reject: Fieller's confidence set.

    The set of all rho with ``(n - rho d)^2 <= t^2 (v_n - 2 rho c + rho^2 v_d)``, t the quantile of Student's t with
    `df` at ``(1 + level) / 2``: a quadratic inequality ``A rho^2 - 2 B rho + C <= 0`` with ``A = d^2 - t^2 v_d``,
    ``B = n d - t^2 c``, ``C = n^2 - t^2 v_n``.

    Parameters
    ----------
    numerator, denominator : float
        The two contrasts, n and d.
    var_numerator, var_denominator, covariance : float
        Their variances v_n, v_d and covariance c.
    df : float
        Degrees of freedom of the variances; inf = known.
    level : float
        Confidence level, 0-1.

    Returns
    -------
    RatioSet
        Bounded where the denominator differs from 0 at this level (A > 0); everything outside an interval or a half
        line where it does not; the whole line where no ratio is rejected.

    References
    ----------
    Fieller (1954), JRSS B 16, 175-185. Franz (2007), arXiv:0710.2024, gives the geometry of the three kinds. Equal
    to sets found by search, without Fieller's formula (tests/golden/fieller.json).
    """
    squared = float(t_quantile((1 + level) / 2, df)) ** 2
    a = denominator**2 - squared * var_denominator
    b = numerator * denominator - squared * covariance
    c = numerator**2 - squared * var_numerator
    value = numerator / denominator if denominator != 0 else None
    discriminant = b * b - a * c
    if a > 0:
        return _between(value, _roots(a, b, c, max(discriminant, 0.0)))
    if a == 0:
        return _half_line(value, b, c)
    if discriminant <= 0:
        return RatioSet(value, None, None, "whole line", "No ratio is ruled out: the denominator may well be zero.")
    return _outside(value, _roots(a, b, c, discriminant))


def _roots(a: float, b: float, c: float, discriminant: float) -> tuple[float, float]:
    """Roots of a x^2 - 2 b x + c in ascending order, without cancellation."""
    larger = b + math.copysign(math.sqrt(discriminant), b)
    if larger == 0:
        return 0.0, 0.0
    low, high = sorted((larger / a, c / larger))
    return low, high


def _between(value: float | None, ends: tuple[float, float]) -> RatioSet:
    low, high = ends
    return RatioSet(value, low, high, "bounded", f"Between {low:.3g} and {high:.3g}.")


def _outside(value: float | None, ends: tuple[float, float]) -> RatioSet:
    low, high = ends
    text = f"Below {low:.3g} or above {high:.3g}: the denominator may be zero or of either sign."
    return RatioSet(value, low, high, "outside", text)


def _half_line(value: float | None, b: float, c: float) -> RatioSet:
    """Solve -2 b x + c <= 0, the limit where the denominator lies exactly on the edge of its test."""
    if b == 0:
        return RatioSet(value, None, None, "whole line", "No ratio is ruled out: the denominator may well be zero.")
    end = c / (2 * b)
    if b > 0:
        return RatioSet(value, end, None, "unbounded above", f"{end:.3g} or more, without an upper end.")
    return RatioSet(value, None, end, "unbounded below", f"{end:.3g} or less, without a lower end.")
