"""Predicts accuracies from predicted losses: rival links with a back-test of their own, beside the direct way.

The link is fitted to points of its own: every checkpoint that has both a loss and an accuracy, each run as a whole of
weight 1. Where it is asked is a matter of loss, not of scale: points are laid out along their losses, one unit of
distance being the mean fall of the loss per e-fold of compute, and laws are fitted, cut, weighed and widened along that
axis by the same parts as laws of scale (`stats.laws.forecast`). Ceilings are integrated over (`stats.laws.floors`), so
that none that lies at its bound enters by refits that never leave it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import spearmanr

from gauger.errors import UserError
from gauger.estimate.scaling.validation import verdict_document, verdict_text
from gauger.stats import (
    LINKS,
    Ensemble,
    Forecast,
    Points,
    Search,
    candidates,
    findings,
    fit_ensemble,
    held_out,
    law_holds,
    law_weights,
    missed,
    parameter_estimates,
    predict,
    wider_tail,
)
from gauger.stats.laws import FloatArray

LEAST_POINTS = 7
LEAST_LOSSES = 3
PER_UNIT = 5.0
"""Units of distance over the losses seen where compute tells none."""
ALIKE = 1.5
"""A direct prediction whose held-out errors are no more than so many times the link's is in the race."""


@dataclass(frozen=True)
class AccuracyLink:
    """The fitted links from loss to accuracy, and the direct way where the points allow one."""

    ensemble: Ensemble
    """Rival links over points laid out along their losses (`lay_out`)."""
    highest: float
    """Loss at which the layout begins, nats per token."""
    unit: float
    """Nats per unit of distance."""
    direct: Ensemble | None
    """Accuracy from scale at once; None where the points allow no such law."""

    @classmethod
    def of(cls, points: Points, n_draws: int, search: Search) -> AccuracyLink | None:
        """Fit the links where enough points have both a loss and an accuracy that vary; None where they do not."""
        both = with_both(points)
        if both is None or why_no_link(points) is not None:
            return None
        losses = np.asarray(both.loss)
        # A delta and a start that were asked for are those of a loss law, in log nats; the link is in scores: its own.
        own = replace(search, delta=None, first=None)
        efolds = float(np.ptp(both.log_flops)) or PER_UNIT
        highest, unit = float(losses.max()), float(np.ptp(losses)) / efolds
        ensemble = fit_ensemble(lay_out(both, highest, unit), LINKS, n_draws, own)
        return cls(ensemble, highest, unit, _direct(both, n_draws, own))

    def at(self, loss: FloatArray) -> Points:
        """Lay out n losses, nats per token."""
        ones = np.ones(len(loss))
        return lay_out(Points(ones, ones, loss=loss), self.highest, self.unit)


def with_both(points: Points) -> Points | None:
    """Keep the points that weigh something and have a loss and an accuracy; None without these columns."""
    if points.loss is None or points.accuracy is None:
        return None
    return points.take(np.isfinite(points.loss) & np.isfinite(points.accuracy)).weighted()


def why_no_link(points: Points) -> str | None:
    """Say why no link from loss to accuracy is fitted; None where one is, or where nothing asks for one."""
    both = with_both(points)
    if both is None:
        return None
    if len(both) < LEAST_POINTS:
        return f"it needs {LEAST_POINTS} points with a loss and an accuracy, and there are {len(both)}"
    if len(np.unique(np.asarray(both.loss))) < LEAST_LOSSES:
        return f"it needs {LEAST_LOSSES} different losses"
    if np.ptp(np.asarray(both.accuracy)) == 0.0:
        return f"all accuracies are alike ({np.asarray(both.accuracy)[0]:g})"
    return None


def lay_out(points: Points, highest: float, unit: float) -> Points:
    """Lay points out along their losses: distance in units of loss takes the place of ln(tokens).

    Parameters
    ----------
    points : Points
        n points with losses; those of one run share their weight.
    highest : float
        Loss at distance 0, nats per token.
    unit : float
        Nats per unit.

    Returns
    -------
    Points
        One parameter each, exp(distance) tokens; runs become groups, whose errors are drawn together.
    """
    weight = np.ones(len(points)) if points.weight is None else points.weight
    group = points.group
    if points.run is not None:
        _, codes, counts = np.unique(points.run, return_inverse=True, return_counts=True)
        weight, group = weight / counts[codes], codes if group is None else group
    distance = (highest - np.asarray(points.loss)) / unit
    return replace(
        points,
        n_params=np.ones(len(points)),
        n_tokens=np.exp(np.clip(distance, -500.0, 500.0)),
        unique_tokens=None,
        weight=weight,
        group=group,
        run=None,
    )


def _direct(points: Points, n_draws: int, search: Search) -> Ensemble | None:
    """Fit accuracy from scale at once to the finished runs."""
    finished = points.finished().weighted()
    laws = candidates(finished, "accuracy")
    try:
        return fit_ensemble(finished, laws, n_draws, search) if laws else None
    except UserError:
        # Too few points for some law: the direct way is an offer, not what was asked for.
        return None


def link_document(link: AccuracyLink, level: float) -> tuple[dict[str, Any], list[str]]:
    """Describe the links from loss to accuracy, and what their points cannot tell.

    Parameters
    ----------
    link : AccuracyLink
        As fitted.
    level : float
        Of the parameters' intervals, 0-1.

    Returns
    -------
    document : dict
        JSON-able: formula, source, parameters, objective, n and lack of fit (a standard deviation of the score) of the
        link of most weight; `verdict`, whether some link holds; `links` with the weights of all; `held_out` points of
        their back-test; the root mean square of its errors, and of those of the direct way.
    warnings : list of str
        First that no link holds, where that is so; also why intervals are by profile likelihood, where they are.
    """
    ensemble = link.ensemble
    best = int(np.argmax(ensemble.weights))
    fitted = ensemble.fits[best]
    parameters, reasons = parameter_estimates(fitted, ensemble.draws[best], level)
    verdict = law_holds(ensemble)
    warnings = [] if verdict.holds else [f"link from loss to accuracy: {_falls(fitted.points)}{verdict_text(verdict)}"]
    warnings += [f"link from loss to accuracy: {finding}" for finding in findings(fitted)]
    document = {
        "law": fitted.law.name,
        "formula": fitted.law.formula,
        "source": fitted.law.source,
        "parameters": [asdict(parameter) for parameter in parameters],
        "objective": fitted.objective,
        "n": len(fitted.points),
        "verdict": verdict_document(verdict),
        "lack_of_fit_sd": float(np.sqrt(fitted.tau2)),
        "links": [
            {"law": fit.law.name, "weight": round(float(w), 6)}
            for fit, w in zip(ensemble.fits, ensemble.weights, strict=True)
        ],
        "held_out": 0 if ensemble.test is None else len(ensemble.test.point),
        "rmse": _rmse(ensemble),
        "rmse_direct": None if link.direct is None else _rmse(link.direct),
    }
    if ensemble.test is None:
        warnings.append(
            "link from loss to accuracy: too few points to hold any out, so nothing checks it at lower losses"
        )
    if reasons:
        kind = "profile likelihood" if parameters[0].method == "profile" else "draws of groups, with care"
        warnings.append(f"link from loss to accuracy: intervals are by {kind}: {'; '.join(reasons)}")
    return document, warnings


def _falls(points: Points) -> str:
    """Say that better models score worse, where that is so: no link can follow them."""
    together = spearmanr(np.asarray(points.loss), np.asarray(points.accuracy)).statistic
    return "accuracy falls as the loss falls, which no link follows; " if together > 0.0 else ""


def _rmse(ensemble: Ensemble) -> float | None:
    """Root mean square of the mixture's held-out errors; None without a back-test."""
    if ensemble.test is None:
        return None
    return float(np.sqrt((held_out(ensemble.test, ensemble.weights).error ** 2).mean()))


def predict_accuracy(
    link: AccuracyLink, forecast: Forecast, wanted: Points, level: float, seed: int
) -> list[dict[str, Any]]:
    """Predict accuracies through forecast losses: value and interval of each point.

    The interval covers what a new model's expected accuracy would be: the loss's interval, the rival links with their
    refits and ceilings, their lack of fit, what their back-test missed at such losses, and the direct prediction where
    its own back-test is about as good; not the sampling of the items it will be tested on.

    Parameters
    ----------
    link : AccuracyLink
        Fitted to points that have both a loss and an accuracy.
    forecast : Forecast
        Of n points: logarithm of the loss in nats, with its interval at `level`.
    wanted : Points
        The n points: the direct way reads their scale.
    level : float
        Of the intervals, 0-1; the forecast's own.
    seed : int
        Seeds the draws.

    Returns
    -------
    list of dict
        `value`, `low` and `high` per point, 0-1, and `direct`, the direct way's value or None; an end never lies on the
        wrong side of the value.
    """
    rng = np.random.default_rng([seed, 4])
    direct = None if link.direct is None else np.clip(predict(link.direct, wanted, level).value, 0.0, 1.0)
    racing = direct is not None and _in_the_race(link)
    rows = []
    for i in range(len(forecast.value)):
        value, low, high = _chained(link, forecast, i, level, rng)
        if direct is not None and racing:
            low, high = min(low, float(direct[i])), max(high, float(direct[i]))
        row: dict[str, Any] = {"value": value, "low": min(low, value), "high": max(high, value)}
        rows.append(row | {"direct": None if direct is None else float(direct[i])})
    return rows


def _in_the_race(link: AccuracyLink) -> bool:
    own, other = _rmse(link.ensemble), None if link.direct is None else _rmse(link.direct)
    return own is None or other is None or other <= ALIKE * own


def _chained(
    link: AccuracyLink, forecast: Forecast, i: int, level: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Value and interval of one accuracy through its loss."""
    ensemble = link.ensemble
    centre = link.at(np.exp(forecast.value[i : i + 1]))
    reach = ensemble.reach(centre)
    weights = law_weights(ensemble.test, ensemble.laws, reach.axes[0])
    value = float(weights @ np.array([curve.mean(centre)[0] for curve in ensemble.curves]))
    count = len(ensemble.curves[0].refits)
    losses = np.exp(_losses(forecast, i, rng, count, level))[:, None]
    clouds = []
    for curve in ensemble.curves:
        at = replace(centre, loss=losses)  # one loss for each refit
        clouds.append(curve.fit.law.evaluate(curve.refits, at)[0][:, 0])
    extra, cuts = (0.0, 1.0)
    if ensemble.test is not None:
        extra, cuts = missed(held_out(ensemble.test, weights), float(reach.distance[0]), reach.axes[0])
    cloud = np.stack(clouds)
    cloud = cloud + rng.normal(0.0, np.sqrt(ensemble.fits[0].tau2), cloud.shape)
    cloud = cloud + extra * rng.standard_t(max(cuts, 1.0), cloud.shape)
    mass = np.repeat(weights / count, count)
    tail = wider_tail(level, ensemble.draws[0].n_units, max(len(fit.theta) for fit in ensemble.fits))
    order = np.argsort(cloud.ravel())
    below = np.cumsum(mass[order]) - 0.5 * mass[order]
    low, high = np.clip(np.interp([tail, 1.0 - tail], below, cloud.ravel()[order]), 0.0, 1.0)
    return value, float(low), float(high)


def _losses(forecast: Forecast, i: int, rng: np.random.Generator, count: int, level: float) -> FloatArray:
    """Draw log losses (count,): two-piece normal, each half as wide as that half of the forecast's interval."""
    z = rng.normal(0.0, 1.0, count)
    standard = ndtri(0.5 + level / 2.0)
    value, low, high = forecast.value[i], forecast.low[i], forecast.high[i]
    return np.asarray(value + z * np.where(z < 0, (value - low) / standard, (high - value) / standard))
