"""Describes a pipeline's ingredients: which arm has which of them, and how the cells were chosen.

An arm of a factorial is a *cell*: a subset of the ingredients, run in pipeline order. Three designs: all 2^k cells; a
regular fraction, named by its defining words; a sample of cells, the ones that drawn orders of the ingredients pass
through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile

import numpy as np

from gauger.errors import UserError, nearest
from gauger.stats import MOST_INGREDIENTS, Fraction, IntArray, mask_of, regular_fraction

FARTHEST = 1000
IN, WITH = "+", ":"
"""`web+distil`: the cell that has both. `web:distil`: their interaction, or a defining word."""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """A factorial of k ingredients."""

    names: tuple[str, ...]
    """Ingredients in pipeline order, 2 to 6."""
    cells: Mapping[str, tuple[str, ...]]
    """Arm -> the ingredients it has, in the order it has them."""
    orders: tuple[tuple[str, ...], ...] = ()
    """Orders of all ingredients in which the cells were run, the declared one first; empty: in that one alone. A
    subset's mean is the average over the orders of the arm that has it in that order."""
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Arm -> what it was trained on, step by step; arms share trained models as far as their paths agree. Arms left
    out: the ingredients themselves."""
    teacher: tuple[str, ...] = ()
    """Ingredients that are the teacher's doing; empty: no teacher's share is reported."""
    words: tuple[str, ...] = ()
    """Defining words of a regular fraction, as `web:human:distil`, with a `-` in front for the other half."""
    drawn: tuple[tuple[str, ...], ...] = ()
    """Orders that a sample of cells was drawn from, each followed by its reverse; empty: the cells are no sample."""
    tokens: Mapping[str, float] = field(default_factory=dict)
    """Ingredient -> training tokens per replicate, as the ledger has them."""
    flops: Mapping[str, float] = field(default_factory=dict)
    """Ingredient -> training FLOPs per replicate."""

    def __post_init__(self) -> None:
        if not 2 <= len(set(self.names)) == len(self.names) <= MOST_INGREDIENTS:
            raise UserError(f"2 to {MOST_INGREDIENTS} different ingredients", ", ".join(self.names) or "none")
        named = [*self.teacher, *(name for cell in self.cells.values() for name in cell)]
        named += [name for order in (*self.drawn, *self.orders) for name in order]
        named += [name for word in self.words for name in word.removeprefix("-").split(WITH)]
        for name in named:
            if name not in self.names:
                raise UserError("a declared ingredient", repr(name), hint=nearest(name, self.names))
        if self.words and self.drawn:
            raise UserError("either a fraction or a sample of cells", "both")

    def mask(self, names: tuple[str, ...]) -> int:
        """Write a set of ingredients as a cell number of `stats.factorial`."""
        return mask_of(self.names.index(name) for name in names)

    @cached_property
    def arms(self) -> Mapping[int, tuple[str | None, ...]]:
        """Cell number -> the arm that has exactly these ingredients, one for each order; None where there is none."""
        in_order = {names: arm for arm, names in self.cells.items()}
        orders = self.orders or (self.names,)
        return {
            self.mask(names): tuple(in_order.get(tuple(name for name in order if name in names)) for order in orders)
            for names in self.cells.values()
        }

    @property
    def full(self) -> int:
        """Number of the cell that has everything."""
        return int(2 ** len(self.names) - 1)

    @cached_property
    def fraction(self) -> Fraction | None:
        """The regular fraction that the words define; None for a full design or a sample."""
        if not self.words:
            return None
        words = [(self.mask(tuple(word.removeprefix("-").split(WITH))), _sign(word)) for word in self.words]
        try:
            return regular_fraction(len(self.names), words)
        except ValueError as error:
            raise UserError("independent defining words", ", ".join(self.words), hint=str(error)) from error

    @cached_property
    def drawn_orders(self) -> IntArray | None:
        """(O, F) the drawn orders as numbers; None where the cells are no sample."""
        if not self.drawn:
            return None
        return np.array([[self.names.index(name) for name in order] for order in self.drawn], dtype=np.int64)

    def kinship(self, arms: Sequence[str]) -> IntArray:
        """Return (A, A) classes of how closely the noise of two arms is related; 0 for arms that share no training.

        A class for every pair of how many trained ingredients they share from the start, and how many steps they have
        gone apart since.
        """
        paths = [self.paths.get(arm, self.cells.get(arm, ())) for arm in arms]
        return np.array([[_kinship(path, other) for other in paths] for path in paths], dtype=np.int64)

    def effect(self, mask: int) -> str:
        """Name an effect: `web`, `web:distil`; `mean` for the effect of nothing."""
        return WITH.join(name for i, name in enumerate(self.names) if mask >> i & 1) or "mean"


def _kinship(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(path, other, strict=False)))
    apart = len(path) + len(other) - 2 * shared
    return FARTHEST * shared + apart if shared else 0


def _sign(word: str) -> int:
    return -1 if word.startswith("-") else 1
