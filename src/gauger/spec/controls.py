"""Expands a study's arms as they are run: the declared ones, and the control arms generated beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gauger.records import ArmKind
from gauger.spec.ingredient_cells import factorial_cells
from gauger.spec.stages.resolved import Recipe, TextSource
from gauger.spec.study import Study

CONTROL_NAMES = ("base", "matched", "placebo", "format", "leak", "reference")
BASE, TEACHER = "base", "teacher"
"""Arms that are models as they are, and not trained by a study's stages."""
LEAK_TWIN = "leak-twin"
"""The arm beside the leak arm; it comes and goes with that control."""
RESERVED_NAMES = (*CONTROL_NAMES, LEAK_TWIN, TEACHER)
"""Names that no declared arm may take; nor may one begin with `matched-`."""
COPYING = {
    ArmKind.PLACEBO: (TextSource.SELF, "The student's own base answers the prompts of {of}: nothing to learn"),
    ArmKind.FORMAT: (TextSource.SHUFFLED, "As long as {of}, on the targeted form with shuffled answers"),
    ArmKind.LEAK: (TextSource.TEST_ITEMS, "As {of}, with the benchmark's test items in the training data"),
    ArmKind.LEAK_TWIN: (
        TextSource.UNTESTED_ITEMS,
        "As {of}, with as many extra rows that nobody tests: what a leak adds is counted from here",
    ),
    ArmKind.REFERENCE: (TextSource.TRUTH, "True answers to the prompts of {of}: the ceiling for this data budget"),
}


@dataclass(frozen=True)
class Arm:
    """One arm as it is run."""

    name: str
    kind: ArmKind
    start: str
    """`base`, or the arm whose result this one continues with `stages`."""
    stages: Recipe
    """The arm's own stages, applied to the result of `start`."""
    recipe: Recipe
    """All stages from the base on: those of the arms it continues, then `stages`."""
    description: str
    matched: str | None = None
    """The matched arm it is compared with; None where it learns nothing from the teacher, or `matched` is off."""
    of: str | None = None
    """For a control: the declared arm it copies."""
    twin: str | None = None
    """Of the leak arm: the arm that its increment is taken over."""

    @property
    def uses_teacher(self) -> bool:
        """Whether any stage of the recipe trains on what the teacher said."""
        return any(stage.source is TextSource.TEACHER for stage in self.recipe)


def switched_off(study: Study) -> dict[str, str]:
    """Controls that the study switched off -> the reason it gave."""
    controls = ((name, getattr(study.controls, name).off) for name in CONTROL_NAMES)
    return {name: reason for name, reason in controls if reason is not None}


def copied_arm(study: Study, control: str) -> str:
    """Name of the declared arm that a copying control copies: its `of`, else the verdict's arm.

    Test items can only leak where the benchmark itself is the seed, so the leak control, where the study does not say,
    takes an arm with a stage seeded by benchmark-train: the verdict's if it has one, else the first by name. The order
    of keys in the file never matters.
    """
    chosen: str | None = getattr(study.controls, control).of
    if chosen is not None:
        return chosen
    judged = study.verdict.arm
    seeded = sorted(name for name in study.arms if _seeded_by_benchmark(study, name))
    return seeded[0] if control == ArmKind.LEAK and seeded and judged not in seeded else judged


def _seeded_by_benchmark(study: Study, name: str) -> bool:
    """Whether the teacher was asked the benchmark's own questions: a leak would take its answers' place."""
    stages = (one for stage in study.arms[name].stages for one in stage.resolve().alone)
    return any(one.seeds == "benchmark-train" and one.source is TextSource.TEACHER for one in stages)


def resolved_controls(study: Study) -> dict[str, dict[str, Any]]:
    """Each control with whether it is `on` and which arm it is a copy `of`; None where it copies none."""
    off = switched_off(study)
    return {
        name: {"on": name not in off, "of": copied_arm(study, name) if name in COPYING and name not in off else None}
        for name in CONTROL_NAMES
    }


def expand_arms(study: Study) -> tuple[Arm, ...]:
    """List every arm of the study: base, matched controls, declared arms, the controls that copy one, cells.

    A switched-off control is left out (`switched_off` gives the reasons). The study must have passed the checks of
    `load_study`: its starts name declared arms and form no cycle.
    """
    off = switched_off(study)
    declared = tuple(_declared(study, name) for name in study.arms)
    names = {} if "matched" in off else _matched_names(declared)
    declared = tuple(
        replace(arm, matched=names.get(_matched_recipe(arm.recipe))) if arm.uses_teacher else arm for arm in declared
    )
    base = () if "base" in off else (_base(),)
    matched = tuple(_matched(name, recipe) for recipe, name in names.items())
    by_name = {arm.name: arm for arm in declared}
    copies = tuple(
        _copy(kind, by_name[copied_arm(study, control)])
        for kind in COPYING
        if (control := ArmKind.LEAK if kind is ArmKind.LEAK_TWIN else kind) not in off
    )
    return (*base, *matched, *declared, *copies, *_cells(study))


def full_recipe(study: Study, name: str) -> Recipe:
    """Return all stages of a declared arm from the base on; starts form no cycle (`load_study` checks it)."""
    arm = study.arms[name]
    before = () if arm.start == BASE else full_recipe(study, arm.start)
    return (*before, *(stage.resolve() for stage in arm.stages))


def _cells(study: Study) -> tuple[Arm, ...]:
    """List the cells of the factorial; the one without ingredients is the base itself."""
    cells = factorial_cells(study.factorial) if study.factorial is not None else ()
    return tuple(
        Arm(cell.name, ArmKind.CELL, "base", cell.recipe, cell.recipe, cell.description)
        for cell in cells
        if cell.recipe
    )


def _base() -> Arm:
    return Arm("base", ArmKind.BASE, "base", (), (), "The student as it is, untouched")


def _declared(study: Study, name: str) -> Arm:
    spec = study.arms[name]
    stages = tuple(stage.resolve() for stage in spec.stages)
    return Arm(name, ArmKind.DISTILLED, spec.start, stages, full_recipe(study, name), spec.description)


def _matched_recipe(recipe: Recipe) -> Recipe:
    """Put web text of the same forms, steps and samples in the teacher's place; the signature of a matched arm."""
    return tuple(stage.without_teacher(TextSource.WEB) for stage in recipe)


def _matched(name: str, recipe: Recipe) -> Arm:
    forms = ", ".join(_forms(recipe)) or "any form"
    steps = sum(stage.steps for stage in recipe)
    text = f"As many rows and steps in the same format, without the teacher: {steps} steps on web text ({forms})"
    return Arm(name, ArmKind.MATCHED, "base", recipe, recipe, text)


def _matched_names(declared: tuple[Arm, ...]) -> dict[Recipe, str]:
    """Name each distinct matched recipe: `matched` if one; else by its forms, then its steps, at last a number."""
    recipes = list(dict.fromkeys(_matched_recipe(arm.recipe) for arm in declared if arm.uses_teacher))
    if len(recipes) == 1:
        return {recipes[0]: "matched"}
    forms = {recipe: "-".join(("matched", *_forms(recipe))) for recipe in recipes}
    steps = {recipe: f"{name}-{sum(stage.steps for stage in recipe)}-steps" for recipe, name in forms.items()}
    return {recipe: _shortest_name(recipe, forms, steps) for recipe in recipes}


def _shortest_name(recipe: Recipe, forms: dict[Recipe, str], steps: dict[Recipe, str]) -> str:
    if list(forms.values()).count(forms[recipe]) == 1:
        return forms[recipe]
    alike = sorted((other for other in steps if steps[other] == steps[recipe]), key=repr)
    return steps[recipe] if len(alike) == 1 else f"{steps[recipe]}-{alike.index(recipe) + 1}"


def _forms(recipe: Recipe) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for stage in recipe for form in stage.forms or ()))


def _copy(kind: ArmKind, arm: Arm) -> Arm:
    source, text = COPYING[kind]
    recipe = tuple(stage.without_teacher(source) for stage in arm.recipe)
    name = LEAK_TWIN if kind is ArmKind.LEAK_TWIN else str(kind)
    twin = LEAK_TWIN if kind is ArmKind.LEAK else None
    return Arm(name, kind, "base", recipe, recipe, text.format(of=arm.name), arm.matched, arm.name, twin)
