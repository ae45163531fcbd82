"""A budget divided over the arms of a pilot: what it proposes, and that a simulated study confirms the promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.simulate import prepare
from gauger.estimate.cell_means import Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.design import FixedRule
from gauger.estimate.scaling.allocation import SharedTraining, propose_allocation, replicate_covariance
from gauger.estimate.verdict import plan_verdict
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.pairing import replicate_groups
from gauger.stats.crossed.replicate_prior import replicate_prior
from gauger.stats.crossed.trained_once import fill_in_trained_once

from .studies import SMALL, small_cells

PILOT = Planted(items=200, replicates=6, distilled_arms=1, replicate_sd=0.3)
RULE = FixedRule(arm="distilled1", estimand="uplift")


def pilot(planted=PILOT, seed=1):
    generator = prepare(planted)
    return Cells(generator.draw(np.random.default_rng(seed)), replace(generator.design, rule=RULE))


def works(distilled=3.0, matched=1.0):
    return [
        SharedTraining(distilled, ("distilled1",)),
        SharedTraining(matched, ("matched",)),
        SharedTraining(5.0, ("leak",)),
    ]


def test_the_cheaper_arm_gets_more_and_only_touched_arms_count():
    cells = pilot()
    found = propose_allocation(cells, plan_verdict(cells, RULE), works(), 60.0)
    assert set(found.replicates) == {"distilled1", "matched"}
    assert found.replicates["matched"] >= found.replicates["distilled1"] >= 2
    assert found.cost <= 60.0
    assert found.equal_replicates == 15
    assert found.se <= found.equal_se


def test_the_expected_standard_error_is_that_of_the_study_itself_at_its_own_size():
    """The pilot's own division has the pilot's own standard error, but for guards and blending: within 15 %."""
    cells = pilot()
    planned = plan_verdict(cells, RULE)
    batch = run_batch(cells, [planned])
    found = propose_allocation(cells, planned, works(1.0, 1.0), 12.0, least=6)
    assert found.replicates == {"distilled1": 6, "matched": 6}
    assert found.se == pytest.approx(float(batch.contrasts.se[0]), rel=0.15)


def test_more_money_never_hurts_and_too_little_gives_nothing():
    cells = pilot()
    planned = plan_verdict(cells, RULE)
    errors = [propose_allocation(cells, planned, works(), budget).se for budget in (20.0, 40.0, 80.0, 160.0)]
    assert errors == sorted(errors, reverse=True)
    assert propose_allocation(cells, planned, works(), 7.9) is None
    assert propose_allocation(cells, planned, works(), 8.0).replicates == {"distilled1": 2, "matched": 2}


def test_a_ratio_is_taken_through_its_tangent():
    cells = pilot()
    planned = plan_verdict(cells, FixedRule(arm="distilled1"))
    assert planned.denominator is not None
    found = propose_allocation(cells, planned, works(), 60.0)
    assert set(found.replicates) == {"distilled1", "matched"}


def test_without_replicates_nothing_is_known_to_vary():
    cells = pilot(replace(PILOT, replicates=1))
    assert propose_allocation(cells, plan_verdict(cells, RULE), works(), 60.0) is None


def test_the_covariance_of_one_replicate_is_larger_by_their_number_than_that_of_means():
    cells = pilot(replace(PILOT, moderated=False))
    components = crossed_components(cells.cube.panel)
    found = replicate_covariance(components, moderated=False)
    rows = components.n_replicates.ravel()
    np.testing.assert_allclose(np.diag(found), np.diag(components.shown_covariance()) * rows)
    moderated = replicate_covariance(components, moderated=True)
    fixed = rows == 1
    assert (np.diag(moderated)[fixed] == 0).all()
    spread = [np.log(np.diag(m)[~fixed]).std() for m in (found, moderated)]
    assert spread[1] < spread[0]


def test_a_benchmark_scored_for_one_run_is_reckoned_with_as_trained_once():
    cells = small_cells(replace(SMALL, items=300, replicates=4, replicate_sd=0.3))
    of, b = cells.cube.arms.index, cells.cube.benchmarks.index("near1")
    scores = [block.copy() for block in cells.cube.panel.scores]
    scores[b][of("distilled1"), 1:] = np.nan
    fewer = replace(cells.cube.panel, scores=tuple(scores))
    whole, lost = (fill_in_trained_once(crossed_components(panel)) for panel in (cells.cube.panel, fewer))
    before, after = (
        np.diag(replicate_covariance(parts, moderated=True)).reshape(parts.mean.shape) for parts in (whole, lost)
    )
    assert after[of("distilled1"), b] > 2.0 * before[of("distilled1"), b]
    assert after[of("teacher")].sum() == 0


def test_an_arm_trained_once_is_taken_for_twice_as_noisy_as_those_that_were_replicated(monkeypatch):
    """One run shows no noise: its budget is reckoned with the noise that its interval is reckoned with."""
    cells = small_cells(replace(SMALL, items=300, replicates=4, distilled_replicates=1, replicate_sd=0.3))
    components = fill_in_trained_once(crossed_components(cells.cube.panel))
    n_benchmarks = components.mean.shape[1]
    variance = np.diag(replicate_covariance(components, moderated=True)).reshape(-1, n_benchmarks)
    of = cells.cube.arms.index
    assert 2.0 < variance[of("distilled1")].mean() / variance[of("matched")].mean() < 7.0
    assert variance[of("teacher")].sum() == 0
    monkeypatch.setattr("gauger.estimate.scaling.allocation.ONCE_VARIANCE", 1.0)
    alike = np.diag(replicate_covariance(components, moderated=True)).reshape(-1, n_benchmarks)
    once = components.trained_once
    net = replicate_prior(components, replicate_groups(components)).common.written_out()
    np.testing.assert_allclose((variance - alike)[once], 3 * np.diag(net).reshape(-1, n_benchmarks)[once])
    np.testing.assert_array_equal(variance[~once], alike[~once])
