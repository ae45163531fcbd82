"""What goes in: mistakes are refused with words, groups and blocks follow when rows are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import random_effects_cases as cases

from gauger.errors import UserError
from gauger.stats.random_effects import NO_GROUP, MetaData, design_matrix
from gauger.stats.random_effects.data import marginal_block, sampling_block

GOOD: dict[str, Any] = {"effect": [0.1, 0.2, 0.3, 0.5], "variance": [0.1, 0.2, 0.1, 0.3]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variance": [0.1, 0.2]}, "one variance per effect"),
        ({"variance": [0.1, 0.0, 0.1, 0.1]}, "variances > 0, got 0 in row 1"),
        ({"variance": [0.1, -2.0, 0.1, 0.1]}, "variances > 0, got -2 in row 1"),
        ({"effect": [0.1, np.nan, 0.1, 0.1]}, "finite effects"),
        ({"effect": [0.1], "variance": [0.1]}, "at least two rows"),
        ({"moderators": np.ones((4, 4)), "moderator_names": tuple("abcd")}, "more rows than coefficients"),
        ({"moderators": np.ones((4, 2))}, "not linear combinations"),
        ({"levels": (np.zeros(3),)}, "one label per row"),
        ({"levels": (np.array([0, 0, 1, 1]), np.array([5, 5, 5, 5]))}, "to split the level outside it"),
        ({"levels": (np.zeros(4), np.arange(4)), "level_names": ("lab", "row")}, "two groups at level 'lab'"),
        ({"level_names": ("a", "b")}, "one name per"),
        ({"shared_group": [0, 0, 1, 1]}, "one entry per row"),
        ({"shared_group": [0, 0, 1, 1], "shared_variance": [0.05, 0.06, 0.0, 0.0]}, "one control variance"),
        ({"shared_group": [0, 0, 1, 1], "shared_variance": [0.1, 0.1, 0.0, 0.0]}, "below the row's whole variance"),
        ({"covariance": ((np.array([0, 1]), np.ones((2, 3))),)}, "square and symmetric"),
        ({"covariance": ((np.array([0, 0]), np.eye(2)),)}, "one covariance block at most"),
    ],
)
def test_mistakes(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        MetaData(**(GOOD | change))


def test_the_default_level_is_the_row() -> None:
    data = MetaData(**GOOD)
    assert (data.level_names, data.row_level, data.moderator_names) == (("row",), 0, ("intercept",))
    assert MetaData(**GOOD, levels=(np.array([0, 0, 1, 1]),)).row_level is None


def test_lonely_rows_share_nothing() -> None:
    data = MetaData(**GOOD, shared_group=[7, 7, 3, -1], shared_variance=[0.05, 0.05, 0.9, 0.9])
    assert data.shared_group is not None
    assert data.shared_variance is not None
    assert data.shared_group[2:].tolist() == [NO_GROUP, NO_GROUP]
    assert data.shared_variance.tolist() == [0.05, 0.05, 0.0, 0.0]
    np.testing.assert_allclose(data.own_variance, [0.05, 0.15, 0.1, 0.3])


def test_the_input_is_copied() -> None:
    effect = np.array(GOOD["effect"])
    data = MetaData(effect, GOOD["variance"])
    effect[0] = 99.0
    assert data.effect[0] == 0.1


@pytest.mark.parametrize("builder", [cases.shared_within_arm, cases.shared_across_arms])
def test_blocks_are_submatrices(builder: Any) -> None:
    data, tau2 = builder(1), np.array([0.1, 0.2, 0.3])
    rows = np.array([3, 30, 5, 17, 8, 9, 21])
    np.testing.assert_allclose(sampling_block(data, rows), cases.sampling_matrix(data)[np.ix_(rows, rows)])
    np.testing.assert_allclose(marginal_block(data, rows, tau2), cases.marginal_matrix(data, tau2)[np.ix_(rows, rows)])


def test_taking_rows_takes_their_covariance() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    block = root @ root.T + np.eye(4)
    base = cases.shared_across_arms(2)
    data = MetaData(
        base.effect, base.variance, base.levels, base.moderators, covariance=((np.array([1, 5, 7, 30]), block),)
    )
    kept = np.array([0, 5, 30, 2, 7, 11, 12, 13, 14, 15, 25, 26, 27, 28, 33, 34, 35])
    for whole in (data, base):
        taken = whole.take(kept)
        np.testing.assert_allclose(cases.sampling_matrix(taken), cases.sampling_matrix(whole)[np.ix_(kept, kept)])
    mask = np.isin(np.arange(40), kept)
    np.testing.assert_allclose(data.take(mask).effect, data.effect[mask])


def test_design_matrix() -> None:
    X, names = design_matrix({"year": [1, 2, 3], "role": ["b", "a", "c"], "open": [True, False, True]}, 3)
    assert names == ("intercept", "year", "role=b", "role=c", "open=True")
    assert X.tolist() == [[1, 1, 1, 0, 1], [1, 2, 0, 0, 0], [1, 3, 0, 1, 1]]
    X, names = design_matrix({"role": ["b", "a", "c"], "open": [True, False, True]}, 3, intercept=False)
    assert names == ("role=a", "role=b", "role=c", "open=True")
    _, names = design_matrix({"role": ["b", "a", "c"]}, 3, reference={"role": "c"})
    assert names == ("intercept", "role=a", "role=b")
    with pytest.raises(UserError, match="category of 'role'"):
        design_matrix({"role": ["b", "a", "c"]}, 3, reference={"role": "z"})
    with pytest.raises(UserError, match="one value per row"):
        design_matrix({"role": ["b", "a"]}, 3)
