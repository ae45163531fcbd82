"""What must hold within and between the declared arms: starts without cycles, stages that agree with themselves."""

from __future__ import annotations

from collections.abc import Iterator

from gauger.errors import nearest
from gauger.spec.controls import RESERVED_NAMES
from gauger.spec.faults import Fault
from gauger.spec.stages import ContinueStage, DistillStage, LogitDistillStage, SftStage, TextDistillStage
from gauger.spec.study import Study

AnyStage = ContinueStage | SftStage | TextDistillStage | LogitDistillStage
StagePath = tuple[str | int, ...]

SEEDS_OF_STRATEGY = {
    "label": ("benchmark-train", "web"),
    "expand": ("expanded",),
    "textbook": ("textbook",),
    "seedless": ("seedless",),
    "self": ("benchmark-train", "web", "expanded", "textbook", "seedless"),
}
"""Seed sources that a strategy can honestly declare."""
_SEEDED_BY_BENCHMARK = ("benchmark-train", "expanded")


def stages_of(study: Study) -> Iterator[tuple[StagePath, AnyStage]]:
    """Every declared stage with its path in the file."""
    for name, arm in study.arms.items():
        for index, stage in enumerate(arm.stages):
            yield ("arms", name, "stages", index), stage


def chain(study: Study, name: str) -> list[str]:
    """The arm, the arm it starts from, and so on; ends at the base, at an unknown name or before a repetition."""
    names: list[str] = []
    while name in study.arms and name not in names:
        names.append(name)
        name = study.arms[name].start
    return names


def learns_from_teacher(study: Study, name: str) -> bool:
    """Whether any stage of the arm, or of the arms it continues, trains on what the teacher said."""
    stages = (stage for link in chain(study, name) for stage in study.arms[link].stages)
    return any(isinstance(stage, DistillStage) and stage.strategy != "self" for stage in stages)


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
    for path, stage in stages_of(study):
        if len(set(stage.forms or ())) < len(stage.forms or ()):
            yield Fault((*path, "forms"), "each form once", "one of them twice")
        if isinstance(stage, DistillStage):
            yield from _check_seeds(study, path, stage)
        if isinstance(stage, LogitDistillStage) and stage.strategy != "self":
            yield from _check_logits(study, path, stage)


def _check_seeds(study: Study, path: StagePath, stage: DistillStage) -> Iterator[Fault]:
    allowed = SEEDS_OF_STRATEGY[stage.strategy]
    where, given = (*path, "seeds"), f"'{stage.seeds}'"
    if stage.seeds not in allowed:
        strategies = [name for name, seeds in SEEDS_OF_STRATEGY.items() if stage.seeds in seeds]
        hint = f"Seeds '{stage.seeds}' go with strategy {' or '.join(strategies)}."
        wanted = f"{' or '.join(allowed)} with strategy {stage.strategy}"
        yield Fault(where, wanted, given, hint, ((*path, "strategy"), (*path, "kind")))
    targeted = any(benchmark.role == "targeted" for benchmark in study.benchmarks.values())
    if stage.seeds in _SEEDED_BY_BENCHMARK and not targeted:
        wanted = f"a benchmark with role targeted for seeds '{stage.seeds}' to come from"
        hint = "Give one benchmark the role targeted, or choose other seeds."
        yield Fault(where, wanted, "none", hint, (("benchmarks",), (*path, "kind")))


def _check_logits(study: Study, path: StagePath, stage: LogitDistillStage) -> Iterator[Fault]:
    surface, where = study.teacher.surface, ("teacher", "surface")
    if surface.log_probabilities == "none":
        wanted = "a surface that shows log-probabilities for logit-distill"
        hint = "Text distillation (kind: text-distill) is the way to learn from text alone."
        yield Fault((*path, "kind"), wanted, "log_probabilities: none", hint, ((*where, "log_probabilities"),))
    if stage.top_k is not None and surface.top_k is not None and stage.top_k > surface.top_k:
        wanted = f"at most the {surface.top_k} log-probabilities that the surface shows"
        yield Fault((*path, "top_k"), wanted, f"{stage.top_k}", "", ((*where, "top_k"), (*path, "kind")))
