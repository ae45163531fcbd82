"""Chooses the weights over the cells for each kind of attribution, and says what must be known of them.

All 2^k cells: everything is exact. A regular fraction: effects hold their aliases, and Shapley values follow from main
effects by taking interactions of three or more as zero. A sample: Shapley values are averages over the drawn orders,
unbiased whatever interacts, with a sampling error of their own; effects come by least squares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gauger.estimate.attribution.ingredients import Ingredients
from gauger.stats import (
    Fraction,
    IntArray,
    all_cells,
    cells_of_orders,
    effect_weights,
    effects_of_order,
    interaction_weights,
    least_squares_weights,
    order_weights,
    shapley_weights,
)
from gauger.stats.crossed import FloatArray

LEAST_SQUARES = "Least squares over the cells that were run, interactions of three or more taken as zero."
PAIRS_AT_MOST = "Interactions of three or more ingredients are taken as zero."
ONE_PAIR = (
    "From one order of the ingredients and its reverse: exact where no three of them interact, and what it is off "
    "otherwise cannot be seen from one pair."
)


@dataclass(frozen=True)
class Scheme:
    """Weights (n, 2^k) of each kind of attribution; NaN rows where the cells do not identify it."""

    main: FloatArray
    """(F, 2^k)."""
    pairs: FloatArray
    """(pairs, 2^k), in the order of `effects_of_order`."""
    shapley: FloatArray
    shapley_pairs: FloatArray
    total: FloatArray
    """(2^k,): the sum of the Shapley values."""
    notes: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(main, pairs, shapley, shapley_pairs or total; row) -> what a reader must know."""
    orders: IntArray | None = None
    """Drawn orders, whose sampling error the Shapley values have."""

    def note(self, kind: str, row: int) -> str | None:
        """Return what must be said of one row; None for nothing."""
        return self.notes.get((kind, row))


def scheme_of(ingredients: Ingredients) -> Scheme:
    """Choose the weights that a factorial's cells allow."""
    k = len(ingredients.names)
    if ingredients.fraction is not None:
        return _of_fraction(ingredients, ingredients.fraction)
    if ingredients.drawn_orders is not None:
        return _of_sample(k, ingredients.drawn_orders)
    cells, shapley = all_cells(k), shapley_weights(k)
    main, pairs = (_effects(k, cells, order) for order in (1, 2))
    return Scheme(main, pairs, shapley, interaction_weights(k), shapley.sum(axis=0))


def _effects(k: int, cells: IntArray, order: int) -> FloatArray:
    return np.array([effect_weights(k, cells, effect) for effect in effects_of_order(k, order)])


def _of_fraction(ingredients: Ingredients, fraction: Fraction) -> Scheme:
    """Effects from their columns; on cells where at most two ingredients interact, Shapley values are main effects."""
    k = fraction.n_ingredients
    main, pairs = (_effects(k, fraction.cells, order) for order in (1, 2))
    notes = {}
    for kind, order in (("main", 1), ("pairs", 2)):
        for row, effect in enumerate(effects_of_order(k, order)):
            aliased = _aliased(ingredients, fraction, effect)
            notes[kind, row] = aliased
            notes[f"shapley{'' if order == 1 else '_pairs'}", row] = f"{aliased} {PAIRS_AT_MOST}"
    notes["total", 0] = f"The sum of the Shapley values, estimated from a fraction of the cells. {PAIRS_AT_MOST}"
    return Scheme(main, pairs, main, pairs, main.sum(axis=0), notes)


def _aliased(ingredients: Ingredients, fraction: Fraction, effect: int) -> str:
    """Name what the contrast of an effect cannot be told from, with what sign it enters, main effects first."""
    aliases = [
        f"{'minus ' if sign < 0 else ''}{ingredients.effect(other)}" for other, sign in fraction.aliases(effect).items()
    ]
    return f"Aliased in this fraction of the cells with {', '.join(aliases)}."


def _of_sample(k: int, orders: IntArray) -> Scheme:
    """Shapley values from the drawn orders, effects by least squares."""
    cells = cells_of_orders(orders)
    shapley = order_weights(orders).mean(axis=0)
    effects = effects_of_order(k, 1), effects_of_order(k, 2)
    fitted = least_squares_weights(k, cells, [*effects[0], *effects[1]])
    main, pairs = fitted[:k], fitted[k:]
    notes = {("main", row): LEAST_SQUARES for row in range(k)}
    notes |= {(kind, row): LEAST_SQUARES for kind in ("pairs", "shapley_pairs") for row in range(len(pairs))}
    if len(orders) == 2 and k > 2:
        notes |= {("shapley", row): ONE_PAIR for row in range(k)}
    return Scheme(main, pairs, shapley, pairs, shapley.sum(axis=0), notes, orders)
