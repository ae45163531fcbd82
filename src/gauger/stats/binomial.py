"""Estimates shares: exact binomial intervals, and the share behind an imperfect test (Rogan and Gladen)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy.special import betaincinv, ndtri

from gauger.errors import UserError

LEAST_YOUDEN = 0.1
"""Sensitivity + specificity - 1 below which a test says next to nothing, and no share is worked out behind it."""


@dataclass(frozen=True)
class ShareEstimate:
    """A share of n with its interval."""

    value: float | None
    """None exactly where `reason` says why."""
    low: float | None
    high: float | None
    reason: str | None = None


def binomial_interval(successes: int, n: int, level: float = 0.95) -> ShareEstimate:
    """Estimate a share by its exact interval.

    The interval holds every p under which neither P(X >= x) nor P(X <= x) is below (1 - level) / 2:
    low = B(alpha/2; x, n - x + 1), high = B(1 - alpha/2; x + 1, n - x) with B the quantile of the beta distribution.
    Its cover is at least the level, whatever p and n.

    Parameters
    ----------
    successes : int
        0 to `n`.
    n : int
        Trials; of none the share is undefined.
    level : float
        In (0, 1).

    Returns
    -------
    ShareEstimate

    Raises
    ------
    UserError
        Counts that cannot be.

    Notes
    -----
    Clopper and Pearson (1934), Biometrika 26, 404-413. Tested in tests/stats/test_binomial.py.
    """
    if not 0 <= successes <= n:
        raise UserError("between 0 and n successes", f"{successes} of {n}")
    if n == 0:
        return ShareEstimate(None, None, None, "nothing was tried")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return ShareEstimate(successes / n, low, high)


@dataclass(frozen=True)
class TestCounts:
    """What a test says of a sample, and of samples whose truth is known."""

    __test__ = False

    flagged: int
    n: int
    true_positives: int
    n_positives: int
    false_positives: int
    n_negatives: int


def rogan_gladen(counts: TestCounts, level: float = 0.95) -> ShareEstimate:
    """Estimate the true share behind a test whose sensitivity and specificity are themselves estimated.

    value = (p + Sp - 1) / (Se + Sp - 1), within [0, 1], with p the share flagged. The interval adds the three variances
    at shares that are moved towards one half, and moves the middle for the skew:

        p' = (x + z^2 / 2) / (n + z^2), Se' and Sp' = (x + 1) / (n + 2), P' = (p' + Sp' - 1) / (Se' + Sp' - 1)
        P' + d +- z sqrt(p' (1 - p') / (n + z^2) + P'^2 Se' (1 - Se') / (n_Se + 2)
                       + (1 - P')^2 Sp' (1 - Sp') / (n_Sp + 2)) / (Se' + Sp' - 1)
        d = 2 z^2 (P' Se' (1 - Se') / (n_Se + 2) - (1 - P') Sp' (1 - Sp') / (n_Sp + 2))

    Parameters
    ----------
    counts : TestCounts
        Of the sample, of known positives and of known negatives.
    level : float
        In (0, 1).

    Returns
    -------
    ShareEstimate
        Undefined, with its reason, where Se + Sp - 1 is below `LEAST_YOUDEN` or nothing was tried.

    Notes
    -----
    Rogan and Gladen (1978), American Journal of Epidemiology 107, 71-76; Lang and Reiczigel (2014), Preventive
    Veterinary Medicine 113, 13-22. Cover is simulated in tests/stats/test_binomial.py.
    """
    if min(counts.n, counts.n_positives, counts.n_negatives) == 0:
        return ShareEstimate(None, None, None, "nothing was tried")
    sensitivity = counts.true_positives / counts.n_positives
    specificity = 1 - counts.false_positives / counts.n_negatives
    youden = sensitivity + specificity - 1
    if youden < LEAST_YOUDEN:
        return ShareEstimate(None, None, None, "not detectable at this recall")
    z = float(-ndtri((1 - level) / 2))
    moved = (counts.flagged + z**2 / 2) / (counts.n + z**2)
    se = (counts.true_positives + 1) / (counts.n_positives + 2)
    sp = (counts.n_negatives - counts.false_positives + 1) / (counts.n_negatives + 2)
    share = (moved + sp - 1) / (se + sp - 1)
    by_se, by_sp = se * (1 - se) / (counts.n_positives + 2), sp * (1 - sp) / (counts.n_negatives + 2)
    error = sqrt(moved * (1 - moved) / (counts.n + z**2) + share**2 * by_se + (1 - share) ** 2 * by_sp)
    middle = share + 2 * z**2 * (share * by_se - (1 - share) * by_sp)
    reach = z * error / (se + sp - 1)
    value = (counts.flagged / counts.n + specificity - 1) / youden
    return ShareEstimate(_within(value), _within(middle - reach), _within(middle + reach))


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
