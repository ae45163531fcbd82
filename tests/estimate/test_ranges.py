"""Predictions where no back-test looks (below the points, other sizes, other mixtures) are starred and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gauger.cli.fit_text import fit_text
from gauger.estimate.scaling.fit import FitRequest, fit_points
from gauger.stats.laws import Points, Search

from .test_pooled import grid, lossy

REQUEST = FitRequest("hoffmann", 100, search=Search(starts=10))


def asked(*scales: tuple[float, float]) -> Points:
    n, d = np.array(scales).T
    return Points(n, d)


def foot(document: dict[str, Any]) -> str:
    return fit_text(document).split("e-folds beyond")[-1]


def test_predictions_below_the_points_are_starred_and_named() -> None:
    document = fit_points(grid(), REQUEST, asked((1e6, 1e9), (1e9, 6.4e10), (1e8, 1e8)))
    assert [row["efolds_below"] for row in document["predictions"]] == pytest.approx([np.log(10), 0.0, np.log(10)])
    assert [row["efolds_beyond"] for row in document["predictions"]] == [0.0, 0.0, 0.0]
    assert any(text.startswith("2 predictions lie up to 2.3 e-folds (10 times) below") for text in document["warnings"])
    assert foot(document).count("2.3 below *") == 2
    assert "the interval is not widened for it" in foot(document)
    assert "by a rule" not in foot(document)


def test_a_table_in_billions_is_asked_for_its_units() -> None:
    document = fit_points(grid(), REQUEST, asked((7.0, 140.0)))
    for name in ("n_params", "n_tokens"):
        assert any(f"{name} to predict lie up to" in text and "same units" in text for text in document["warnings"])
    near = fit_points(grid(), REQUEST, asked((7e9, 1.4e11)))
    assert not any("units" in text or "below" in text for text in near["warnings"])


def test_laws_of_one_size_say_that_they_ignore_another() -> None:
    n_tokens = np.geomspace(1e9, 1.28e11, 8)
    some = lossy(Points(np.full(8, 1e8), n_tokens))
    request = replace(REQUEST, law="power")
    wanted = "every law here ignores n_params: what is predicted is what the fitted 1e+08 would show"
    assert any(text.startswith(wanted) for text in fit_points(some, request, asked((1e10, 6.4e10)))["warnings"])
    assert not any("ignores" in text for text in fit_points(some, request, asked((1e8, 6.4e10)))["warnings"])


def test_without_a_back_test_nothing_is_said_to_be_widened() -> None:
    n_params = np.geomspace(1e7, 1e9, 7)
    ladder = lossy(Points(n_params, 20 * n_params))
    document = fit_points(ladder, REQUEST, asked((7e9, 1.4e11)))
    assert document["validation"]["held_out"] == 0
    assert document["predictions"][0]["stretch"] == 1.0
    assert "* no back-test: the interval is not widened" in foot(document)
    assert "by a rule" not in foot(document)


def test_mixtures_outside_the_fitted_ones_are_starred_and_named() -> None:
    shares = np.random.default_rng(0).uniform(0.2, 0.6, 14)
    both = np.stack([shares, 1 - shares], axis=1)
    some = Points(np.full(14, 1e8), np.full(14, 1e10), loss=2 + np.exp(-both[:, 0]), shares=both)
    wanted = replace(asked((1e8, 1e10), (1e8, 1e10)), shares=np.array([[1.0, 0.0], [0.4, 0.6]]))
    document = fit_points(some, replace(REQUEST, law="mixture-2"), wanted)
    outside = [row["shares_outside"] for row in document["predictions"]]
    assert outside == pytest.approx([1 - shares.max(), 0.0])
    assert any(text.startswith("1 predictions have shares up to") for text in document["warnings"])
    assert foot(document).count("outside *") == 1
    other = fit_points(some, replace(REQUEST, law="mixture-2"), replace(wanted, n_params=np.full(2, 1e10)))
    assert any("every law here ignores n_params" in text for text in other["warnings"])
    assert "* no back-test: the interval is not widened" in foot(other)
