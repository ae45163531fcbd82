"""Chooses a form for each role, and how wide and long-tailed its forecasts must be, by held-out groups of the training.

Both are learned from rows that the inner fits have not seen: within the rows given here, groups are left out in turn,
every form forecasts them, and per role the form with the least mean CRPS (every group counts once) is taken. Its errors
there say how wide it should have been: a width and a tail by maximum likelihood. The best baseline is named too: a
forecast falls back to it where the back-test does not show that predictors help (`ChosenForms.guarded`). Called with a
training fold by the back-test and with the whole literature by the forecast: nothing else is chosen anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.forecast.forms import FORMS, Fitted, ForecastForm, Regression, fit_form, predict_rows
from gauger.forecast.groups import connected_groups, folds_of
from gauger.forecast.literature import Array, Codes, LiteratureRows
from gauger.forecast.predictive import NORMAL_DF, Predictive, Spread
from gauger.forecast.predictors import ROLES
from gauger.forecast.scores import by_group, mean_interval

INNER_FOLDS = 5
WIDTHS = np.exp(np.linspace(np.log(0.6), np.log(2.5), 39))
TAILS = (3.0, 5.0, 10.0, NORMAL_DF)


@dataclass(frozen=True)
class ChosenForms:
    """What the training rows chose."""

    form: Mapping[str, ForecastForm]
    """Role -> form of the least mean CRPS."""
    sure: Mapping[str, ForecastForm]
    """Role -> form by `pick`: a regression only where the inner groups alone show it surely better."""
    spread: Mapping[tuple[str, str], Spread]
    """(role, form's name) -> width and tail; for every form, so that each baseline is as well calibrated."""
    crps: Mapping[tuple[str, str], float]
    """(role, form's name) -> mean CRPS over inner groups, points."""

    def best_baseline(self, role: str) -> ForecastForm:
        """Return the baseline of least mean CRPS."""
        known = [form for form in FORMS if form.baseline and (role, form.name) in self.crps]
        return min(known, key=lambda form: self.crps[role, form.name])

    def guarded(self, helped: Mapping[str, bool] | None) -> ChosenForms:
        """Return the forms that a forecast may use: regressions only where predictors were shown to help.

        Parameters
        ----------
        helped : mapping, optional
            Role -> whether the back-test's gain has an interval above 0; None where there is no back-test: then the
            inner groups decide, by the same rule.
        """
        if helped is None:
            return replace(self, form=self.sure)
        form = {
            role: chosen if chosen.baseline or helped.get(role, False) else self.best_baseline(role)
            for role, chosen in self.form.items()
        }
        return replace(self, form=form)


@dataclass(frozen=True)
class HeldOutForecasts:
    """Forecasts of rows by fits that have not seen their groups, all n rows once."""

    predictive: Mapping[str, Predictive]
    """Form's name -> its forecasts of all rows."""
    groups: Codes


def hold_out(
    train: LiteratureRows, forms: Sequence[ForecastForm] = FORMS, folds: int = INNER_FOLDS
) -> HeldOutForecasts:
    """Leave groups out in turn, and forecast them by every form.

    Parameters
    ----------
    train : LiteratureRows
        n rows; nothing else is seen.
    forms : sequence of ForecastForm
    folds : int
        At most this many.
    """
    groups = connected_groups(train)
    fold = folds_of(groups, folds)
    forecasts = {}
    for form in forms:
        pieces, order, start = [], [], None
        for left_out in np.unique(fold):
            fitted = fit_form(form, train.take(fold != left_out), start)
            start = fitted.fit.free if isinstance(fitted, Regression) else None
            pieces.append(predict_rows(fitted, form, train.take(fold == left_out)))
            order.append(np.flatnonzero(fold == left_out))
        forecasts[form.name] = _joined(pieces, np.argsort(np.concatenate(order)))
    return HeldOutForecasts(forecasts, groups)


def choose(train: LiteratureRows, forms: Sequence[ForecastForm] = FORMS, folds: int = INNER_FOLDS) -> ChosenForms:
    """Choose form, width and tail by role from inner held-out groups; see the file's first paragraph.

    Parameters
    ----------
    train : LiteratureRows
        n rows.
    forms : sequence of ForecastForm
        Of equal scores the first is taken.
    folds : int
        Inner folds.
    """
    held = hold_out(train, forms, folds)
    chosen: dict[str, ForecastForm] = {}
    sure: dict[str, ForecastForm] = {}
    spread: dict[tuple[str, str], Spread] = {}
    crps: dict[tuple[str, str], float] = {}
    for place, role in enumerate(ROLES):
        here = np.flatnonzero(train.role == place)
        weight = group_weights(held.groups[here])
        by_form: dict[str, Array] = {}
        for form in forms:
            raw, change = held.predictive[form.name].take(here), train.change[here]
            spread[role, form.name] = fit_spread(raw, change, weight)
            score = raw.with_spread(spread[role, form.name]).crps(change)
            by_form[form.name] = by_group(score, held.groups[here])
            crps[role, form.name] = float(by_form[form.name].mean())
        chosen[role] = min(forms, key=lambda form: crps[role, form.name])
        sure[role] = pick(forms, by_form)
    return ChosenForms(chosen, sure, spread, crps)


def pick(forms: Sequence[ForecastForm], crps: Mapping[str, Array]) -> ForecastForm:
    """Return the best baseline, or the best regression whose gain over it has a 95 % interval above 0.

    Parameters
    ----------
    forms : sequence of ForecastForm
        At least one of them a baseline; of equal scores the first.
    crps : mapping
        ForecastForm's name -> mean CRPS of each group (g,).
    """
    baseline = min((form for form in forms if form.baseline), key=lambda form: float(crps[form.name].mean()))
    better = []
    for form in forms:
        gain = mean_interval(crps[baseline.name] - crps[form.name])
        if not form.baseline and gain.low is not None and gain.low > 0:
            better.append(form)
    return min(better, key=lambda form: float(crps[form.name].mean())) if better else baseline


def group_weights(groups: Codes) -> Array:
    """Return weights (n,) that sum to 1 within every group."""
    _, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[codes.ravel()])


def fit_spread(raw: Predictive, change: Array, weight: Array) -> Spread:
    """Return the width and tail under which held-out changes are likeliest, over the grids `WIDTHS` and `TAILS`.

    Parameters
    ----------
    raw : Predictive
        m forecasts at width 1.
    change : array (m,)
        What was found, points.
    weight : array (m,)
        Every group sums to 1.
    """
    best, most = Spread(), -np.inf
    for df in TAILS:
        for width in WIDTHS:
            spread = Spread(float(width), df)
            likelihood = float(weight @ raw.with_spread(spread).log_density(change))
            if likelihood > most:
                best, most = spread, likelihood
    return best


def fit_chosen(chosen: ChosenForms, train: LiteratureRows) -> dict[str, Fitted]:
    """Fit the forms that were chosen to the whole training: form's name -> fit."""
    return {form.name: fit_form(form, train) for form in dict.fromkeys(chosen.form.values())}


def _joined(pieces: Sequence[Predictive], order: Codes) -> Predictive:
    def all_of(name: str) -> Array:
        return np.concatenate([getattr(piece, name) for piece in pieces])[order]

    return Predictive(
        pieces[0].scale, all_of("mean"), all_of("of_mean"), all_of("of_new"), all_of("sampling"), all_of("start"),
        all_of("spread"),
    )  # fmt: skip
