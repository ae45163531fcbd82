"""Forecasts of later dates: studies that change with the years need wider intervals, and others do not.

The adversary is a planted literature whose studies differ more in its last year; the naive forecast, as wide as groups
of the same years ask for, misses what comes after.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gauger.forecast.choose import choose
from gauger.forecast.extrapolation import ForecastsByRole, wider
from gauger.forecast.forms import FORMS
from gauger.forecast.later import (
    FEWEST_KNOWN,
    UNTESTED,
    dates_of,
    factor_of,
    forecast_later,
    widening_ahead,
    years_ahead,
)
from gauger.forecast.literature import LiteratureRows
from gauger.forecast.planted import PlantedEffects, draw_literature
from gauger.forecast.scores import covered

STILL = PlantedEffects(years=3, missing=0.0, study_sd=0.2, model_sd=0.1, row_sd=0.1)
RESTLESS = replace(STILL, scatter_by_year=(1.0, 1.0, 4.0))
ONE_FORM = FORMS[:1]


def drawn(planted: PlantedEffects) -> LiteratureRows:
    return draw_literature(planted, 21, np.random.default_rng(3))


@pytest.fixture(scope="module")
def restless() -> LiteratureRows:
    return drawn(RESTLESS)


def coverage(train: LiteratureRows, new: LiteratureRows, factor: float) -> float:
    forecasts = ForecastsByRole.of(train, choose(train, ONE_FORM), new)
    wide = ForecastsByRole(tuple((rows, wider(part, factor)) for rows, part in forecasts.parts))
    return float(covered(wide.cdf(new.change), 0.8).mean())


def test_a_literature_that_stands_still_asks_for_no_widening() -> None:
    tested = forecast_later(drawn(STILL), ONE_FORM)
    assert tested["factor"] < 1.1
    assert all(cut["groups_before"] >= FEWEST_KNOWN for cut in tested["cuts"])


def test_studies_that_come_to_differ_more_ask_for_it_and_then_are_held(restless: LiteratureRows) -> None:
    tested = forecast_later(restless, ONE_FORM)
    assert tested["factor"] > 1.5
    known = restless.take(restless.year < 2025)
    new = draw_literature(RESTLESS, 60, np.random.default_rng(4), first=5000)
    new = new.take(new.year == 2025)
    naive, widened = coverage(known, new, 1.0), coverage(known, new, tested["factor"])
    # 20 new studies: a coverage of 80 % is known to about 9 points, so 65 % is compatible with it and 50 % is not
    assert naive < 0.5
    assert widened > 0.65


def test_nothing_that_comes_after_a_cut_is_in_its_training(restless: LiteratureRows) -> None:
    early, late = dates_of(restless)
    changed = replace(restless, end=np.where(restless.year == 2025, 0.5, restless.end))
    told, other = (
        [cut for cut in forecast_later(rows, ONE_FORM)["cuts"] if cut["cut"] + 1.0 <= 2025.0]
        for rows in (restless, changed)
    )
    assert told == other
    assert told
    assert np.allclose(late - early, 1 / 12)


@pytest.mark.parametrize(
    ("reference", "ends"),
    [
        ("Some Lab (2024), arXiv:2403.01234", (2024 + 2 / 12, 2024 + 3 / 12)),
        ("arXiv:2303.01234 and arXiv:2412.01234v2", (2024 + 11 / 12, 2025.0)),
        ("arXiv:2303.01234", (2024.0, 2025.0)),
        ("a blog of 2024", (2024.0, 2025.0)),
    ],
)
def test_a_number_tells_the_month_if_it_is_of_the_year(
    restless: LiteratureRows, reference: str, ends: tuple[float, float]
) -> None:
    import polars as pl

    row = restless.take(restless.year == 2024).take(np.arange(1))
    row = replace(row, frame=row.frame.with_columns(reference=pl.lit(reference)))
    early, late = dates_of(row)
    assert (early[0], late[0]) == pytest.approx(ends)


def test_a_table_of_one_year_cannot_tell_and_is_widened_by_a_rule() -> None:
    tested = forecast_later(drawn(replace(STILL, years=1)).take(np.arange(60)), ONE_FORM)
    assert tested["factor"] is None
    assert "fewer than" in tested["reason"]
    assert factor_of(tested) == factor_of(None) == UNTESTED


def test_a_later_scenario_is_widened_and_one_of_the_past_is_not(restless: LiteratureRows) -> None:
    assert [years_ahead(restless, year) for year in (2023, 2024, 2025, 2026)] == [0, 0, 1, 2]
    assert widening_ahead(1.4, 0) == 1.0
    assert widening_ahead(1.4, 1) == 1.4
    assert widening_ahead(1.4, 2) > 1.4
