"""Two replicates, the fewest that say anything: the prior and its intervals by literal loops, and pinned values.

Edits of `replicate_prior` that left two-replicate studies without moderation, or with other degrees of freedom, once
went unseen: they moved 195 and 201 of 249 intervals. Each is an assertion here.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from crossed_cases import drawn

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
    gross, noise = components.replicate * 2, components.shared * 2
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
    moderated, plain = (replicate_part(components, weights, moderated=m) for m in (True, False))
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
        assert prior.common[i, j] == pytest.approx(wanted, rel=1e-9), (i, j)


@pytest.mark.parametrize("kin", [False, True])
def test_each_benchmarks_own_level_by_literal_loops(kin: bool) -> None:
    """Averaged over arms, and over pairs of arms by kinship: arms of one class are not averaged with strangers."""
    components = crossed_components(two_replicates(paired=True, kin=kin))
    prior = replicate_prior(components, replicate_groups(components))
    assert prior is not None
    _, weight = literal(components)
    n_benchmarks, g = components.mean.shape[1], components.sensitivity.ravel()
    standard = (components.replicate - components.shared) * 2 / np.outer(g, g)
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
        assert prior.pooled[i, j] == pytest.approx(top / bottom * g[i] * g[j] / 2, rel=1e-9), (i, j)


GOLDEN = {
    True: (
        [
            0.000437659414,
            0.00122131042,
            0.00067066163,
            0.000516628299,
            0.000657989431,
            0.000580083978,
            0.000512646543,
            0.000389249689,
            0.00106643359,
            0.000431599379,
            0.000851920878,
            0.000774198205,
        ],
        [
            5.23396561,
            5.39910606,
            5.30923026,
            5.32044557,
            5.29202367,
            5.24020708,
            5.27522808,
            5.05469292,
            5.41711518,
            5.27294668,
            5.35883646,
            5.30719733,
        ],
    ),
    False: (
        [
            0.00043396157,
            0.00121995189,
            0.000674604471,
            0.0005156077,
            0.000659484689,
            0.000584685092,
            0.000510900047,
            0.000388667612,
            0.00106634684,
            0.000430060521,
            0.000852518698,
            0.00077290644,
        ],
        [
            5.76831827,
            5.92683589,
            5.83739893,
            5.85169656,
            5.82225014,
            5.76874576,
            5.80817174,
            5.58715089,
            5.94399782,
            5.8059722,
            5.88761509,
            5.83538035,
        ],
    ),
}
"""Paired -> variances of the twelve cell means, and their degrees of freedom, as they stood when the literal loops
above agreed; nine digits."""


@pytest.mark.parametrize("paired", [True, False])
def test_golden_variances_and_degrees_of_freedom(paired: bool) -> None:
    components = crossed_components(two_replicates(paired=paired))
    found = replicate_part(components, np.eye(components.mean.size), moderated=True)
    variance, df = GOLDEN[paired]
    np.testing.assert_allclose(found.variance, variance, rtol=1e-7)  # nine digits are pinned
    np.testing.assert_allclose(found.df, df, rtol=1e-7)
