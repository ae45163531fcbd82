"""Checks a scale: its arm and control, different values on every axis, and stages that every budget leaves runnable."""

from __future__ import annotations

from collections.abc import Iterator

from gauger.spec.arm_checks import chain, check_arm_name
from gauger.spec.fault import Fault
from gauger.spec.scale import AXES, ScaleGrid
from gauger.spec.scaled_cells import times
from gauger.spec.study import Study

PATH = ("scale",)


def check_scale(study: Study) -> Iterator[Fault]:
    """Find what is wrong with a study's scale, and with the study for having it; nothing where there is none."""
    scale = study.scale
    if scale is None:
        return
    if study.student.from_scratch is None:
        wanted = "no scale, or a student that is trained from scratch"
        yield Fault(PATH, wanted, "a scale", "", (("world",), ("student", "kind")))
    yield from check_arm_name(study, scale.arm, (*PATH, "arm"))
    if study.controls.matched.off is not None:
        hint = "The curves of the control are what the distilled ones are compared with."
        yield Fault(("controls", "matched", "off"), "the control matched to be on, for scale", "off", hint, (PATH,))
    if not any(benchmark.role == scale.role for benchmark in study.benchmarks.values()):
        yield Fault((*PATH, "role"), "a role that some benchmark has", f"'{scale.role}'", "", (("benchmarks",),))
    for i, size in enumerate(scale.students):
        if size.width % size.heads:
            yield Fault((*PATH, "students", i, "width"), f"a multiple of heads ({size.heads})", f"{size.width}")
    for name in AXES:
        values = getattr(scale, name)
        if len(set(values)) < len(values):
            yield Fault((*PATH, name), "different values", "one of them twice")
    yield from _check_budgets(study, scale)


def _check_budgets(study: Study, scale: ScaleGrid) -> Iterator[Fault]:
    """The steps that the smallest budget leaves must do for every stage: fewer can be too few for its rounds."""
    budget = min(scale.budgets)
    for link in chain(study, scale.arm):
        for i, stage in enumerate(study.arms[link].stages):
            path = ("arms", link, "stages", i)
            grown = stage.model_copy(update={"steps": times(stage.steps, budget)})
            known = {fault.path for fault in stage.check(study, path)}
            for fault in grown.check(study, path):
                if fault.path not in known:
                    key = ".".join(map(str, fault.path))
                    wanted = f"budgets that every stage can be run with; {key} wants {fault.wanted}"
                    yield Fault((*PATH, "budgets"), wanted, f"{budget:g}, and {fault.given}", "", (path,))
