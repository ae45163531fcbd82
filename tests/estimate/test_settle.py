"""What would settle a verdict: items where they alone are enough, else replicates, and it does settle it."""

from dataclasses import replace

import numpy as np
import pytest

from gauger.estimate.contrasts import run_batch
from gauger.estimate.settle import _question, settling_addition
from gauger.estimate.verdict import plan_verdict
from gauger.estimate.verdict_inputs import judged

from .studies import SMALL, small_cells

NOISY = replace(SMALL, items=2000, replicates=3, replicate_sd=0.5)
FEW_ITEMS = replace(SMALL, items=40, replicates=6, replicate_sd=0.0)


def proposal(planted, away, seed=1):
    """Ask what would settle a threshold `away` standard errors from the estimate."""
    cells = small_cells(planted, seed)
    batch = run_batch(cells, [plan_verdict(cells, cells.design.rule)])
    piece = judged(batch, 0)
    return settling_addition(batch, 0, piece, piece.value - away * piece.se, 0.95)


def test_items_settle_what_items_blur():
    said = proposal(FEW_ITEMS, 1.9)
    assert "items instead of 80" in said


def test_replicates_settle_what_training_noise_blurs():
    said = proposal(NOISY, 1.5)
    assert "replicates per arm instead of 3" in said
    assert "More items alone would not do" in said


def test_the_nearer_the_threshold_the_more_is_needed():
    def replicates(away):
        return int(proposal(NOISY, away).split("About ")[1].split()[0])

    assert replicates(1.2) > replicates(1.8) > 3


def test_an_estimate_on_the_threshold_is_not_promised_to_be_settled():
    assert "too close" in proposal(NOISY, 0.001)


def test_without_replicates_they_come_first():
    assert proposal(replace(SMALL, replicates=1), 1.0).startswith("Replicates: nothing was replicated")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_proposed_replicates_do_narrow_the_interval_enough(seed):
    """The half width with the proposed number is at most the distance to the threshold, in most fresh draws."""
    away = 1.5
    said = proposal(NOISY, away, seed)
    more = int(said.split("About ")[1].split()[0])
    cells = small_cells(NOISY, seed)
    before = judged(run_batch(cells, [plan_verdict(cells, cells.design.rule)]), 0)
    wanted = away * before.se
    halves = []
    for fresh in range(4):
        again = small_cells(replace(NOISY, replicates=more), 100 + fresh)
        interval = judged(run_batch(again, [plan_verdict(again, again.design.rule)]), 0).interval(0.95)
        halves.append((interval.high - interval.low) / 2)
    assert np.median(halves) < 1.5 * wanted


def test_a_linear_rule_can_be_settled_too():
    cells = small_cells(NOISY)
    rule = replace(cells.design.rule, estimand="uplift")
    batch = run_batch(cells, [plan_verdict(cells, rule)])
    piece = judged(batch, 0)
    assert "replicates per arm" in settling_addition(batch, 0, piece, piece.value + 1.2 * piece.se, 0.95)


def test_at_its_own_size_a_study_is_reckoned_to_be_as_precise_as_it_is():
    """Per item, per replicate and per both, each divided by its number, are the parts of the contrast's variance."""
    cells = small_cells(replace(SMALL, items=60, replicates=4, replicate_sd=0.3))
    batch = run_batch(cells, [plan_verdict(cells, replace(cells.design.rule, estimand="uplift"))])
    question = _question(batch, 0, judged(batch, 0), 0.1, 0.95, 0.8)
    parts, n, r = question.components, question.items, question.replicates
    contrasts = batch.contrasts
    item = max(contrasts.item_variance[0], contrasts.least_item_variance[0])
    shared = contrasts.shared_variance[0]
    assert parts.item / n == pytest.approx(item - shared)
    assert parts.replicate / r == pytest.approx(contrasts.replicate_variance[0] - shared)
    assert parts.residual / (n * r) == pytest.approx(shared)
    assert shared > 0
