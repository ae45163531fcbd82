"""Checks what must hold within and between the declared arms: starts without cycles, stages that agree."""

from __future__ import annotations

from collections.abc import Iterator

from gauger.errors import nearest
from gauger.spec.controls import RESERVED_NAMES
from gauger.spec.fault import Fault
from gauger.spec.stages.base import StagePath, StageSpec
from gauger.spec.study import Study


def stages_of(study: Study) -> Iterator[tuple[StagePath, StageSpec]]:
    """Every declared stage with its path in the file."""
    for name, arm in study.arms.items():
        for index, stage in enumerate(arm.stages):
            yield ("arms", name, "stages", index), stage
    for name, ingredient in study.factorial.ingredients.items() if study.factorial is not None else ():
        for index, stage in enumerate(ingredient.stages):
            yield ("factorial", "ingredients", name, "stages", index), stage
    for name, attacker in study.defences.attackers.items() if study.defences is not None else ():
        for index, stage in enumerate(attacker.stages):
            yield ("defences", "attackers", name, "stages", index), stage


def forms_of(study: Study) -> Iterator[tuple[StagePath, tuple[str, ...], str]]:
    """Every form that a stage, or a source of a mixture, names: its path, all forms named there, and the form."""
    for path, stage in stages_of(study):
        for place, forms in stage.named_forms(path):
            for i, form in enumerate(forms):
                yield (*place, i), forms, form


def chain(study: Study, name: str) -> list[str]:
    """The arm, the arm it starts from, and so on; ends at the base, at an unknown name or before a repetition."""
    names: list[str] = []
    while name in study.arms and name not in names:
        names.append(name)
        name = study.arms[name].start
    return names


def learns_from_teacher(study: Study, name: str) -> bool:
    """Whether any stage of the arm, or of the arms it continues, trains on what the teacher said."""
    return any(stage.learns_from_teacher for link in chain(study, name) for stage in study.arms[link].stages)


def check_starts(study: Study) -> Iterator[Fault]:
    """Starts must name the base or a declared arm, and lead to the base; each cycle is reported once."""
    seen: set[str] = set()
    for name, arm in study.arms.items():
        path = ("arms", name, "start")
        if arm.start != "base" and arm.start not in study.arms:
            yield Fault(path, "base or a declared arm", f"{arm.start!r}", nearest(arm.start, ["base", *study.arms]))
        links = chain(study, name)
        last = study.arms[links[-1]].start
        cycle = links[links.index(last) :] if last in links else []
        if cycle and not seen & set(cycle):
            seen |= set(cycle)
            reads = tuple(("arms", link, "start") for link in cycle)
            text = " -> ".join([*cycle, cycle[0]])
            where = ("arms", cycle[0], "start")
            yield Fault(where, "starts that lead to base", f"the cycle {text}", "Let one of them start at base.", reads)


def check_arms(study: Study) -> Iterator[Fault]:
    """Names must be free, and every stage must agree with itself, with the surface and with the benchmarks."""
    for name in study.arms:
        if name in RESERVED_NAMES or name.startswith("matched-"):
            hint = "Control arms are generated; choose another name."
            yield Fault(("arms", name), "a name of its own", f"{name!r}, the name of a control arm", hint, extra=True)
    for path in dict.fromkeys(_repeated_forms(study)):
        yield Fault(path, "each form once", "one of them twice")
    for path, stage in stages_of(study):
        yield from stage.check(study, path)


def check_arm_name(study: Study, name: str, path: StagePath) -> Iterator[Fault]:
    """The arm must be declared, and something in it must come from the teacher."""
    if name not in study.arms:
        yield Fault(path, "a declared arm", f"{name!r}", nearest(name, study.arms))
    elif not learns_from_teacher(study, name):
        hint = "Name an arm with a distillation stage whose strategy is not self."
        yield Fault(path, "an arm that learns from the teacher", f"{name!r}", hint, reads=(("arms", name),))


def _repeated_forms(study: Study) -> Iterator[StagePath]:
    for (*place, i), forms, form in forms_of(study):
        if isinstance(i, int) and form in forms[:i]:
            yield tuple(place)
