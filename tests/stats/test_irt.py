"""Rasch and 2PL: planted items, luck shrunk, extremes finite, and agreement with a general optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from gauger.stats import irt
from gauger.stats.irt import fit_item_response


def answers(ability: np.ndarray, difficulty: np.ndarray, seed: int = 0, slope: float | np.ndarray = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((len(ability), len(difficulty))) < expit(slope * (ability[:, None] - difficulty))).astype(float)


def test_planted_difficulties_and_abilities_are_found() -> None:
    rng = np.random.default_rng(1)
    difficulty, ability = rng.normal(0, 1.2, 400), np.linspace(-1.5, 1.5, 40)
    found = fit_item_response(answers(ability, difficulty))
    assert found.converged
    assert np.corrcoef(found.difficulty, difficulty)[0, 1] > 0.94
    assert found.spread == pytest.approx(1.2, rel=0.12)
    assert found.ability == pytest.approx(ability - difficulty.mean(), abs=0.45)
    z = (found.difficulty - difficulty + difficulty.mean()) / found.difficulty_se
    assert (np.abs(z) < 1.96).mean() > 0.92


def test_the_fit_is_the_maximum_that_a_general_optimiser_finds() -> None:
    seen = answers(np.array([-0.5, 0.2, 0.9]), np.linspace(-1, 1, 12), seed=3)
    found = fit_item_response(seen)

    def negative(x: np.ndarray) -> float:
        eta = x[:3, None] - x[3:]
        return float(np.logaddexp(0, eta).sum() - (seen * eta).sum() + (x[3:] ** 2).sum() / (2 * found.spread**2))

    best = minimize(negative, np.zeros(15), tol=1e-10).x
    # Centring shifts difficulties and abilities alike, which only the prior sees, in second order.
    assert found.difficulty == pytest.approx(best[3:] - best[3:].mean(), abs=5e-3)


def test_items_that_all_or_none_solve_stay_finite_and_in_order() -> None:
    seen = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 1, 1]], dtype=float)
    found = fit_item_response(seen)
    assert np.isfinite(found.difficulty).all()
    assert found.difficulty.argmin() == 0
    assert found.difficulty.argmax() == 1


def test_missing_answers_are_left_out_and_unseen_items_stay_in_the_middle() -> None:
    seen = answers(np.array([0.0, 0.5, -0.5, 1.0]), np.linspace(-2, 2, 30))
    seen[:, 4] = np.nan
    found = fit_item_response(seen)
    assert found.difficulty[4] == pytest.approx(-0.0, abs=0.05)
    assert found.difficulty_se[4] == pytest.approx(found.spread, rel=1e-3)
    without = fit_item_response(np.delete(seen, 4, axis=1))
    assert np.delete(found.difficulty, 4) == pytest.approx(without.difficulty, abs=0.1)


def test_more_answers_shrink_less() -> None:
    share = np.array([[0.25, 0.75, 0.5, 0.9]])
    few, many = (fit_item_response(share, np.full((1, 4), n)) for n in (2.0, 200.0))
    assert np.ptp(few.difficulty) < np.ptp(many.difficulty)
    assert (few.difficulty_se / few.spread > many.difficulty_se / many.spread).all()


def test_two_parameters_tell_sharp_items_from_dull_ones() -> None:
    slope = np.repeat([0.6, 1.8], 60)
    seen = answers(np.linspace(-2.5, 2.5, 60), np.tile(np.linspace(-1, 1, 60), 2), seed=5, slope=slope)
    found = fit_item_response(seen, model="2pl")
    assert found.discrimination[60:].mean() > 1.4 * found.discrimination[:60].mean()
    assert (fit_item_response(seen).discrimination == 1.0).all()


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="3pl"):
        fit_item_response(np.ones((2, 2)), model="3pl")


def test_a_fit_whose_steps_ran_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(irt, "STEPS", 1)
    assert not fit_item_response(answers(np.array([-0.5, 0.2, 0.9]), np.linspace(-1, 1, 12), seed=3)).converged
