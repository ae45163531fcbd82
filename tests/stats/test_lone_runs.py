"""What rests on one training run: of an arm trained once, or of one that was scored for one of its runs alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from gauger.stats.crossed.contrast import Contrasts, estimate_contrasts
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.lone_runs import set_apart_lone_runs
from gauger.stats.crossed.panel import Panel, panel_of
from gauger.stats.crossed.replicate_part import replicate_part
from gauger.stats.crossed.trained_once import fill_in_trained_once

ITEMS = 200


def drawn(rng: np.random.Generator, runs: int = 3, noise: float = 0.4, paired: bool = True) -> Panel:
    """Two arms that are alike, on two benchmarks; noise of training in logits, the same runs in both arms if paired."""
    shared = noise * rng.standard_normal((1 if paired else 2, runs, 1))
    scores = []
    for _ in range(2):
        logit = rng.standard_normal(ITEMS) + shared * 0.5 + noise * rng.standard_normal((2, runs, 1))
        scores.append((rng.random((2, runs, ITEMS)) < expit(logit)).astype(float))
    return panel_of(scores, paired=paired)


def with_one_run_left(panel: Panel) -> Panel:
    """The first arm's first run alone was scored on the second benchmark."""
    scores = panel.scores[1].copy()
    scores[0, 1:] = np.nan
    return replace(panel, scores=(panel.scores[0], scores))


def on_second(arms: int = 2) -> np.ndarray:
    weights = np.zeros((1, arms, 2))
    weights[0, 0, 1], weights[0, 1, 1] = 1.0, -1.0
    return weights


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("runs", [3, 5])
def test_losing_runs_never_narrows_an_interval(runs: int, paired: bool) -> None:
    """60 draws: wider on average by a half at least, and covered (taken for replicated: 72 to 82 %)."""
    rng, covered, wider = np.random.default_rng(5), 0, []
    for _ in range(60):
        whole = drawn(rng, runs, paired=paired)
        full, left = (estimate_contrasts(panel, on_second()) for panel in (whole, with_one_run_left(whole)))
        covered += left.low[0] <= 0 <= left.high[0]
        wider.append((left.high[0] - left.low[0]) / (full.high[0] - full.low[0]))
    assert covered >= 54
    assert np.mean(wider) > 1.3


def test_a_lone_run_is_that_of_an_arm_trained_once() -> None:
    """The same numbers as where the run is an arm of its own."""
    panel = with_one_run_left(drawn(np.random.default_rng(2)))
    alone = np.full((1, *panel.scores[1].shape[1:]), np.nan)
    alone[0, 0] = panel.scores[1][0, 0]
    nothing = np.full_like(panel.scores[1][:1], np.nan)
    by_hand = Panel(
        (
            np.concatenate([panel.scores[0], nothing]),
            np.concatenate([nothing, panel.scores[1][1:], alone]),
        ),
        panel.units,
        np.concatenate([panel.replicates, [[99, -1, -1]]]),
        trained_once=np.array([False, False, True]),
    )
    weights = np.zeros((1, 3, 2))
    weights[0, 2, 1], weights[0, 1, 1] = 1.0, -1.0
    here, there = estimate_contrasts(panel, on_second()), estimate_contrasts(by_hand, weights)
    for name in ("value", "se", "df", "low", "high", "borrowed_variance", "n_replicates"):
        np.testing.assert_allclose(getattr(here, name), getattr(there, name), rtol=1e-12)
    assert here.borrowed_variance[0] > 0


def test_other_benchmarks_of_such_an_arm_keep_their_replicates() -> None:
    panel = with_one_run_left(drawn(np.random.default_rng(3)))
    first = np.zeros((1, 2, 2))
    first[0, 0, 0], first[0, 1, 0] = 1.0, -1.0
    found = estimate_contrasts(panel, first)
    assert found.n_replicates.tolist() == [3]
    assert found.borrowed_variance.tolist() == [0]


def test_runs_that_share_no_item_show_nothing_and_count_as_one() -> None:
    """Each run answered another half: the whole difference may be the runs' luck, and nothing shows it."""
    panel = drawn(np.random.default_rng(4))
    scores = panel.scores[1].copy()
    scores[0, 0, ITEMS // 2 :], scores[0, 1, : ITEMS // 2], scores[0, 2] = np.nan, np.nan, np.nan
    halves = replace(panel, scores=(panel.scores[0], scores))
    found = estimate_contrasts(halves, on_second())
    assert found.borrowed_variance[0] > 0
    assert found.n_items.tolist() == [ITEMS]
    moved, rows = set_apart_lone_runs(halves, ContrastRows.of(on_second()))
    np.testing.assert_array_equal(moved.scores[1][2, 0, : ITEMS // 2], scores[0, 0, : ITEMS // 2])
    np.testing.assert_array_equal(moved.scores[1][2, 0, ITEMS // 2 :], scores[0, 1, ITEMS // 2 :])
    assert sorted(rows.cells.tolist()) == [3, 5]


def test_runs_that_stand_on_different_benchmarks_are_different_arms() -> None:
    panel = drawn(np.random.default_rng(6), runs=2)
    scores = [block.copy() for block in panel.scores]
    scores[0][0, 1], scores[1][0, 0] = np.nan, np.nan
    moved, rows = set_apart_lone_runs(replace(panel, scores=tuple(scores)), ContrastRows.of(np.ones((1, 2, 2))))
    assert moved.n_arms == 4
    assert len(set(rows.cells.tolist())) == 4
    assert len(set(moved.replicates[2:, 0].tolist()) | {0, 1}) == 4


def test_models_with_one_row_and_whole_panels_are_left_as_they_are() -> None:
    whole = drawn(np.random.default_rng(7))
    fixed = replace(whole, replicates=np.array([[7, -1, -1], [0, 1, 2]]))
    for panel in (whole, fixed):
        rows = ContrastRows.of(on_second())
        assert set_apart_lone_runs(panel, rows) == (panel, rows)


def panel_of_an_arm_trained_once(control: np.ndarray, arm: np.ndarray) -> Panel:
    """An arm of one run (I,), and a control of R runs (R, I)."""
    runs, items = control.shape
    scores = np.full((2, runs, items), np.nan)
    scores[0, 0], scores[1] = arm, control
    ids = np.full((2, runs), -1)
    ids[0, 0], ids[1] = 100, np.arange(runs)
    return Panel((scores,), (np.arange(items),), ids, trained_once=np.array([True, False]))


def of_an_arm_trained_once(control: np.ndarray, arm: np.ndarray) -> Contrasts:
    """Uplift of that arm over that control."""
    return estimate_contrasts(panel_of_an_arm_trained_once(control, arm), np.array([[[1.0], [-1.0]]]))


def test_borrowing_never_narrows_what_the_items_of_an_arm_trained_once_show() -> None:
    """60 draws, no noise of training, a control near its floor: the prior is often below 0 (covered 78 % before)."""
    rng, covered = np.random.default_rng(9), 0
    for _ in range(60):
        control, arm = (rng.random((3, ITEMS)) < 0.03).astype(float), (rng.random(ITEMS) < 0.35).astype(float)
        found = of_an_arm_trained_once(control, arm)
        covered += found.low[0] <= 0.32 <= found.high[0]
        assert found.se[0] ** 2 >= 0.95 * found.item_variance[0]
    assert covered >= 55


@pytest.mark.parametrize(
    "control",
    [
        np.zeros((3, ITEMS)),
        np.ones((3, ITEMS)),
        np.tile([0.0, 1.0], (3, ITEMS // 2)),
        np.tile(np.linspace(0.2, 0.8, ITEMS), (3, 1)),
    ],
)
def test_a_control_that_cannot_show_noise_lends_none(control: np.ndarray) -> None:
    """All wrong, all right, or the same answers in every run: the noise of training is unknown, and it is said."""
    arm = (np.random.default_rng(1).random(ITEMS) < 0.3).astype(float)
    found = of_an_arm_trained_once(control, arm)
    assert found.training_unknown.tolist() == [True]
    once = of_an_arm_trained_once(control[:1], arm)
    assert found.se[0] == pytest.approx(once.se[0], rel=1e-6)


def test_the_smallest_difference_between_runs_is_no_rounding() -> None:
    """One item of 200 that one run scores by a millionth otherwise: a variance of 1e-17 of the squared mean."""
    control = np.tile(np.linspace(0.2, 0.8, ITEMS), (3, 1))
    control[1, 7] += 1e-6
    found = of_an_arm_trained_once(control, np.full(ITEMS, 0.5))
    assert found.training_unknown.tolist() == [False]


@pytest.mark.parametrize(("right", "borrows"), [((60, 60, 60), False), ((40, 60, 80), True)])
def test_what_an_arm_trained_once_lends_is_its_item_noise_and_no_prior_takes_from_it(
    right: tuple[int, ...], borrows: bool
) -> None:
    """Variance of its own cell: item noise, and what is borrowed; runs that score alike expect less than no noise."""
    rng = np.random.default_rng(9)
    control = np.stack([rng.permutation(np.arange(ITEMS) < count) for count in right]).astype(float)
    arm = (rng.random(ITEMS) < 0.35).astype(float)
    components = fill_in_trained_once(crossed_components(panel_of_an_arm_trained_once(control, arm)))
    part = replicate_part(components, ContrastRows.of(np.array([[[1.0], [0.0]]])), moderated=True)
    assert part.lent[0] > 0
    assert part.variance[0] == pytest.approx(part.lent[0] + part.borrowed[0], rel=1e-9)
    assert (part.borrowed[0] > 0) == borrows
