"""Defines the forms that a forecast can take, and fits them: baselines and regressions, one interface.

A form learns from training rows and gives predictive distributions for other rows. Which form is used is chosen by
held-out groups inside the training rows (`choose.py`), never by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gauger.errors import ConvergenceError
from gauger.forecast.designs import DesignPlan, Rows, plan_design
from gauger.forecast.literature import UNKNOWN, Array, Codes, LiteratureRows
from gauger.forecast.predictive import NORMAL_DF, Predictive
from gauger.forecast.predictors import CATEGORIES, FACTS, NUMBERS, ROLES
from gauger.stats import PartialFit, PoolingProblem, fit_partial_pooling

EVERY = (*(number.name for number in NUMBERS), *(category.name for category in CATEGORIES))
FEW = ("start", "lead", "size", "control", "hard", "student", "domain", "reasoning in")
"""Predictors without dose, surface, method by itself, access and year."""
NEIGHBOURS = 8
"""Studies that the nearest-neighbours baseline averages."""


@dataclass(frozen=True)
class ForecastForm:
    """One way to forecast."""

    name: str
    scale: str
    """`logit`, `arcsine` or `points`."""
    predictors: tuple[str, ...] = ()
    by_role: bool = False
    """Slopes may differ on held-out benchmarks."""
    neighbours: bool = False
    baseline: bool = False
    """One of the baselines that a gain is measured against."""


FORMS: tuple[ForecastForm, ...] = (
    ForecastForm("mean by role", "points", baseline=True),
    ForecastForm("mean by role and control", "points", ("control",), by_role=True, baseline=True),
    ForecastForm("nearest studies", "points", neighbours=True, baseline=True),
    ForecastForm("few predictors, angles", "arcsine", FEW, by_role=True),
    ForecastForm("all predictors, angles", "arcsine", EVERY, by_role=True),
    ForecastForm("all predictors, log-odds", "logit", EVERY, by_role=True),
)
"""Simplest first: of equal scores the first is chosen."""


def form_named(name: str) -> ForecastForm:
    """Return a form by its name."""
    return next(form for form in FORMS if form.name == name)


class Fitted(Protocol):
    """A form that has learned."""

    def predict(self, rows: Rows, start: Array, sampling: Array) -> Predictive:
        """Return predictive distributions (m) for rows with starting scores (shares) and sampling variances."""
        ...


@dataclass(frozen=True)
class Regression:
    """A fitted regression with partial pooling."""

    scale: str
    plan: DesignPlan
    fit: PartialFit

    def predict(self, rows: Rows, start: Array, sampling: Array) -> Predictive:
        """See `Fitted`."""
        mean, of_mean = self.fit.predict(self.plan.matrix(rows))
        of_new = self.fit.components.of_new()[rows.role]
        return Predictive(self.scale, mean, of_mean, of_new, sampling, start, _untouched(len(mean)))


@dataclass(frozen=True)
class Neighbours:
    """The mean and scatter of the nearest studies of the same role."""

    scale: str
    train: Rows
    effect: Array
    study: Codes
    centre: Mapping[str, float]
    spread: Mapping[str, float]

    def predict(self, rows: Rows, start: Array, sampling: Array) -> Predictive:
        """See `Fitted`."""
        m = len(rows.role)
        mean, of_mean, of_new = np.zeros(m), np.zeros(m), np.zeros(m)
        for role in np.unique(rows.role):
            here, there = np.flatnonzero(rows.role == role), np.flatnonzero(self.train.role == role)
            apart = distances(rows, here, self.train, there, self.spread)
            for row, gap in zip(here, apart, strict=True):
                mean[row], of_mean[row], of_new[row] = _near(gap, self.effect[there], self.study[there])
        return Predictive(self.scale, mean, of_mean, of_new, sampling, start, _untouched(m))


def _untouched(m: int) -> Array:
    return np.tile([1.0, NORMAL_DF], (m, 1))


def _near(gap: Array, effect: Array, study: Codes) -> tuple[float, float, float]:
    """Mean, its variance, and the scatter of a new effect, over the nearest studies' nearest rows."""
    names = np.unique(study)
    least = np.array([gap[study == name].min() for name in names])
    chosen = names[np.argsort(least, kind="stable")[:NEIGHBOURS]]
    kept = [effect[(study == name) & (gap <= gap[study == name].min() + 0.5)] for name in chosen]
    means = np.array([effects.mean() for effects in kept])
    within = float(np.mean([effects.var() for effects in kept]))
    k = len(means)
    between = float(means.var(ddof=1)) if k > 1 else float(effect.var())
    return float(means.mean()), between / k, between + within


def distances(rows: Rows, here: Codes, train: Rows, there: Codes, spread: Mapping[str, float]) -> Array:
    """Gower-like distance (len(here), len(there)): mean over predictors of |difference| in spreads, or 0 / 1.

    A predictor that either side does not tell counts as one half: neither near nor far.

    Parameters
    ----------
    rows, train : Rows
        Both sides.
    here, there : int arrays
        Which rows of each.
    spread : mapping
        Standard deviation of each number over the training studies.
    """
    total = np.zeros((len(here), len(there)))
    for number in NUMBERS:
        a, b = rows.numbers[number.name][here], train.numbers[number.name][there]
        gap = np.minimum(np.abs(a[:, None] - b[None, :]) / (2.0 * spread[number.name]), 2.0)
        total += np.where(np.isnan(gap), 0.5, gap)
    facts = [category for category in CATEGORIES if category.name in FACTS]
    for category in facts:
        ours, theirs = rows.categories[category.name][here], train.categories[category.name][there]
        unknown = (ours[:, None] == UNKNOWN) | (theirs[None, :] == UNKNOWN)
        total += np.where(unknown, 0.5, ours[:, None] != theirs[None, :])
    return np.asarray(total / (len(NUMBERS) + len(facts)))


def fit_form(form: ForecastForm, train: LiteratureRows, start: Array | None = None) -> Fitted:
    """Fit a form to training rows.

    Parameters
    ----------
    form : ForecastForm
    train : LiteratureRows
        Training rows.
    start : array, optional
        Free numbers of a fit of the same form to similar rows (`PartialFit.free`), where the search begins.
    """
    rows, effect = Rows.of(train), train.effects[form.scale][0]
    plan = plan_design(rows, train.study, form.predictors, apart=False, by_role=form.by_role)
    if form.neighbours:
        return Neighbours(form.scale, rows, effect, train.study, plan.centre, plan.scale)
    problem = PoolingProblem(
        effect, train.blocks(form.scale), train.role, train.model, plan.matrix(rows), plan.penalty, len(ROLES)
    )
    try:
        return Regression(form.scale, plan, fit_partial_pooling(problem, start))
    except ConvergenceError:
        if start is None:
            raise
        return Regression(form.scale, plan, fit_partial_pooling(problem))


def predict_rows(fitted: Fitted, form: ForecastForm, rows: LiteratureRows) -> Predictive:
    """Forecast rows of the literature as they would be observed, sampling error of both scores included."""
    return fitted.predict(Rows.of(rows), rows.start, rows.effects[form.scale][1])
