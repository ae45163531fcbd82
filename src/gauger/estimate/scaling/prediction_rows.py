"""Writes predictions down, one row per model: scale, value, interval, and how far it lies from the fitted points."""

from __future__ import annotations

from typing import Any

import numpy as np

from gauger.stats import Ensemble, Forecast, Points, how_far_outside
from gauger.stats.laws import FloatArray

ECHOED = ("n_params", "n_tokens", "teacher_loss", "unique_tokens", "pretrained")


def prediction_rows(ensemble: Ensemble, forecast: Forecast, wanted: Points) -> list[dict[str, Any]]:
    """Write one row per wanted point.

    Parameters
    ----------
    ensemble : Ensemble
        The fitted laws.
    forecast : Forecast
        Its predictions of n points.
    wanted : Points
        The n points.

    Returns
    -------
    list of dict
        JSON-able: what was asked for, `value`, `low` and `high` in natural units (losses in nats, accuracies held to
        0-1), distances (`efolds_beyond` and `efolds_below` the fitted points; of a mixture `shares_outside`, how far a
        share lies outside its fitted range), `stretch`, and `beyond_back_test`: no back-test went that far.

    Notes
    -----
    Tested in tests/cli/test_fit.py.
    """
    is_loss = ensemble.fits[0].law.outcome == "loss"
    tested = 0.0 if ensemble.test is None else float(ensemble.test.distance.max())
    outside = shares_outside(ensemble, wanted)
    rows = []
    for i in range(len(wanted)):
        ends = np.array([forecast.value[i], forecast.low[i], forecast.high[i]])
        value, low, high = (float(number) for number in (np.exp(ends) if is_loss else np.clip(ends, 0.0, 1.0)))
        row = {name: _cell(wanted, name, i) for name in ECHOED if getattr(wanted, name) is not None}
        if wanted.shares is not None and wanted.share_names is not None:
            row |= dict(zip(wanted.share_names, wanted.shares[i].tolist(), strict=True))
        row |= {"value": value, "low": low, "high": high}
        row |= {"efolds_beyond": float(forecast.distance[i]), "stretch": float(forecast.stretch[i])}
        row["efolds_below"] = float(forecast.below[i])
        if outside is not None:
            row["shares_outside"] = float(outside[i])
        row["beyond_back_test"] = bool(forecast.distance[i] > tested)
        rows.append(row)
    return rows


def shares_outside(ensemble: Ensemble, wanted: Points) -> FloatArray | None:
    """Measure how far the shares of n points lie outside those fitted, (n,); None where no law reads shares."""
    fitted = ensemble.fits[0].points.shares
    if fitted is None or wanted.shares is None or not any("shares" in law.needs for law in ensemble.laws):
        return None
    return how_far_outside(fitted, wanted.shares)


def _cell(points: Points, name: str, row: int) -> float | None:
    value = float(getattr(points, name)[row])
    return value if np.isfinite(value) else None
