"""What a pooled covariance is known from, by direction: against draws, and what kinship does to moderated intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossed_cases import rows_of

from gauger.stats.crossed.contrast import estimate_contrasts
from gauger.stats.crossed.contrast_rows import ContrastRows
from gauger.stats.crossed.crossed import crossed_components
from gauger.stats.crossed.known_directions import CovarianceKind, Directions, spread_of_sizes
from gauger.stats.crossed.panel import panel_of
from gauger.stats.crossed.replicate_part import replicate_part

A, B, R = 6, 2, 5
FAMILIES = np.array([0, 0, 0, 0, 1, 2])
KINSHIP = np.where(FAMILIES[:, None] == FAMILIES, 1, 0)
FIRST_AGAINST_REST = np.kron(np.where(FAMILIES == 0, 0.25, -0.5), np.array([0.5, 0.5]))
WITHIN_FIRST = np.kron(np.array([1.0, -1.0, 0, 0, 0, 0]), np.array([0.5, 0.5]))


def mask(kind):
    """(K, K): 1 where a pair of cells is of a kind."""
    one = np.eye(B)
    return np.kron(kind.arms.astype(float), one if kind.same else 1 - one)


def related_panel(rng, items=400, shared=0.9):
    """Six arms, the first four trained on from one model, of which their replicates keep most of the noise."""
    family, own = rng.standard_normal((3, R, 1)), rng.standard_normal((A, R, B))
    noise = 0.4 * (np.sqrt(shared) * family[FAMILIES] + np.sqrt(1 - shared) * own)
    ease = rng.standard_normal((items, B))
    scores = [
        (rng.random((A, R, items)) < 1 / (1 + np.exp(-(noise[:, :, b, None] + ease[:, b])))).astype(float)
        for b in range(B)
    ]
    return replace(panel_of(scores, paired=True), kinship=KINSHIP)


def test_a_kind_times_values_is_its_mask_times_them():
    rng = np.random.default_rng(1)
    arms = rng.random((A, A)) < 0.5
    values = rng.random((A, B, 3))
    for same in (True, False):
        kind = CovarianceKind(arms, same)
        wanted = (mask(kind) @ values.reshape(A * B, 3)).reshape(A, B, 3)
        np.testing.assert_allclose(kind.times(values), wanted, atol=1e-12)


def test_degrees_of_freedom_are_those_of_the_drawn_pooled_variance():
    """20,000 draws of S: mean and variance of m(w) are known to some 1.5 %; the limit is four of them."""
    rng = np.random.default_rng(2)
    kinds = (
        CovarianceKind(np.eye(A, dtype=bool), True),
        CovarianceKind(np.eye(A, dtype=bool), False),
        *(CovarianceKind((c == KINSHIP) & ~np.eye(A, dtype=bool), same) for c in (0, 1) for same in (True, False)),
    )
    sizes = (1.0, 0.5, 0.0, 0.0, 0.5, 0.25)
    truth = sum(size * mask(kind) for size, kind in zip(sizes, kinds, strict=True))
    ones = np.ones((A, B, 2))
    found = Directions(kinds, spread_of_sizes(kinds, ones, truth), np.ones((A, B)), truth, R - 1)
    weights = np.stack([FIRST_AGAINST_REST, WITHIN_FIRST])
    root = np.linalg.cholesky(truth + 1e-9 * np.eye(A * B))
    deviations = rng.standard_normal((20_000, R - 1, A * B)) @ root.T
    shown = np.einsum("nri,nrj->nij", deviations, deviations) / (R - 1)
    masks = [mask(kind) for kind in kinds]
    means = np.stack([(shown * mask).sum(axis=(1, 2)) / mask.sum() for mask in masks], axis=1)
    draws = means @ np.array([((weights @ mask) * weights).sum(axis=1) for mask in masks])
    drawn = 2 * np.mean(draws, axis=0) ** 2 / np.var(draws, axis=0)
    df = found.df(ContrastRows.of(weights.reshape(-1, A, B)))
    np.testing.assert_allclose(df, drawn, rtol=0.06)
    assert R - 1 < df[0] < df[1], "what few replicates show is known less well"


def test_kinship_matters_where_arms_are_related_and_not_without_moderation():
    panel = related_panel(np.random.default_rng(3))
    plain = replace(panel, kinship=None)
    weights = np.stack([FIRST_AGAINST_REST, WITHIN_FIRST]).reshape(2, A, B)
    told, untold = estimate_contrasts(panel, weights), estimate_contrasts(plain, weights)
    np.testing.assert_allclose(told.value, untold.value)
    assert told.replicate_variance[0] > 1.2 * untold.replicate_variance[0]
    assert told.replicate_variance[1] < untold.replicate_variance[1]
    one, other = (estimate_contrasts(p, weights, moderated=False) for p in (panel, plain))
    for name in set(vars(one)) - {"joint"}:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.joint.written_out, other.joint.written_out)


def test_one_class_of_kinship_is_no_kinship():
    panel = related_panel(np.random.default_rng(4))
    weights = np.stack([FIRST_AGAINST_REST, WITHIN_FIRST]).reshape(2, A, B)
    for kinship in (np.zeros((A, A), dtype=np.int64), np.full((A, A), 7)):
        one = estimate_contrasts(replace(panel, kinship=kinship), weights)
        other = estimate_contrasts(replace(panel, kinship=None), weights)
        np.testing.assert_allclose(one.low, other.low, rtol=1e-12)


def test_intervals_of_what_the_family_shares_cover_with_kinship_and_not_without():
    """200 draws: coverage has a standard error of 1.5 to 2.5 %; over 600 it is 94.8 % with kinship, 89.5 % without."""
    rng = np.random.default_rng(5)
    hits = np.zeros(2)
    for _ in range(200):
        panel = related_panel(rng, items=150)
        for which, one in enumerate((panel, replace(panel, kinship=None))):
            found = estimate_contrasts(one, FIRST_AGAINST_REST.reshape(1, A, B))
            hits[which] += found.low[0] <= 0 <= found.high[0]
    told, untold = hits / 200
    assert told > 0.92
    assert untold < told - 0.02


def test_kinship_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="kinship has shape"):
        replace(related_panel(np.random.default_rng(6), items=3), kinship=np.zeros((2, 2), dtype=np.int64))


def test_an_unreplicated_panel_has_no_replicate_part_whatever_its_kinship():
    panel = replace(panel_of([np.random.default_rng(7).random((A, 1, 20))], paired=True), kinship=KINSHIP)
    part = replicate_part(crossed_components(panel), rows_of(crossed_components(panel), np.eye(A)), moderated=True)
    assert (part.variance == 0).all()
