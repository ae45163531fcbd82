"""Random effects by category: the literal likelihood, its gradient, limits, CR2, metafor, and when to choose what."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gauger.errors import UserError
from gauger.stats.random_effects import MetaData, choose, fit, fit_categories
from gauger.stats.random_effects.category_likelihood import CategoryLikelihood
from gauger.stats.random_effects.category_structure import Structure

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "by_category.json").read_text(encoding="utf-8"))


def draw(seed: int, groups: int = 12, correlation: float = 0.3) -> tuple[MetaData, np.ndarray]:
    """Groups of two to seven rows in three categories, some rows sharing a control."""
    rng = np.random.default_rng(seed)
    sd = np.array([0.8, 0.3, 1.2])
    g = np.outer(sd, sd) * (correlation + (1 - correlation) * np.eye(3))
    group, category, shared = [], [], []
    for i in range(groups):
        m = int(rng.integers(2, 8))
        group += [i] * m
        category += rng.integers(0, 3, m).tolist()
        shared += [i] * 2 + [-1] * (m - 2)
    group, category = np.array(group), np.array(category)
    n = len(group)
    control = np.where(np.array(shared) >= 0, rng.uniform(0.01, 0.03, groups)[group], 0.0)
    u = rng.multivariate_normal(np.zeros(3), g, groups)
    own = rng.uniform(0.02, 0.1, n)
    effect = np.array([1.0, 0.2, -0.5])[category] + u[group, category] + rng.normal(size=n) * np.sqrt(own + 0.04)
    design = (category[:, None] == np.arange(3)).astype(float)
    data = MetaData(effect, own + control, (group, np.arange(n)), design, ("group", "row"), ("a", "b", "c"),
                    np.array(shared), np.where(np.array(shared) >= 0, control, 0.0))  # fmt: skip
    return data, category


def literal(data: MetaData, category: np.ndarray, g: np.ndarray, omega: np.ndarray) -> tuple[float, np.ndarray]:
    """Restricted log-likelihood and coefficients with n x n matrices."""
    n, p = data.design.shape
    m = np.diag(data.variance + omega[category])
    for i in range(n):
        for j in range(n):
            m[i, j] += g[category[i], category[j]] * (data.levels[0][i] == data.levels[0][j])
            if i != j and data.shared_group[i] == data.shared_group[j] >= 0:
                m[i, j] += data.shared_variance[i]
    w = np.linalg.inv(m)
    x, y = data.design, data.effect
    xwx = x.T @ w @ x
    beta = np.linalg.solve(xwx, x.T @ w @ y)
    r = y - x @ beta
    value = (n - p) * np.log(2 * np.pi) + np.linalg.slogdet(m)[1] + np.linalg.slogdet(xwx)[1] + r @ w @ r
    return -0.5 * (value - np.linalg.slogdet(x.T @ x)[1]), beta


@pytest.mark.parametrize("groups", ["one", "hcs", "un"])
@pytest.mark.parametrize("rows", ["one", "diag"])
def test_equals_dense_matrices(groups: str, rows: str) -> None:
    data, category = draw(1)
    fitted = fit_categories(data, category, groups=groups, rows=rows)
    value, beta = literal(data, category, fitted.groups, fitted.omega)
    assert fitted.log_likelihood == pytest.approx(value, abs=1e-8)
    np.testing.assert_allclose(fitted.beta, beta, rtol=1e-8)


def test_a_moderator_within_categories_takes_the_other_road() -> None:
    data, category = draw(2)
    x = np.random.default_rng(0).normal(size=len(data))
    wide = MetaData(data.effect, data.variance, data.levels, np.column_stack([data.design, x]), ("group", "row"),
                    ("a", "b", "c", "x"), data.shared_group, data.shared_variance)  # fmt: skip
    fitted = fit_categories(wide, category)
    value, beta = literal(wide, category, fitted.groups, fitted.omega)
    assert fitted.log_likelihood == pytest.approx(value, abs=1e-8)
    np.testing.assert_allclose(fitted.beta, beta, rtol=1e-8)


@pytest.mark.parametrize("groups", ["one", "hcs", "un"])
@pytest.mark.parametrize("method", ["REML", "ML"])
def test_gradient_is_the_difference_quotient(groups: str, method: str) -> None:
    data, category = draw(3)
    likelihood, structure = CategoryLikelihood(data, category, method), Structure(groups, "diag", 3)
    free = structure.start(0.7) + 0.1
    _, slopes = likelihood(*structure.unpack(free))
    exact = structure.gradient(free, slopes)
    for k in range(len(free)):
        ends = []
        for sign in (1, -1):
            moved = free.copy()
            moved[k] += sign * 1e-5
            ends.append(likelihood(*structure.unpack(moved))[0].value)
        # central differences: error of order 1e-10 relative to third derivatives of order 10
        assert exact[k] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-6)


def test_one_variance_is_the_nested_model() -> None:
    data, category = draw(4)
    mine, nested = fit_categories(data, category, groups="one", rows="one"), fit(data, robust=data.levels[0])
    assert mine.log_likelihood == pytest.approx(nested.log_likelihood, abs=1e-7)
    for one, other in zip(mine.coefficients, nested.coefficients, strict=True):
        assert (one.estimate, one.se, one.df) == pytest.approx((other.estimate, other.se, other.df), rel=1e-4)


def test_order_of_rows_and_unit_do_not_matter() -> None:
    data, category = draw(5)
    order = np.random.default_rng(1).permutation(len(data))
    one, other = fit_categories(data, category), fit_categories(data.take(order), category[order])
    np.testing.assert_allclose(one.beta, other.beta, rtol=1e-5)
    scaled = MetaData(100 * data.effect, 1e4 * data.variance, data.levels, data.design,
                      shared_group=data.shared_group, shared_variance=1e4 * data.shared_variance)  # fmt: skip
    np.testing.assert_allclose(fit_categories(scaled, category).beta, 100 * one.beta, rtol=1e-4)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['struct']}-{case['rows']}-{case['data']}")
def test_equals_metafor(case: dict) -> None:  # type: ignore[type-arg]
    """metafor's optimiser stops about 1e-8 short of the maximum, which leaves coefficients to about 1e-6 and variances,
    whose likelihood is flatter, to about 1e-4; at metafor's own variances the agreement is exact (the likelihood)."""
    columns = {name: np.array(values) for name, values in GOLDEN["data"][case["data"]].items()}
    names, category = np.unique(columns["category"], return_inverse=True)
    design = (category[:, None] == np.arange(len(names))).astype(float)
    n = len(category)
    data = MetaData(
        columns["yi"], columns["vi"], (columns["group"], np.arange(n)), design, ("group", "row"), tuple(names)
    )
    fitted = fit_categories(data, category, groups=case["struct"].lower(), rows=case["rows"].lower())
    wanted = case["values"]
    assert fitted.log_likelihood == pytest.approx(wanted["log_likelihood"], abs=1e-5)
    np.testing.assert_allclose(fitted.beta, wanted["beta"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(fitted.found.at.vcov)), wanted["se"], rtol=1e-4)
    np.testing.assert_allclose(np.diag(fitted.groups), wanted["tau2"], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose([one.se for one in fitted.coefficients], wanted["cr2_se"], rtol=1e-4)
    np.testing.assert_allclose([one.df for one in fitted.coefficients], wanted["cr2_df"], rtol=1e-3)


def test_choosing_finds_what_was_planted() -> None:
    data, category = draw(6, groups=80)
    assert choose(data, category)[0][0] != "one"
    simple = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        effect = rng.normal(size=80)[data.levels[0]] + rng.normal(size=len(data)) * np.sqrt(data.variance + 0.1)
        flat = MetaData(effect, data.variance, data.levels, data.design, ("group", "row"), ("a", "b", "c"))
        simple += choose(flat, category)[0] == ("one", "one")
    # AIC keeps a useless parameter in about one draw of six
    assert simple >= 3


def test_mistakes() -> None:
    data, category = draw(7)
    with pytest.raises(UserError, match="known structure of groups"):
        fit_categories(data, category, groups="ar")
    crossing = np.full(len(data), -1)
    crossing[[0, -1]] = 1
    shared = np.where(crossing >= 0, 0.01, 0.0)
    wrong = MetaData(
        data.effect, data.variance, data.levels, data.design, ("group", "row"), ("a", "b", "c"), crossing, shared
    )
    with pytest.raises(UserError, match="within one outermost group"):
        fit_categories(wrong, category)


def test_prediction_takes_the_category_s_own_spread() -> None:
    fitted = fit_categories(*draw(8, groups=40))
    widths = []
    for k, row in enumerate(np.eye(3)):
        there, one = fitted.prediction(row), fitted.coefficients[k]
        spread = fitted.groups[k, k] + fitted.omega[k]
        half = (one.high - one.estimate) / one.se * np.sqrt(one.se**2 + spread)
        assert there.prediction_high - there.estimate == pytest.approx(half)
        widths.append(there.prediction_high - there.prediction_low)
    assert widths[1] < widths[0] < widths[2]


def test_the_start_splits_the_variance_with_a_correlation_of_one_half() -> None:
    start = Structure("un", "diag", 3).start(0.5)
    factor = np.zeros((3, 3))
    factor[np.tril_indices(3)] = start[:6]
    np.testing.assert_allclose(factor @ factor.T, 0.25 * (0.5 * np.eye(3) + 0.5))
    np.testing.assert_allclose(start[6:] ** 2, 0.25)


def test_the_gradient_of_a_single_category_is_the_difference_quotient() -> None:
    data, category = draw(3)
    likelihood, structure = CategoryLikelihood(data, np.zeros_like(category), "REML"), Structure("hcs", "diag", 1)
    free = np.array([1.7, 0.4])
    _, slopes = likelihood(*structure.unpack(free))
    step = np.array([1e-5, 0.0])
    ends = [likelihood(*structure.unpack(free + sign * step))[0].value for sign in (1, -1)]
    assert structure.gradient(free, slopes)[0] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-6)
