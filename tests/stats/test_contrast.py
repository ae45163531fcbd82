"""Contrasts: intervals recomputed literally, invariances, what each argument changes, what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from crossed_cases import PANELS, clustered, drawn, fixed_base, literal_components, paired, ragged, sharing_clusters
from scipy import stats

from gauger.stats.crossed.contrast import Contrasts, estimate_contrasts
from gauger.stats.crossed.panel import Panel, panel_of
from gauger.stats.crossed.sample_sizes import NO_SCORES, ONE_CLUSTER


def differences(panel: Panel) -> np.ndarray:
    """Last arm less first: on each benchmark, on average, and the first benchmark less the last."""
    n = panel.n_benchmarks
    rows = [*np.eye(n), np.full(n, 1 / n), np.eye(n)[0] - np.eye(n)[-1]] if n > 1 else [np.ones(1)]
    weights = np.zeros((len(rows), panel.n_arms, n))
    weights[:, -1] = rows
    if panel.n_arms > 1:
        weights[:, 0] = -np.array(rows)
    return weights


def literal_interval(panel: Panel, w: np.ndarray) -> tuple[float, float, float]:
    """Value, standard error and half width without moderation, from the formulas as written in the docstrings."""
    parts = literal_components(panel)
    flat = w.ravel()
    value = sum(w[cell] * mean for cell, mean in parts.mean.items() if w[cell])
    item, replicate, shared = (float(flat @ m @ flat) for m in (parts.item, parts.replicate, parts.shared))
    item_df = literal_item_df(panel, w, parts.item)
    item = max(item, literal_least(panel, w))
    replicate_df = literal_replicate_df(panel, w)
    held = max(replicate, shared / 3)
    variance = max(item - shared, 0) + held
    spread = item**2 / item_df + (replicate**2 / replicate_df if np.isfinite(replicate_df) else 0)
    satterthwaite = stats.t.ppf(0.975, variance**2 / spread) ** 2 * variance
    howe = stats.t.ppf(0.975, item_df) ** 2 * max(variance - replicate, 0)
    howe += stats.t.ppf(0.975, replicate_df) ** 2 * replicate if replicate else 0
    return value, float(np.sqrt(variance)), float(np.sqrt(0.75 * satterthwaite + 0.25 * howe))


def blocks_of(panel: Panel) -> list[list[int]]:
    """Benchmarks that share clusters (there are two at most)."""
    if panel.n_benchmarks == 2 and set(panel.units[0]) & set(panel.units[1]):
        return [[0, 1]]
    return [[b] for b in range(panel.n_benchmarks)]


def literal_item_df(panel: Panel, w: np.ndarray, item: np.ndarray) -> float:
    total, spread = 0.0, 0.0
    for block in blocks_of(panel):
        part = np.zeros_like(w)
        part[:, block] = w[:, block]
        variance = float(part.ravel() @ item @ part.ravel())
        units = [u for b in block if w[:, b].any() for u in panel.units[b][answered_by_fewest(panel, w, b)].tolist()]
        sizes = np.array([units.count(u) for u in set(units)])
        total += variance
        if len(sizes):
            spread += variance**2 / ((sizes**2).sum() ** 2 / (sizes**4).sum() - 1)
    return total**2 / spread


def answered_by_fewest(panel: Panel, w: np.ndarray, b: int) -> np.ndarray:
    """Which items the weighed arm with the fewest clusters answered (here no two arms have other ones and as many)."""
    present = panel.replicates != -1
    seen = [np.isfinite(panel.scores[b][a][present[a]]).any(axis=0) for a in np.flatnonzero(w[:, b])]

    def known(answered: np.ndarray) -> float:
        sizes = np.unique(panel.units[b][answered], return_counts=True)[1]
        return float((sizes**2).sum() ** 2 / (sizes**4).sum())

    return min(seen, key=known)


def literal_least(panel: Panel, w: np.ndarray) -> float:
    least = 0.0
    for b in range(panel.n_benchmarks):
        answers, means, rows, items, clusters = [], [], [], [], []
        for a in range(panel.n_arms):
            y = panel.scores[b][a][panel.replicates[a] != -1]
            seen = np.isfinite(y).any(axis=0)
            mean = np.nanmean(np.array([np.nanmean(y[:, i]) for i in np.flatnonzero(seen)]))
            answers.append(np.nanmax(np.abs(y - mean)))
            means.append(mean)
            rows.append(np.isfinite(y).any(axis=1).sum())
            items.append(seen.sum())
            clusters.append(len(set(panel.units[b][seen].tolist())))
        per_arm = max(w[a, b] ** 2 / rows[a] for a in range(panel.n_arms))
        least += 2 * per_arm * max(answers) ** 2 / (max(items) * max(clusters))
    return least


def literal_replicate_df(panel: Panel, w: np.ndarray) -> float:
    """Satterthwaite over groups of arms that hold common replicates, each with its smallest R - 1."""
    sets = [set(row[row != -1].tolist()) for row in panel.replicates]
    groups: list[set[int]] = []
    for a in range(panel.n_arms):
        touching = [g for g in groups if any(sets[a] & sets[c] for c in g)]
        groups = [g for g in groups if g not in touching] + [set().union({a}, *touching)]
    parts = literal_components(panel)
    total, spread = 0.0, 0.0
    for group in groups:
        part = np.zeros_like(w)
        part[list(group)] = w[list(group)]
        variance = float(part.ravel() @ parts.replicate @ part.ravel())
        counts = [
            np.isfinite(panel.scores[b][a]).any(axis=1).sum() for a in group for b in np.flatnonzero(w[a]) if w[a, b]
        ]
        counts = [count for count in counts if count > 1]
        if counts:
            total += variance
            spread += variance**2 / (min(counts) - 1)
    return total**2 / spread if spread else np.inf


@pytest.mark.parametrize("name", PANELS)
def test_unmoderated_interval_equals_the_literal_one(name: str) -> None:
    panel = PANELS[name]()
    weights = differences(panel)
    found = estimate_contrasts(panel, weights, moderated=False)
    for c, w in enumerate(weights):
        value, se, half = literal_interval(panel, w)
        # stdtrit inverts the t distribution to about 1e-8
        np.testing.assert_allclose([found.value[c], found.se[c]], [value, se], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose([found.low[c], found.high[c]], [value - half, value + half], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("moderated", [True, False])
@pytest.mark.parametrize("name", PANELS)
def test_reported_parts_make_the_variance(name: str, moderated: bool) -> None:
    panel = PANELS[name]()
    found = estimate_contrasts(panel, differences(panel), moderated=moderated)
    item = np.maximum(found.item_variance, found.least_item_variance) - found.shared_variance
    np.testing.assert_allclose(found.se**2, np.maximum(item, 0) + found.replicate_variance)
    np.testing.assert_allclose(np.diag(found.joint.written_out), found.se**2)
    np.testing.assert_allclose(found.high - found.value, found.value - found.low)
    np.testing.assert_allclose(stats.t.ppf(0.975, found.df) * found.se, found.high - found.value, rtol=1e-6)


def same(one: Contrasts, other: Contrasts, sign: float = 1.0, scale: float = 1.0) -> None:
    # The moderated path iterates and inverts special functions; differences in order of summation stay below 1e-8.
    np.testing.assert_allclose(one.value * sign * scale, other.value, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(one.se * scale, other.se, rtol=1e-8)
    np.testing.assert_allclose(one.df, other.df, rtol=1e-6)
    np.testing.assert_allclose(one.joint.written_out * scale**2, other.joint.written_out, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("moderated", [True, False])
@pytest.mark.parametrize("make", [paired, clustered, ragged, sharing_clusters, fixed_base])
def test_order_does_not_matter(make, moderated: bool) -> None:
    panel = make()
    weights = differences(panel)
    rng = np.random.default_rng(1)
    arms, rows = rng.permutation(panel.n_arms), rng.permutation(panel.replicates.shape[1])
    items = [rng.permutation(len(units)) for units in panel.units]
    shuffled = Panel(
        tuple(y[arms][:, rows][:, :, order] for y, order in zip(panel.scores, items, strict=True)),
        tuple(units[order] * 3 + 5 for units, order in zip(panel.units, items, strict=True)),
        np.where(panel.replicates >= 0, panel.replicates * 7 + 3, -1)[arms][:, rows],
    )
    plain = estimate_contrasts(panel, weights, moderated=moderated)
    same(plain, estimate_contrasts(shuffled, weights[:, arms], moderated=moderated))


@pytest.mark.parametrize("moderated", [True, False])
def test_order_of_benchmarks_does_not_matter(moderated: bool) -> None:
    panel = ragged()
    turned = Panel(panel.scores[::-1], panel.units[::-1], panel.replicates)
    weights = differences(panel)
    plain = estimate_contrasts(panel, weights, moderated=moderated)
    same(plain, estimate_contrasts(turned, weights[:, :, ::-1], moderated=moderated))


@pytest.mark.parametrize("moderated", [True, False])
def test_counting_errors_instead_of_successes_turns_the_sign(moderated: bool) -> None:
    panel = ragged()
    mirrored = Panel(tuple(1 - y for y in panel.scores), panel.units, panel.replicates)
    weights = differences(panel)
    plain = estimate_contrasts(panel, weights, moderated=moderated)
    same(plain, estimate_contrasts(mirrored, weights, moderated=moderated), sign=-1.0)


def test_unmoderated_estimates_follow_scale_and_shift() -> None:
    panel = ragged()
    other = Panel(tuple(0.5 * y + 0.2 for y in panel.scores), panel.units, panel.replicates)
    weights = differences(panel)
    plain = estimate_contrasts(panel, weights, moderated=False)
    same(plain, estimate_contrasts(other, weights, moderated=False), scale=0.5)


def test_weights_scale_the_contrast() -> None:
    weights = differences(paired())
    same(estimate_contrasts(paired(), weights), estimate_contrasts(paired(), 3 * weights), scale=3.0)


def test_level_matters_to_the_interval_alone() -> None:
    weights = differences(paired())
    narrow, wide = (estimate_contrasts(paired(), weights, level=level) for level in (0.8, 0.99))
    assert ((narrow.high - narrow.low) < (wide.high - wide.low)).all()
    np.testing.assert_array_equal(narrow.se, wide.se)


def test_moderation_matters() -> None:
    weights = differences(paired())
    on, off = (estimate_contrasts(paired(), weights, moderated=moderated) for moderated in (True, False))
    np.testing.assert_array_equal(on.value, off.value)
    np.testing.assert_array_equal(on.item_variance, off.item_variance)
    assert not np.isclose(on.replicate_variance, off.replicate_variance).any()


@pytest.mark.parametrize("moderated", [True, False])
def test_pairing_matters(moderated: bool) -> None:
    """With replicates that move both arms alike, pairing takes their noise out of the difference."""
    rng = np.random.default_rng(3)
    y = np.clip(0.5 + rng.normal(0, 0.05, (1, 6, 1)) + rng.normal(0, 0.05, (2, 6, 40)), 0, 1)
    weights = differences(panel_of([y]))
    apart, together = (
        estimate_contrasts(panel_of([y], paired=paired_), weights, moderated=moderated) for paired_ in (False, True)
    )
    np.testing.assert_allclose(apart.value, together.value)
    assert together.replicate_variance[0] < 0.5 * apart.replicate_variance[0]


def test_clusters_matter() -> None:
    panel = clustered()
    weights = differences(panel)
    alone = estimate_contrasts(panel_of(drawn(4)), weights)
    together = estimate_contrasts(panel, weights)
    assert not np.isclose(alone.se, together.se).any()
    assert together.n_clusters.tolist() == [4, 3, 7, 7]
    assert together.n_items.tolist() == [15, 11, 26, 26]


def test_a_cluster_that_two_benchmarks_share_counts_once() -> None:
    panel = sharing_clusters()
    assert estimate_contrasts(panel, differences(panel)).n_clusters.tolist() == [6, 4, 8, 8]


def test_what_is_undefined_says_why_and_spares_the_rest() -> None:
    scores = drawn(1, items=(15, 11, 9))
    scores[1][0] = np.nan
    units = list(panel_of(scores).units)
    units[2] = np.full(9, units[2][0])
    found = estimate_contrasts(Panel(tuple(scores), tuple(units), panel_of(scores).replicates), np.array(
        [[[-1, 0, 0], [0, 0, 0], [1, 0, 0]], [[0, -1, 0], [0, 0, 0], [0, 1, 0]], [[0, 0, -1], [0, 0, 0], [0, 0, 1]],
         [[0, 0, 0]] * 3], dtype=float))  # fmt: skip
    assert found.undefined.tolist() == [None, NO_SCORES, ONE_CLUSTER, NO_SCORES]
    assert np.isfinite(found.value).tolist() == [True, False, False, False]
    assert np.isfinite(found.low).tolist() == [True, False, False, False]
    assert np.isnan(found.joint.written_out[0, 1])


def test_without_replicates_the_interval_covers_items_alone() -> None:
    y = drawn(9, arms=2, replicates=1, items=(40,))
    found = estimate_contrasts(panel_of(y), np.array([[[-1.0], [1.0]]]))
    d = y[0][1, 0] - y[0][0, 0]
    assert found.n_replicates.tolist() == [1]
    np.testing.assert_allclose(found.replicate_variance, 0, atol=1e-20)
    np.testing.assert_allclose(found.se, d.std(ddof=1) / np.sqrt(40))
    np.testing.assert_allclose(found.high - found.value, stats.t.ppf(0.975, 39) * found.se)


@pytest.mark.parametrize("moderated", [True, False])
def test_two_arms_that_answer_alike_are_not_certain(moderated: bool) -> None:
    rng = np.random.default_rng(4)
    y = np.repeat((rng.random((1, 1, 50)) < 0.9).astype(float), 3, axis=1).repeat(2, axis=0)
    found = estimate_contrasts(panel_of([y]), np.array([[[-1.0], [1.0]]]), moderated=moderated)
    assert found.value[0] == 0
    assert found.high[0] > 0.005


def test_covariance_of_contrasts_that_share_an_arm_is_positive() -> None:
    panel = panel_of(drawn(10, arms=3, items=(60,)))
    weights = np.array([[[-1.0], [1.0], [0.0]], [[-1.0], [0.0], [1.0]], [[0.0], [-1.0], [1.0]]])
    found = estimate_contrasts(panel, weights, moderated=False)
    assert found.joint.written_out[0, 1] > 0
    # the third is the second less the first, so its variance follows, up to flooring of parts
    implied = found.joint.written_out[0, 0] + found.joint.written_out[1, 1] - 2 * found.joint.written_out[0, 1]
    assert abs(implied / found.joint.written_out[2, 2] - 1) < 0.1
