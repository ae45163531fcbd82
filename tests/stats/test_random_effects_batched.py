"""Many fits at once are the same fits, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from gauger.errors import ConvergenceError, UserError
from gauger.stats.random_effects import MetaData, batched, fit, fit_many
from gauger.stats.random_effects.fitting import likelihood_of

RNG = np.random.default_rng(11)
SETS, ROWS = 120, 9
VARIANCE = RNG.uniform(0.02, 1.0, (SETS, ROWS))
EFFECT = RNG.normal(size=(SETS, ROWS)) * np.sqrt(VARIANCE + RNG.choice([0.0, 0.05, 1.0], size=(SETS, 1)))
DESIGN = np.column_stack([np.ones(ROWS), RNG.normal(size=ROWS)])


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("moderated", [False, True])
@pytest.mark.parametrize("ragged", [False, True])
def test_each_equals_its_own_fit(method: str, moderated: bool, ragged: bool) -> None:
    design = DESIGN if moderated else None
    present = np.random.default_rng(1).random((SETS, ROWS)) < 0.8 if ragged else np.ones((SETS, ROWS), dtype=bool)
    present[:, :4] = True
    many = fit_many(EFFECT, VARIANCE, design, present=present if ragged else None, method=method)
    for s in range(SETS):
        here = present[s]
        data = MetaData(EFFECT[s][here], VARIANCE[s][here], (), None if design is None else design[here])
        one = fit(data, method=method, test="knapp-hartung")  # type: ignore[arg-type]
        assert many.tau2[s] == pytest.approx(one.tau2[0], rel=1e-8, abs=1e-9)
        assert many.log_likelihood[s] == pytest.approx(one.log_likelihood, rel=1e-9)
        np.testing.assert_allclose(many.beta[s], one.beta, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(many.se_knapp_hartung[s], [c.se for c in one.coefficients], rtol=1e-7)
    assert (many.tau2 == 0.0).any()
    assert (many.tau2 > 0.5).any()


def test_the_fast_mean_equals_the_general_search(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = [fit(MetaData(y, v)) for y, v in zip(EFFECT, VARIANCE, strict=True)]
    monkeypatch.setattr("gauger.stats.random_effects.univariate.applies", lambda data: False)
    for quick, y, v in zip(fast, EFFECT, VARIANCE, strict=True):
        slow = fit(MetaData(y, v))
        assert quick.tau2[0] == pytest.approx(slow.tau2[0], rel=1e-8, abs=1e-9)
        assert quick.log_likelihood == pytest.approx(slow.log_likelihood, rel=1e-10)
        np.testing.assert_allclose(quick.found.at.hessian, slow.found.at.hessian, rtol=1e-5)


def test_never_below_a_grid() -> None:
    """The mode found is the higher one wherever a coarse scan can tell."""
    many = fit_many(EFFECT, VARIANCE, DESIGN)
    for s in range(SETS):
        function = likelihood_of(MetaData(EFFECT[s], VARIANCE[s], (), DESIGN))
        best = max(function(np.array([t])).value for t in np.linspace(0.0, 3.0, 61))
        assert many.log_likelihood[s] >= best - 1e-8


def test_mistakes() -> None:
    with pytest.raises(UserError, match="more rows than coefficients"):
        fit_many(EFFECT[:, :2], VARIANCE[:, :2], DESIGN[:2])
    with pytest.raises(UserError, match="finite variances > 0"):
        fit_many(EFFECT, -VARIANCE)


def test_one_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched, "STEPS", 1)
    with pytest.raises(ConvergenceError, match=r"of 120 data sets did not converge, the first is number \d+"):
        fit_many(EFFECT, VARIANCE)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_step_has_the_observed_curvature_where_it_is_positive_and_else_the_expected_one(method: str) -> None:
    """By dense matrices; both kinds occur."""
    tau2 = np.full(SETS, 0.02)
    made = batched.BatchedData(EFFECT, VARIANCE, None, DESIGN)
    slope, curvature, _, _ = batched._slopes(made, tau2, method)
    kinds = set()
    for s in range(SETS):
        w = np.diag(1 / (VARIANCE[s] + tau2[s]))
        p = w - w @ DESIGN @ np.linalg.inv(DESIGN.T @ w @ DESIGN) @ DESIGN.T @ w
        q, y = (p if method == "REML" else w), EFFECT[s]
        expected = 0.5 * np.trace(q @ q)
        observed = y @ p @ p @ p @ y - expected
        kinds.add(observed > 0)
        assert slope[s] == pytest.approx(0.5 * (y @ p @ p @ y - np.trace(q)), rel=1e-9)
        assert curvature[s] == pytest.approx(observed if observed > 0 else expected, rel=1e-9)
    assert kinds == {True, False}
