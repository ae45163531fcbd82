"""Expands a study's arms as they are run: the declared ones, and the control arms generated beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gauger.records import ArmKind
from gauger.spec.defended_arms import OPEN, AttackCell, attack_cells, honest_cells
from gauger.spec.ingredient_cells import factorial_cells
from gauger.spec.models import Surface
from gauger.spec.stages.resolved import Recipe, ResolvedStage, TextSource
from gauger.spec.study import Study

CONTROL_NAMES = ("base", "matched", "placebo", "format", "leak", "reference")
BASE, TEACHER = "base", "teacher"
"""Arms that are models as they are, and not trained by a study's stages."""
LEAK_TWIN = "leak-twin"
"""The arm beside the leak arm; it comes and goes with that control."""
LEAKY_TEACHER = "leaky-teacher"
"""The teacher that was trained on the test items; it comes and goes with the control `launder`."""
RESERVED_NAMES = (*CONTROL_NAMES, LEAK_TWIN, TEACHER, LEAKY_TEACHER, str(ArmKind.LAUNDER))
"""Names that no declared arm may take; nor may one begin with `matched-`."""
COPYING = {
    ArmKind.PLACEBO: (TextSource.SELF, "The student's own base answers the prompts of {of}: nothing to learn"),
    ArmKind.FORMAT: (
        TextSource.UNRELATED,
        "As long as {of}, on the targeted form with right answers on other things",
    ),
    ArmKind.LEAK: (TextSource.TEST_ITEMS, "As {of}, with the benchmark's test items in the training data"),
    ArmKind.LEAK_TWIN: (
        TextSource.UNTESTED_ITEMS,
        "As {of}, with as many extra rows that nobody tests: what a leak adds is counted from here",
    ),
    ArmKind.REFERENCE: (TextSource.TRUTH, "True answers to the prompts of {of}: the ceiling for this data budget"),
}
SHUFFLED = (TextSource.SHUFFLED, "As long as {of}, on the targeted form with shuffled answers")
"""What the format arm copies with where the study says so."""


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
    """Of the leak arm, and of the laundering one: the arm that its increment is taken over."""
    surface: Surface | None = None
    """What the teacher shows it, where that is not the teacher's own surface with the study's own budgets."""
    defence: str | None = None
    """Of an attack, or of the teacher on a defended surface: the defence; `open` for the teacher's own surface."""
    attacker: str | None = None
    """Of an attack: who attacks."""

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
    stages = (part for stage in study.arms[name].stages for part in stage.resolve().alone)
    return any(stage.seeds == "benchmark-train" and stage.source is TextSource.TEACHER for stage in stages)


def resolved_controls(study: Study) -> dict[str, dict[str, Any]]:
    """Each control with whether it is `on` and which arm it is a copy `of`; None where it copies none.

    `format` has its `answers` too.
    """
    off = switched_off(study)
    controls: dict[str, dict[str, Any]] = {
        name: {"on": name not in off, "of": copied_arm(study, name) if name in COPYING and name not in off else None}
        for name in CONTROL_NAMES
    }
    controls["format"]["answers"] = None if "format" in off else study.controls.format.answers
    launder = study.controls.launder
    if launder is not None:  # it is not asked for by itself, and studies without it stay as they were
        controls["launder"] = {**launder.model_dump(), "on": True, "of": laundered_arm(study)}
    return controls


def expand_arms(study: Study) -> tuple[Arm, ...]:
    """List every arm of the study: base, matched controls, declared arms, the controls that copy one, cells, attacks.

    A switched-off control is left out (`switched_off` gives the reasons). The study must have passed the checks of
    `load_study`: its starts name declared arms and form no cycle.
    """
    off = switched_off(study)
    declared = tuple(_declared(study, name) for name in study.arms)
    attacks = _attacks(study)
    # an attacker has one control for all surfaces, paired with what the open one shows: it cancels in what is removed
    taught = (*declared, *(arm for arm in attacks if arm.defence == OPEN))
    controls = {} if "matched" in off else _matched_controls(taught)
    declared, attacks = (
        tuple(
            replace(arm, matched=controls[_asked_alike(arm.recipe)].name) if controls and arm.uses_teacher else arm
            for arm in arms
        )
        for arms in (declared, attacks)
    )
    base = () if "base" in off else (_base(),)
    by_name = {arm.name: arm for arm in declared}
    copies = tuple(
        _copy(kind, by_name[copied_arm(study, control)], study)
        for kind in COPYING
        if (control := ArmKind.LEAK if kind is ArmKind.LEAK_TWIN else kind) not in off
    )
    laundering = _laundering(study, by_name)
    return (*base, *controls.values(), *declared, *copies, *laundering, *_cells(study), *attacks, *_surfaces(study))


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


def laundered_arm(study: Study) -> str:
    """Name of the declared arm that a contaminated teacher teaches: as said, else the one that `leak` copies."""
    launder = study.controls.launder
    return launder.of if launder is not None and launder.of is not None else copied_arm(study, ArmKind.LEAK)


def _laundering(study: Study, declared: dict[str, Arm]) -> tuple[Arm, ...]:
    """List the teacher that was trained on the test items, and the student that it teaches; nothing where not asked."""
    if study.controls.launder is None:
        return ()
    arm = declared[laundered_arm(study)]
    text = "The teacher, trained on the benchmark's test items"
    teacher = Arm(LEAKY_TEACHER, ArmKind.LEAKY_TEACHER, TEACHER, (), (), text)
    text = f"As {arm.name}, on the same clean prompts, from a teacher that was trained on the test items"
    launder = str(ArmKind.LAUNDER)
    student = Arm(launder, ArmKind.LAUNDER, BASE, arm.recipe, arm.recipe, text, arm.matched, arm.name, arm.name)
    return teacher, student


def _attacks(study: Study) -> tuple[Arm, ...]:
    """List every attacker on every surface."""
    cells = attack_cells(study.defences, study.teacher.surface) if study.defences is not None else ()
    return tuple(_attack(cell) for cell in cells)


def _attack(cell: AttackCell) -> Arm:
    arm = Arm(cell.name, ArmKind.ATTACK, BASE, cell.recipe, cell.recipe, cell.description)
    return replace(arm, surface=cell.surface, defence=cell.defence, attacker=cell.attacker)


def _surfaces(study: Study) -> tuple[Arm, ...]:
    """List the teacher on every defended surface."""
    cells = honest_cells(study.defences, study.teacher.surface) if study.defences is not None else ()
    return tuple(
        replace(
            Arm(cell.name, ArmKind.SURFACE, TEACHER, (), (), cell.description),
            surface=cell.surface,
            defence=cell.defence,
        )
        for cell in cells
    )


def _base() -> Arm:
    return Arm("base", ArmKind.BASE, "base", (), (), "The student as it is, untouched")


def _declared(study: Study, name: str) -> Arm:
    spec = study.arms[name]
    stages = tuple(stage.resolve() for stage in spec.stages)
    return Arm(name, ArmKind.DISTILLED, spec.start, stages, full_recipe(study, name), spec.description)


def _asked_alike(recipe: Recipe) -> Recipe:
    """Put web text in the teacher's place: the signature of a matched arm.

    Arms share one where they agree in steps, batches, learning rates, forms and samples and ask the teacher the same in
    the same way, so that their rows are the same texts; whether these are learnt as text or as probabilities is nothing
    to a control.
    """
    return tuple(_as_text(stage.without_teacher(TextSource.WEB)) for stage in recipe)


def _as_text(stage: ResolvedStage) -> ResolvedStage:
    parts = tuple(replace(part, stage=_as_text(part.stage)) for part in stage.parts)
    asked = stage.in_place_of
    return replace(stage, parts=parts, in_place_of=asked and replace(asked, kind=stage.kind, own=()))


def _matched_controls(declared: tuple[Arm, ...]) -> dict[Recipe, Arm]:
    """Make the matched arm of every signature, matched with the rows of an arm that has it.

    That is the one whose stages have the fewest settings of their own, so that those do not reach the control; then the
    first by name.
    """
    first: dict[Recipe, Arm] = {}
    taught = [arm for arm in declared if arm.uses_teacher]
    for arm in sorted(taught, key=lambda arm: (sum(len(stage.own) for stage in arm.recipe), arm.name)):
        first.setdefault(_asked_alike(arm.recipe), arm)
    order = dict.fromkeys(_asked_alike(arm.recipe) for arm in taught)
    names = _matched_names(list(first.values()))
    return {signature: _matched(names[first[signature].name], first[signature]) for signature in order}


def _matched(name: str, arm: Arm) -> Arm:
    recipe = tuple(stage.without_teacher(TextSource.WEB) for stage in arm.recipe)
    forms = ", ".join(_forms(recipe)) or "any form"
    steps = sum(stage.steps for stage in recipe)
    text = f"As many rows and steps in the same format, without the teacher: {steps} steps on web text ({forms})"
    return Arm(name, ArmKind.MATCHED, "base", recipe, recipe, text)


def _matched_names(arms: list[Arm]) -> dict[str, str]:
    """Name the matched arm of each: `matched` if there is one; else by its forms, by its steps too, or by the arm."""
    if len(arms) == 1:
        return {arms[0].name: "matched"}
    forms = {arm.name: "-".join(("matched", *_forms(arm.recipe))) for arm in arms}
    steps = {arm.name: f"{forms[arm.name]}-{sum(stage.steps for stage in arm.recipe)}-steps" for arm in arms}
    by_arm = {arm.name: f"matched-{arm.attacker or arm.name}" for arm in arms}
    every = [name for names in (forms, steps, by_arm) for name in names.values()]
    chosen = {}
    for arm in by_arm:
        unique = (names[arm] for names in (forms, steps, by_arm) if every.count(names[arm]) == 1)
        chosen[arm] = next(unique, f"{steps[arm]}-{arm}")
    return chosen


def _forms(recipe: Recipe) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for stage in recipe for form in stage.forms or ()))


def _copy(kind: ArmKind, arm: Arm, study: Study) -> Arm:
    is_shuffled = kind is ArmKind.FORMAT and study.controls.format.answers == "shuffled"
    source, text = SHUFFLED if is_shuffled else COPYING[kind]
    recipe = tuple(stage.without_teacher(source) for stage in arm.recipe)
    name = LEAK_TWIN if kind is ArmKind.LEAK_TWIN else str(kind)
    twin = LEAK_TWIN if kind is ArmKind.LEAK else None
    return Arm(name, kind, "base", recipe, recipe, text.format(of=arm.name), arm.matched, arm.name, twin)
