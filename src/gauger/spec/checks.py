"""What must hold between the parts of a study: names that exist, roles that are there, choices that agree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from gauger.errors import UserError, nearest
from gauger.spec.arm_checks import check_arms, check_starts, forms_of, learns_from_teacher, stages_of
from gauger.spec.controls import CONTROL_NAMES, RESERVED_NAMES
from gauger.spec.ingredient_checks import check_factorial
from gauger.spec.mistakes import Fault
from gauger.spec.models import ModelSize
from gauger.spec.study import CopyingControl, Study
from gauger.spec.surface_checks import check_surface
from gauger.spec.world import World

Known = Callable[[World], Collection[str]] | Mapping[str, Collection[str]]
"""Names that a world offers: a function of the world, or a mapping from its kind."""


def check_study(study: Study, benchmarks_known: Known | None = None, forms_known: Known | None = None) -> list[Fault]:
    """Find every contradiction between the parts of a study that the schema alone accepts.

    Parameters
    ----------
    study : Study
        As validated against the schema.
    benchmarks_known, forms_known : Known, optional
        Names that the world offers; None leaves the names unchecked (the worlds are a room above this one). A function
        may raise UserError for settings that make no world; its `where.key` names the setting.
    """
    found = [
        *_check_models(study),
        *_check_strategies(study),
        *_check_sizes(study),
        *check_surface(study),
        *_check_decoding(study),
        *_check_roles(study),
        *check_starts(study),
    ]
    found += [
        *check_arms(study),
        *_check_controls(study),
        *_check_verdict(study),
        *_check_factorial(study),
        *_check_scale(study),
    ]
    benchmarks = ((("benchmarks", name), name) for name in study.benchmarks)
    forms = ((path, form) for path, _, form in forms_of(study))
    found += _check_known(study, benchmarks_known, "benchmark", benchmarks)
    found += _check_known(study, forms_known, "form", forms)
    return found


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


MODELS_OF_WORLD: dict[str, dict[str, tuple[str, ...]]] = {
    "atlas": {"teacher": ("scratch",), "student": ("scratch",)},
    "language": {"teacher": ("checkpoint", "endpoint", "replay"), "student": ("checkpoint",)},
}
"""Kinds of models that can answer in a kind of world."""


def _check_models(study: Study) -> Iterator[Fault]:
    for who, kinds in MODELS_OF_WORLD[study.world.kind].items():
        kind = getattr(study, who).kind
        if kind not in kinds:
            hint = f"The world's language is not spoken by a {who} of kind {kind}."
            yield Fault(
                (who, "kind"), f"{' or '.join(kinds)} in a world of kind {study.world.kind}", kind, hint, (("world",),)
            )


def _check_strategies(study: Study) -> Iterator[Fault]:
    for path, stage in stages_of(study):
        if getattr(stage, "strategy", None) == "rationale" and study.world.kind == "atlas":
            hint = "Models of the embedded world say no steps; use label."
            given = "'rationale'"
            yield Fault((*path, "strategy"), "a strategy that a world of kind atlas has", given, hint, (("world",),))


def _check_sizes(study: Study) -> Iterator[Fault]:
    for who in ("teacher", "student"):
        part = getattr(study, who)
        if part.kind != "scratch":
            continue
        size: ModelSize = part.model
        path = (who, "model")
        if size.width % size.heads:
            hint = f"Heads share the width equally: {size.heads} heads need a multiple of {size.heads}."
            reads = ((*path, "heads"),)
            yield Fault((*path, "width"), f"a multiple of heads ({size.heads})", f"{size.width}", hint, reads)


def _check_factorial(study: Study) -> Iterator[Fault]:
    if study.factorial is not None:
        taken = {*study.arms, *RESERVED_NAMES} - {"base"}
        yield from check_factorial(study.factorial, taken, paired=study.estimation.paired)


def _check_scale(study: Study) -> Iterator[Fault]:
    scale, path = study.scale, ("scale",)
    if scale is None:
        return
    if study.world.kind != "atlas":
        yield Fault(path, "no scale, or a world of kind atlas", "a scale", "", (("world",),))
    yield from _check_arm_name(study, scale.arm, (*path, "arm"))
    if study.controls.matched.off is not None:
        hint = "The curves of the control are what the distilled ones are compared with."
        yield Fault(("controls", "matched", "off"), "the control matched to be on, for scale", "off", hint, (path,))
    if not any(benchmark.role == scale.role for benchmark in study.benchmarks.values()):
        yield Fault((*path, "role"), "a role that some benchmark has", f"'{scale.role}'", "", (("benchmarks",),))
    for i, size in enumerate(scale.students):
        if size.width % size.heads:
            yield Fault((*path, "students", i, "width"), f"a multiple of heads ({size.heads})", f"{size.width}")
    for name in ("students", "base_steps", "teacher_steps", "budgets"):
        values = getattr(scale, name)
        if len(set(values)) < len(values):
            yield Fault((*path, name), "different values", "one of them twice")


def _check_decoding(study: Study) -> Iterator[Fault]:
    decoding, path = study.decoding, ("decoding", "temperature")
    if decoding.samples > 1 and not decoding.temperature:
        hint = "Greedy answers to one item are all the same: set a temperature, or one sample."
        yield Fault(path, "a temperature above 0 for several samples", "0", hint, (("decoding", "samples"),))
    if decoding.temperature and study.world.kind == "atlas":
        hint = "Models of the embedded world answer greedily; several training replicates show how much they vary."
        yield Fault(path, "0 in a world of kind atlas", f"{decoding.temperature:g}", hint, (("world",),))


def _check_roles(study: Study) -> Iterator[Fault]:
    roles = {benchmark.role: None for benchmark in study.benchmarks.values()}
    here = ", ".join(roles)
    if "targeted" not in roles:
        hint = "Without one there is nothing to compare carry-over with."
        yield Fault(("benchmarks",), "at least one benchmark with role targeted", f"only {here}", hint)
    role = study.verdict.role
    if role not in roles and role != "targeted":
        hint = f"Give a benchmark the role {role}, or judge on one of: {here}."
        reads = (("benchmarks",),)
        yield Fault(("verdict", "role"), "a role that some benchmark has", f"'{role}'", hint, reads)


def _check_controls(study: Study) -> Iterator[Fault]:
    for name in CONTROL_NAMES:
        control = getattr(study.controls, name)
        path = ("controls", name, "of")
        if not isinstance(control, CopyingControl) or control.of is None:
            continue
        if control.off is not None:
            yield Fault(path, f"either of or off for {name}", "both", "A control that is off copies nothing.")
        yield from _check_arm_name(study, control.of, path)


def _check_verdict(study: Study) -> Iterator[Fault]:
    rule, path = study.verdict, ("verdict", "estimand")
    yield from _check_arm_name(study, rule.arm, ("verdict", "arm"))
    needed = "base" if rule.estimand == "gain" else "matched"
    if getattr(study.controls, needed).off is not None:
        wanted = f"the control {needed} to be on, because the verdict's {rule.estimand} is measured against it"
        hint = f"Take controls.{needed}.off away, or judge another estimand."
        yield Fault(("controls", needed, "off"), wanted, "off", hint, (path,))
    if rule.estimand == "carryover" and rule.role == "targeted":
        hint = "Carry-over says how much of the uplift on targeted benchmarks reaches another role."
        yield Fault(("verdict", "role"), "another role than targeted for carryover", "'targeted'", hint, (path,))


def _check_arm_name(study: Study, name: str, path: tuple[str, ...]) -> Iterator[Fault]:
    """The arm must be declared, and something in it must come from the teacher."""
    if name not in study.arms:
        yield Fault(path, "a declared arm", f"{name!r}", nearest(name, study.arms))
    elif not learns_from_teacher(study, name):
        hint = "Name an arm with a distillation stage whose strategy is not self."
        yield Fault(path, "an arm that learns from the teacher", f"{name!r}", hint, reads=(("arms", name),))
