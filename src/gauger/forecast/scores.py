"""Scores forecasts against what was found: coverage, PIT, width, CRPS and log score, every group counting once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gauger.forecast.literature import Array, Codes
from gauger.forecast.predictive import Predictive
from gauger.stats import t_quantile

LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class RowScores:
    """Scores of m forecasts."""

    pit: Array
    """(m,) probability of at most what was found: uniform where forecasts are calibrated."""
    crps: Array
    """(m,) points."""
    log_score: Array
    """(m,) log density per point: more is better."""
    width: Array
    """(m,) width of the 95 % interval, points."""


def score_rows(predictive: Predictive, change: Array) -> RowScores:
    """Score m forecasts.

    Parameters
    ----------
    predictive : Predictive
        m forecasts of observed changes, sampling error included.
    change : array (m,)
        What was found, points.
    """
    ends = predictive.quantiles(np.array([0.025, 0.975]))
    return RowScores(
        predictive.cdf(change), predictive.crps(change), predictive.log_density(change), ends[:, 1] - ends[:, 0]
    )


def by_group(values: Array, groups: Codes) -> Array:
    """Return the mean of each group (g,), in the order of its label."""
    _, codes = np.unique(groups, return_inverse=True)
    codes = codes.ravel()
    return np.asarray(np.bincount(codes, values) / np.bincount(codes))


@dataclass(frozen=True)
class MeanScore:
    """A mean over groups with its interval."""

    value: float | None
    low: float | None
    high: float | None
    groups: int
    reason: str | None = None


def mean_interval(per_group: Array) -> MeanScore:
    """Mean over groups with a 95 % t interval between groups; undefined below three groups.

    Parameters
    ----------
    per_group : array (g,)
        One value per group.
    """
    g = len(per_group)
    if g < 3:
        return MeanScore(None, None, None, g, "fewer than three groups")
    mean, half = float(per_group.mean()), float(per_group.std(ddof=1)) / np.sqrt(g) * t_quantile(0.975, g - 1)
    return MeanScore(mean, mean - half, mean + half, g)


def coverage_interval(per_group: Array) -> MeanScore:
    """Share covered, with the group-wise binomial interval (Wilson) at the number of independent outcomes.

    Rows of a group are covered together. Their number of independent outcomes is n = p (1 - p) / v, v the variance of
    the mean over groups, and at least the number of groups, which it is at p of 0 or 1. Wilson (1927) with that n.

    Parameters
    ----------
    per_group : array (g,)
        Share of each group's rows that the interval holds.
    """
    g = len(per_group)
    if g < 3:
        return MeanScore(None, None, None, g, "fewer than three groups")
    p, v = float(per_group.mean()), float(per_group.var(ddof=1)) / g
    n = max(p * (1.0 - p) / v if v > 0 else g, g)
    z2 = t_quantile(0.975, g - 1) ** 2
    centre, half = (p + z2 / (2 * n)) / (1 + z2 / n), np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return MeanScore(p, float(centre - half), float(centre + half), g)


def covered(pit: Array, level: float) -> Array:
    """Tell (m,) whether the central interval of a level held what was found, as 0.0 or 1.0."""
    return np.asarray((np.abs(pit - 0.5) <= level / 2.0).astype(float))


def summary_of(scores: RowScores, groups: Codes) -> dict[str, object]:
    """Sum forecasts up: coverage at every level, PIT histogram (ten bins), width, CRPS, log score.

    Parameters
    ----------
    scores : RowScores
        m forecasts.
    groups : int array (m,)
        Group of each.
    """
    summary: dict[str, object] = {"rows": len(scores.pit), "groups": len(np.unique(groups))}
    for level in LEVELS:
        coverage = coverage_interval(by_group(covered(scores.pit, level), groups))
        key = f"coverage_{level * 100:.0f}"
        summary |= {key: coverage.value, f"{key}_low": coverage.low, f"{key}_high": coverage.high}
    weight = np.bincount(groups)[groups]
    histogram = np.histogram(scores.pit, bins=10, range=(0.0, 1.0), weights=1.0 / weight)[0]
    return summary | {
        "pit": (histogram / histogram.sum()).tolist(),
        "width_95": float(by_group(scores.width, groups).mean()),
        "crps": float(by_group(scores.crps, groups).mean()),
        "log_score": float(by_group(scores.log_score, groups).mean()),
    }


def gains(scores: RowScores, baselines: Mapping[str, RowScores], groups: Codes) -> dict[str, object]:
    """Compare with the best baseline: the paired differences of CRPS and log score by group, with intervals.

    The best baseline is the one with the least mean CRPS over these very rows: the strictest comparison.

    Parameters
    ----------
    scores : RowScores
        m forecasts.
    baselines : mapping
        Name -> scores of the same rows.
    groups : int array (m,)
    """
    means = {name: float(by_group(baseline.crps, groups).mean()) for name, baseline in baselines.items()}
    best = min(means, key=lambda name: means[name])
    gain = mean_interval(by_group(baselines[best].crps - scores.crps, groups))
    log_gain = mean_interval(by_group(scores.log_score - baselines[best].log_score, groups))
    share = None if gain.value is None else gain.value / means[best]
    return {
        "baselines": means, "best_baseline": best, "crps_baseline": means[best], "crps_gain": gain.value,
        "crps_gain_low": gain.low, "crps_gain_high": gain.high, "crps_gain_share": share,
        "log_score_gain": log_gain.value, "log_score_gain_low": log_gain.low, "log_score_gain_high": log_gain.high,
        "predictors_help": bool(gain.low is not None and gain.low > 0), "reason": gain.reason,
    }  # fmt: skip
