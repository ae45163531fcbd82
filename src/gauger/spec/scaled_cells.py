"""Expands a `scale` into its cells: recipes grown by the budget, students and teachers by size and strength."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from gauger.records import ArmKind
from gauger.spec.controls import Arm, expand_arms
from gauger.spec.models import ModelSize
from gauger.spec.stages.resolved import Recipe, without_pairing
from gauger.spec.study import Study


@dataclass(frozen=True)
class ScaledCell:
    """One cell: a student of one size and strength, trained on one budget, with one teacher or none."""

    name: str
    """`scale:DISTILLED-OR-CONTROL:w32x2:b600:t1200:0.5`; a student's base has neither teacher nor budget."""
    kind: ArmKind
    """distilled, matched, base (untouched) or teacher."""
    student: ModelSize
    base_steps: int
    teacher_steps: int | None
    """None where no teacher is needed."""
    budget: float
    """0 for the untouched student."""
    recipe: Recipe
    of: Arm | None
    """The arm that is scaled."""
    matched: str | None = None
    """For a distilled cell: its control."""


def scale_cells(study: Study) -> tuple[ScaledCell, ...]:
    """List the cells of a checked study's scale: teachers and bases first, then controls, then what is distilled."""
    scale = study.scale
    own, asked = study.student.from_scratch, study.teacher.from_scratch
    if scale is None or own is None or asked is None:
        return ()
    arms = {arm.name: arm for arm in expand_arms(study)}
    distilled = arms[scale.arm]
    matched = arms[distilled.matched or ""]
    sizes = tuple(product(scale.students or (own.size,), scale.base_steps or (own.training.steps,)))
    teachers = scale.teacher_steps or (asked.training.steps,)
    cells = [ScaledCell(f"scale:teacher:t{t}", ArmKind.TEACHER, asked.size, 0, t, 0.0, (), None) for t in teachers]
    for student, steps in sizes:
        cells.append(
            ScaledCell(f"scale:base:{_named(student, steps)}", ArmKind.BASE, student, steps, None, 0.0, (), None)
        )
        for budget in scale.budgets:
            cells += _of_budget(student, steps, budget, teachers, (distilled, matched))
    return tuple(cells)


def _of_budget(
    student: ModelSize, steps: int, budget: float, teachers: tuple[int, ...], arms: tuple[Arm, Arm]
) -> Iterator[ScaledCell]:
    distilled, matched = arms
    where = _named(student, steps)
    control = f"scale:control:{where}:{budget:g}"
    # one control for teachers of every strength: its rows are matched with those of none of them
    recipe = grown(tuple(without_pairing(stage) for stage in matched.recipe), budget)
    yield ScaledCell(control, ArmKind.MATCHED, student, steps, None, budget, recipe, matched)
    for teacher in teachers:
        name, recipe = f"scale:distilled:{where}:t{teacher}:{budget:g}", grown(distilled.recipe, budget)
        yield ScaledCell(name, ArmKind.DISTILLED, student, steps, teacher, budget, recipe, distilled, control)


def _named(student: ModelSize, steps: int) -> str:
    return f"w{student.width}x{student.layers}:b{steps}"


def grown(recipe: Recipe, budget: float) -> Recipe:
    """Multiply steps and samples of every stage, to at least one."""
    return tuple(
        replace(
            stage,
            steps=max(1, round(budget * stage.steps)),
            samples=None if stage.samples is None else max(1, round(budget * stage.samples)),
        )
        for stage in recipe
    )
