"""Turns the `factorial` of a study file into what the estimator must know of it."""

from __future__ import annotations

from collections.abc import Mapping

from gauger.estimate.attribution.ingredients import Ingredients
from gauger.spec import (
    Factorial,
    FactorialCell,
    FractionDesign,
    all_orders,
    drawn_orders,
    factorial_cells,
    teacher_ingredients,
)


def ingredients_of(
    factorial: Factorial, tokens: Mapping[str, float] | None = None, flops: Mapping[str, float] | None = None
) -> Ingredients:
    """Say to the estimator which arms are cells of a checked factorial.

    Parameters
    ----------
    factorial : Factorial
        As checked (`spec.ingredient_checks`).
    tokens : Mapping, optional
        Ingredient -> training tokens per replicate (`amounts`); without them nothing is reported per token.
    flops : Mapping, optional
        Ingredient -> training FLOPs per replicate.
    """
    design = factorial.design
    return Ingredients(
        names=factorial.order,
        cells={cell.name: cell.ingredients for cell in factorial_cells(factorial)},
        paths={cell.name: trained_path(factorial, cell) for cell in factorial_cells(factorial)},
        orders=all_orders(factorial) if factorial.other_orders else (),
        teacher=teacher_ingredients(factorial),
        words=design.words if isinstance(design, FractionDesign) else (),
        drawn=drawn_orders(factorial),
        tokens=tokens or {},
        flops=flops or {},
    )


def trained_path(factorial: Factorial, cell: FactorialCell) -> tuple[str, ...]:
    """Say what a cell is trained on, ingredient by ingredient.

    Parameters
    ----------
    factorial : Factorial
        As checked (`spec.ingredient_checks`).
    cell : FactorialCell
        One of its cells.

    Returns
    -------
    tuple of str
        Names in pipeline order; what replaces one that is out (`off: matched`) has a name of its own, and one that is
        just left out has none. Where a factorial has other orders, the cell's own order. Cells share the noise of their
        common beginning.
    """
    if factorial.other_orders:
        return cell.ingredients
    steps = ((name, factorial.ingredients[name].off == "matched") for name in factorial.order)
    return tuple(
        name if name in cell.ingredients else f"{name} replaced"
        for name, replaced in steps
        if replaced or name in cell.ingredients
    )


def amounts(factorial: Factorial, stage_amounts: Mapping[tuple[str, int], float]) -> dict[str, float]:
    """Add up what was spent on the stages of each ingredient, in the whole pipeline or the largest cell that was run.

    Parameters
    ----------
    factorial : Factorial
    stage_amounts : Mapping
        (arm, position of the stage in its recipe, from 0) -> tokens, or FLOPs, per replicate.

    Returns
    -------
    dict
        Ingredient -> amount; ingredients in no cell with a full ledger are left out. With `off: matched` an
        ingredient's amount is that of its own stages, not the difference to those that replace them.
    """
    totals: dict[str, float] = {}
    for cell in sorted(factorial_cells(factorial), key=lambda cell: -len(cell.ingredients)):
        place = 0
        for name in all_orders(factorial)[0] if not factorial.other_orders else cell.ingredients:
            ingredient, is_in = factorial.ingredients[name], name in cell.ingredients
            length = len(ingredient.stages) if is_in or ingredient.off == "matched" else 0
            parts = [stage_amounts.get((cell.name, place + n)) for n in range(length)]
            place += length
            known = [part for part in parts if part is not None]
            if is_in and name not in totals and len(known) == len(parts):
                totals[name] = float(sum(known))
    return totals
