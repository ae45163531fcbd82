"""Planted truths are true: scores drawn have the planted expectation, whatever the noise."""

from dataclasses import replace

import numpy as np
import pytest

from gauger.errors import UserError
from gauger.estimate.calibrate.planted import Planted, planted_design, true_means
from gauger.estimate.calibrate.simulate import cube_to_records, prepare

NOISES = [
    {},
    {"graded": True},
    {"heavy_tails": True, "replicate_sd": 0.5},
    {"cluster_size": 10},
    {"paired": False, "noise_ratio": 5.0},
    {"replicate_sd": 0.0},
]


@pytest.mark.parametrize("noise", NOISES)
def test_scores_average_to_the_planted_means(noise):
    """300 studies of 50 items: the mean over everything of a role is within 4.5 of its standard errors."""
    planted = Planted(items=50, replicates=2, benchmarks=1, **noise)
    generator, rng = prepare(planted), np.random.default_rng(5)
    drawn = np.array(
        [[np.nanmean(block, axis=(1, 2)) for block in generator.draw(rng).panel.scores] for _ in range(300)]
    )
    mean, error = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(300)
    assert (np.abs(mean - true_means(planted).T) / error).max() < 4.5


def test_planted_contrasts_are_what_was_asked_for():
    planted = Planted(uplift=0.2, bound_share=0.75, format_effect=0.04, training_effect=0.03, leaked=0.25)
    mu, arms = true_means(planted), [arm.name for arm in planted_design(planted).arms]
    targeted, near = mu[:, 0], mu[:, 2 * planted.benchmarks]
    of = {name: row for row, name in enumerate(arms)}
    assert targeted[of["distilled1"]] - targeted[of["matched"]] == pytest.approx(0.2)
    assert near[of["distilled1"]] - near[of["matched"]] == pytest.approx(0.05)
    assert targeted[of["format"]] - targeted[of["base"]] == pytest.approx(0.04)
    assert near[of["format"]] - near[of["base"]] == pytest.approx(0.0)
    assert targeted[of["leak"]] - targeted[of["matched"]] == pytest.approx(0.25)
    assert near[of["leak"]] == near[of["matched"]]


def test_replicate_noise_moves_whole_runs_and_fixed_models_have_one():
    generator = prepare(Planted(items=2000, replicates=8, replicate_sd=0.5))
    cube = generator.draw(np.random.default_rng(1))
    of = {name: row for row, name in enumerate(cube.arms)}
    runs = cube.panel.scores[0].mean(axis=2)
    assert runs[of["matched"]].std() > 0.05
    assert np.isfinite(runs[of["teacher"]]).tolist() == [True] + [False] * 7
    calm = prepare(Planted(items=2000, replicates=8, replicate_sd=0.0)).draw(np.random.default_rng(1))
    assert calm.panel.scores[0].mean(axis=2)[of["matched"]].std() < 0.02


def test_paired_replicates_move_together():
    def correlation(paired):
        generator = prepare(Planted(items=500, replicates=400, replicate_sd=0.8, benchmarks=1, paired=paired))
        runs = generator.draw(np.random.default_rng(1)).panel.scores[0].mean(axis=2)
        return np.corrcoef(runs[0], runs[1])[0, 1]

    assert correlation(True) > 0.15
    assert abs(correlation(False)) < 0.15


def test_clusters_share_their_difficulty():
    def excess(size):
        planted = Planted(items=1000, cluster_size=size, cluster_share=0.9, benchmarks=1, item_sd=2.0)
        block = prepare(planted).draw(np.random.default_rng(1)).panel.scores[0]
        means = block[0].mean(axis=0).reshape(-1, 10).mean(axis=1)
        return means.var()

    assert excess(10) > 3 * excess(1)


def test_graded_scores_are_not_right_or_wrong():
    graded = prepare(replace(Planted(items=20), graded=True)).draw(np.random.default_rng(1)).panel.scores[0]
    right = prepare(Planted(items=20)).draw(np.random.default_rng(1)).panel.scores[0]
    assert len(np.unique(graded[np.isfinite(graded)])) > 50
    assert set(np.unique(right[np.isfinite(right)])) == {0.0, 1.0}


def test_records_of_a_cube_are_its_scores():
    cube = prepare(Planted(items=5, replicates=2)).draw(np.random.default_rng(1))
    records = cube_to_records(cube)
    assert records.height == sum(np.isfinite(block).sum() for block in cube.panel.scores)
    assert records["score"].sum() == pytest.approx(sum(np.nansum(block) for block in cube.panel.scores))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"replicates": 0}, "replicates of at least 1"),
        ({"items": 1}, "items of at least 2"),
        ({"replicate_sd": -1.0}, "replicate_sd of at least 0"),
        ({"base": 0.9, "teacher_lead": 0.4}, "strictly between 0 and 1"),
        ({"cluster_size": 0}, "cluster_size of at least 1"),
        ({"cluster_share": 1.5}, "cluster_share"),
        ({"noise_ratio": 0.0}, "noise_ratio"),
    ],
)
def test_planted_studies_that_cannot_exist_are_refused(setting, said):
    with pytest.raises(UserError, match=said):
        Planted(**setting)
