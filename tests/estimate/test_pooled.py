"""Points of two kinds that no law tells apart: said first, refused as one law, and never silently predicted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from gauger.estimate.scaling.cautions import column_warnings, pooled_warnings
from gauger.estimate.scaling.fit import FitRequest, fit_points
from gauger.stats.laws import LAWS, Points, Search

REQUEST = FitRequest(draws=100, search=Search(starts=20))
ASKED = Points(np.array([1e9]), np.array([6.4e10]))


def grid(sizes: int = 5, budgets: int = 4) -> Points:
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(1e9, 6.4e10, budgets), indexing="ij")
    return lossy(Points(n.ravel(), d.ravel()))


def lossy(points: Points, factor: np.ndarray | float = 1.0, tokens: np.ndarray | None = None) -> Points:
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(points)))
    worth = points.n_tokens if tokens is None else tokens
    return replace(points, loss=(1.7 + 400 / points.n_params**0.34 + 410 / worth**0.28) * factor * noise)


def taught() -> Points:
    """Twenty controls, and twenty distilled models of one teacher whose losses are 8 % lower."""
    both = grid().take(np.tile(np.arange(20), 2))
    has = np.repeat([False, True], 20)
    return lossy(replace(both, teacher_loss=np.where(has, 2.0, np.nan)), np.where(has, 0.92, 1.0))


def repeated(budgets: tuple[float, ...] = (1e9, 4e9)) -> Points:
    """Up to 64 epochs of few sets of distinct tokens, whose repetitions wear out (R_D = 15)."""
    n, u, epochs = (
        axis.ravel() for axis in np.meshgrid([1e7, 1e8, 1e9], budgets, [1.0, 4.0, 16.0, 64.0], indexing="ij")
    )
    worth = u * (1 + 15 * (1 - np.exp(-(epochs - 1) / 15)))
    return lossy(Points(n, u * epochs, unique_tokens=u), tokens=worth)


def transferred() -> Points:
    pretrained = np.repeat([0.0, 1.0], 9)
    d = np.tile(np.geomspace(1e7, 1e10, 9), 2)
    loss = (2 + 300 / (d + 3e8 * pretrained) ** 0.3) * np.exp(0.002 * np.random.default_rng(0).standard_normal(18))
    return Points(np.full(18, 1e8), d, pretrained=pretrained, loss=loss)


def mixed() -> Points:
    share = np.random.default_rng(0).uniform(0.1, 0.9, 20)
    return lossy(replace(grid(), shares=np.stack([share, 1 - share], axis=1)), 1 + 0.3 * share)


POOLED = {
    "teacher_loss": (
        taught,
        "the law distillation does not compete: it needs 3 values of teacher_loss, and there are 1",
    ),
    "unique_tokens": (
        repeated,
        "the law repeated does not compete: it needs 3 values of unique_tokens, and there are 2",
    ),
    "pretrained": (transferred, "the law transfer does not compete: it needs 2 values of n_params, and there are 1"),
    "shares": (mixed, "the law mixture-2 does not compete: it needs models of one size and one number of tokens"),
}


@cache
def fitted(name: str) -> dict[str, Any]:
    return fit_points(POOLED[name][0](), REQUEST, ASKED)


@pytest.mark.parametrize("name", POOLED)
def test_what_sets_models_apart_and_no_law_reads_is_said_first_with_the_reason(name: str) -> None:
    first = fitted(name)["warnings"][0]
    assert first.startswith(f"models differ in {name}, which no law here reads")
    assert POOLED[name][1] in first


@pytest.mark.parametrize("name", POOLED)
def test_no_law_holds_for_models_of_two_kinds(name: str) -> None:
    verdict = fitted(name)["verdict"]
    assert not verdict["holds"]
    assert f"smooth curves and {name} take up" in verdict["answer"]


def test_models_of_one_kind_are_not_refused() -> None:
    document = fit_points(replace(grid(), teacher_loss=np.full(20, 2.0), pretrained=np.zeros(20)), REQUEST)
    assert document["verdict"]["holds"]
    assert not any("models differ" in warning for warning in document["warnings"])


def test_a_law_that_reads_the_column_says_nothing_and_another_asked_by_name_does() -> None:
    several = repeated((1e9, 2e9, 4e9))
    assert pooled_warnings(several, [LAWS["repeated"], LAWS["hoffmann"]]) == []
    assert "the law repeated, which does, was not asked for" in pooled_warnings(several, [LAWS["hoffmann"]])[0]
    # Whatever a teacher does to the loss is in the loss that a link reads.
    assert pooled_warnings(taught(), [LAWS["link"]]) == []


def test_models_to_predict_that_lack_a_column_which_a_law_reads_are_named() -> None:
    several = repeated((1e9, 2e9, 4e9))
    assert column_warnings(several, ASKED, [LAWS["repeated"], LAWS["hoffmann"]]) == [
        "the models to predict have no unique_tokens: they are predicted as trained on fresh tokens"
    ]
    assert column_warnings(several, replace(ASKED, unique_tokens=np.array([1e9])), [LAWS["repeated"]]) == []
    assert column_warnings(transferred(), ASKED, [LAWS["transfer"]]) == [
        "the models to predict have no pretrained: they are predicted as trained from a pre-trained model"
    ]
    assert "without a teacher" in column_warnings(taught(), ASKED, [LAWS["distillation"]])[0]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("teacher_loss", {"teacher_loss": np.array([2.0])}),
        ("unique_tokens", {"unique_tokens": np.array([1e9])}),
        ("pretrained", {"pretrained": np.array([0.0])}),
    ],
)
def test_models_of_a_kind_that_no_law_has_seen_are_named(name: str, columns: dict[str, np.ndarray]) -> None:
    warning = column_warnings(grid(), replace(ASKED, **columns), [LAWS["hoffmann"]])
    assert len(warning) == 1
    assert warning[0].startswith(f"1 predictions have {name} outside the fitted points, which no law here reads")
    assert column_warnings(grid(), ASKED, [LAWS["hoffmann"]]) == []
