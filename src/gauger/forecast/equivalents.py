"""Expresses an uplift as months of progress and as a factor of training compute, from a table of scores by date.

Both need a slope that the table gives: log-odds of the best score per year, and log-odds per tenfold training compute,
on the same benchmark. uplift in log-odds / slope = years, or powers of ten. The uplift is the forecast's distribution,
the slope an estimate with its own error: both are drawn, so the interval holds both. Each number comes with what it
must not be taken for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from gauger.errors import InputError
from gauger.forecast.groups import DATA
from gauger.forecast.literature import Array
from gauger.forecast.mixture import MixedForecast
from gauger.store import parse_csv, read_csv

COLUMNS = ("benchmark", "date", "model", "score", "training_flops", "source")
FEWEST = 4
DRAWS = 4000
MONTHS_WARNING = (
    "Months are those of the best published score on this benchmark: choice of the best, contamination and targeted "
    "training are in them, and a month on one benchmark is not a month on another."
)
COMPUTE_WARNING = (
    "Compute is pre-training compute across different model families: data and methods improved with it, so the factor "
    "credits compute with what they gave, and the equivalent gain is too small rather than too large."
)


@dataclass(frozen=True)
class Progress:
    """Scores of one benchmark by date."""

    benchmark: str
    years: Array
    """(n,) since 2020."""
    score: Array
    """(n,) per cent."""
    flops: Array
    """(n,) training FLOPs, NaN where unknown."""
    sources: tuple[str, ...]


def read_progress(path: Path | None = None) -> tuple[Progress, ...]:
    """Read a table of scores by date; None is the packaged one.

    Parameters
    ----------
    path : Path, optional
        CSV with the columns benchmark, date (YYYY-MM-DD), model, score (per cent), training_flops (may be empty),
        source.

    Raises
    ------
    InputError
        A missing column, or a cell that is no date or number, with its line.
    """
    file = path or DATA / "scores_by_date.csv"
    table = read_csv(file, "a table of scores by date") if path else parse_csv(file.read_text("utf-8"), file.name)
    missing = [name for name in COLUMNS if name not in table.header]
    if missing:
        raise InputError(f"a column {missing[0]!r}", "none", table.place(table.header_line), ", ".join(COLUMNS))
    rows: dict[str, list[tuple[float, float, float, str]]] = {}
    for line, cells in table.rows:
        row = dict(zip(table.header, cells, strict=False))
        try:
            when = date.fromisoformat(row["date"].strip())
        except ValueError:
            raise InputError("a date YYYY-MM-DD", repr(row["date"]), table.place(line, "date")) from None
        score = _number(row["score"], "score", table, line)
        if not 0 < score < 100:
            raise InputError("a score between 0 and 100", repr(row["score"]), table.place(line, "score"))
        flops = (
            _number(row["training_flops"], "training_flops", table, line) if row["training_flops"].strip() else np.nan
        )
        since = (when - date(2020, 1, 1)).days / 365.25
        rows.setdefault(row["benchmark"], []).append((since, score, flops, f"{row['model']}: {row['source']}"))
    return tuple(_progress(name, sorted(lines)) for name, lines in rows.items())


def _progress(name: str, lines: list[tuple[float, float, float, str]]) -> Progress:
    years, score, flops = (np.array([line[k] for line in lines], dtype=float) for k in range(3))
    return Progress(name, years, score, flops, tuple(line[3] for line in lines))


def _number(cell: str, name: str, table: Any, line: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError("a number", repr(cell), table.place(line, name)) from None


def equivalents(mixture: MixedForecast, start: Array, progress: Sequence[Progress]) -> list[dict[str, Any]]:
    """Express a forecast in months and in compute, once per benchmark of the table.

    Parameters
    ----------
    mixture : MixedForecast
        Forecast uplift, points, one row per draw.
    start : array (draws,)
        Starting scores as shares, in the mixture's order.
    progress : sequence of Progress
    """
    begin = np.clip(start, 0.005, 0.995)[:, None]
    end = np.clip(begin + mixture.values / 100.0, 0.005, 0.995)
    uplift = (np.log(end / (1 - end)) - np.log(begin / (1 - begin))).ravel()
    picked = np.random.default_rng(0).choice(uplift, DRAWS)
    lines = []
    for series in progress:
        y = np.log(series.score / (100.0 - series.score))
        best = np.maximum.accumulate(series.score) <= series.score
        lines.append(_equivalent(series.benchmark, "months", picked, series.years[best], y[best], 12.0, MONTHS_WARNING))
        known = ~np.isnan(series.flops)
        lines.append(
            _equivalent(
                series.benchmark, "compute", picked, np.log10(series.flops[known]), y[known], 1.0, COMPUTE_WARNING
            )
        )
    return lines


def _equivalent(
    benchmark: str, kind: str, uplift: Array, x: Array, y: Array, unit: float, warning: str
) -> dict[str, Any]:
    """Divide draws of the uplift by draws of the slope: median and 95 % interval."""
    line: dict[str, Any] = {
        "benchmark": benchmark, "kind": kind, "value": None, "low": None, "high": None, "points": len(x),
        "warning": warning, "reason": None,
    }  # fmt: skip
    if len(x) < FEWEST:
        return line | {"reason": f"{len(x)} scores, fewer than {FEWEST}"}
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    se = float(np.sqrt(residual @ residual / (len(x) - 2) / (centred @ centred)))
    slopes = slope + se * np.random.default_rng(2).standard_t(len(x) - 2, len(uplift))
    if np.mean(slopes <= 0) > 0.025:
        return line | {"reason": "the table's own slope cannot be told from zero"}
    value = np.where(slopes > 0, uplift / np.maximum(slopes, 1e-9), np.inf) * unit
    if kind == "compute":
        value = 10.0 ** np.clip(value, -12.0, 12.0)
    low, middle, high = np.quantile(value, [0.025, 0.5, 0.975])
    return line | {
        "value": float(middle), "low": _finite(low), "high": _finite(high),
        "slope": slope / unit, "slope_se": se / unit,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
