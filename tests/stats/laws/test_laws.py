"""Every law: the formula literally, the gradient by differences, published coefficients and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from law_cases import grid, inner, literal, points

from gauger.errors import UserError
from gauger.stats.laws import LAWS, Points, candidates, find_law
from gauger.stats.laws.distillation import BUSBRIDGE_2025
from gauger.stats.laws.repeated import MUENNIGHOFF_2023, worth
from gauger.stats.laws.supervised import BESIROGLU_2024, BUSBRIDGE_SUPERVISED_2025, HOFFMANN_2022, KAPLAN_2020
from gauger.stats.laws.transfer import HERNANDEZ_MIXED_2021, HERNANDEZ_TEXT_2021

ALL = sorted(LAWS)


@pytest.mark.parametrize("name", ALL)
def test_the_formula_is_that_of_the_paper(name: str) -> None:
    law, some = LAWS[name], points(mixed=True)
    theta = law.starts(some, np.random.default_rng(1), 6)
    value, _ = law.evaluate(theta, some)
    for b, natural in enumerate(law.natural(theta)):
        given = dict(zip(law.names, natural, strict=True))
        for i in range(0, len(some), 3):
            row = {
                key: float(getattr(some, key)[i])
                for key in ("n_params", "n_tokens", "loss", "teacher_loss", "unique_tokens", "pretrained")
            }
            row |= {f"share_{k}": float(share) for k, share in enumerate(some.shares[i])}
            wanted = literal(name, given, row)
            found = np.exp(value[b, i]) if law.outcome == "loss" else value[b, i]
            assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_the_gradient_agrees_with_differences(name: str) -> None:
    law, some = LAWS[name], points(seed=3, mixed=True)
    theta = law.starts(some, np.random.default_rng(2), 12)
    _, gradient = law.evaluate(theta, some)
    for p in range(theta.shape[1]):
        # Central differences err by h^2/6 times the third derivative, which for these laws is below 1e3 at h = 1e-5,
        # and by rounding, 1e-16 x |f| / h; both stay below 1e-5.
        step = 1e-5 * np.maximum(1.0, np.abs(theta[:, p]))
        up, down = theta.copy(), theta.copy()
        up[:, p] += step
        down[:, p] -= step
        slope = (law.evaluate(up, some)[0] - law.evaluate(down, some)[0]) / (2 * step[:, None])
        assert np.abs(gradient[:, p] - slope).max() < 1e-5 * max(1.0, np.abs(gradient[:, p]).max())


@pytest.mark.parametrize("name", ALL)
def test_inner_and_natural_parameters_are_each_others_inverse_and_starts_are_finite(name: str) -> None:
    law = LAWS[name]
    theta = law.starts(points(mixed=True), np.random.default_rng(5), 50)
    assert np.isfinite(theta).all()
    assert law.inner(law.natural(theta)) == pytest.approx(theta)
    low, high = law.bounds
    assert (low < high).all()
    assert law.formula
    assert law.source
    assert law.identifiability


def test_published_coefficients_give_the_published_losses() -> None:
    # Chinchilla: 70B parameters on 1.4T tokens; Hoffmann et al. 2022, equation 10 gives 1.936 by hand.
    chinchilla = Points(np.array([70e9]), np.array([1.4e12]))
    law = LAWS["hoffmann"]
    by_hand = 1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28
    assert np.exp(law.evaluate(inner(law, HOFFMANN_2022), chinchilla)[0][0, 0]) == pytest.approx(by_hand, rel=1e-12)
    # The two fits of the same data agree within it: 1B parameters on 20B tokens.
    middle = Points(np.array([1e9]), np.array([2e10]))
    both = [np.exp(law.evaluate(inner(law, c), middle)[0][0, 0]) for c in (HOFFMANN_2022, BESIROGLU_2024)]
    assert both[0] == pytest.approx(both[1], rel=0.02)


def test_repeated_data_without_repetition_is_the_plain_law_below_the_optimum() -> None:
    some = grid()
    once = replace(some, unique_tokens=some.n_tokens)
    repeated, plain = LAWS["repeated"], LAWS["hoffmann"]
    value = repeated.evaluate(inner(repeated, MUENNIGHOFF_2023), once)[0][0]
    without = plain.evaluate(inner(plain, MUENNIGHOFF_2023), some)[0][0]
    small = some.n_params < 20e0 * 1e6 * (some.n_tokens / 5e8)  # far below compute-optimal: N' = N
    assert small.any()
    assert value[small] == pytest.approx(without[small], rel=1e-12)
    assert (value >= without - 1e-12).all()


def test_tokens_seen_four_times_are_worth_nearly_four_and_forty_times_far_less() -> None:
    # Muennighoff et al. 2023: up to four passes are nearly as good as new data, after sixteen returns diminish fast.
    four, forty = (
        float(np.exp(worth(np.zeros(1), np.log([passes]), np.array([15.387756]))[0][0])) for passes in (4.0, 40.0)
    )
    assert 3.6 < four < 4.0
    assert 14.0 < forty < 16.5


def test_interaction_with_gamma_one_is_hoffmann_and_without_floor_it_is_kaplan() -> None:
    some = grid()
    law, plain = LAWS["interaction"], LAWS["hoffmann"]
    value = law.evaluate(inner(law, {**BESIROGLU_2024, "gamma": 1.0}), some)[0]
    assert value == pytest.approx(plain.evaluate(inner(plain, BESIROGLU_2024), some)[0], rel=1e-12)
    k = KAPLAN_2020
    ratio = k["alpha_N"] / k["alpha_D"]
    same = {"E": 1e-6, "A": k["N_c"] ** ratio, "alpha": ratio, "B": k["D_c"], "beta": 1.0, "gamma": k["alpha_D"]}
    kaplan = LAWS["kaplan"]
    assert np.exp(law.evaluate(inner(law, same), some)[0]) == pytest.approx(
        np.exp(kaplan.evaluate(inner(kaplan, k), some)[0]) + 1e-6, rel=1e-9
    )


def test_the_distillation_law_has_a_capacity_gap() -> None:
    """A student's loss first falls and then rises as its teacher gets better, and equals the teacher's in the end."""
    law, teachers = LAWS["distillation"], np.linspace(1.6, 3.2, 81)
    small = Points(np.full(81, 5e8), np.full(81, 1e11), teacher_loss=teachers)
    loss = np.exp(law.evaluate(inner(law, BUSBRIDGE_2025), small)[0][0])
    best = int(loss.argmin())
    assert 0 < best < 80
    assert loss[0] > loss[best] < loss[-1]
    endless = Points(np.array([1e13]), np.array([1e18]), teacher_loss=np.array([2.2]))
    assert np.exp(law.evaluate(inner(law, BUSBRIDGE_2025), endless)[0][0, 0]) == pytest.approx(2.2, rel=0.01)


def test_points_without_a_teacher_follow_the_supervised_law() -> None:
    some = replace(grid(), teacher_loss=np.full(len(grid()), np.nan))
    law, plain = LAWS["distillation"], LAWS["interaction"]
    value = law.evaluate(inner(law, BUSBRIDGE_2025), some)[0]
    assert value == pytest.approx(plain.evaluate(inner(plain, BUSBRIDGE_SUPERVISED_2025), some)[0], rel=1e-12)


def test_laws_are_found_by_name_and_by_their_authors() -> None:
    assert find_law("chinchilla") is LAWS["hoffmann"]
    assert find_law("busbridge") is LAWS["distillation"]
    with pytest.raises(UserError, match="Did you mean 'hoffmann'"):
        find_law("hofmann")


def test_candidates_follow_from_the_columns_that_vary() -> None:
    some = replace(grid(), loss=np.ones(len(grid())))
    assert [law.name for law in candidates(some, "loss")] == ["hoffmann", "tied", "interaction", "kaplan"]
    one_size = replace(some, n_params=np.full(len(some), 1e8))
    assert [law.name for law in candidates(one_size, "loss")] == ["power", "rectified"]
    full = points(60)
    assert [law.name for law in candidates(full, "loss")] == [
        "hoffmann", "tied", "interaction", "kaplan", "repeated", "transfer", "distillation",
    ]  # fmt: skip
    assert [law.name for law in candidates(full, "accuracy")] == ["sigmoid", "error"]
    assert "repeated" not in [law.name for law in candidates(replace(full, unique_tokens=full.n_tokens), "loss")]
    # Five points are enough for the law that says so, and for no other.
    assert [law.name for law in candidates(full.take(np.arange(5)), "loss")] == ["tied"]
    assert candidates(full.take(np.arange(4)), "loss") == []


def test_published_coefficients_of_transfer() -> None:
    """Hernandez et al. 2021, arXiv 2102.01293, table 1: effective data transferred to Python."""
    assert HERNANDEZ_TEXT_2021 == {"k": 1.9e4, "a": 0.18, "b": 0.38}
    assert HERNANDEZ_MIXED_2021 == {"k": 2.1e5, "a": 0.096, "b": 0.38}
