"""Lays out factorial designs over k ingredients, and writes effects as linear contrasts of cell means.

A *cell* is one subset of the ingredients, written as a whole number whose bit i is 1 where ingredient i is in: 0 is the
empty set, 2^k - 1 has all. An *effect* is written the same way: bit i is 1 where ingredient i takes part. Weights are
arrays over all 2^k cells, in the order of their numbers, 0 at cells that are not run. Letters: F ingredient, S cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gauger.stats.crossed.panel import FloatArray, IntArray

ROUNDING = 1e-9
MOST_INGREDIENTS = 6
"""2^6 = 64 cells; more ingredients are beyond what anyone trains."""


def all_cells(n_ingredients: int) -> IntArray:
    """List every subset of the ingredients, (2^k,): 0, 1, ..., 2^k - 1."""
    if not 1 <= n_ingredients <= MOST_INGREDIENTS:
        raise ValueError(f"1 to {MOST_INGREDIENTS} ingredients, not {n_ingredients}")
    return np.arange(2**n_ingredients, dtype=np.int64)


def mask_of(members: Iterable[int]) -> int:
    """Write a set of ingredients as one number."""
    return sum(1 << i for i in set(members))


def members_of(mask: int) -> tuple[int, ...]:
    """List the ingredients of a cell, or of an effect, in ascending order."""
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def effects_of_order(n_ingredients: int, order: int) -> list[int]:
    """List the effects of so many ingredients: order 1 main effects, 2 two-way interactions; in pipeline order.

    Parameters
    ----------
    n_ingredients : int
        k.
    order : int
        How many ingredients take part, 0 to k.

    Returns
    -------
    list of int
        C(k, order) bit masks; empty where order is above k, [0] (the mean) where it is 0.
    """
    return [mask_of(members) for members in combinations(range(n_ingredients), order)]


def sizes(cells: IntArray) -> IntArray:
    """Count the ingredients of each cell, (S,)."""
    return np.bitwise_count(cells).astype(np.int64)


def signs(cells: IntArray, effect: int) -> FloatArray:
    """Return +1 or -1: the product over the effect's ingredients of +1 where it is in and -1 where it is not.

    Parameters
    ----------
    cells : int array, (S,)
        Bit masks of cells.
    effect : int
        Bit mask of the effect; 0 (the mean) gives +1 everywhere.

    Returns
    -------
    float array, (S,)
    """
    absent = sizes(effect & ~np.asarray(cells, dtype=np.int64))
    return np.where(absent % 2 == 0, 1.0, -1.0)


@dataclass(frozen=True)
class Fraction:
    """A regular fraction 2^(k-p): the cells on which every defining word has its sign."""

    n_ingredients: int
    cells: IntArray
    """(2^(k-p),), ascending."""
    relation: Mapping[int, int]
    """Every word of the defining relation -> its sign: the p declared words and all their products."""

    @property
    def resolution(self) -> int | None:
        """Length of the shortest word; None for the full design, which has none.

        III: main effects are aliased with two-way interactions; IV: with three-way ones, two-way among themselves;
        V: two-way with three-way.
        """
        return min((word.bit_count() for word in self.relation), default=None)

    def aliases(self, effect: int) -> dict[int, int]:
        """Return what the contrast of an effect holds besides it: effect -> sign, the fewest ingredients first.

        Effect 0 is the overall mean. Empty for the full design.
        """
        aliases = {effect ^ word: sign for word, sign in self.relation.items()}
        return dict(sorted(aliases.items(), key=lambda pair: (pair[0].bit_count(), pair[0])))


def regular_fraction(n_ingredients: int, words: Sequence[tuple[int, int]] = ()) -> Fraction:
    """Choose the cells of a regular fraction by its defining words.

    Parameters
    ----------
    n_ingredients : int
        k, 1 to 6.
    words : sequence of (effect, sign)
        p independent words; a cell is run where ``signs(cell, word) == sign`` for all of them. None: the full design.

    Raises
    ------
    ValueError
        A word is empty, or a product of others (it would say nothing, or contradict them).

    References
    ----------
    Box and Hunter (1961), Technometrics 3, 311-351.
    """
    cells, relation = all_cells(n_ingredients), {0: 1}
    for word, sign in words:
        if word in relation or not 0 < word < 2**n_ingredients or sign not in (-1, 1):
            raise ValueError(
                f"defining word {word} (sign {sign}) is empty, unknown or a product of the words before it"
            )
        relation |= {word ^ known: sign * known_sign for known, known_sign in relation.items()}
        cells = cells[signs(cells, word) == sign]
    return Fraction(n_ingredients, cells, {word: sign for word, sign in relation.items() if word})


def effect_weights(n_ingredients: int, cells: IntArray, effect: int) -> FloatArray:
    """Return (2^k,) the weights of an effect on a full design or a regular fraction.

    ``(2^r / n) signs(cell)`` over the n cells, r the number of ingredients in the effect. For r = 1 the difference that
    an ingredient makes, averaged over all settings of the others; for r = 2 how much more the one makes with the other
    than without it, averaged likewise (twice the textbook's "interaction effect", which halves the difference so that
    all effects have one standard error). On a fraction the aliases of the effect (`Fraction.aliases`) are in it too.

    Parameters
    ----------
    n_ingredients : int
        k.
    cells : int array, (n,)
        The cells that are run: all 2^k, or those of a `Fraction`. For any other set use `least_squares_weights`: on it
        these weights mix effects in unequal parts.
    effect : int
        Bit mask of the effect.

    Returns
    -------
    float array, (2^k,)
        0 at cells that are not run. Apply to cell means: score scale in, score scale out.

    By hand in tests/stats/test_factorial.py. Source: Box, Hunter and Hunter (2005), Statistics for Experimenters,
    chapters 5 and 6 (their two-way interaction is half of this).
    """
    weights = np.zeros(2**n_ingredients)
    weights[cells] = 2.0 ** effect.bit_count() / len(cells) * signs(cells, effect)
    return weights


def least_squares_weights(n_ingredients: int, cells: IntArray, effects: Sequence[int]) -> FloatArray:
    """Return (len(effects), 2^k) weights of effects on any set of cells, all other effects being taken as zero.

    Least squares in the model ``mu(cell) = beta_0 + sum_T beta_T signs(cell, T)`` over the given effects, in the scale
    of `effect_weights`. A row is NaN where the cells do not identify its effect. Equal to `effect_weights` on a full
    design. Not for a fraction with aliased effects in the model: those are not identified.

    Parameters
    ----------
    n_ingredients : int
        k.
    cells : int array, (n,)
        The cells that are run, any set.
    effects : sequence of int
        Bit masks of the effects in the model, 0 (the mean, always in it) left out.

    Returns
    -------
    float array, (len(effects), 2^k)
        0 at cells that are not run; NaN at those that are, for an effect that they do not identify.

    An effect that is left out of the model but is not zero biases those that are in. See tests/stats/test_factorial.py.
    """
    model = np.stack([signs(cells, effect) for effect in (0, *effects)], axis=1)
    inverse = np.linalg.pinv(model)
    # pinv always answers: an effect is identified where its row of (pinv X) X is that of the identity, else the
    # minimum-norm solution has split it with its aliases.
    identified = np.abs(inverse @ model - np.eye(model.shape[1])).max(axis=1) < ROUNDING
    weights = np.zeros((len(effects), 2**n_ingredients))
    scale = 2.0 ** np.array([effect.bit_count() for effect in effects])
    weights[:, cells] = np.where(identified[1:, None], scale[:, None] * inverse[1:], np.nan)
    return weights
