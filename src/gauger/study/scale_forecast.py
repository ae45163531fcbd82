"""Says of a planned scale whether its curves can be fitted at all."""

from __future__ import annotations

import numpy as np

from gauger.records import ArmKind
from gauger.spec import Recipe
from gauger.stats import Points, candidates
from gauger.study.costs import Costs
from gauger.study.plan import Plan


def why_no_curves(plan: Plan, costs: Costs) -> str | None:
    """Say why no law could be fitted to the control's cells of a scale; None where one can, or there is no scale.

    A curve is of the cells of all students whose bases are equally strong; those of most compute are held out of it.
    Distilled cells stand at the same places as the control's, so that what holds of its curve holds of theirs.
    """
    scale = plan.study.scale
    controls = [cell for cell in plan.scaled if cell.kind is ArmKind.MATCHED and cell.of is not None]
    if scale is None or not controls:
        return None
    first = [cell for cell in controls if cell.base_steps == controls[0].base_steps]
    places = [(costs.student.parameters(cell.student, costs.world), _rows(cell.recipe)) for cell in first]
    kept = sorted(places, key=lambda place: place[0] * place[1])[: max(len(places) - scale.held_out, 0)]
    if kept and candidates(_points(kept), "loss"):
        return None
    return (
        f"{len(places)} cells a curve, {min(scale.held_out, len(places))} of them held out: no law can be fitted to "
        f"{len(kept)}, and nothing is predicted; laws need three budgets, and three cells more than parameters"
    )


def _rows(recipe: Recipe) -> int:
    """Rows that are trained on: the tokens of equal recipes are in proportion to them."""
    return sum(stage.steps * stage.batch for stage in recipe)


def _points(places: list[tuple[int, int]]) -> Points:
    """Write cells as points; losses that none has yet are there, for which laws compete does not depend on them."""
    n_params, rows = (np.array(column, dtype=float) for column in zip(*places, strict=True))
    return Points(n_params, rows, loss=np.ones(len(places)))
