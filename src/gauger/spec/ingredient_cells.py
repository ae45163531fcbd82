"""Expands a factorial into the arms it is run as: which cells, with which recipes, under which names.

A cell is named by the ingredients that are in, in their order: `web+distil`. Recipes of cells that begin alike begin
with literally the same stages, so what they share is trained once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gauger.spec.ingredients import Factorial, FractionDesign, Ingredient, SampleDesign
from gauger.spec.stages.resolved import Recipe, TextSource
from gauger.stats import all_cells, cells_of_orders, draw_orders, mask_of, members_of, regular_fraction

IN, WITH = "+", ":"
BASE, NONE = "base", "none"
"""Names of the cell without ingredients: the untouched student, or (`off: matched`) training without any of them."""


@dataclass(frozen=True)
class FactorialCell:
    """One cell as it is run."""

    name: str
    ingredients: tuple[str, ...]
    """Those that are in, in the order in which they come."""
    recipe: Recipe
    """All stages from the base on; empty for the untouched student."""
    description: str
    uses_teacher: bool
    """Whether any ingredient in it is the teacher's."""


def factorial_cells(factorial: Factorial) -> tuple[FactorialCell, ...]:
    """List the cells that a checked factorial runs: the declared order first, the fewest ingredients first."""
    cells: dict[str, FactorialCell] = {}
    for order in all_orders(factorial):
        for cell in _masks(factorial):
            present = {factorial.order[i] for i in members_of(int(cell))}
            made = _cell(factorial, order, present)
            cells.setdefault(made.name, made)
    return tuple(cells.values())


def all_orders(factorial: Factorial) -> tuple[tuple[str, ...], ...]:
    """List the orders in which the ingredients are run, the declared one first."""
    return (factorial.order, *(tuple(order.split(IN)) for order in factorial.other_orders))


def drawn_orders(factorial: Factorial) -> tuple[tuple[str, ...], ...]:
    """List the orders that a sample of cells was drawn from, each followed by its reverse; empty for other designs."""
    if not isinstance(factorial.design, SampleDesign):
        return ()
    orders = _draw(factorial, factorial.design)
    return tuple(tuple(factorial.order[i] for i in order) for order in orders)


def teacher_ingredients(factorial: Factorial) -> tuple[str, ...]:
    """List the ingredients that are the teacher's doing, in pipeline order."""
    return tuple(name for name in factorial.order if is_teachers(factorial.ingredients[name]))


def is_teachers(ingredient: Ingredient) -> bool:
    """Tell whether what an ingredient adds is the teacher's doing: as declared, else by what its stages train on."""
    return asks_teacher(ingredient) if ingredient.teacher is None else ingredient.teacher


def asks_teacher(ingredient: Ingredient) -> bool:
    """Tell whether any stage trains on what the teacher said."""
    return any(stage.learns_from_teacher for stage in ingredient.stages)


def word_of(factorial: Factorial, word: str) -> tuple[int, int]:
    """Return a defining word as (effect, sign) of `stats.factorial`."""
    names = word.removeprefix("-").split(WITH)
    return mask_of(factorial.order.index(name) for name in names), -1 if word.startswith("-") else 1


def training_rows(recipes: Iterable[Recipe]) -> tuple[int, int]:
    """Count the rows (steps x batch) that recipes train on: each by itself, and with what they share trained once.

    The second over the first is what sharing prefixes leaves of the cost. Rows of one replicate, the base's own
    training not included.
    """
    alone, shared, seen = 0, 0, set()
    for recipe in recipes:
        for n in range(1, len(recipe) + 1):
            rows = recipe[n - 1].steps * recipe[n - 1].batch
            alone += rows
            shared += 0 if recipe[:n] in seen else rows
            seen.add(recipe[:n])
    return alone, shared


def _masks(factorial: Factorial) -> list[int]:
    """Choose the cells of the design, as numbers of `stats.factorial`, the fewest ingredients first."""
    k, design = len(factorial.order), factorial.design
    cells = all_cells(k)
    if isinstance(design, FractionDesign):
        cells = regular_fraction(k, [word_of(factorial, word) for word in design.words]).cells
    if isinstance(design, SampleDesign):
        cells = cells_of_orders(_draw(factorial, design))
    return sorted((int(cell) for cell in cells), key=lambda cell: (cell.bit_count(), members_of(cell)))


def _draw(factorial: Factorial, design: SampleDesign) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return draw_orders(len(factorial.order), design.cells, np.random.default_rng(design.seed))


def _cell(factorial: Factorial, order: tuple[str, ...], present: set[str]) -> FactorialCell:
    names = tuple(name for name in order if name in present)
    recipe: Recipe = ()
    for name in order:
        recipe += _stages(factorial.ingredients[name], name in present)
    uses_teacher = any(is_teachers(factorial.ingredients[name]) for name in names)
    return FactorialCell(IN.join(names) or (NONE if recipe else BASE), names, recipe, _said(names), uses_teacher)


def _stages(ingredient: Ingredient, is_in: bool) -> Recipe:
    """Return what an ingredient does to the student: its stages, those without the teacher, or nothing."""
    resolved = tuple(stage.resolve() for stage in ingredient.stages)
    if is_in:
        return resolved
    return tuple(stage.without_teacher(TextSource.WEB) for stage in resolved) if ingredient.off == "matched" else ()


def _said(names: tuple[str, ...]) -> str:
    return f"Cell of the factorial: {', then '.join(names)}" if names else "Cell of the factorial: no ingredient"
