"""Controlled studies: an embedded world moves slopes and never a level; a language model moves both."""

from __future__ import annotations

import numpy as np
import pytest

from gauger.forecast.controlled import FORM, JointFit, RunRows, fit_jointly
from gauger.forecast.designs import Rows
from gauger.forecast.forms import form_named
from gauger.forecast.literature import LiteratureRows
from gauger.forecast.planted import PlantedEffects, draw_literature
from gauger.forecast.predictors import CATEGORIES, NUMBERS


@pytest.fixture(scope="module")
def planted() -> LiteratureRows:
    return draw_literature(PlantedEffects(missing=0.2), 25, np.random.default_rng(0))


def rows(samples: list[float]) -> Rows:
    m = len(samples)
    numbers = {one.name: np.full(m, np.nan) for one in NUMBERS} | {"samples": np.array(samples), "start": np.zeros(m)}
    categories = {one.name: np.full(m, one.levels[0], dtype="<U24") for one in CATEGORIES}
    return Rows(np.zeros(m, dtype=np.intp), numbers, categories)


def run(level: float, slope: float, *, shape_only: bool) -> RunRows:
    doses = [3.0, 4.0, 5.0, 6.0] * 3
    effect = level + slope * (np.array(doses) - 4.5)
    return RunRows("run", "atlas", rows(doses), effect, 1e-4 * np.eye(12), np.arange(12), shape_only)


def at(fit: JointFit, dose: float) -> float:
    return float(fit.predict(rows([dose]), np.array([0.5]), np.zeros(1)).mean[0])


def test_an_embedded_world_never_moves_a_level(planted: LiteratureRows) -> None:
    form = form_named(FORM)
    low, high = (fit_jointly(planted, [run(level, 0.0, shape_only=True)], form) for level in (-0.5, 0.5))
    assert at(low, 4.5) == pytest.approx(at(high, 4.5), abs=1e-3)
    # the same rows with a level that counts do move it: the test above could fail
    moved = [fit_jointly(planted, [run(level, 0.0, shape_only=False)], form) for level in (-0.5, 0.5)]
    assert at(moved[1], 4.5) - at(moved[0], 4.5) > 0.005


def test_its_shape_is_learned_in_the_planted_direction(planted: LiteratureRows) -> None:
    form = form_named(FORM)
    down, up = (fit_jointly(planted, [run(0.0, slope, shape_only=True)], form) for slope in (-0.1, 0.1))
    assert at(up, 6.0) - at(up, 3.0) > at(down, 6.0) - at(down, 3.0) + 0.05
