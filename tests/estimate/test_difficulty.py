"""Uplift by difficulty: by hand, on a planted pattern, and how the wrong answers would invent one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.difficulty import (
    difficulty_from_others,
    difficulty_from_own,
    pool,
    uplift_by_difficulty,
)
from gauger.estimate.difficulty_estimates import difficulty_estimates
from gauger.stats.crossed.contrast import estimate_contrasts
from gauger.stats.crossed.panel import Panel, panel_of

from .studies import find, small_cells


def study(slope: float, seed: int, items: int = 160, replicates: int = 4) -> tuple[Panel, np.ndarray]:
    """Base, matched and distilled arm; the uplift in logits is 0.5 + slope x difficulty."""
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0, 1.0, items)
    training = rng.normal(0, 0.6, (3, replicates, items))
    logit = -difficulty + training
    logit[2] += 0.5 + slope * difficulty
    scores = (rng.random(logit.shape) < expit(logit)).astype(float)
    scores[0, 1:] = np.nan
    panel = panel_of([scores], paired=True)
    replicates_AR = panel.replicates.copy()
    replicates_AR[0, 1:] = -1
    return Panel(panel.scores, panel.units, replicates_AR), difficulty


def test_with_known_difficulty_quartiles_are_plain_means() -> None:
    panel, difficulty = study(0.0, 1, items=40)
    found = uplift_by_difficulty(panel, (2, 1), difficulty)
    order = np.argsort(difficulty)
    for q in range(4):
        rows = order[10 * q : 10 * (q + 1)]
        by_hand = panel.scores[0][2][:, rows].mean() - panel.scores[0][1][:, rows].mean()
        assert found.quartiles.value[q] == pytest.approx(by_hand)
        assert found.difficulty[q] == pytest.approx(difficulty[rows].mean())
        assert found.quartiles.low[q] < by_hand < found.quartiles.high[q]
    assert found.quartiles.value[4] == pytest.approx(found.quartiles.value[3] - found.quartiles.value[0])
    assert found.hardest == 3
    assert found.source == "known"


def test_levels_of_known_difficulty_stay_together() -> None:
    panel, _ = study(0.0, 1, items=40)
    found = uplift_by_difficulty(panel, (2, 1), np.repeat([1.0, 2.0], 20))
    difference = panel.scores[0][2] - panel.scores[0][1]
    assert found.quartiles.value[0] == pytest.approx(difference[:, :20].mean())
    assert found.quartiles.value[3] == pytest.approx(difference[:, 20:].mean())
    assert found.n_items.tolist() == [20, 0, 0, 20]
    assert np.isnan(found.quartiles.value[1:3]).all()


def test_estimated_quarters_weigh_every_replicate_alike_and_share_ties() -> None:
    """By hand: five items, one row each of two replicates; a quarter is 1.25 items."""
    scores = np.array([[[1, 0, 1, 1, 0.0], [0, 1, 1, 0, 0.0]], [[0, 0, 0, 1, 0.0], [0, 0, 1, 0, 1.0]]])
    panel = panel_of([scores], paired=True)
    difficulty = np.array([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 2.0, 9.0, 9.0]])
    found = uplift_by_difficulty(panel, (0, 1), difficulty)
    # Row 0: item 0 wholly, item 1 a quarter; row 1: items 3 and 4 share 1.25.
    d = scores[0] - scores[1]
    by_hand = 0.5 * ((d[0, 0] + 0.25 * d[0, 1]) / 1.25 + 0.5 * (d[1, 3] + d[1, 4]))
    assert found.quartiles.value[3] == pytest.approx(by_hand)
    assert found.n_items[3] == 4


def test_equal_rows_of_difficulty_give_the_interval_of_a_benchmark_of_these_items() -> None:
    panel, difficulty = study(0.0, 5, items=400)
    known = uplift_by_difficulty(panel, (2, 1), difficulty).quartiles
    rows = uplift_by_difficulty(panel, (2, 1), np.tile(difficulty, (4, 1))).quartiles
    assert rows.value == pytest.approx(known.value)
    assert rows.item_variance[:4] == pytest.approx(known.item_variance[:4], rel=0.02)


@pytest.mark.parametrize("known", [True, False])
def test_degrees_of_freedom_are_those_of_the_items_of_the_quartile(known: bool) -> None:
    """Eight hard items of 32 have seven, whatever the others are: cut by levels, or out of estimated difficulties."""
    panel, _ = study(0.0, 3, items=32, replicates=1)
    fixed = Panel(panel.scores, panel.units, np.arange(panel.n_arms)[:, None])
    order = np.arange(32.0)
    found = uplift_by_difficulty(fixed, (1, 0), order if known else order[None], level=0.95)
    hard = Panel((fixed.scores[0][:, :, 24:],), (fixed.units[0][24:],), fixed.replicates)
    weights = np.zeros((1, panel.n_arms, 1))
    weights[0, 1], weights[0, 0] = 1.0, -1.0
    alone = estimate_contrasts(hard, weights)
    for name in ("value", "se", "df", "low"):
        assert getattr(found.quartiles, name)[found.hardest] == pytest.approx(getattr(alone, name)[0], rel=1e-6)


def test_items_without_a_difficulty_are_left_out() -> None:
    panel, difficulty = study(0.0, 2, items=48)
    difficulty = difficulty.copy()
    difficulty[:8] = np.nan
    assert uplift_by_difficulty(panel, (2, 1), difficulty).n_items.tolist() == [10] * 4


def test_benchmarks_are_pooled_with_their_clusters() -> None:
    one, two = np.zeros((2, 2, 3)), np.ones((2, 2, 4))
    panel = Panel((one, two), (np.array([5, 5, 6]), np.array([6, 7, 8, 9])), np.array([[0, 1], [0, 1]]))
    pooled = pool(panel)
    assert pooled.scores[0].shape == (2, 2, 7)
    assert pooled.units[0].tolist() == [5, 5, 6, 6, 7, 8, 9]


def test_a_replicates_own_answers_never_enter_its_difficulties() -> None:
    panel, _ = study(0.0, 3)
    before = difficulty_from_others(panel, (0, 1), (0,))
    changed = panel.scores[0].copy()
    changed[1, 2] = 1.0 - changed[1, 2]
    after = difficulty_from_others(Panel((changed,), panel.units, panel.replicates), (0, 1), (0,))
    assert after[2] == pytest.approx(before[2])
    assert np.abs(after[0] - before[0]).max() > 0.1


def test_without_other_answers_there_is_no_difficulty() -> None:
    rng = np.random.default_rng(0)
    panel = panel_of([rng.integers(0, 2, (2, 2, 10)).astype(float)], paired=True)
    alone = Panel((panel.scores[0][:, :1],), panel.units, np.array([[0], [0]]))
    # A base is one model and nobody's replicate; an arm that was trained once tells only of itself.
    assert np.isfinite(difficulty_from_others(alone, (0,), (0,))).all()
    assert np.isnan(difficulty_from_others(alone, (0,), ())).all()
    assert np.isnan(difficulty_from_others(panel, (), ())).all()


def slopes(estimate) -> np.ndarray:
    """Hardest minus easiest uplift over studies in which the uplift does not depend on difficulty."""
    return np.array([estimate(*study(0.0, seed)).quartiles.value[4] for seed in range(12)])


def test_the_same_answers_invent_a_pattern_and_other_replicates_do_not() -> None:
    """Planted: the same uplift in logits everywhere, so hardest and easiest quartiles differ little on the score scale.

    Standard error of the mean over 12 studies is about 0.02 (0.07 per study); true difference below 0.02 by
    symmetry of the logistic around an average uplift of 0.25 logits off centre.
    """
    known = slopes(lambda panel, difficulty: uplift_by_difficulty(panel, (2, 1), difficulty)).mean()
    own = slopes(lambda panel, _: uplift_by_difficulty(panel, (2, 1), difficulty_from_own(panel, (1,)))).mean()
    others = slopes(
        lambda panel, _: uplift_by_difficulty(panel, (2, 1), difficulty_from_others(panel, (0, 1), (0,)))
    ).mean()
    assert own > known + 0.15
    assert abs(others - known) < 0.06


def test_a_control_that_was_trained_once_does_not_sort_the_items_that_it_is_compared_on() -> None:
    def once(panel: Panel) -> Panel:
        scores, ids = panel.scores[0].copy(), panel.replicates.copy()
        scores[1, 1:], ids[1, 1:] = np.nan, -1
        return Panel((scores,), panel.units, ids)

    known = slopes(lambda panel, difficulty: uplift_by_difficulty(once(panel), (2, 1), difficulty)).mean()
    naive = slopes(
        lambda panel, _: uplift_by_difficulty(once(panel), (2, 1), difficulty_from_others(once(panel), (0, 1), (0, 1)))
    ).mean()
    found = slopes(
        lambda panel, _: uplift_by_difficulty(once(panel), (2, 1), difficulty_from_others(once(panel), (0, 1), (0,)))
    ).mean()
    panel = once(study(0.0, 1)[0])
    both, base = (difficulty_from_others(panel, arms, (0,)) for arms in ((0, 1), (0,)))
    assert both == pytest.approx(base), "its answers sort nothing, in no row"
    assert naive > known + 0.15, "taken for one fixed model, as a base is"
    assert abs(found - known) < 0.1


def test_a_true_pattern_is_found_from_other_replicates() -> None:
    found = [
        uplift_by_difficulty(panel, (2, 1), difficulty_from_others(panel, (0, 1), (0,)), "others").quartiles.value[4]
        for panel, _ in (study(0.8, seed) for seed in range(6))
    ]
    assert np.mean(found) > 0.15


def test_a_study_reports_uplift_on_its_hardest_quartile() -> None:
    cells = small_cells(Planted(items=64, replicates=3, distilled_arms=1, benchmarks=1))
    found = difficulty_estimates(cells)
    arms = {(one.estimand, one.arm, one.control) for one in found}
    assert arms == {(name, "distilled1", "matched") for name in ("hardest_quartile_uplift", "hard_minus_easy_uplift")}
    one = find(found, "hardest_quartile_uplift", "distilled1", role="near", over=None)
    assert one.low < one.value < one.high
    assert one.n_replicates == 3
    assert "other replicates" in one.note
    listed = zip(cells.cube.benchmarks, cells.cube.items, strict=True)
    table = pl.DataFrame(
        [(name, item, float(i)) for name, items in listed for i, item in enumerate(items)],
        schema=["benchmark", "item", "difficulty"],
        orient="row",
    )  # fmt: skip
    known = find(difficulty_estimates(cells, table), "hardest_quartile_uplift", "distilled1", role="near", over=None)
    b = cells.cube.benchmarks.index(known.benchmark)
    arm, control = (cells.cube.arms.index(name) for name in ("distilled1", "matched"))
    scores = cells.cube.panel.scores[b][:, :, 48:]
    assert known.value == pytest.approx(scores[arm].mean() - scores[control].mean())
    assert known.note == "Difficulty was known in advance."
    words = table.with_columns(pl.lit("hard").alias("difficulty"))
    assert (
        find(difficulty_estimates(cells, words), "hardest_quartile_uplift", "distilled1", role="near", over=None) == one
    )


def test_a_table_for_some_benchmarks_of_a_role_makes_no_average_of_those_alone() -> None:
    cells = small_cells(Planted(items=64, replicates=3, distilled_arms=1, benchmarks=2))
    names = [cells.cube.benchmarks[b] for b in cells.cube.with_role("near")]
    items = cells.cube.items[cells.cube.benchmarks.index(names[0])]
    table = pl.DataFrame({"benchmark": names[0], "item": items, "difficulty": np.arange(64.0)})
    name, arm = "hardest_quartile_uplift", "distilled1"
    estimated, given = difficulty_estimates(cells), difficulty_estimates(cells, table)
    average = find(given, name, arm, over="near")
    assert average.value == find(estimated, name, arm, over="near").value
    assert average.note == (
        "Difficulty was estimated by a Rasch model from control arms' answers of other replicates: "
        f"the table has none for {names[1]}."
    )
    assert find(given, name, arm, benchmark=names[0]).note == "Difficulty was known in advance."
    assert find(given, name, arm, benchmark=names[1]) == find(estimated, name, arm, benchmark=names[1])


def test_a_table_for_some_items_says_how_many_are_left_out() -> None:
    cells = small_cells(Planted(items=64, replicates=3, distilled_arms=1, benchmarks=1))
    (b,) = cells.cube.with_role("near")
    table = pl.DataFrame(
        {"benchmark": cells.cube.benchmarks[b], "item": cells.cube.items[b][:40], "difficulty": np.arange(40.0)}
    )
    partly = find(difficulty_estimates(cells, table), "hardest_quartile_uplift", "distilled1", role="near", over=None)
    assert partly.n_items == 10
    assert partly.note == "Difficulty was known in advance for 40 of 64 items; the others are left out."


def test_too_few_items_have_no_quartile() -> None:
    found = difficulty_estimates(small_cells(Planted(items=20, replicates=3, distilled_arms=1, benchmarks=1)))
    single = [one for one in found if one.benchmark is not None]
    assert single
    assert all(one.value is None and one.reason == "not estimable from these data" for one in single)
