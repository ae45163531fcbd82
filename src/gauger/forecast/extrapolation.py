"""Back-tests forecasts beyond the data: fits to the lower doses (starts, sizes), forecasts the higher ones.

How wide forecasts must be at a distance cannot be known from inside the data. So the literature is cut: everything is
chosen and fitted below a cut, the rows above it are forecast, and their errors are collected by how many doublings they
lie beyond what three training studies reach. The factor on the width that makes those errors likeliest is the widening
that the forecast uses at that distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gauger.forecast.choose import WIDTHS, ChosenForms, choose, group_weights
from gauger.forecast.distance import supported_stretch
from gauger.forecast.forms import FORMS, ForecastForm, fit_form, predict_rows
from gauger.forecast.groups import connected_groups
from gauger.forecast.literature import Array, Codes, LiteratureRows
from gauger.forecast.predictive import Predictive
from gauger.forecast.predictors import NUMBERS, ROLES
from gauger.forecast.scores import by_group, covered

CUTS = (0.5, 0.75)
"""Shares of the studies that stay below the cut."""
STRETCHED = ("samples", "start", "size")
BINS = ((0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 16.0))
"""Doublings beyond."""
FEWEST_GROUPS = 4


def extrapolate(literature: LiteratureRows, forms: Sequence[ForecastForm] = FORMS) -> list[dict[str, Any]]:
    """Forecast beyond cuts of every predictor, and sum the errors up by distance.

    Parameters
    ----------
    literature : LiteratureRows
    forms : sequence of ForecastForm

    Returns
    -------
    list of dict
        Per predictor and stretch of distance: rows, groups, coverage of 95 % intervals before widening, and the factor
        on the width that the errors ask for (at least 1); None below four groups.
    """
    groups = connected_groups(literature)
    lines = []
    for name in STRETCHED:
        pieces = [
            piece for cut in CUTS if (piece := _beyond(literature, groups, name, cut, forms)) is not None
        ]  # fmt: skip
        if pieces:
            lines += _by_distance(name, pieces, groups, literature)
    return lines


def _beyond(
    literature: LiteratureRows, groups: Codes, name: str, cut: float, forms: Sequence[ForecastForm]
) -> tuple[Codes, Array, ForecastsByRole] | None:
    """Fit below a cut, forecast above it: (rows, doublings beyond, forecasts)."""
    x = literature.numbers[name]
    known = ~np.isnan(x)
    studies = np.unique(literature.study[known])
    most = np.array([x[known & (literature.study == study)].max() for study in studies])
    at = float(np.quantile(most, cut))
    test = np.flatnonzero(known & (x > at))
    train = np.flatnonzero(~(known & (x > at)) & ~np.isin(groups, np.unique(groups[test])))
    if any(len(np.unique(groups[train][literature.role[train] == role])) < 5 for role in range(len(ROLES))):
        train = np.flatnonzero(~(known & (x > at)))
    below = literature.take(train)
    doublings = next(number.doublings for number in NUMBERS if number.name == name)
    stretches = [supported_stretch(below, role, name) for role in range(len(ROLES))]
    supported = np.array([stretch is not None for stretch in stretches])[literature.role[test]]
    if not supported.any():
        return None
    test = test[supported]
    ends = np.array([np.nan if stretch is None else stretch[1] for stretch in stretches])
    gap = np.maximum(x[test] - ends[literature.role[test]], 0.0) * doublings
    return test, gap, ForecastsByRole.of(below, choose(below, forms), literature.take(test))


@dataclass(frozen=True)
class ForecastsByRole:
    """Forecasts of m rows, each by its role's form, width and tail."""

    parts: tuple[tuple[Codes, Predictive], ...]
    """Rows of a role, and their forecasts."""

    @classmethod
    def of(cls, train: LiteratureRows, chosen: ChosenForms, test: LiteratureRows) -> ForecastsByRole:
        """Fit what was chosen to the training, and forecast other rows."""
        parts = []
        for place in np.unique(test.role):
            here, role = np.flatnonzero(test.role == place), ROLES[place]
            form = chosen.form[role]
            raw = predict_rows(fit_form(form, train), form, test.take(here))
            parts.append((here, raw.with_spread(chosen.spread[role, form.name])))
        return cls(tuple(parts))

    def log_density(self, change: Array, factor: float) -> Array:
        """Return the log density (m,) of changes (m,), points, at `factor` times the width."""
        return self._collected(lambda part, at: wider(part, factor).log_density(at), change)

    def cdf(self, change: Array) -> Array:
        """Return the probability (m,) of at most each change (m,), points."""
        return self._collected(lambda part, at: part.cdf(at), change)

    def _collected(self, read: Callable[[Predictive, Array], Array], change: Array) -> Array:
        values = np.empty(len(change))
        for here, part in self.parts:
            values[here] = read(part, change[here])
        return values


def wider(predictive: Predictive, factor: float | Array) -> Predictive:
    """The same at `factor` times the width: one, or one per forecast."""
    factors = np.broadcast_to(factor, len(predictive.mean))
    return replace(predictive, spread=predictive.spread * np.column_stack([factors, np.ones(len(factors))]))


def _by_distance(name: str, pieces: Sequence[Any], groups: Codes, literature: LiteratureRows) -> list[dict[str, Any]]:
    lines = []
    for low, high in BINS:
        pit, label, densities = [], [], {float(f): [] for f in WIDTHS if f >= 1.0}  # type: ignore[var-annotated]
        for rows, gap, forecasts in pieces:
            here = (gap > low) & (gap <= high)
            change = literature.change[rows]
            pit.append(forecasts.cdf(change)[here])
            label.append(groups[rows][here])
            for factor, kept in densities.items():
                kept.append(forecasts.log_density(change, factor)[here])
        together, labels = np.concatenate(pit), np.concatenate(label)
        n = len(np.unique(labels))
        line: dict[str, Any] = {
            "predictor": name, "from": low, "to": high, "rows": len(together), "groups": n, "coverage_95": None,
            "factor": None, "reason": None if n >= FEWEST_GROUPS else "fewer than four groups",
        }  # fmt: skip
        if n >= FEWEST_GROUPS:
            weight = group_weights(labels)
            line["coverage_95"] = float(by_group(covered(together, 0.95), labels).mean())
            line["factor"] = max(densities, key=lambda f: float(weight @ np.concatenate(densities[f])))
        lines.append(line)
    return lines


def widening_of(lines: Sequence[dict[str, Any]]) -> dict[str, tuple[tuple[float, float], ...]]:
    """Turn the back-test of extrapolation into a rising factor on the width by distance.

    A stretch without enough groups takes the next nearer one's factor, and at least 1.25 per doubling beyond what was
    tested: what nobody could check is no reason for narrow intervals.

    Parameters
    ----------
    lines : sequence of dict
        From `extrapolate`.
    """
    factors = {}
    for name in dict.fromkeys(line["predictor"] for line in lines):
        steps, most = [(0.0, 1.0)], 1.0
        for line in (entry for entry in lines if entry["predictor"] == name):
            tested = line["factor"]
            most = max(most, tested) if tested is not None else most * 1.25 ** (line["to"] - line["from"])
            steps.append((line["to"], most))
        factors[name] = tuple(steps)
    return factors | {"any": ((0.0, 1.0), (1.0, 1.25), (2.0, 1.56))}
