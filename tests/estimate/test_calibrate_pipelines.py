"""Planted pipelines of a calibration: how they are written, what is said of a wrong one, and how they are scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gauger.errors import InputError
from gauger.estimate.attribution.estimates import ATTRIBUTIONS
from gauger.estimate.calibrate.designs import load_calibration, parse_calibration
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.planted_pipeline import PlantedPipeline, prepare_pipeline
from gauger.estimate.calibrate.score import calibrate_pipelines, to_document
from gauger.estimate.calibrate.score_pipelines import score_pipeline

TEXT = """
draws: 6
pipelines:
  - name: same work
    names: [web, distil]
    teacher: [distil]
    dividends: {web: 0.1, distil: 0.1, "web:distil": -0.08}
    noise: {replicates: 3, items: 40, benchmarks: 1}
"""


def test_a_design_of_pipelines_alone_has_no_cells_and_is_scored():
    design = parse_calibration(TEXT, "design.yaml")
    assert design.cells == ()
    (found,) = calibrate_pipelines(design)
    assert found.planted.noise.items == 40
    shapley = {
        score.arm: score for score in found.estimates if score.estimand == "shapley" and score.over == "targeted"
    }
    assert {name: round(score.truth, 12) for name, score in shapley.items()} == {"web": 0.06, "distil": 0.06}
    assert {score.draws for score in found.estimates} == {6}
    assert {score.estimand for score in found.estimates} <= set(ATTRIBUTIONS)
    document = to_document(design, (), (found,))
    assert document["pipelines"][0]["planted"]["dividends"]["web:distil"] == -0.08
    assert document["cells"] == []
    assert "pipelines" not in to_document(design, ())


def test_seeds_matter_and_the_same_seed_gives_the_same():
    planted = parse_calibration(TEXT, "x").pipelines[0]
    one, again, other = (score_pipeline(planted, 3, np.random.default_rng(seed)).estimates for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_the_built_in_design_has_pipelines_beside_its_cells():
    design = load_calibration()
    assert len(design.pipelines) >= 3
    assert any(pipeline.words for pipeline in design.pipelines)
    assert any("distil" not in pipeline.dividends for pipeline in design.pipelines)
    assert len(design.cells) > 20


@pytest.mark.parametrize(
    ("pipelines", "wanted"),
    [
        ("3", "a list of pipelines"),
        ("[3]", "a mapping of settings"),
        ("[{nme: x}]", "a known key of a pipeline, got 'nme'. Did you mean 'name'"),
        ("[{names: web}]", "a list of names"),
        ("[{names: [web, 3]}]", "a list of names"),
        ("[{sample: true}]", "a whole number"),
        ("[{fixed_base: 1}]", "true or false"),
        ("[{dividends: {web: a}}]", "a mapping from ingredients to numbers"),
        ("[{dividends: {wbe: 0.1}}]", "a declared ingredient, got 'wbe'"),
        ("[{dividends: {web: 0.9}}]", "planted scores strictly between 0 and 1"),
        ("[{inherited: 2}]", "an inherited share between 0 and 1"),
        ("[{noise: {item: 3}}]", "a known setting, got 'item'"),
        ("[{noise: {items: 1}}]", "items of at least 2"),
        ("[{sample: 3}]", "a sample of at least 8 cells"),
        ("[{name: a}, {name: a}]", "pipelines with different names"),
    ],
)
def test_what_is_said_of_a_wrong_pipeline(pipelines, wanted):
    with pytest.raises(InputError) as caught:
        parse_calibration(f"draws: 2\npipelines: {pipelines}\n", "design.yaml")
    assert wanted in str(caught.value)
    assert str(caught.value).startswith("design.yaml:2")


def test_inherited_noise_makes_cells_of_one_branch_alike():
    planted = PlantedPipeline(
        dividends={},
        noise=Planted(items=4000, replicates=40, benchmarks=1, replicate_sd=0.5),
        names=("web", "rl"),
        teacher=(),
    )

    def correlation(share):
        generator = prepare_pipeline(replace(planted, inherited=share), np.random.default_rng(1))
        cube = generator.draw(np.random.default_rng(2))
        means = cube.panel.scores[0].mean(axis=2)
        both, web = cube.arms.index("web+rl"), cube.arms.index("web")
        return np.corrcoef(means[both], means[web])[0, 1]

    assert correlation(0.9) > 0.8
    assert abs(correlation(0.0)) < 0.4
