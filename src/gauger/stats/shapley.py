"""Computes Shapley values and pairwise interactions of k ingredients, as linear contrasts of the 2^k cell means.

Cells and weights are those of `factorial`: cell numbers are bit masks, weights run over all 2^k cells. The Shapley
value is the one division of ``mu(all) - mu(none)`` that adds up to it, treats like ingredients alike, gives nothing to
one that changes nothing, and is linear in mu. Letters: F ingredient, S cell, O order.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import comb, factorial

import numpy as np

from gauger.stats.crossed.panel import FloatArray, IntArray
from gauger.stats.factorial import all_cells, effects_of_order, members_of, signs, sizes


def shapley_weights(n_ingredients: int) -> FloatArray:
    r"""Return (F, 2^k) the weights of each ingredient's Shapley value.

    ``phi_i = sum_{S without i} |S|! (k - |S| - 1)! / k! (mu(S + i) - mu(S))``: what adding i changes, averaged over
    all k! orders in which the ingredients can come in.

    References
    ----------
    Shapley (1953), Contributions to the Theory of Games II, 307-317.
    """
    k, cells = n_ingredients, all_cells(n_ingredients)
    size = sizes(cells)
    share = np.array([factorial(s) * factorial(k - s - 1) / factorial(k) for s in range(k)])
    inside = np.stack([cells >> i & 1 for i in range(k)]) == 1
    return np.where(inside, share[np.maximum(size - 1, 0)], -share[np.minimum(size, k - 1)])


def interaction_weights(n_ingredients: int) -> FloatArray:
    r"""Return (k (k - 1) / 2, 2^k) the weights of each pair's Shapley interaction index (SII).

    ``I_ij = sum_{S without i, j} |S|! (k - |S| - 2)! / (k - 1)! D_ij(S)`` with the second difference ``D_ij(S) =
    mu(S + i + j) - mu(S + i) - mu(S + j) + mu(S)``. Positive: the two help each other; negative: they do one another's
    work. Pairs stand in the order of `effects_of_order`. With the part of each ingredient that is its own, ``phi_i -
    sum_j I_ij / 2``, it adds up to ``mu(all) - mu(none)``.

    References
    ----------
    Grabisch and Roubens (1999), Int. J. Game Theory 28, 547-565.
    """
    k = n_ingredients
    return _pairs(k, np.array([factorial(s) * factorial(k - s - 2) / factorial(k - 1) for s in range(k - 1)]))


def taylor_weights(n_ingredients: int) -> FloatArray:
    r"""Return (k (k - 1) / 2, 2^k) the weights of each pair's Shapley-Taylor interaction index of order 2.

    ``I_ij = 2 / k sum_{S without i, j} D_ij(S) / C(k - 1, |S|)``. With the first-order terms ``mu({i}) - mu(none)`` it
    adds up to ``mu(all) - mu(none)``, so everything beyond the single ingredients is laid to pairs.

    References
    ----------
    Sundararajan, Dhamdhere and Agarwal (2020), ICML, 9259-9268.
    """
    k = n_ingredients
    return _pairs(k, np.array([2 / k / comb(k - 1, s) for s in range(k - 1)]))


def _pairs(k: int, share: FloatArray) -> FloatArray:
    """Weight every pair's second differences by the size of the set they are taken at, `share` (k - 1,)."""
    cells, rows = all_cells(k), []
    for pair in effects_of_order(k, 2):
        others = sizes(cells & ~pair)
        rows.append(share[others] * signs(cells, pair))
    return np.array(rows).reshape(len(rows), len(cells))


def order_weights(orders: IntArray) -> FloatArray:
    """Return (O, F, 2^k): what each ingredient adds where the ingredients come in these orders, (O, F).

    Their average over O is the Shapley value estimated from the drawn orders; it adds up to ``mu(all) - mu(none)``
    exactly. Over all k! orders it is the Shapley value.
    """
    n_orders, k = orders.shape
    weights = np.zeros((n_orders, k, 2**k))
    before = np.zeros(n_orders, dtype=np.int64)
    rows = np.arange(n_orders)
    for position in range(k):
        added = orders[:, position]
        after = before | (1 << added)
        weights[rows, added, after] += 1.0
        weights[rows, added, before] -= 1.0
        before = after
    return weights


def draw_orders(n_ingredients: int, most_cells: int, rng: np.random.Generator) -> IntArray:
    """Draw orders whose cells are at most so many, (O, F), each followed by its reverse.

    Without replacement, from all pairs of an order and its reverse, equally likely; each pair takes at most 2 (k - 1)
    cells beside the empty and the full one, so their number is fixed beforehand and the estimate is unbiased. A pair
    gives the exact Shapley values where no three ingredients interact: what one order adds too much of a two-way
    interaction, its reverse adds too little.

    Parameters
    ----------
    n_ingredients : int
        k >= 2; all k! / 2 pairs are listed, so not for many more than the 6 of `factorial.MOST_INGREDIENTS`.
    most_cells : int
        Number of different cells that may be trained.
    rng : numpy.random.Generator
        Draws the pairs.

    Returns
    -------
    int array, (O, F)
        O = 2 x `pairs_within`; each row lists ingredients in the order in which they come in.

    Raises
    ------
    ValueError
        Not even one pair fits.

    References
    ----------
    Castro, Gomez and Tejada (2009), Comput. Oper. Res. 36, 1726-1730; antithetic pairs: Mitchell, Cooper, Frank and
    Holmes (2022), J. Mach. Learn. Res. 23(43).
    """
    n_pairs = pairs_within(n_ingredients, most_cells)
    if n_pairs < 1:
        raise ValueError(f"{most_cells} cells hold no order of {n_ingredients} ingredients and its reverse")
    every = np.array([order for order in permutations(range(n_ingredients)) if order[0] < order[-1]], dtype=np.int64)
    chosen = every[rng.permutation(len(every))[:n_pairs]]
    return np.stack([chosen, chosen[:, ::-1]], axis=1).reshape(-1, n_ingredients)


def pairs_within(n_ingredients: int, most_cells: int) -> int:
    """Count the pairs of an order and its reverse that fit into so many cells whatever they are.

    Parameters
    ----------
    n_ingredients : int
        k; below 2 there is no order to reverse, and the count is 0.
    most_cells : int
        Number of different cells that may be trained.

    Returns
    -------
    int
        ``min((most_cells - 2) // (2 (k - 1)), k! / 2)``: no pair takes more than 2 (k - 1) cells beside the two ends.
        Below 1 (0 or negative) where not one pair fits.
    """
    if n_ingredients < 2:
        return 0
    fit = (most_cells - 2) // (2 * (n_ingredients - 1))
    return min(fit, factorial(n_ingredients) // 2)


def cells_of_orders(orders: IntArray) -> IntArray:
    """List the cells that orders pass through, ascending; the empty and the full one are always among them."""
    steps = np.cumsum(1 << orders, axis=1)
    return np.unique(np.concatenate([[0], steps.ravel()])).astype(np.int64)


@dataclass(frozen=True)
class OrderSampling:
    """How much the choice of orders alone makes Shapley estimates vary."""

    variance: float
    """Of one ingredient's Shapley estimate, pooled over ingredients."""
    df: int
    n_ingredients: int

    def of_sum(self, n_summed: int) -> float:
        """Return the variance of a sum of so many Shapley estimates.

        ``n (k - n) / (k - 1)`` times that of one, as for alike ingredients whose total is the same in every order.
        """
        k = self.n_ingredients
        return self.variance * n_summed * (k - n_summed) / (k - 1)


def order_sampling(orders: IntArray, values: FloatArray) -> OrderSampling | None:
    """Say how much the drawn orders alone make the Shapley estimates vary; None from fewer than two pairs.

    ``s^2 / m (1 - m / M)``: s^2 the variance between the m drawn pairs' values, averaged over ingredients because m is
    small, with (m - 1) (k - 1) degrees of freedom; M = k!/2 pairs in all. Where the values (2^k,) are estimates it
    holds some of their noise too, and is then too large rather than too small. 0 where all orders were drawn, or no
    three ingredients interact.

    Parameters
    ----------
    orders : int array, (O, F)
        From `draw_orders`: every order followed by its reverse.
    values : float array, (2^k,)
        Cell means, score scale; NaN at cells that the orders do not pass through.

    Returns
    -------
    OrderSampling or None
        None with fewer than two pairs, which show no variance.
    """
    n_pairs, k = len(orders) // 2, orders.shape[1]
    if n_pairs < 2:
        return None
    # Cells that no order passes through have weight 0, but 0 x NaN would be NaN.
    known = np.nan_to_num(values)
    added = order_weights(orders) @ known
    by_pair = added.reshape(n_pairs, 2, k).mean(axis=1)
    left = 1 - n_pairs / (factorial(k) / 2)
    return OrderSampling(float(by_pair.var(axis=0, ddof=1).mean()) / n_pairs * left, (n_pairs - 1) * (k - 1), k)


def dividends(values: FloatArray) -> FloatArray:
    """Return (2^k,) Harsanyi dividends, ``d(T) = sum_{S in T} (-1)^(|T| - |S|) mu(S)``: what T alone adds as a group.

    The Shapley value divides each dividend equally among its members; kept for checks, as the slow other way to it.
    """
    cells = np.arange(len(values))
    result = np.zeros(len(values))
    for group in cells:
        inside = cells[(cells & ~group) == 0]
        result[group] = sum((-1) ** (len(members_of(int(group ^ subset)))) * values[subset] for subset in inside)
    return result
