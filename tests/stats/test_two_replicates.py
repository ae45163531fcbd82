"""Two replicates, the fewest that say anything: the prior and its intervals by literal loops, and pinned values.

Edits of `replicate_prior` that left two-replicate studies without moderation, or with other degrees of freedom, once
went unseen: they moved 195 and 201 of 249 intervals. Each is an assertion here.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from crossed_cases import drawn, rows_of

from gauger.stats.crossed.crossed import Components, crossed_components
from gauger.stats.crossed.pairing import replicate_groups
from gauger.stats.crossed.panel import Panel, panel_of
from gauger.stats.crossed.replicate_part import replicate_part
from gauger.stats.crossed.replicate_prior import FEWEST_DF, replicate_prior

ARMS, ITEMS = 4, (18, 12, 15)


def two_replicates(*, paired: bool, kin: bool = False) -> Panel:
    """Return four arms on three benchmarks, each trained twice; with `kin`, the first two arms are of one class."""
    panel = panel_of(drawn(31, arms=ARMS, replicates=2, items=ITEMS), paired=paired)
    if not kin:
        return panel
    kinship = np.zeros((ARMS, ARMS), dtype=np.int64)
    kinship[:2, :2] = kinship[2:, 2:] = 1
    return replace(panel, kinship=kinship)


def literal(components: Components) -> tuple[dict[tuple[str, int], float], np.ndarray]:
    """Recompute net variance and covariances by loops over pairs of cells: (kind, kinship) -> value, and weights."""
    n_arms, n_benchmarks = components.mean.shape
    cells = list(product(range(n_arms), range(n_benchmarks)))
    g = components.sensitivity.ravel()
    gross, noise = components.shown_covariance() * 2, components.shared.written_out() * 2
    c = sum(g[k] ** 2 * (gross[k, k] - noise[k, k]) for k in range(len(cells))) / sum(g**4)
    for _ in range(3):
        m = [max(noise[k, k] + c * g[k] ** 2, noise[k, k] / 2) for k in range(len(cells))]
        above = sum(g[k] ** 2 * (gross[k, k] - noise[k, k]) / m[k] ** 2 for k in range(len(cells)))
        c = above / sum(g[k] ** 4 / m[k] ** 2 for k in range(len(cells)))
    m = [max(noise[k, k] + c * g[k] ** 2, noise[k, k] / 2) for k in range(len(cells))]
    root = [g[k] ** 2 / m[k] for k in range(len(cells))]  # one degree of freedom each
    sums: dict[tuple[str, int], list[float]] = {}
    for (i, (a, b)), (j, (other, d)) in product(enumerate(cells), repeat=2):
        if i == j:
            continue
        kin = int(components.kinship[a, other])
        kind = ("same arm", 0) if a == other else ("same benchmark" if b == d else "neither", kin)
        entry = sums.setdefault(kind, [0.0, 0.0])
        entry[0] += root[i] * root[j] * (gross[i, j] - noise[i, j]) / (g[i] * g[j])
        entry[1] += root[i] * root[j]
    return {kind: top / bottom for kind, (top, bottom) in sums.items()} | {("itself", 0): c}, np.outer(root, root)


def kind_of(components: Components, i: int, j: int) -> tuple[str, int]:
    n_benchmarks = components.mean.shape[1]
    (a, b), (other, d) = divmod(i, n_benchmarks), divmod(j, n_benchmarks)
    if i == j:
        return "itself", 0
    kin = int(components.kinship[a, other])
    return ("same arm", 0) if a == other else ("same benchmark" if b == d else "neither", kin)


def test_two_replicates_are_enough_to_borrow_from() -> None:
    """One degree of freedom is more than none: `df > 0`, not `df > 1`."""
    components = crossed_components(two_replicates(paired=True))
    assert (components.n_replicates == 2).all()
    assert replicate_prior(components, replicate_groups(components)) is not None
    weights = np.eye(components.mean.size)
    moderated, plain = (replicate_part(components, rows_of(components, weights), moderated=m) for m in (True, False))
    np.testing.assert_allclose(plain.df, 1)
    assert (moderated.df > 2).all()
    assert np.ptp(moderated.variance) < 0.8 * np.ptp(plain.variance)


@pytest.mark.parametrize(("paired", "wanted"), [(True, (3, 6, 1, 2)), (False, (4, 8, 0, 0))])
def test_degrees_of_freedom_by_stratum(paired: bool, wanted: tuple[int, ...]) -> None:
    """Paired: A - 1 = 3 for arms, times B - 1 = 2 beside it; 1 for what arms share. Unpaired: each arm its own."""
    components = crossed_components(two_replicates(paired=paired))
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    assert prior.stratum_df.tolist() == list(wanted)


@pytest.mark.parametrize("kin", [False, True])
def test_covariances_of_every_kind_of_pair_by_literal_loops(kin: bool) -> None:
    components = crossed_components(two_replicates(paired=True, kin=kin))
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    assert prior.stratum_df[0] < FEWEST_DF, "covariances are then taken as they are found"
    found, _ = literal(components)
    assert len(found) == (6 if kin else 4)
    g = components.sensitivity.ravel()
    for i, j in product(range(len(g)), repeat=2):
        wanted = found[kind_of(components, i, j)] * g[i] * g[j] / 2  # of means of two replicates
        assert prior.common.written_out()[i, j] == pytest.approx(wanted, rel=1e-9), (i, j)


@pytest.mark.parametrize("kin", [False, True])
def test_each_benchmarks_own_level_by_literal_loops(kin: bool) -> None:
    """Averaged over arms, and over pairs of arms by kinship: arms of one class are not averaged with strangers."""
    components = crossed_components(two_replicates(paired=True, kin=kin))
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    _, weight = literal(components)
    n_benchmarks, g = components.mean.shape[1], components.sensitivity.ravel()
    standard = (components.shown_covariance() - components.shared.written_out()) * 2 / np.outer(g, g)
    sums: dict[tuple[str, int, int, int], list[float]] = {}
    for i, j in product(range(len(g)), repeat=2):
        (a, b), (other, d) = divmod(i, n_benchmarks), divmod(j, n_benchmarks)
        group = ("own", 0, b, d) if a == other else ("cross", int(components.kinship[a, other]), b, d)
        entry = sums.setdefault(group, [0.0, 0.0])
        entry[0] += weight[i, j] * standard[i, j]
        entry[1] += weight[i, j]
    for i, j in product(range(len(g)), repeat=2):
        (a, b), (other, d) = divmod(i, n_benchmarks), divmod(j, n_benchmarks)
        group = ("own", 0, b, d) if a == other else ("cross", int(components.kinship[a, other]), b, d)
        top, bottom = sums[group]
        assert prior.pooled.written_out()[i, j] == pytest.approx(top / bottom * g[i] * g[j] / 2, rel=1e-9), (i, j)


GOLDEN = {
    True: (
        [
            0.000455951523,
            0.00128430993,
            0.000647371567,
            0.000454878291,
            0.000569634347,
            0.000514034845,
            0.000488992115,
            0.000432707175,
            0.00112717,
            0.00042264625,
            0.000863391926,
            0.000980768002,
        ],
        [
            3.92489215,
            4.83652953,
            4.27313968,
            4.33323889,
            4.18550472,
            3.95060727,
            4.1048783,
            3.35209805,
            4.97691635,
            4.09427751,
            4.55918337,
            4.26250459,
        ],
    ),
    False: (
        [
            0.000452593678,
            0.00128436698,
            0.000649912189,
            0.000453691967,
            0.000569687163,
            0.000516644737,
            0.00048643818,
            0.00043285361,
            0.00112872075,
            0.000420289469,
            0.000863453612,
            0.000986301343,
        ],
        [
            4.14546528,
            5.21056008,
            4.52550895,
            4.61778814,
            4.43338668,
            4.14753233,
            4.35254176,
            3.47945714,
            5.37857491,
            4.34030042,
            4.87592025,
            4.51290924,
        ],
    ),
}
"""Paired -> variances of the twelve cell means, and their degrees of freedom, as they stood when the literal loops
above agreed; nine digits."""


@pytest.mark.parametrize("paired", [True, False])
def test_golden_variances_and_degrees_of_freedom(paired: bool) -> None:
    components = crossed_components(two_replicates(paired=paired))
    found = replicate_part(components, rows_of(components, np.eye(components.mean.size)), moderated=True)
    variance, df = GOLDEN[paired]
    np.testing.assert_allclose(found.variance, variance, rtol=1e-7)  # nine digits are pinned
    np.testing.assert_allclose(found.df, df, rtol=1e-7)
