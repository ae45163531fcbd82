"""Defines what every kind of stage is: its schema, how it is resolved, what must hold of it, how it is planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, Strict

from gauger.errors import nearest
from gauger.spec.base import Fraction, Name, Names, SpecPart
from gauger.spec.fault import Fault
from gauger.spec.models import Batch, LearningRate, Steps
from gauger.spec.stages.resolved import ResolvedStage, TextSource

if TYPE_CHECKING:
    from gauger.spec.study import Study

Samples = Annotated[int, Field(ge=1, le=100_000_000)]
StagePath = tuple[str | int, ...]
NamedForms = Iterator[tuple[StagePath, tuple[str, ...]]]
_NEAR_SHARE = 0.02
"""How far from a declared share of a batch the share of its rows may be."""
Corpus = Literal["texts", "questions", "pairs", "blend"]
"""What a stage trains on: texts; questions that the student answers; pairs of its answers; several corpora blended."""


class StageSpec(SpecPart):
    """One stage as it is declared. A kind is a subclass, one file and one line in `registry.STAGES`.

    The class variables say what is special about a kind, so that nobody asks which kind a stage is.
    """

    kind: str
    """Which stage."""
    steps: Steps
    """Optimiser steps."""
    batch: Batch = 128
    """Sequences per step."""
    learning_rate: LearningRate = 0.001
    """Peak learning rate."""
    corpus: ClassVar[Corpus] = "texts"
    """What it trains on."""
    job: ClassVar[str] = "train"
    """Kind of the job that trains it (`jobs.registry`)."""
    student_writes: ClassVar[bool] = False
    """Whether the student alone writes what it is trained on: its corpus is questions, and nobody's text."""
    soft: ClassVar[bool] = False
    """Whether it learns log-probabilities along its corpus."""
    scored: ClassVar[bool] = False
    """Whether a model says how likely every token of the student's own samples is, and so must have its tokens."""
    keeps: ClassVar[frozenset[TextSource]] = frozenset({TextSource.SELF})
    """Sources with which it stays the same kind of stage where the teacher is taken away; else it becomes `sft`."""

    def resolve(self) -> ResolvedStage:
        """Return the stage as it is run."""
        return ResolvedStage(self.kind, TextSource.TEACHER, self.steps, self.batch, self.learning_rate)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:  # noqa: ARG002 - most kinds need all of it
        """Find what is wrong with it, beyond what the schema says."""
        yield from ()

    def named_forms(self, path: StagePath) -> NamedForms:
        """Yield every list of forms that it names, with its path."""
        if forms := getattr(self, "forms", None):
            yield (*path, "forms"), forms

    @property
    def learns_from_teacher(self) -> bool:
        """Whether it trains on what the teacher wrote, scored or judged; it need not agree with itself."""
        return self.resolve().source is TextSource.TEACHER

    @classmethod
    def draws_per_row(cls, stage: ResolvedStage) -> float:  # noqa: ARG003 - kinds that draw look at their settings
        """Return how many answers the student draws for a row that it trains on."""
        return 0.0


class KeptIn(StageSpec):
    """A stage with text that is kept in so that less is forgotten."""

    web_share: Fraction = 0.0
    """Share of each batch that is drawn from the base's own web text instead, so that less is forgotten: as many rows
    as come nearest, at most two hundredths of the batch away; a share that so many rows cannot have is refused."""

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """Whole rows must make up the share."""
        yield from super().check(study, path)
        yield from check_web_share(self.web_share, self.batch, path)


class Asking(StageSpec):
    """What every stage on text that the teacher wrote has: how the teacher is asked."""

    strategy: Name
    """How prompts are made: `label` given questions (`rationale`: with the steps to the answer, in a language world),
    `expand` them into new ones, have the teacher write a `textbook`, ask `seedless` for anything it knows; `self`: the
    student's own base answers in the teacher's place."""
    seeds: Literal["benchmark-train", "expanded", "textbook", "seedless", "web"]
    """Declared seed source: what the prompts are made from."""
    forms: Names
    """Forms in which the teacher is asked and the student trained."""
    samples: Samples
    """Samples to obtain from the teacher."""
    filters: Annotated[tuple[Name, ...], Field(max_length=16), Strict(False)] = ()
    """Filters that samples must pass besides those that every corpus has, by name; `right` keeps right answers."""

    def resolve(self) -> ResolvedStage:
        """Return it with its prompts; `self` changes who answers, not the prompts."""
        asked_of_base = self.strategy == "self"
        return ResolvedStage(
            kind=self.kind,
            source=TextSource.SELF if asked_of_base else TextSource.TEACHER,
            steps=self.steps,
            batch=self.batch,
            learning_rate=self.learning_rate,
            forms=self.forms,
            samples=self.samples,
            strategy=STRATEGY_OF_SEEDS[self.seeds] if asked_of_base else self.strategy,
            seeds=self.seeds,
            filters=self.filters,
        )

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """Seeds must go with the strategy."""
        yield from check_seeds(study, path, self.strategy, self.seeds)


class AskingStage(KeptIn, Asking):
    """What both kinds of distillation from a corpus have, besides how the teacher is asked: text that is kept in."""

    def resolve(self) -> ResolvedStage:
        """Return it with its share of the base's own text."""
        return replace(super().resolve(), web_share=self.web_share)


class QuestionStage(StageSpec):
    """What the student is asked: questions on the skills of the targeted benchmarks."""

    student_writes: ClassVar[bool] = True
    corpus: ClassVar[Corpus] = "questions"
    seeds: Literal["benchmark-train", "web", "reference"]
    """Where the questions come from. `benchmark-train`: the benchmark's own train split. `web`: those that the base's
    web text answers. `reference`: all that may be trained on."""
    forms: Names
    """Forms in which the student is asked."""
    prompts: Samples = 2000
    """Distinct prompts, at most."""

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """The benchmark's own questions need a targeted benchmark."""
        yield from check_targeted(study, path, self.seeds)

    def check_answers(self, study: Study, path: StagePath, each: int, what: str) -> Iterator[Fault]:
        """Answers must be judged, and a batch must hold whole groups of them."""
        for i, form in enumerate(self.forms):
            if form in study.world.open_forms:
                hint = "Nobody can say which of two such texts is right."
                yield Fault((*path, "forms", i), "a form whose questions have one answer", f"'{form}'", hint)
        yield from check_groups(self.batch, path, each, what)


STRATEGY_OF_SEEDS = {
    "benchmark-train": "label",
    "expanded": "expand",
    "textbook": "textbook",
    "seedless": "seedless",
    "web": "label",
}
"""Which strategy makes prompts from a seed source."""
SEEDS_OF_STRATEGY = {
    "label": ("benchmark-train", "web"),
    "rationale": ("benchmark-train",),
    "vote": ("benchmark-train", "web"),
    "vote-cold": ("benchmark-train", "web"),
    "invert": ("benchmark-train", "web"),
    "rederive": ("benchmark-train", "web"),
    "expand": ("expanded",),
    "textbook": ("textbook",),
    "seedless": ("seedless",),
    "self": ("benchmark-train", "web", "expanded", "textbook", "seedless"),
}
"""Seed sources that a strategy can honestly declare."""
_SEEDED_BY_BENCHMARK = ("benchmark-train", "expanded")


def check_seeds(study: Study, path: StagePath, strategy: str, seeds: str) -> Iterator[Fault]:
    """Seeds must go with the strategy, the strategy with the world, and the benchmark's own with a targeted one."""
    if strategy not in study.world.strategies:
        wanted = f"a strategy that a world of kind {study.world.kind} has"
        yield Fault(
            (*path, "strategy"), wanted, f"'{strategy}'", nearest(strategy, study.world.strategies), (("world",),)
        )
        return
    allowed = SEEDS_OF_STRATEGY.get(strategy, SEEDS_OF_STRATEGY["self"])
    if seeds not in allowed:
        strategies = [name for name, known in SEEDS_OF_STRATEGY.items() if seeds in known]
        hint = f"Seeds '{seeds}' go with strategy {' or '.join(strategies)}."
        wanted = f"{' or '.join(allowed)} with strategy {strategy}"
        yield Fault((*path, "seeds"), wanted, f"'{seeds}'", hint, ((*path, "strategy"), (*path, "kind")))
    yield from check_targeted(study, path, seeds)


def check_web_share(web_share: float, batch: int, path: StagePath) -> Iterator[Fault]:
    """A share of a batch must be near to one of whole rows, and whoever has a share must have a row."""
    n_web = round(web_share * batch)
    is_near = abs(n_web / batch - web_share) <= _NEAR_SHARE + 1e-9
    if is_near and (n_web > 0) == (web_share > 0) and (n_web < batch) == (web_share < 1):
        return
    at_hand = sorted({rows / batch for rows in (n_web - 1, n_web, n_web + 1) if 0 <= rows <= batch})
    wanted = f"a share of whole rows of a batch of {batch}, such as {' or '.join(f'{share:.3g}' for share in at_hand)}"
    hint = "A larger batch can be divided more finely."
    yield Fault((*path, "web_share"), wanted, f"{web_share:g}", hint, ((*path, "batch"), (*path, "kind")))


def check_groups(batch: int, path: StagePath, each: int, what: str) -> Iterator[Fault]:
    """A batch must hold whole groups of answers."""
    if batch % each:
        reads = ((*path, "group"), (*path, "kind"))
        yield Fault((*path, "batch"), f"a multiple of {what}", f"{batch}", "", reads)


def check_targeted(study: Study, path: StagePath, seeds: str) -> Iterator[Fault]:
    """Seeds from the benchmark need a targeted one."""
    targeted = any(benchmark.role == "targeted" for benchmark in study.benchmarks.values())
    if seeds in _SEEDED_BY_BENCHMARK and not targeted:
        wanted = f"a benchmark with role targeted for seeds '{seeds}' to come from"
        hint = "Give one benchmark the role targeted, or choose other seeds."
        yield Fault((*path, "seeds"), wanted, "none", hint, (("benchmarks",), (*path, "kind")))


def check_scores(study: Study, path: StagePath, kind: str) -> Iterator[Fault]:
    """Only a model at hand says how likely every token of a text is: an endpoint or a recording has its text alone."""
    if not study.teacher.scores_texts:
        wanted = f"a teacher at hand (checkpoint or scratch) for {kind}"
        hint = "Text distillation (kind: text-distill) is the way to learn from a teacher of another kind."
        yield Fault((*path, "kind"), wanted, f"a teacher of kind {study.teacher.kind}", hint, (("teacher", "kind"),))


def check_logits(study: Study, path: StagePath, kind: str, top_k: int | None) -> Iterator[Fault]:
    """The surface must show what the stage learns from."""
    surface, where = study.teacher.surface, ("teacher", "surface")
    if surface.log_probabilities == "none":
        wanted = f"a surface that shows log-probabilities for {kind}"
        hint = "Text distillation (kind: text-distill) is the way to learn from text alone."
        yield Fault((*path, "kind"), wanted, "log_probabilities: none", hint, ((*where, "log_probabilities"),))
    if top_k is not None and surface.top_k is not None and top_k > surface.top_k:
        wanted = f"at most the {surface.top_k} log-probabilities that the surface shows"
        yield Fault((*path, "top_k"), wanted, f"{top_k}", "", ((*where, "top_k"), (*path, "kind")))
