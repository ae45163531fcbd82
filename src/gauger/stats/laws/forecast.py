"""Predicts without pretending to know the law: a weighted mixture, widened to what the back-test shows.

1. Every law is integrated over what the points cannot tell (`floors`): its irreducible loss above all.
2. Every law is weighed by how well it predicted the larger points from the smaller, at the distance that is forecast
   (`competition`).
3. The prediction is the mixture of the laws' random-weight draws, with the noise of one point. Its interval holds the
   prediction of every law that the points leave in the race.
4. It is stretched to what the back-test missed at a like distance, and in proportion to distance beyond (`widening`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauger.stats.laws.backtest import Backtest, axes_beyond, backtest, below, beyond
from gauger.stats.laws.bootstrap import Draws, count_units_of, draw, unit_weights, wider_tail
from gauger.stats.laws.competition import law_weights
from gauger.stats.laws.fit import LawFit, Search, fit_law
from gauger.stats.laws.floors import Integrated, draw_integrated, integrate, plain
from gauger.stats.laws.law import Law
from gauger.stats.laws.points import FloatArray, Points
from gauger.stats.laws.widening import Reach, held_out, stretches
from gauger.stats.laws.windows import windows
from gauger.stats.student import t_quantile

IN_THE_RACE = 0.05
"""Laws of at least this weight are laws that the points cannot tell from the best: the interval holds them all."""


LEAST_REFITS = 100
"""Of a law for predictions, or half as many as for the intervals of its parameters."""


@dataclass(frozen=True)
class LawCurve:
    """One law, integrated over what the points cannot tell, and its refits."""

    fit: LawFit
    """Its best fit, without prior: what is reported as its parameters."""
    whole: Integrated
    refits: FloatArray
    """(B, P): inner parameters of refits under random weights, at floors drawn from their mass."""

    @classmethod
    def plain(cls, fitted: LawFit, refits: Draws) -> LawCurve:
        """Take a law at its best fit, without prior, with refits that are those of its parameters."""
        best, weights = fitted.theta[None], fitted.weights[None]
        return cls(fitted, plain(fitted.problem, best, weights), refits.theta[: _count(refits)])

    def within(self, points: Points) -> FloatArray:
        """Predict n points by the fit to all points, (n,): for scales that these hold, small ones too."""
        return np.asarray(self.whole.mean(points)[0])

    @property
    def rows_within(self) -> int:
        """How many refits, the first ones, are of the fit to all points."""
        return len(self.refits) // len(self.whole.theta)

    def mean(self, points: Points) -> FloatArray:
        """Predict n points beyond those fitted by the mean of all windows, (n,)."""
        return np.asarray(self.whole.mean(points).mean(axis=0))

    def cloud(self, points: Points, rows: FloatArray | None = None) -> FloatArray:
        """Predict n points by the refits, or by some rows of parameters: (B, n)."""
        return np.asarray(self.fit.law.evaluate(self.refits if rows is None else rows, points)[0])


@dataclass(frozen=True)
class Ensemble:
    """Fitted laws with their weights: what a prediction is made of."""

    fits: tuple[LawFit, ...]
    draws: tuple[Draws, ...]
    """Refits for the intervals of parameters."""
    curves: tuple[LawCurve, ...]
    """What predictions are made of."""
    weights: FloatArray
    """(M,): weights of the laws at the largest distance that the back-test has seen, summing to 1."""
    test: Backtest | None
    """None where there are too few points to hold any out."""
    seed: int

    @property
    def laws(self) -> tuple[Law, ...]:
        """The laws that compete, (M,)."""
        return tuple(fit.law for fit in self.fits)

    def reach(self, points: Points) -> Reach:
        """Measure how far points lie beyond those fitted."""
        fitted = self.fits[0].points
        return Reach(beyond(points, fitted), axes_beyond(points, fitted))


@dataclass(frozen=True)
class Forecast:
    """Predictions at n new points: log loss or accuracy."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    distance: FloatArray
    """(n,): e-folds beyond the fitted points."""
    stretch: FloatArray
    """(n,): factor by which the back-test stretched the interval."""
    below: FloatArray
    """(n,): e-folds below the fitted points, where no back-test looks and nothing is stretched."""


def fit_ensemble(
    points: Points, laws: Sequence[Law], n_draws: int = 1000, search: Search | None = None, *, prior: bool = True
) -> Ensemble:
    """Fit every law, draw refits under the same random weights, and weigh the laws by the back-test.

    Parameters
    ----------
    points : Points
        Usable for every law (`fit.usable`).
    laws : sequence of Law
        At least one, all of one outcome (`registry.candidates`).
    n_draws : int
        Refits per law.
    search : Search, optional
        How hard the best fits are looked for; its seed fixes all draws.
    prior : bool
        Integrate over floors and beliefs (`floors`). False: predictions are those of the best fits themselves, as for
        a law that was asked for by name. Parameters are the same either way.

    Returns
    -------
    Ensemble
        Weights by the laws' priors, and intervals that are not stretched, where there are too few points to hold any
        out.

    Raises
    ------
    UserError
        A law has too few points or lacks a column.

    Coverage of its predictions: validation/laws.
    """
    search = search or Search()
    fits = tuple(fit_law(points, law, search) for law in laws)
    common = fits[0].points
    weights = unit_weights(common, n_draws, np.random.default_rng([search.seed, 1]))
    draws = tuple(draw(fit, weights) for fit in fits)
    test = backtest(common, laws, search, prior=prior)
    curves = tuple(_curve(fit, refits, search.seed, prior=prior) for fit, refits in zip(fits, draws, strict=True))
    return Ensemble(fits, draws, curves, law_weights(test, laws), test, search.seed)


def _curve(fitted: LawFit, refits: Draws, seed: int, *, prior: bool) -> LawCurve:
    """Integrate one law; without a prior its refits are those of its parameters."""
    if not prior or not (fitted.law.floor or fitted.law.beliefs):
        return LawCurve.plain(fitted, refits)
    weights = windows(fitted.law, fitted.points, fitted.weights[None])
    best = np.repeat(fitted.theta[None], len(weights), axis=0)
    whole = integrate(fitted.problem, best, weights, count_units_of(fitted.points, weights), fitted.noise)
    random = refits.weights[: _count(refits) // len(weights)]
    drawn = draw_integrated(whole, random, np.random.default_rng([seed, 7]))
    return LawCurve(fitted, whole, drawn.reshape(-1, drawn.shape[2]))


def _count(refits: Draws) -> int:
    """Refits of a law that predictions are made of."""
    return min(max(LEAST_REFITS, len(refits.theta) // 2), len(refits.theta)) // 2 * 2


def predict(ensemble: Ensemble, points: Points, level: float = 0.95) -> Forecast:
    """Predict what one new model at each of the points would show, with its interval at the level.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted laws with their weights.
    points : Points
        n new points; their outcomes are not read, the columns that the laws need are.
    level : float
        Coverage, 0-1.

    Returns
    -------
    Forecast
        (n,) each: natural logarithm of the loss, or accuracy (not held inside 0-1). The interval holds one new model's
        outcome, its noise included, and always the prediction. For the expected curve use `curve_draws`.

    Coverage: validation/laws.
    """
    reach = ensemble.reach(points)
    means = np.stack(
        [np.where(reach.distance > 0, curve.mean(points), curve.within(points)) for curve in ensemble.curves]
    )
    clouds = _clouds(ensemble, points)
    freedom = _freedom(ensemble)
    tail = wider_tail(level, ensemble.draws[0].n_units, max(len(fit.theta) for fit in ensemble.fits))
    usual = 2.0 * float(t_quantile(0.5 + level / 2.0, freedom))
    rows = []
    for i in range(len(points)):
        weights = law_weights(ensemble.test, ensemble.laws, reach.axes[i])
        value = float(weights @ means[:, i])
        beyond_points = reach.distance[i] > 0
        rows_used = [clouds.shape[1] if beyond_points else curves.rows_within for curves in ensemble.curves]
        cloud = np.concatenate([draws[:rows, i] for draws, rows in zip(clouds, rows_used, strict=True)])
        mass = np.concatenate([np.full(rows, w / rows) for w, rows in zip(weights, rows_used, strict=True)])
        low, high = _weighted_quantiles(cloud, mass, tail)
        racing = means[weights >= IN_THE_RACE, i]
        low, high = min(low, value, *racing), max(high, value, *racing)
        at = Reach(reach.distance[i : i + 1], reach.axes[i : i + 1])
        seen = None if ensemble.test is None else held_out(ensemble.test, weights)
        stretch = float(stretches(seen, at, np.array([(high - low) / usual]), level, freedom)[0])
        rows.append((value, value - stretch * (value - low), value + stretch * (high - value), stretch))
    value_, low_, high_, stretch_ = np.array(rows).reshape(-1, 4).T
    return Forecast(value_, low_, high_, reach.distance, stretch_, below(points, ensemble.fits[0].points))


def curve_draws(ensemble: Ensemble, points: Points, count: int) -> FloatArray:
    """Draw the expected outcome at points, without the noise of one point: log loss or accuracy.

    Each draw is one refit of one law, laws in proportion to their weights at the largest distance among the points;
    deviations from the weighted mean are stretched as those of a prediction are.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted laws with their weights.
    points : Points
        n points.
    count : int
        Number of draws. The same count and seed give the same draws.

    Returns
    -------
    float array, (count, n)
        Natural logarithm of the loss, or accuracy. Draws at several points belong together, so differences along a
        curve can be taken row by row.
    """
    rng = np.random.default_rng([ensemble.seed, 5])
    reach = ensemble.reach(points)
    weights = law_weights(ensemble.test, ensemble.laws, reach.axes.max(axis=0))
    which = rng.choice(len(ensemble.fits), count, p=weights)
    centre = weights @ np.stack([curve.within(points) for curve in ensemble.curves])
    drawn = np.empty((count, len(points)))
    for m, fit in enumerate(ensemble.curves):
        mine = np.flatnonzero(which == m)
        drawn[mine] = fit.cloud(points, fit.refits[rng.integers(0, fit.rows_within, len(mine))])
    low, high = np.quantile(drawn, [0.1587, 0.8413], axis=0)
    seen = None if ensemble.test is None else held_out(ensemble.test, weights)
    stretch = stretches(seen, reach, 0.5 * (high - low), 0.95, _freedom(ensemble))
    return np.asarray(centre + stretch * (drawn - centre))


def _freedom(ensemble: Ensemble) -> float:
    """Degrees of freedom of the refits' quantiles: those of the law with most parameters."""
    return max(ensemble.draws[0].n_units - max(len(fit.theta) for fit in ensemble.fits), 1.0)


def _clouds(ensemble: Ensemble, points: Points) -> FloatArray:
    """Refits with the noise of one point, (M, B, n)."""
    rng = np.random.default_rng([ensemble.seed, 2])
    clouds = []
    for curve in ensemble.curves:
        cloud = curve.cloud(points)
        clouds.append(cloud + rng.normal(0.0, curve.fit.noise, cloud.shape))
    return np.stack(clouds)


def _weighted_quantiles(cloud: FloatArray, mass: FloatArray, tail: float) -> tuple[float, float]:
    order = np.argsort(cloud)
    placed = cloud[order]
    below = np.cumsum(mass[order]) - 0.5 * mass[order]
    low, high = np.interp([tail, 1.0 - tail], below, placed)
    return float(low), float(high)
