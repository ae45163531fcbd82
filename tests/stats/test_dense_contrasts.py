"""Contrasts without any K x K or C x C array are those of the same formulas written out whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossed_cases import PANELS, drawn
from dense_contrasts import dense_contrasts

from gauger.stats.crossed.contrast import estimate_contrasts
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.panel import panel_of
from gauger.stats.crossed.trained_once import fill_in_trained_once

CLOSE = {"rtol": 1e-10, "atol": 1e-14}
"""Sums of a few hundred products, added in another order."""


def related():
    """Arms of two classes of kinship."""
    panel = panel_of(drawn(31, arms=5, replicates=4, items=(25, 18, 30)), paired=True)
    kinship = np.array([[abs(a - c) > 2 for c in range(5)] for a in range(5)]).astype(np.int64)
    return replace(panel, kinship=kinship)


def once():
    """One arm of five was trained once."""
    panel = panel_of(drawn(32, arms=5, replicates=4, items=(25, 18)))
    replicates = panel.replicates.copy()
    replicates[2, 1:] = -1
    return replace(panel, replicates=replicates, trained_once=np.arange(5) == 2)


CASES = {**PANELS, "related": related, "trained once": once}


def weights_of(panel, n=40):
    """Contrasts of two cells, of averages, of everything, and one of nothing."""
    rng = np.random.default_rng(5)
    found = rng.normal(size=(n, panel.n_arms, panel.n_benchmarks))
    found[: n // 2] *= rng.uniform(size=found[: n // 2].shape) < 0.3
    found[-1] = 0.0
    return found


@pytest.mark.parametrize("moderated", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_every_number_is_that_of_the_arrays_written_out(name, moderated):
    panel = CASES[name]()
    weights = weights_of(panel)
    found = estimate_contrasts(panel, weights, moderated=moderated)
    parts = fill_in_trained_once(crossed_components(panel))
    interval, item, replicate, covariance = dense_contrasts(parts, weights, moderated=moderated, level=0.95)
    known = np.array([reason is None for reason in found.undefined])
    assert known.sum() >= len(known) // 2
    for got, wanted in (
        (found.se, np.sqrt(interval.variance)),
        (found.df, interval.df),
        (found.high - found.low, 2 * interval.half),
        (found.item_variance, item[0]),
        (found.least_item_variance, item[2]),
        (found.replicate_variance, interval.replicate),
        (found.borrowed_variance, replicate.borrowed),
    ):
        np.testing.assert_allclose(got[known], wanted[known], **CLOSE)
    which = np.flatnonzero(known)
    np.testing.assert_allclose(found.joint.among(which), covariance[np.ix_(which, which)], **CLOSE)
    first, second = which[:-1], which[1:]
    np.testing.assert_allclose(found.joint.pairs(first, second), covariance[first, second], **CLOSE)


def test_rows_are_their_weights():
    panel = PANELS["ragged"]() if "ragged" in PANELS else panel_of(drawn(3))
    weights = weights_of(panel)
    one, other = estimate_contrasts(panel, weights), estimate_contrasts(panel, ContrastRows.of(weights))
    np.testing.assert_array_equal(one.se, other.se)
    rows = ContrastRows.of(weights).take(np.array([3, 0]))
    np.testing.assert_array_equal(rows.written_out(), weights[[3, 0]].reshape(2, -1).T)
