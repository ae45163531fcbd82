"""Selection models: equality with metafor, the literal likelihood, what they correct, and where they say nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gauger.errors import UserError
from gauger.stats.random_effects.selection import (
    EMPTY_STEP,
    NO_SPREAD,
    TOO_FEW,
    average,
    candidates,
    pet_peese,
    step_selection,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "selection.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['kind']} {c['data']} {c.get('steps', '')}")
def test_equals_metafor(case: dict[str, Any]) -> None:
    data, wanted = GOLDEN["data"][case["data"]], case["values"]
    if case["kind"] == "step":
        found = step_selection(data["yi"], data["vi"], case["steps"])
        # the relative chances are flat directions of the likelihood: metafor's optimiser leaves 1e-6 to 1e-4 there
        np.testing.assert_allclose(found.weights, wanted["weights"], rtol=1e-4)
        assert found.log_likelihood == pytest.approx(wanted["log_likelihood"], abs=1e-6)
    else:
        found = pet_peese(data["yi"], data["vi"])
    for name in set(wanted) - {"weights", "log_likelihood"}:
        assert getattr(found, name) == pytest.approx(wanted[name], rel=1e-5, abs=1e-6), name


def test_the_golden_cases_are_whole() -> None:
    kinds = [case["kind"] for case in GOLDEN["cases"]]
    assert kinds.count("step") >= 4
    assert kinds.count("pet-peese") >= 7


def drawn(rng: np.random.Generator, n: int, mean: float, chance: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw results of which the insignificant ones are seen with a chance."""
    effects, variances = [], []
    while len(effects) < n:
        v = float(rng.choice([0.01, 0.04, 0.1]))
        y = mean + rng.normal() * np.sqrt(v + 0.01)
        if y / np.sqrt(v) > 1.96 or rng.random() < chance:
            effects.append(y)
            variances.append(v)
    return np.array(effects), np.array(variances)


def test_the_likelihood_is_the_weighted_density() -> None:
    """Each term integrates to 1 over y, which an unweighted density times a step would not."""
    y, v = drawn(np.random.default_rng(1), 60, 0.2, 0.3)
    found = step_selection(y, v)
    mean, tau2, (_, delta) = found.estimate, found.tau2, found.weights
    total = 0.0
    for yi, vi in zip(y, v, strict=True):
        grid = np.linspace(mean - 12 * np.sqrt(vi + tau2), mean + 12 * np.sqrt(vi + tau2), 200001)
        weighted = stats.norm.pdf(grid, mean, np.sqrt(vi + tau2)) * np.where(grid / np.sqrt(vi) >= 1.959964, 1.0, delta)
        area = np.trapezoid(weighted, grid)
        own = stats.norm.pdf(yi, mean, np.sqrt(vi + tau2)) * (1.0 if yi / np.sqrt(vi) >= 1.959964 else delta)
        total += np.log(own / area)
    # the trapezoid misses a piece of the size of one grid step at the jump
    assert found.log_likelihood == pytest.approx(total, abs=5e-3)


def test_it_takes_most_of_a_planted_bias_away() -> None:
    """40 draws of 80 results, truth 0.1, one insignificant result in five seen; the plain mean is the naive rival."""
    rng = np.random.default_rng(3)
    plain, step = [], []
    for _ in range(40):
        y, v = drawn(rng, 80, 0.1, 0.2)
        every = candidates(y, v)
        plain.append(every[0].estimate - 0.1)
        if every[1].estimate is not None:
            step.append(every[1].estimate - 0.1)
    assert len(step) >= 35
    assert np.mean(plain) > 0.06
    assert abs(np.mean(step)) < 0.4 * np.mean(plain)


def test_without_selection_it_changes_little() -> None:
    y, v = drawn(np.random.default_rng(4), 200, 0.1, 1.0)
    every = candidates(y, v)
    assert abs(every[1].estimate - every[0].estimate) < 2 * every[1].se
    assert every[1].p_selection > 0.05


def test_averaging_weighs_by_bic_and_widens() -> None:
    y, v = drawn(np.random.default_rng(5), 60, 0.2, 0.3)
    found = average(y, v)
    assert sum(share for _, share in found.shares) == pytest.approx(1.0)
    bic = [-2 * one.log_likelihood + one.parameters * np.log(60) for one in found.candidates]
    best = found.shares[int(np.argmin(bic))]
    assert best[1] == max(share for _, share in found.shares)
    assert (
        min(one.estimate for one in found.candidates) <= found.estimate <= max(one.estimate for one in found.candidates)
    )
    assert found.se >= min(one.se for one in found.candidates)


def test_no_slope_is_extrapolated_from_nearly_equal_errors() -> None:
    """A slope over errors of 0.20 to 0.29 would move the mean by hundreds of its errors."""
    y, v = np.random.default_rng(6).normal(8.0, 1.0, 30), np.linspace(0.04, 0.084, 30)
    assert [one.name for one in candidates(y, v) if "slope" in one.name] == []
    assert [one.name for one in candidates(y, 10 * v**2) if "slope" in one.name] != []


def test_too_little_to_say() -> None:
    y, v = np.linspace(0, 1, 9), np.full(9, 0.1)
    assert step_selection(y, v).reason == TOO_FEW
    assert pet_peese(y, v).reason == TOO_FEW
    assert average(y, v).reason == TOO_FEW
    assert step_selection(np.full(12, 2.0) + np.arange(12) / 10, np.full(12, 0.01)).reason == EMPTY_STEP
    assert pet_peese(np.arange(12.0), np.full(12, 0.1)).reason == NO_SPREAD
    with pytest.raises(UserError, match="increasing steps"):
        step_selection(np.arange(12.0), np.ones(12), (0.5, 0.025))


def test_the_average_is_that_of_its_candidates_with_what_they_disagree_by() -> None:
    """Weights by BIC; the variance is the mean of the candidates' own and the spread between them, squared."""
    y, v = drawn(np.random.default_rng(5), 40, 0.3, 0.4)
    averaged = average(y, v)
    parts = [one for one in candidates(y, v) if one.log_likelihood is not None and one.estimate is not None]
    bic = [one.parameters * np.log(40) - 2 * one.log_likelihood for one in parts]
    share = np.exp(-0.5 * (np.array(bic) - min(bic)))
    share /= share.sum()
    mean = sum(w * one.estimate for w, one in zip(share, parts, strict=True))
    variance = sum(w * (one.se**2 + (one.estimate - mean) ** 2) for w, one in zip(share, parts, strict=True))
    assert averaged.estimate == pytest.approx(mean, rel=1e-12)
    assert averaged.se == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert averaged.se > np.sqrt(sum(w * one.se**2 for w, one in zip(share, parts, strict=True)))
