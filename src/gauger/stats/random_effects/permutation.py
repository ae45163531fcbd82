"""Tests a pooled effect or moderators by permutation: valid with few studies and without normality."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial, prod

import numpy as np

from gauger.errors import UserError
from gauger.stats.random_effects.batched import ManyFits, fit_many
from gauger.stats.random_effects.data import Array, Codes, MetaData

TIE = float(np.finfo(float).eps) ** 0.5
"""Statistics this close to the observed one count as ties, i.e. as extreme."""
CHUNK = 20_000


@dataclass(frozen=True)
class PermutationTest:
    """Two-sided permutation p-values."""

    p: Array
    """(p,) share of arrangements whose |statistic| is at least the observed one; per coefficient."""
    arrangements: int
    """How many were fitted, the observed one included."""
    exact: bool
    """True when these were all there are."""


def permutation_test(
    data: MetaData,
    *,
    draws: int = 1000,
    rng: np.random.Generator | None = None,
    method: str = "REML",
    knapp_hartung: bool = False,
) -> PermutationTest:
    """Test by re-arranging: signs of the effects for a mean, rows of X against (y, v) for moderators.

    Every arrangement is refitted, tau2 included, and its coefficients' t (or z) statistics compared with the observed.
    All arrangements are used when there are at most `draws` of them, else `draws` at random, the observed one being
    the first. For independent rows under the univariate model only: rows of one study are not exchangeable.

    Parameters
    ----------
    data : MetaData
        One level, no shared controls. The intercept of a model with moderators has a p-value of its own kind (it tests
        the mean at zero under shuffled moderators): read the moderators'.
    draws : int
        Largest number of arrangements.
    rng : numpy Generator
        Needed when arrangements are drawn.
    method : {"REML", "ML"}
    knapp_hartung : bool
        Use Knapp-Hartung standard errors in the statistics.

    Source: Higgins & Thompson (2004), Stat. Med. 23:1663; Follmann & Proschan (1999), Biometrics 55:732. Equality of
    exact tests with metafor's `permutest`: tests.
    """
    if len(data.levels) > 1 or data.row_level != 0 or data.shared_group is not None or data.covariance:
        raise UserError("independent rows and one level for a permutation test", hint="Use robust errors instead.")
    mean_alone = data.design.shape[1] == 1 and bool((data.design == 1.0).all())
    count = 2 ** len(data) if mean_alone else _distinct_orders(data.design)
    exact = count <= draws
    if not exact and rng is None:
        raise UserError(
            "a random generator for drawn arrangements", "none", hint=f"{count} arrangements > {draws} draws."
        )
    if mean_alone:
        return _signs(data, None if exact else rng, count if exact else draws, method, knapp_hartung)
    return _orders(data, None if exact else rng, count if exact else draws, method, knapp_hartung)


def _signs(
    data: MetaData, rng: np.random.Generator | None, count: int, method: str, knapp_hartung: bool
) -> PermutationTest:
    n = len(data)
    if rng is None:
        signs = 1.0 - 2.0 * (np.arange(count)[:, None] >> np.arange(n) & 1)
    else:
        signs = rng.choice([-1.0, 1.0], size=(count, n))
        signs[0] = 1.0
    statistics = np.concatenate(
        [
            _statistics(fit_many(part * data.effect, data.variance, method=method), knapp_hartung)
            for part in np.array_split(signs, -(-count // CHUNK))
        ]
    )
    return _compare(statistics, exact=rng is None)


def _orders(
    data: MetaData, rng: np.random.Generator | None, count: int, method: str, knapp_hartung: bool
) -> PermutationTest:
    """Shuffle (y, v) against a fixed X, which is the same as shuffling X and lets all fits share one design."""
    n = len(data)
    orders = _all_orders(data.design) if rng is None else np.argsort(rng.random((count, n)), axis=1)
    orders[0] = np.arange(n)
    statistics = np.concatenate(
        [
            _statistics(fit_many(data.effect[part], data.variance[part], data.design, method=method), knapp_hartung)
            for part in np.array_split(orders, -(-count // CHUNK))
        ]
    )
    return _compare(statistics, exact=rng is None)


def _statistics(fits: ManyFits, knapp_hartung: bool) -> Array:
    return np.asarray(fits.beta / (fits.se_knapp_hartung if knapp_hartung else fits.se))


def _compare(statistics: Array, *, exact: bool) -> PermutationTest:
    extreme = np.abs(statistics) >= np.abs(statistics[0]) - TIE
    return PermutationTest(extreme.mean(0), len(statistics), exact)


def _row_kinds(design: Array) -> Codes:
    return np.unique(design, axis=0, return_inverse=True)[1].ravel()


def _distinct_orders(design: Array) -> int:
    """Count the arrangements of the rows of X that differ: n! / product of (multiplicities!)."""
    return factorial(len(design)) // prod(factorial(int(times)) for times in np.bincount(_row_kinds(design)))


def _all_orders(design: Array) -> Codes:
    """List, for every distinct arrangement of X's rows, which row of (y, v) meets each row of X; the identity first."""
    kinds = _row_kinds(design)
    places = [np.flatnonzero(kinds == kind).tolist() for kind in range(int(kinds.max()) + 1)]
    orders: list[list[int]] = []

    def place(kind: int, free: list[int], order: list[int]) -> None:
        if kind == len(places):
            orders.append(order)
            return
        for chosen in combinations(free, len(places[kind])):
            extended = order.copy()
            for row, source in zip(places[kind], chosen, strict=True):
                extended[row] = source
            place(kind + 1, [row for row in free if row not in chosen], extended)

    place(0, list(range(len(design))), [0] * len(design))
    identity = orders.index(list(range(len(design))))
    orders[0], orders[identity] = orders[identity], orders[0]
    return np.array(orders)
