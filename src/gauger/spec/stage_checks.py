"""What must hold within one stage: that it agrees with itself, with the surface, with the benchmarks and the world."""

from __future__ import annotations

from collections.abc import Iterator

from gauger.spec.mistakes import Fault
from gauger.spec.mixture import MixtureSource, MixtureStage
from gauger.spec.own_samples import OnPolicyStage, PreferenceStage, Questions, RlStage
from gauger.spec.stages import AnyStage, DistillStage, LogitDistillStage
from gauger.spec.study import Study

StagePath = tuple[str | int, ...]

SEEDS_OF_STRATEGY = {
    "label": ("benchmark-train", "web"),
    "rationale": ("benchmark-train",),
    "expand": ("expanded",),
    "textbook": ("textbook",),
    "seedless": ("seedless",),
    "self": ("benchmark-train", "web", "expanded", "textbook", "seedless"),
}
"""Seed sources that a strategy can honestly declare."""
KINDS_OF_WORLD = {
    "language": ("continue", "sft", "text-distill", "logit-distill", "on-policy-distill", "preference", "rl"),
}
"""Stages that can be run in a world; one that is not named here runs them all."""
_SEEDED_BY_BENCHMARK = ("benchmark-train", "expanded")
_OPEN_FORMS = ("story",)
"""Forms without one right answer."""


def check_stage(study: Study, path: StagePath, stage: AnyStage) -> Iterator[Fault]:
    """Find what is wrong with one stage."""
    kinds = KINDS_OF_WORLD.get(study.world.kind)
    if kinds is not None and stage.kind not in kinds:
        wanted = f"one of {', '.join(kinds)} in a world of kind {study.world.kind}"
        yield Fault((*path, "kind"), wanted, f"'{stage.kind}'", "", (("world",),))
    if isinstance(stage, DistillStage):
        yield from _check_seeds(study, path, stage.strategy, stage.seeds)
    if isinstance(stage, LogitDistillStage) and stage.strategy != "self":
        yield from _check_logits(study, path, stage)
    if isinstance(stage, Questions):
        yield from _check_questions(study, path, stage)
    if isinstance(stage, MixtureStage):
        yield from _check_mixture(study, path, stage)


def _check_seeds(study: Study, path: StagePath, strategy: str, seeds: str) -> Iterator[Fault]:
    allowed = SEEDS_OF_STRATEGY[strategy]
    if seeds not in allowed:
        strategies = [name for name, known in SEEDS_OF_STRATEGY.items() if seeds in known]
        hint = f"Seeds '{seeds}' go with strategy {' or '.join(strategies)}."
        wanted = f"{' or '.join(allowed)} with strategy {strategy}"
        yield Fault((*path, "seeds"), wanted, f"'{seeds}'", hint, ((*path, "strategy"), (*path, "kind")))
    yield from _check_targeted(study, path, seeds)


def _check_targeted(study: Study, path: StagePath, seeds: str) -> Iterator[Fault]:
    targeted = any(benchmark.role == "targeted" for benchmark in study.benchmarks.values())
    if seeds in _SEEDED_BY_BENCHMARK and not targeted:
        wanted = f"a benchmark with role targeted for seeds '{seeds}' to come from"
        hint = "Give one benchmark the role targeted, or choose other seeds."
        yield Fault((*path, "seeds"), wanted, "none", hint, (("benchmarks",), (*path, "kind")))


def _check_logits(study: Study, path: StagePath, stage: LogitDistillStage | OnPolicyStage) -> Iterator[Fault]:
    surface, where = study.teacher.surface, ("teacher", "surface")
    if surface.log_probabilities == "none":
        wanted = f"a surface that shows log-probabilities for {stage.kind}"
        hint = "Text distillation (kind: text-distill) is the way to learn from text alone."
        yield Fault((*path, "kind"), wanted, "log_probabilities: none", hint, ((*where, "log_probabilities"),))
    if stage.top_k is not None and surface.top_k is not None and stage.top_k > surface.top_k:
        wanted = f"at most the {surface.top_k} log-probabilities that the surface shows"
        yield Fault((*path, "top_k"), wanted, f"{stage.top_k}", "", ((*where, "top_k"), (*path, "kind")))


def _check_scorer(study: Study, path: StagePath, stage: OnPolicyStage) -> Iterator[Fault]:
    """Only a model at hand says how likely every token of a text that another wrote is."""
    if study.world.kind == "language" and study.teacher.kind != "checkpoint":
        wanted = f"a local checkpoint as the teacher for {stage.kind}"
        hint = "Text distillation (kind: text-distill) is the way to learn from a teacher of another kind."
        yield Fault((*path, "kind"), wanted, f"a teacher of kind {study.teacher.kind}", hint, (("teacher", "kind"),))


def _check_questions(study: Study, path: StagePath, stage: Questions) -> Iterator[Fault]:
    yield from _check_targeted(study, path, stage.seeds)
    if isinstance(stage, OnPolicyStage):
        yield from _check_scorer(study, path, stage)
        yield from _check_logits(study, path, stage)
        return
    for i, form in enumerate(stage.forms):
        if form in _OPEN_FORMS:
            hint = "Nobody can say which of two such texts is right."
            yield Fault((*path, "forms", i), "a form whose questions have one answer", f"'{form}'", hint)
    each, what = (2, "2 (two answers to a pair)") if isinstance(stage, PreferenceStage) else (1, "")
    if isinstance(stage, RlStage):
        each, what = stage.group, f"group ({stage.group})"
    if stage.batch % each:
        reads = ((*path, "group"), (*path, "kind"))
        yield Fault((*path, "batch"), f"a multiple of {what}", f"{stage.batch}", "", reads)


def _check_mixture(study: Study, path: StagePath, stage: MixtureStage) -> Iterator[Fault]:
    for i, source in enumerate(stage.sources):
        yield from _check_source(study, (*path, "sources", i), source)
    if all(source.tokens is not None for source in stage.sources):
        hint = (
            "Else training could end before its steps do: take `tokens` away from the source that fills what is left."
        )
        yield Fault((*path, "sources"), "a source without a budget", "budgets for all", hint)


def _check_source(study: Study, path: StagePath, source: MixtureSource) -> Iterator[Fault]:
    asked, reads = source.source in ("teacher", "self"), ((*path, "source"),)
    needed = ("strategy", "seeds", "forms", "samples")
    if asked:
        missing = [name for name in needed if getattr(source, name) is None]
        for name in missing:
            yield Fault((*path, name), f"{name} for source {source.source}", "nothing", "", reads)
        if source.strategy is not None and source.seeds is not None:
            yield from _check_seeds(study, path, source.strategy, source.seeds)
        return
    for name in ("strategy", "seeds"):
        if getattr(source, name) is not None:
            hint = "Nobody is asked for it."
            yield Fault((*path, name), f"nothing for source {source.source}", f"'{getattr(source, name)}'", hint, reads)
