"""Defines the `scale` of a study: grids over student size, teacher strength and budget, around one declared arm."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from gauger.records import Role
from gauger.spec.base import Name, SpecPart
from gauger.spec.models import ModelSize, Steps

AXES = ("students", "base_steps", "teacher_steps", "budgets")
"""What a scale can vary."""
Budget = Annotated[float, Field(gt=0, le=1000)]


class ScaleGrid(SpecPart):
    """A grid: every student size x every budget, trained without a teacher and with each of the teachers.

    The arm and its matched control are run in every cell; work that cells share is done once. Curves are fitted to all
    but the largest cells, which are then predicted.
    """

    arm: Name
    """The declared arm that is scaled; its control is the matched one."""
    students: Annotated[tuple[ModelSize, ...], Field(max_length=32), Strict(False)] = ()
    """Sizes of the student; empty: its own. Each has a base of its own."""
    base_steps: Annotated[tuple[Steps, ...], Field(max_length=16), Strict(False)] = ()
    """Steps of the base's own training, how strong it is before; empty: its own."""
    teacher_steps: Annotated[tuple[Steps, ...], Field(max_length=16), Strict(False)] = ()
    """Steps of the teacher's training, how strong it is; empty: its own."""
    budgets: Annotated[tuple[Budget, ...], Field(min_length=1, max_length=32), Strict(False)] = (0.5, 1.0, 2.0)
    """Factors on the steps and the samples of every stage; of a mixture also on its sources' samples and tokens."""
    replicates: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Training runs per cell; null: as many as the study has."""
    role: Annotated[Role, Strict(False)] = Role.NEAR
    """The benchmarks that the curves are about, averaged."""
    held_out: Annotated[int, Field(ge=0, le=64)] = 3
    """Cells of most compute of each curve that are left out of its fit, and predicted. A curve is of one teacher, or
    none, and of bases of one strength; `gauger plan` says where too few cells are left for any law."""
