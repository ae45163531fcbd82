"""Predicts accuracies from predicted losses, with the uncertainty of both steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from gauger.stats import (
    Draws,
    Forecast,
    LawFit,
    Points,
    Search,
    accuracy_at,
    draw,
    find_law,
    findings,
    fit_law,
    parameter_estimates,
    unit_weights,
    wider_tail,
)
from gauger.stats.laws import FloatArray

LEAST_POINTS = 7


@dataclass(frozen=True)
class AccuracyLink:
    """The fitted link from loss to accuracy and its refits."""

    fit: LawFit
    draws: Draws

    @classmethod
    def of(cls, points: Points, n_draws: int, search: Search) -> AccuracyLink | None:
        """Fit the link where enough points have both a loss and an accuracy; None where they do not."""
        if points.loss is None or points.accuracy is None:
            return None
        both = np.isfinite(points.loss) & np.isfinite(points.accuracy)
        if both.sum() < LEAST_POINTS or len(np.unique(points.loss[both])) < 3:
            return None
        # A delta and a start that were asked for are those of a loss law, in log nats; the link is in scores: its own.
        fitted = fit_law(points.take(both), find_law("link"), replace(search, delta=None, first=None))
        weights = unit_weights(fitted.points, n_draws, np.random.default_rng([search.seed, 3]))
        return cls(fitted, draw(fitted, weights))


def link_document(link: AccuracyLink, level: float) -> tuple[dict[str, Any], list[str]]:
    """Describe the link from loss to accuracy, and what its points cannot tell.

    Parameters
    ----------
    link : AccuracyLink
        As fitted.
    level : float
        Of the parameters' intervals, 0-1.

    Returns
    -------
    document : dict
        JSON-able: formula, source, parameters, objective, n, and the lack of fit as a standard deviation of the score.
    said : list of str
        Warnings; also why intervals are by profile likelihood, where they are.
    """
    parameters, reasons = parameter_estimates(link.fit, link.draws, level)
    said = [f"link from loss to accuracy: {one}" for one in findings(link.fit)]
    document = {
        "formula": link.fit.law.formula,
        "source": link.fit.law.source,
        "parameters": [asdict(one) for one in parameters],
        "objective": link.fit.objective,
        "n": len(link.fit.points),
        "lack_of_fit_sd": float(np.sqrt(link.fit.tau2)),
    }
    if reasons:
        said.append(f"link from loss to accuracy: intervals are by profile likelihood: {'; '.join(reasons)}")
    return document, said


def predict_accuracy(link: AccuracyLink, forecast: Forecast, level: float, seed: int) -> list[dict[str, Any]]:
    """Predict accuracies through forecast losses: value and interval of each point.

    The interval covers what a new model's expected accuracy would be: the loss's interval, the link's refits and its
    lack of fit; not the sampling of the items it will be tested on.

    Parameters
    ----------
    link : AccuracyLink
        Fitted to points that have both a loss and an accuracy.
    forecast : Forecast
        Of n points: logarithm of the loss in nats, with its interval at `level`.
    level : float
        Of the intervals, 0-1; the forecast's own.
    seed : int
        Seeds the draws.

    Returns
    -------
    list of dict
        `value`, `low` and `high` per point, 0-1; an end never lies on the wrong side of the value.
    """
    rng = np.random.default_rng([seed, 4])
    n_draws = len(link.draws.theta)
    spread = _normal_losses(forecast, rng, n_draws, level)
    cloud = accuracy_at(link.draws.theta, np.exp(spread)) + rng.normal(0.0, np.sqrt(link.fit.tau2), spread.shape)
    tail = wider_tail(level, link.draws.n_units, len(link.fit.theta))
    low, high = np.clip(np.quantile(cloud, [tail, 1.0 - tail], axis=0), 0.0, 1.0)
    value = accuracy_at(link.fit.theta[None], np.exp(forecast.value)[None])[0]
    return [
        {"value": float(v), "low": float(min(a, v)), "high": float(max(b, v))}
        for v, a, b in zip(value, low, high, strict=True)
    ]


def _normal_losses(forecast: Forecast, rng: np.random.Generator, n_draws: int, level: float) -> FloatArray:
    """Draw log losses (draws, n): two-piece normal, each half as wide as that half of the forecast's interval."""
    z = rng.normal(0.0, 1.0, (n_draws, len(forecast.value)))
    standard = ndtri(0.5 + level / 2.0)
    below, above = (forecast.value - forecast.low) / standard, (forecast.high - forecast.value) / standard
    return np.asarray(forecast.value + z * np.where(z < 0, below, above))
