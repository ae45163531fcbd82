"""Enters controlled studies: what finished runs teach is added to the forecast that the literature gave.

The form that was chosen for the literature may have no place for a dose, so runs teach another: the regression with all
predictors is fitted to the literature with the runs and without them, and the difference of the two is added to the
chosen form's forecast. So a run that teaches nothing moves nothing. Of runs of the embedded world the difference is
taken from its own mean over the literature's studies, role by role: direction and shape only, never level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gauger.forecast.choose import group_weights
from gauger.forecast.controlled import RunRows
from gauger.forecast.designs import DesignPlan, Rows, plan_design
from gauger.forecast.forms import Fitted, ForecastForm, form_named
from gauger.forecast.literature import Array, LiteratureRows
from gauger.forecast.predict import Forecaster
from gauger.forecast.predictive import NORMAL_DF, Predictive
from gauger.forecast.predictors import ROLES
from gauger.stats import FREE, PartialFit, PoolingProblem, fit_partial_pooling

FORM = "all predictors, angles"


@dataclass(frozen=True)
class JointFit:
    """The regression fitted to literature and runs."""

    scale: str
    plan: DesignPlan
    fit: PartialFit
    levels: int
    """Free columns of runs, which no scenario has."""

    def predict(self, rows: Rows, start: Array, sampling: Array) -> Predictive:
        """See `forms.Fitted`."""
        design = np.hstack([self.plan.matrix(rows), np.zeros((len(rows.role), self.levels))])
        mean, of_mean = self.fit.predict(design)
        spread = np.tile([1.0, NORMAL_DF], (len(mean), 1))
        return Predictive(self.scale, mean, of_mean, self.fit.components.of_new()[rows.role], sampling, start, spread)


def fit_jointly(literature: LiteratureRows, runs: Sequence[RunRows], form: ForecastForm) -> JointFit:
    """Fit a form to literature and runs together.

    Parameters
    ----------
    literature : LiteratureRows
    runs : sequence of RunRows
    form : ForecastForm
        On the scale of angles.
    """
    plan = plan_design(Rows.of(literature), literature.study, form.predictors, apart=False, by_role=form.by_role)
    designs = [plan.matrix(Rows.of(literature)), *(plan.matrix(run.rows) for run in runs)]
    free = [(k, role) for k, run in enumerate(runs) if run.shape_only for role in np.unique(run.rows.role)]
    ends = np.cumsum([len(literature), *(len(run.effect) for run in runs)])
    levels = np.zeros((ends[-1], len(free)))
    for column, (k, role) in enumerate(free):
        levels[ends[k] : ends[k + 1], column] = runs[k].rows.role == role
    effect = np.concatenate([literature.effects["arcsine"][0], *(run.effect for run in runs)])
    blocks = list(literature.blocks("arcsine"))
    model = [literature.model]
    for k, run in enumerate(runs):
        blocks.append((np.arange(ends[k], ends[k + 1]), run.covariance))
        model.append(run.model + 1_000_000 * (k + 1))
    problem = PoolingProblem(
        effect, tuple(blocks), np.concatenate([literature.role, *(run.rows.role for run in runs)]),
        np.concatenate(model), np.hstack([np.vstack(designs), levels]),
        np.append(plan.penalty, np.full(len(free), FREE)), len(ROLES),
    )  # fmt: skip
    return JointFit(form.scale, plan, fit_partial_pooling(problem), len(free))


@dataclass(frozen=True)
class TaughtFit:
    """A form's forecasts, moved by what runs teach."""

    form: Fitted
    joint: JointFit
    """With the runs."""
    alone: JointFit
    """Without them."""
    level: Array
    """(3,) mean difference by role that is taken away, angles; 0 where the runs tell a level."""
    told: Array
    """(3,) 1.0 for roles that the runs tell, else 0.0."""

    def shift(self, rows: Rows, start: Array) -> Array:
        """Return what the runs add (m,), angles."""
        nothing = np.zeros(len(start))
        joint, alone = (fit.predict(rows, start, nothing).mean for fit in (self.joint, self.alone))
        return np.asarray(self.told[rows.role] * (joint - alone - self.level[rows.role]))

    def predict(self, rows: Rows, start: Array, sampling: Array) -> Predictive:
        """See `forms.Fitted`."""
        raw = self.form.predict(rows, start, sampling)
        return replace(raw, mean=moved(raw, self.shift(rows, start)))


def moved(raw: Predictive, shift: Array) -> Array:
    """Return the locations (m,) of forecasts, on their own scale, after a step in angles of the score.

    Parameters
    ----------
    raw : Predictive
        m forecasts.
    shift : array (m,)
        Step of arcsin sqrt of the score.
    """
    if raw.scale == "arcsine":
        return np.asarray(raw.mean + shift)
    begin = np.log(raw.start) - np.log1p(-raw.start)
    end = raw.start + raw.mean / 100.0 if raw.scale == "points" else 1.0 / (1.0 + np.exp(-(begin + raw.mean)))
    inside = np.clip(end, 1e-4, 1.0 - 1e-4)
    after = np.sin(np.clip(np.arcsin(np.sqrt(inside)) + shift, 0.01, np.pi / 2 - 0.01)) ** 2
    if raw.scale == "points":
        return np.asarray(raw.mean + 100.0 * (after - inside))
    return np.asarray(raw.mean + np.log(after / (1.0 - after)) - np.log(inside / (1.0 - inside)))


def teach(literature: LiteratureRows, runs: Sequence[RunRows], form: Fitted) -> TaughtFit:
    """Fit what runs teach, and put it on a form that was fitted to the literature.

    Parameters
    ----------
    literature : LiteratureRows
    runs : sequence of RunRows
    form : Fitted
        The chosen form.
    """
    regression = form_named(FORM)
    joint, alone = (fit_jointly(literature, some, regression) for some in (runs, ()))
    told = np.array([float(any((run.rows.role == role).any() for run in runs)) for role in range(len(ROLES))])
    taught = TaughtFit(form, joint, alone, np.zeros(len(ROLES)), told)
    shift, weight = taught.shift(Rows.of(literature), literature.start), group_weights(literature.study)
    level = np.zeros(len(ROLES))
    for role in np.flatnonzero(told):
        here = literature.role == role
        if here.any() and all(run.shape_only for run in runs if (run.rows.role == role).any()):
            level[role] = np.average(shift[here], weights=weight[here])
    return replace(taught, level=level)


def enter(forecaster: Forecaster, runs: Sequence[RunRows]) -> tuple[Forecaster, list[dict[str, Any]]]:
    """Add what runs teach, for the roles that they tell; say what entered as what.

    Parameters
    ----------
    forecaster : Forecaster
    runs : sequence of RunRows
        From `controlled.read_run`.
    """
    names = {form.name for form in forecaster.chosen.form.values()}
    first = teach(forecaster.literature, runs, forecaster.fits[next(iter(names))])
    fits: Mapping[str, Fitted] = {name: replace(first, form=forecaster.fits[name]) for name in names}
    words = ("a study of its size, with a discrepancy", "direction and shape only, never level")
    entered = [
        {"run": run.name, "world": run.world, "rows": len(run.effect), "enters_as": words[run.shape_only]}
        for run in runs
    ]
    return replace(forecaster, fits=fits), entered
