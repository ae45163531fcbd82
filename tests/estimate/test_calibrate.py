"""Calibration: the same design gives the same scores; truths, rates and the naive comparison are what they say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gauger.estimate.calibrate.designs import CalibrationDesign
from gauger.estimate.calibrate.estimate_score import _centre_error
from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.score import calibrate, to_document

CALM = Planted(name="calm", items=60, replicates=3)
NOISY = Planted(name="noisy", items=500, replicates=3, replicate_sd=0.5, bound_share=1.0)


@pytest.fixture(scope="module")
def scores():
    return calibrate(CalibrationDesign((CALM, NOISY), 40, 1))


def of(cell, estimand, arm="distilled1", over="near"):
    return next(one for one in cell.estimates if (one.estimand, one.arm, one.over) == (estimand, arm, over))


def test_truths_are_the_planted_ones(scores):
    calm, noisy = scores
    assert of(calm, "uplift").truth == pytest.approx(0.075)
    assert of(calm, "uplift", over="targeted").truth == pytest.approx(0.15)
    assert of(calm, "carryover").truth == pytest.approx(0.5)
    assert of(noisy, "benchmark_bound_share").truth == pytest.approx(1.0)
    assert of(noisy, "gap_recovered").truth == pytest.approx(0.0)
    assert of(calm, "memorisation", "leak", "targeted").truth == pytest.approx(0.3)
    assert of(calm, "memorisation", "distilled1", "targeted").truth == pytest.approx(0.0)
    assert of(calm, "format_share", over="targeted").truth == pytest.approx(0.05 / 0.25)


def test_the_crossed_interval_covers_where_the_naive_one_does_not(scores):
    """Over some 100 estimates x 40 draws of the noisy study: nominal 95 %, naive far below."""
    known = [one for one in scores[1].estimates if one.coverage is not None]
    assert sum(one.coverage for one in known) / len(known) > 0.9
    assert sum(one.naive_coverage for one in known) / len(known) < 0.75
    assert of(scores[1], "uplift").width > 1.5 * of(scores[1], "uplift").naive_width


def test_a_ratio_over_nothing_has_no_truth_and_no_coverage():
    nothing = replace(CALM, uplift=0.0, forgetting=0.0)
    (cell,) = calibrate(CalibrationDesign((nothing,), 10, 1))
    one = of(cell, "carryover")
    assert one.truth is one.coverage is one.bias is None
    assert one.bounded < 1


def test_the_bias_has_its_monte_carlo_error():
    """A mean: s / sqrt(n). A median of normal draws: sqrt(pi / 2) times that; 10^4 draws find it within a tenth."""
    values = np.random.default_rng(1).normal(size=10_000)
    assert _centre_error(values, is_median=False) == pytest.approx(values.std(ddof=1) / 100)
    assert _centre_error(values, is_median=True) == pytest.approx(np.sqrt(np.pi / 2) / 100, rel=0.1)
    assert _centre_error(values[:1], is_median=False) is None


def test_power_and_false_alarms(scores):
    assert of(scores[0], "memorisation", "leak", "targeted").power > 0.9
    assert of(scores[0], "uplift", "placebo").power < 0.25


def test_bound_gains_are_not_major_but_the_headline_says_they_are(scores):
    verdict = scores[1].verdict
    assert verdict.truth == pytest.approx(0.0)
    assert verdict.is_null
    assert verdict.false_major <= 0.05
    assert verdict.headline_major > 0.9
    decided = verdict.major + verdict.minor + verdict.undetermined
    assert decided + verdict.invalid + verdict.not_powered + verdict.not_replicated == pytest.approx(1.0)


def test_the_same_design_gives_the_same_scores_and_cells_do_not_depend_on_each_other():
    both = calibrate(CalibrationDesign((replace(NOISY, items=50), CALM), 4, 1))
    assert calibrate(CalibrationDesign((CALM,), 4, 1))[0] == both[1]
    assert calibrate(CalibrationDesign((CALM,), 4, 2))[0] != both[1]


def test_the_document_is_json(scores):
    design = CalibrationDesign((CALM, NOISY), 40, 1)
    document = json.loads(json.dumps(to_document(design, scores), allow_nan=False))
    assert document["schema"] == "gauger.calibration/1"
    assert [cell["planted"]["name"] for cell in document["cells"]] == ["calm", "noisy"]
    assert {"truth", "bias", "coverage", "naive_coverage", "width", "power"} <= set(
        document["cells"][0]["estimates"][0]
    )
