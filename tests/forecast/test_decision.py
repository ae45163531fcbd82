"""Decisions follow losses and uplifts in the planted direction, and knowing is never worth less than nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gauger.forecast.decision import decide, loss_of, loss_table, regions, turning_points
from gauger.forecast.load import load_scenario
from gauger.forecast.mixture import MixedForecast
from gauger.forecast.scenario import Losses, Scenario, Thresholds
from gauger.forecast.worth import best_of, expected_after, value_experiments


def scenario(**changes: Any) -> Scenario:
    return load_scenario({"scenario": "x", **changes})


def around(mean: float, sd: float = 8.0) -> MixedForecast:
    return MixedForecast(mean + sd * np.random.default_rng(0).standard_normal((100, 50)))


def best(mean: float, **changes: Any) -> str:
    return decide(loss_table(around(mean).values.ravel(), scenario(**changes))).best


def test_the_loss_is_that_of_the_thresholds() -> None:
    found = loss_of(np.array([-5.0, 2.9, 3.0, 9.9, 10.0]), Losses(major=10, between=2, minor=0), Thresholds())
    assert found.tolist() == [0, 0, 2, 2, 10]


def test_a_larger_uplift_asks_for_more_defence() -> None:
    high = {"losses": {"major": 40.0, "between": 2.0}}
    assert [best(mean, **high) for mean in (-25.0, 12.0)] == ["accept", "aggressive"]
    assert best(12.0, losses={"major": 0.1, "between": 0.0}) == "accept"
    assert best(12.0, defences={"aggressive": {"removes": 0.9, "honest_cost": 100.0}}) != "aggressive"
    assert best(12.0, thresholds={"fresh": {"minor": 40, "major": 60}}) == "accept"


def test_a_defence_that_removes_nothing_is_never_chosen() -> None:
    useless = {"matched": {"removes": 1e-9}, "aggressive": {"removes": 1e-9}}
    assert best(20.0, defences=useless) == "accept"


def test_a_harmful_uplift_is_not_made_smaller_by_a_defence() -> None:
    table = loss_table(np.array([-20.0]), scenario(losses={"minor": 3.0}))
    assert table[0].tolist() == pytest.approx([3.0, 4.0, 7.0])


def test_the_regions_are_the_literal_choice() -> None:
    mixture, known = around(6.0), scenario()
    cells = {(round(one["stake"], 9), round(one["burden"], 9)): one["best"] for one in regions(mixture, known)}
    for (stake, burden), found in list(cells.items())[::97]:
        values = {
            "losses": {"major": stake, "between": 0.2 * stake},
            "defences": {"aggressive": {"removes": {"low": 0.3, "high": 0.9}, "honest_cost": burden}},
        }
        literal = decide(loss_table(mixture.values.ravel(), scenario(**values)))
        assert literal.expected[found] == pytest.approx(min(literal.expected.values()), abs=1e-9)
    assert {one["best"] for one in turning_points(around(12.0), known)} >= {"accept", "aggressive"}


def test_information_is_worth_at_most_what_perfect_knowledge_is() -> None:
    uplift = np.sort(around(6.0).values.ravel())
    table = loss_table(uplift, scenario())
    now, perfect = table.mean(axis=0).min(), table.min(axis=1).mean()
    after = [expected_after(uplift, table, sd) for sd in (0.01, 3.0, 10.0, 300.0)]
    assert after == sorted(after)
    assert after[0] == pytest.approx(perfect, abs=0.02 * now)
    assert after[-1] == pytest.approx(now, rel=0.03)


def test_the_cheapest_good_experiment_is_chosen_and_none_where_nothing_helps() -> None:
    found = value_experiments(around(6.0), scenario(), 7.0, 1e5)
    assert found[0].value > 0
    chosen = best_of(found)
    assert chosen is not None
    assert chosen.value >= 0.9 * found[0].value
    assert all(one.usd >= chosen.usd for one in found if one.value >= 0.9 * found[0].value)
    nothing = value_experiments(around(-60.0, 0.1), scenario(), 7.0, 1e5)
    assert best_of(nothing) is None
    dearer = value_experiments(around(6.0), scenario(), 70.0, 1e5)
    assert {one.name: one.flops for one in dearer}["own-full"] == pytest.approx(
        10 * {one.name: one.flops for one in found}["own-full"]
    )
