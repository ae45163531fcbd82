"""Expands a `scale` into its cells: recipes grown by the budget, students and teachers by size and strength."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from gauger.records import ArmKind
from gauger.spec.controls import Arm, expand_arms
from gauger.spec.models import ModelSize
from gauger.spec.stages.resolved import Recipe, ResolvedStage, without_pairing
from gauger.spec.study import Study


@dataclass(frozen=True)
class ScaledCell:
    """One cell: a student of one size and strength, trained on one budget, with one teacher or none."""

    name: str
    """`scale:DISTILLED-OR-CONTROL:w32x2:b600:t1200:0.5`; a student's base has neither teacher nor budget."""
    kind: ArmKind
    """distilled, matched, base (untouched) or teacher."""
    student: ModelSize
    size: str
    """The student's size in words, `32 x 2`: with its heads where another student differs in these alone."""
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
    students = scale.students or (own.size,)
    teachers = scale.teacher_steps or (asked.training.steps,)
    cells = [ScaledCell(f"scale:teacher:t{t}", ArmKind.TEACHER, asked.size, "", 0, t, 0.0, (), None) for t in teachers]
    for student, steps in product(students, scale.base_steps or (own.training.steps,)):
        start = _Start(student, steps, shows_heads=_differ_in_heads(student, students))
        cells.append(start.cell("base", ArmKind.BASE))
        for budget in scale.budgets:
            cells += _of_budget(start, budget, teachers, (distilled, matched))
    return tuple(cells)


@dataclass(frozen=True)
class _Start:
    """A student's base: where its cells begin."""

    student: ModelSize
    steps: int
    shows_heads: bool

    def cell(
        self,
        what: str,
        kind: ArmKind,
        teacher: int | None = None,
        budget: float | None = None,
        recipe: Recipe = (),
        of: Arm | None = None,
        matched: str | None = None,
    ) -> ScaledCell:
        """Make one cell; `what` begins its name after `scale:`."""
        student, heads = self.student, self.student.heads
        shape = f"w{student.width}x{student.layers}" + (f"h{heads}" if self.shows_heads else "")
        words = f"{student.width} x {student.layers}" + (f", {heads} heads" if self.shows_heads else "")
        parts = ["scale", what, shape, f"b{self.steps}"]
        parts += [] if teacher is None else [f"t{teacher}"]
        parts += [] if budget is None else [_shortest(budget)]
        return ScaledCell(
            ":".join(parts), kind, student, words, self.steps, teacher, budget or 0.0, recipe, of, matched
        )


def _differ_in_heads(student: ModelSize, students: tuple[ModelSize, ...]) -> bool:
    shape = (student.width, student.layers)
    return sum((other.width, other.layers) == shape for other in students) > 1


def _shortest(budget: float) -> str:
    """Write a budget so that no other budget is written alike: six digits where they are all of it."""
    return f"{budget:g}" if float(f"{budget:g}") == budget else repr(budget)


def _of_budget(start: _Start, budget: float, teachers: tuple[int, ...], arms: tuple[Arm, Arm]) -> Iterator[ScaledCell]:
    distilled, matched = arms
    # one control for teachers of every strength: its rows are matched with those of none of them
    recipe = grown(tuple(without_pairing(stage) for stage in matched.recipe), budget)
    control = start.cell("control", ArmKind.MATCHED, None, budget, recipe, matched)
    yield control
    recipe = grown(distilled.recipe, budget)
    for teacher in teachers:
        yield start.cell("distilled", ArmKind.DISTILLED, teacher, budget, recipe, distilled, control.name)


def grown(recipe: Recipe, budget: float) -> Recipe:
    """Multiply steps and samples of every stage, and of a mixture these and the tokens of each source, to 1 or more."""
    return tuple(_grown_stage(stage, budget) for stage in recipe)


def _grown_stage(stage: ResolvedStage, budget: float) -> ResolvedStage:
    parts = tuple(
        replace(part, stage=_grown_stage(part.stage, budget), tokens=_times(part.tokens, budget))
        for part in stage.parts
    )
    steps, samples = times(stage.steps, budget), _times(stage.samples, budget)
    return replace(stage, steps=steps, samples=samples, parts=parts)


def times(count: int, budget: float) -> int:
    """Multiply a count by a budget, to at least 1."""
    return max(1, round(budget * count))


def _times(count: int | None, budget: float) -> int | None:
    return None if count is None else times(count, budget)
