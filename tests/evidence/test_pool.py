"""Pooling: a dense literal fit, and what is left undefined."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gauger.evidence.effects import EffectUnit, add_effects, shared_controls
from gauger.evidence.pool import DIFFERENCE, contrast, pool, pool_roles
from gauger.evidence.pooled import TOO_FEW, Analysis, PoolingModel
from gauger.evidence.restrict import rows_of
from gauger.stats.random_effects import CategoryFit

from .make import frame


def dense(found: Analysis) -> tuple[list[str], np.ndarray]:
    """Generalised least squares with n x n matrices and the fit's variances, spelled out row by row."""
    some = add_effects(found.rows)
    study, cell, role = (some[name].to_list() for name in ("study_id", "cell_control", "benchmark_role"))
    variance, control = some["variance"].to_numpy(), some["control_variance"].to_numpy()
    fitted = found.fitted
    if isinstance(fitted, CategoryFit):
        kinds = [fitted.names[code] for code in fitted.category]
        at = [fitted.names.index(kind) for kind in kinds]
        between, own = fitted.groups, fitted.omega
    else:
        at, between, own = [0] * len(some), np.array([[found.tau["study"] ** 2]]), [found.tau["row"] ** 2]
    m = np.zeros((len(some), len(some)))
    for i in range(len(some)):
        for j in range(len(some)):
            m[i, j] = (variance[i] + own[at[i]]) * (i == j)
            m[i, j] += between[at[i], at[j]] * (study[i] == study[j])
            m[i, j] += control[i] * (i != j and cell[i] == cell[j])
    roles = [one.name for one in found.pooled if one.reason is None and one.name != DIFFERENCE]
    x = np.column_stack([np.array(role) == name for name in roles]).astype(float)
    w = np.linalg.inv(m)
    return roles, np.linalg.solve(x.T @ w @ x, x.T @ w @ some["effect"].to_numpy())


@pytest.mark.parametrize("model", [PoolingModel(), PoolingModel(heterogeneity="one")], ids=["by role", "one variance"])
def test_coefficients_are_generalised_least_squares(rows: pl.DataFrame, model: PoolingModel) -> None:
    found = pool_roles(rows_of(rows, ("rl-instead",)), model)
    assert isinstance(found.fitted, CategoryFit) == (model.heterogeneity == "by role")
    roles, beta = dense(found)
    # a search that stops at a slope of 1e-3 leaves means to about 1e-4 of their error
    assert [found[role].estimate for role in roles] == pytest.approx(beta, rel=1e-8)
    assert found[DIFFERENCE].estimate == pytest.approx(beta[roles.index("targeted")] - beta[roles.index("held-out")])


def test_one_variance_for_all_roles_is_rejected(rows: pl.DataFrame) -> None:
    """And it matters: a new held-out result scatters less than a new targeted one."""
    some = rows_of(rows, ("untouched-base",))
    by_role, one = pool_roles(some), pool_roles(some, PoolingModel(heterogeneity="one"))
    gain = 2 * (by_role.fitted.log_likelihood - one.fitted.log_likelihood)
    assert gain - 2 * (by_role.fitted.structure.parameters - 2) > 100
    widths = [a["held-out"].prediction_high - a["held-out"].prediction_low for a in (by_role, one)]
    assert widths[0] < 0.95 * widths[1]


def test_shared_controls_matter(rows: pl.DataFrame) -> None:
    some = rows_of(rows, ("untouched-base",))
    assert (shared_controls(add_effects(some)) >= 0).sum() > 500
    with_shared, without = pool_roles(some), pool_roles(some, PoolingModel(shared="none"))
    assert abs(with_shared["fresh"].estimate - without["fresh"].estimate) > 0.1


def test_a_third_level_and_another_scale_change_the_answer(rows: pl.DataFrame) -> None:
    some = rows_of(rows, ("untouched-base",))
    plain, arms = pool_roles(some), pool_roles(some, PoolingModel(arm_level=True))
    assert list(arms.tau) == ["study", "arm", "row"]
    assert plain["held-out"].se != arms["held-out"].se
    assert 0 < pool_roles(some, PoolingModel(scale=EffectUnit.LOG_ODDS))["targeted"].estimate < 2


def small(count: int, **change: str) -> list[dict[str, str]]:
    """Rows of `count` studies, two benchmarks each, with gains of 10, 11, ..."""
    return [
        {"study_id": f"s{i}", "arm": f"a{i}", "benchmark": name, "score_distilled": str(50 + i + j), **change}
        for i in range(count)
        for j, name in enumerate(("MATH500", "GSM8K"))
    ]


def test_roles_with_fewer_than_two_studies_are_undefined_with_a_reason() -> None:
    rows = frame(*small(4), *small(1, benchmark_role="held-out", metric="other"))
    found = pool_roles(rows)
    assert found["targeted"].estimate == pytest.approx(12.0, abs=0.5)
    for role, n in (("held-out", 2), ("fresh", 0), ("general", 0)):
        one = found[role]
        assert (one.estimate, one.reason, one.n_rows) == (None, TOO_FEW, n)
    assert found[DIFFERENCE].reason == TOO_FEW
    assert found.n_rows == 8


@pytest.mark.parametrize("changes", [[], small(1)], ids=["no row", "one study"])
def test_nothing_to_pool(changes: list[dict[str, str]]) -> None:
    rows = frame({}, *changes).filter(pl.col("study_id") != "one-2025")
    found = pool_roles(rows)
    assert found.fitted is None
    assert {one.reason for one in found.pooled} == {TOO_FEW}
    assert {one.estimate for one in found.pooled} == {None}


def test_where_every_study_has_one_row_the_study_level_is_dropped() -> None:
    rows = frame(*[row for row in small(5) if row["benchmark"] == "MATH500"])
    assert list(pool_roles(rows).tau) == ["study"]


def test_few_degrees_of_freedom_are_marked() -> None:
    assert pool_roles(frame(*small(3)))["targeted"].note is not None
    assert pool_roles(frame(*small(12)))["targeted"].note is None


def test_prediction_interval_holds_the_confidence_interval(rows: pl.DataFrame) -> None:
    for one in pool_roles(rows_of(rows)).pooled:
        if one.prediction_low is not None:
            assert one.prediction_low < one.low < one.estimate < one.high < one.prediction_high


def test_contrast_of_a_term_that_is_not_in_the_fit_is_none() -> None:
    rows = frame(*small(3))
    analysis = pool(rows, {"mean": np.ones(len(rows))})
    assert contrast(analysis, {"mean": 1.0, "other": -1.0}, "x") is None
    same = contrast(analysis, {"mean": 2.0}, "double")
    assert same is not None
    assert same.estimate == pytest.approx(2 * analysis["mean"].estimate)
    assert same.n_rows == len(rows)


def test_order_of_rows_does_not_matter(rows: pl.DataFrame) -> None:
    some = rows_of(rows, ("rl-instead",))
    one, other = pool_roles(some), pool_roles(some.sample(fraction=1, shuffle=True, seed=3))
    assert other["targeted"].estimate == pytest.approx(one["targeted"].estimate, rel=1e-6)
    assert other["targeted"].se == pytest.approx(one["targeted"].se, rel=1e-6)
