"""Checks what must hold between the parts of a study: names that exist, roles that are there, choices that agree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from gauger.errors import UserError, nearest
from gauger.spec.arm_checks import check_arm_name, check_arms, check_starts, forms_of, stages_of
from gauger.spec.controls import CONTROL_NAMES, RESERVED_NAMES
from gauger.spec.defence_checks import check_defences
from gauger.spec.fault import Fault
from gauger.spec.ingredient_checks import check_factorial
from gauger.spec.models import ModelSize
from gauger.spec.scale_checks import check_scale
from gauger.spec.stages.base import StagePath
from gauger.spec.study import CopyingControl, Study
from gauger.spec.surface_checks import check_surface
from gauger.spec.teachers import EndpointTeacher
from gauger.spec.variants import WorldSettings

Known = Callable[[WorldSettings], Collection[str]] | Mapping[str, Collection[str]]
"""Names that a world offers: a function of the world, or a mapping from its kind."""


def check_study(
    study: Study,
    benchmarks_known: Known | None = None,
    forms_known: Known | None = None,
    parts_known: Mapping[str, Collection[str]] | None = None,
) -> list[Fault]:
    """Find every contradiction between the parts of a study that the schema alone accepts.

    Parameters
    ----------
    study : Study
        As validated against the schema.
    benchmarks_known, forms_known : Known, optional
        Names that the world offers; None leaves the names unchecked (the worlds are a room above this one). A function
        may raise UserError for settings that make no world; its `where.key` names the setting.
    parts_known : mapping, optional
        `filter`, `defence` and `engine` -> the names that there are; None leaves them unchecked.
    """
    faults = [
        *_check_models(study),
        *_check_sizes(study),
        *check_surface(study),
        *_check_decoding(study),
        *_check_roles(study),
        *_check_evaluators(study),
        *check_starts(study),
    ]
    faults += [
        *check_arms(study),
        *_check_controls(study),
        *_check_launder(study),
        *_check_verdict(study),
        *_check_factorial(study),
        *check_scale(study),
        *check_defences(study),
    ]
    benchmarks = ((("benchmarks", name), name) for name in study.benchmarks)
    forms = ((path, form) for path, _, form in forms_of(study))
    faults += _check_known(study, benchmarks_known, "benchmark", benchmarks)
    faults += _check_known(study, forms_known, "form", forms)
    return faults + list(_check_parts(study, parts_known or {}))


def _check_parts(study: Study, known: Mapping[str, Collection[str]]) -> Iterator[Fault]:
    """Parts that a study names must exist."""
    surface = study.teacher.surface
    named: list[tuple[str, StagePath, str | None]] = [("defence", ("teacher", "surface", "defence"), surface.defence)]
    for case, defended in study.defences.family.items() if study.defences is not None else ():
        named.append(("defence", ("defences", "family", case, "defence"), defended.defence))
    for who in ("teacher", "student"):
        named.append(("engine", (who, "engine"), getattr(getattr(study, who), "engine", None)))
    for path, stage in stages_of(study):
        named += [("filter", (*path, "filters", i), name) for i, name in enumerate(getattr(stage, "filters", ()))]
    for what, place, name in named:
        if name is not None and what in known and name not in known[what]:
            yield Fault(place, f"a known {what}", f"{name!r}", nearest(name, known[what]))


def _check_known(
    study: Study, known: Known | None, what: str, named: Iterator[tuple[tuple[str | int, ...], str]]
) -> Iterator[Fault]:
    if known is None:
        return
    try:
        names = known(study.world) if callable(known) else known.get(study.world.kind, ())
    except UserError as error:
        key = tuple(error.where.key.split(".")) if error.where.key else ("world",)
        yield Fault(key, error.wanted, error.given, error.hint, (("world",),))
        return
    for path, name in named:
        if name not in names:
            yield Fault(path, f"a {what} of this world", f"{name!r}", nearest(name, names), (("world",),), extra=True)


def _check_models(study: Study) -> Iterator[Fault]:
    world = study.world
    for who, kinds in (("teacher", world.teachers), ("student", world.students)):
        kind = getattr(study, who).kind
        if kind not in kinds:
            hint = f"The world's language is not spoken by a {who} of kind {kind}."
            wanted = f"{' or '.join(kinds)} in a world of kind {world.kind}"
            yield Fault((who, "kind"), wanted, kind, hint, (("world",),))
    special = getattr(study.teacher, "specialise", None)
    if special is not None and special.by is not None:
        yield from special.by.check_program(("teacher", "specialise", "by"))


def _check_sizes(study: Study) -> Iterator[Fault]:
    for who in ("teacher", "student"):
        size, path = getattr(getattr(study, who), "model", None), (who, "model")
        if isinstance(size, ModelSize) and size.width % size.heads:
            hint = f"Heads share the width equally: {size.heads} heads need a multiple of {size.heads}."
            reads = ((*path, "heads"),)
            yield Fault((*path, "width"), f"a multiple of heads ({size.heads})", f"{size.width}", hint, reads)


def _check_factorial(study: Study) -> Iterator[Fault]:
    if study.factorial is not None:
        taken = {*study.arms, *RESERVED_NAMES} - {"base"}
        base = study.controls.base.off is None
        yield from check_factorial(study.factorial, taken, paired=study.estimation.paired, base=base)


def _check_decoding(study: Study) -> Iterator[Fault]:
    decoding, path = study.decoding, ("decoding", "temperature")
    if decoding.samples > 1 and not decoding.temperature:
        hint = "Greedy answers to one item are all the same: set a temperature, or one sample."
        yield Fault(path, "a temperature above 0 for several samples", "0", hint, (("decoding", "samples"),))


def _check_roles(study: Study) -> Iterator[Fault]:
    own = dict.fromkeys(benchmark.role for benchmark in study.benchmarks.values())
    roles = dict.fromkeys((*own, *study.roles.values()))
    here = ", ".join(roles)
    if "targeted" not in own:
        hint = "Without one there is nothing to compare carry-over with."
        yield Fault(("benchmarks",), "at least one benchmark with role targeted", f"only {', '.join(own)}", hint)
    role = study.verdict.role
    if role not in roles and role != "targeted":
        hint = f"Give a benchmark the role {role}, or judge on one of: {here}."
        reads = (("benchmarks",),)
        yield Fault(("verdict", "role"), "a role that some benchmark has", f"'{role}'", hint, reads)


def _check_evaluators(study: Study) -> Iterator[Fault]:
    """An evaluator reads files, or asks an interface by itself, and then keeps no budget; no name is given twice."""
    if not study.evaluators:
        return
    path = ("evaluators",)
    for name in study.evaluators:
        if name in study.benchmarks:
            yield Fault((*path, name), "a name of its own", f"one that a benchmark of the world has: {name!r}")
    if not study.student.has_files:
        hint = "lm-eval and Inspect load models of transformers, or ask them over HTTP."
        wanted = "a student of kind checkpoint for evaluators"
        yield Fault(path, wanted, f"one of kind {study.student.kind}", hint, (("student", "kind"),))
    if study.teacher.kind == "replay":
        hint = "A recording answers what it was asked, and nothing else."
        yield Fault(path, "a teacher that can be asked, for evaluators", "a recording", hint, (("teacher", "kind"),))
    yield from _check_evaluated_endpoint(study)
    if study.teacher.surface.max_usd is not None:
        hint = "An evaluator asks the teacher by itself. Take max_usd away, or measure it on benchmarks of the world."
        yield Fault(("teacher", "surface", "max_usd"), "no budget in money beside evaluators", "one", hint, (path,))


def _check_evaluated_endpoint(study: Study) -> Iterator[Fault]:
    """An evaluator asks the teacher as the study does, or not at all."""
    teacher = study.teacher
    if not isinstance(teacher, EndpointTeacher):
        return
    hint = "lm-eval and Inspect cannot be told so, and would ask another teacher. Take benchmarks of the world."
    for name in ("headers", "query"):
        if getattr(teacher, name):
            yield Fault(("teacher", name), f"no {name} beside evaluators", "some", hint, (("evaluators",),))
    if any(value is None for value in teacher.extra.values()):
        yield Fault(("teacher", "extra"), "no null in extra beside evaluators", "one", hint, (("evaluators",),))
    asks_in_chat = [name for name, task in study.evaluated.items() if task.kind == "inspect"]
    if teacher.manner == "completions" and asks_in_chat:
        hint = "Inspect knows chats alone; lm-eval has its text continued."
        place = ("evaluators", asks_in_chat[0])
        yield Fault(place, "lm-eval for a teacher whose manner is completions", "inspect", hint, (("teacher",),))


def _check_controls(study: Study) -> Iterator[Fault]:
    for name in CONTROL_NAMES:
        control = getattr(study.controls, name)
        path = ("controls", name, "of")
        if not isinstance(control, CopyingControl) or control.of is None:
            continue
        if control.off is not None:
            yield Fault(path, f"either of or off for {name}", "both", "A control that is off copies nothing.")
        yield from check_arm_name(study, control.of, path)


def _check_launder(study: Study) -> Iterator[Fault]:
    launder, path = study.controls.launder, ("controls", "launder")
    if launder is None:
        return
    if launder.of is not None:
        yield from check_arm_name(study, launder.of, (*path, "of"))
    if not study.teacher.scores_texts:
        hint = "It is trained on the test items, which needs its weights."
        reads = (("teacher", "kind"),)
        yield Fault(path, "no launder, or a teacher at hand", f"one of kind {study.teacher.kind}", hint, reads)
    for role in ("targeted", "parallel"):
        if not any(benchmark.role == role for benchmark in study.benchmarks.values()):
            hint = "What came through is seen as a lead of targeted over parallel items."
            yield Fault(path, f"a benchmark with role {role}, for launder", "none", hint, (("benchmarks",),))


def _check_verdict(study: Study) -> Iterator[Fault]:
    rule, path = study.verdict, ("verdict", "estimand")
    yield from check_arm_name(study, rule.arm, ("verdict", "arm"))
    needed = "base" if rule.estimand == "gain" else "matched"
    if getattr(study.controls, needed).off is not None:
        wanted = f"the control {needed} to be on, because the verdict's {rule.estimand} is measured against it"
        hint = f"Take controls.{needed}.off away, or judge another estimand."
        yield Fault(("controls", needed, "off"), wanted, "off", hint, (path,))
    yield from _check_margin(study)
    if rule.estimand == "carryover" and rule.role == "targeted":
        hint = "Carry-over says how much of the uplift on targeted benchmarks reaches another role."
        yield Fault(("verdict", "role"), "another role than targeted for carryover", "'targeted'", hint, (path,))


def _check_margin(study: Study) -> Iterator[Fault]:
    """Placebo and leak are held against something above 0: else no control without an effect could ever pass."""
    rule, path, reads = study.verdict, ("verdict", "placebo_margin"), (("verdict", "threshold"),)
    if rule.placebo_margin is not None and 0 < rule.threshold < rule.placebo_margin:
        hint = "A placebo that reaches the threshold would itself be major; leave it out for half the threshold."
        wanted = f"a placebo margin of at most the threshold {rule.threshold:g}"
        yield Fault(path, wanted, f"{rule.placebo_margin:g}", hint, reads)
    held = [study.controls.placebo.off is None, study.controls.leak.off is None and rule.role != "targeted"]
    if rule.placebo_margin is None and rule.threshold == 0 and any(held):
        hint = (
            "Say how far above 0 a placebo, or what a leak adds, may lie, for instance 0.01: 0 itself it always might."
        )
        yield Fault(path, "a placebo margin above 0, beside a threshold of 0", "none", hint, reads)
