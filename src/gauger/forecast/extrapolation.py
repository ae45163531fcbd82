"""Back-tests forecasts beyond the data: fits to the lower doses (starts, sizes), forecasts the higher ones.

How wide forecasts must be at a distance cannot be known from inside the data. So the literature is cut: everything is
chosen and fitted below a cut, the rows above it are forecast, and their errors are collected by how many doublings they
lie beyond what three training studies reach. The factor on the width that makes those errors likeliest is the widening
that the forecast uses at that distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gauger.forecast.choose import WIDTHS, choose, group_weights
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
) -> tuple[Codes, Array, Predictive] | None:
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
    chosen = choose(below, forms)
    doublings = next(number.doublings for number in NUMBERS if number.name == name)
    gap = np.full(len(test), np.nan)
    order, parts = [], []
    for place, role in enumerate(ROLES):
        here = np.flatnonzero(literature.role[test] == place)
        stretch = supported_stretch(below, place, name)
        if stretch is None or not len(here):
            continue
        gap[here] = np.maximum(x[test[here]] - stretch[1], 0.0) * doublings
        form = chosen.form[role]
        raw = predict_rows(fit_form(form, below), form, literature.take(test[here]))
        parts.append((here, raw.with_spread(chosen.spread[role, form.name])))
        order.append(here)
    if not parts:
        return None
    rows = np.concatenate(order)
    return test[rows], gap[rows], _Together([part for _, part in parts])  # type: ignore[return-value]


class _Together:
    """Forecasts on several scales, in one order."""

    def __init__(self, parts: Sequence[Predictive]) -> None:
        self.parts = parts
        self.ends = np.cumsum([0, *(len(part.mean) for part in parts)])

    def log_density(self, change: Array, factor: float) -> Array:
        return np.concatenate([
            _wider(part, factor).log_density(change[self.ends[place] : self.ends[place + 1]])
            for place, part in enumerate(self.parts)
        ])  # fmt: skip

    def cdf(self, change: Array) -> Array:
        return np.concatenate([
            part.cdf(change[self.ends[place] : self.ends[place + 1]]) for place, part in enumerate(self.parts)
        ])  # fmt: skip


def _wider(predictive: Predictive, factor: float) -> Predictive:
    return replace(predictive, spread=predictive.spread * np.array([factor, 1.0]))


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
