"""What is said of memorisation and bound shares needs both scales; each rescaled estimate by its own algebra."""

from dataclasses import replace

import numpy as np
import pytest

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.simulate import prepare
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.estimands import REGISTRY
from gauger.estimate.estimator import estimate_cells
from gauger.estimate.scales import in_logits, statement
from gauger.estimate.verdict_inputs import judged
from gauger.estimate.wanted import plan_estimates
from gauger.records import Estimate
from gauger.stats.item_logits import item_spread, to_item_logits

from .studies import SMALL, find, small_cells

LOGIT = Planted(
    items=400,
    replicates=4,
    benchmarks=1,
    distilled_arms=1,
    link="logit",
    bound_share=0.0,
    forgetting=0.0,
    uplift=0.2,
    replicate_sd=0.05,
)


def estimate(estimand, scale, value, low, high, kind="interval"):
    return Estimate(estimand, "d", "m", over="targeted", value=value, low=low, high=high, scale=scale, kind=kind)


@pytest.mark.parametrize(
    ("points", "logits", "said"),
    [
        ((0.1, 0.05, 0.15), (0.5, 0.2, 0.8), "Memorised: in points and in item logits."),
        (
            (0.1, 0.05, 0.15),
            (0.1, -0.2, 0.4),
            "Depends on the scale: +10.0 points (+5.0 to +15.0) in points",
        ),
        ((0.0, -0.05, 0.05), (0.5, 0.2, 0.8), "Depends on the scale"),
        ((0.0, -0.05, 0.05), (0.1, -0.2, 0.4), "Not shown to be memorised."),
        ((-0.1, -0.2, -0.05), (-0.5, -0.8, -0.2), "Not shown to be memorised."),
    ],
)
def test_both_intervals_must_lie_above_zero(points, logits, said):
    found = statement(estimate("memorisation", "points", *points), estimate("memorisation", "logit", *logits))
    assert found.startswith(said)


def test_a_set_outside_two_ends_states_nothing():
    outside = estimate("benchmark_bound_share", "points", 3.0, 0.5, 2.0, "outside")
    inside = estimate("benchmark_bound_share", "logit", 0.5, 0.2, 0.8)
    assert "not called bound" in statement(outside, inside)


def test_an_open_end_is_not_worded_as_an_interval():
    """A set that has no upper end, or no inside, has no two ends to print; its value is printed all the same."""
    points = estimate("memorisation", "points", 0.1, 0.05, 0.15)
    for low, high, kind in ((-0.2, None, "above"), (None, 0.3, "below"), (-0.2, 0.3, "outside")):
        stated = statement(points, estimate("memorisation", "logit", 0.1, low, high, kind))
        assert stated.endswith("but +0.10 item logits; so it is not called memorised.")


def test_memorisation_in_logits_is_the_difference_in_differences_of_logits():
    cells = small_cells(replace(LOGIT, harder=1.0))
    estimates, _, _ = estimate_cells(cells)
    one = find(estimates, "memorisation", "leak", scale="logit")
    eta = {}
    for b, name in enumerate(cells.cube.benchmarks):
        spread = item_spread(cells.cube.panel.scores[b], cells.cube.panel.units[b])
        for a, arm in enumerate(cells.cube.arms):
            eta[arm, name] = to_item_logits(cells.cube.means[a : a + 1, b], spread.sd).eta[0]
    lift = {name: eta["leak", name] - eta["leak_twin", name] for name in ("targeted1", "parallel1")}
    assert one.value == pytest.approx(lift["targeted1"] - lift["parallel1"], abs=1e-8)


def test_the_spread_that_was_estimated_widens_the_interval():
    cells = small_cells(replace(LOGIT, harder=2.0, items=60))
    points = [one for one in plan_estimates(cells, ("memorisation",)) if one.case.arm.name == "leak"]
    planned = in_logits(points[0])
    batch = run_batch(cells, [planned, replace(planned, sampling=None)])
    assert planned.sampling.variance > 0
    assert judged(batch, 0).se ** 2 == pytest.approx(judged(batch, 1).se ** 2 + planned.sampling.variance)


def test_degrees_of_freedom_of_a_ratio_on_an_estimated_scale_are_those_of_the_sum():
    cells = small_cells(replace(LOGIT, harder=2.0, items=60))
    points = [one for one in plan_estimates(cells, ("benchmark_bound_share",)) if one.case.arm.name == "distilled1"]
    planned = in_logits(points[0])
    batch = run_batch(cells, [planned])
    row, extra = batch.judged_row(0), planned.sampling
    v, e, df = batch.contrasts.se[row] ** 2, extra.variance, batch.contrasts.df[row]
    assert e > 0.001 * v
    assert judged(batch, 0).df == pytest.approx((v + e) ** 2 / (v**2 / df + e**2 / extra.df))


@pytest.mark.parametrize("estimand", ["carryover", "benchmark_bound_share"])
def test_the_note_gives_the_share_on_plain_logits_of_the_means(estimand):
    cells = small_cells(replace(LOGIT, harder=1.0))
    entry = next(one for one in plan_estimates(cells, (estimand,)) if one.case.arm.name == "distilled1")
    arms, mean = list(cells.cube.arms), cells.cube.means
    lift = [float(np.diff(np.log(m / (1 - m)))[0]) for m in mean[[arms.index("matched"), arms.index("distilled1")]].T]
    lifts = dict(zip(cells.cube.roles, lift, strict=True))
    share = lifts["near"] / lifts["targeted"]
    share = share if estimand == "carryover" else 1 - share
    assert in_logits(entry).note.endswith(f"On the logit of the mean score: {100 * share:.0f} %.")


@pytest.mark.parametrize(
    ("replicates", "words"), [(4, "Item difficulty spreads"), (1, "Item difficulty common to the")]
)
def test_the_note_says_whether_the_spread_is_that_within_arms_or_common_to_them(replicates, words):
    cells = small_cells(replace(LOGIT, replicates=replicates, items=60))
    points = [one for one in plan_estimates(cells, ("memorisation",)) if one.case.arm.name == "leak"]
    assert in_logits(points[0]).note.startswith(words)


def test_on_the_lead_memorisation_is_a_difference_of_gaps_recovered():
    cells = small_cells(replace(SMALL, benchmarks=1))
    estimates, _, _ = estimate_cells(cells)
    gaps = [find(estimates, "gap_recovered", "leak", over=role).value for role in ("targeted", "parallel")]
    assert find(estimates, "memorisation", "leak", scale="lead").value == pytest.approx(gaps[0] - gaps[1])


def test_a_uniform_lift_of_easier_sets_is_not_called_memorised():
    """60 draws; parallel and near sets 2 logits easier, one lift of every item. Points alone call nearly all so."""
    generator, rng = prepare(replace(LOGIT, harder=-2.0, items=1200)), np.random.default_rng(2)
    said = points_alone = 0
    for _ in range(60):
        cells = Cells(generator.draw(rng), generator.design)
        planned = [one for one in plan_estimates(cells, ("memorisation",)) if one.case.arm.name == "distilled1"]
        batch = run_batch(cells, [planned[0], in_logits(planned[0])])
        above = [judged(batch, p).interval(0.95).low > 0 for p in (0, 1)]
        points_alone += above[0]
        said += all(above)
    assert said <= 5
    assert points_alone >= 40


def test_every_estimand_that_compares_benchmarks_stands_on_two_scales():
    estimates, _, _ = estimate_cells(small_cells())
    scales = {name: {one.scale for one in estimates if one.estimand == name} for name in REGISTRY}
    assert {name for name, found in scales.items() if "logit" in found} == {
        "memorisation", "carryover", "benchmark_bound_share",
    }  # fmt: skip
