"""Defines `mixture`: text of several sources in every batch, each with a weight and a budget in tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, Strict

from gauger.spec.base import Name, Names, SpecPart
from gauger.spec.fault import Fault
from gauger.spec.stages.base import Corpus, NamedForms, Samples, StagePath, StageSpec, check_seeds
from gauger.spec.stages.resolved import MixedPart, ResolvedStage, TextSource, of_parts

if TYPE_CHECKING:
    from gauger.spec.study import Study

Tokens = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
_SOURCES = {
    "web": TextSource.WEB,
    "reference": TextSource.TRUTH,
    "teacher": TextSource.TEACHER,
    "self": TextSource.SELF,
}
_ASKED = ("teacher", "self")


class MixtureSource(SpecPart):
    """One source of a mixture."""

    source: Literal["web", "reference", "teacher", "self"]
    """Who wrote it. `web`: text of the kind that the base was trained on. `reference`: true text. `teacher`: the
    teacher is asked for it. `self`: the student's own base answers in the teacher's place."""
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """Share of the tokens of every batch, against the sum of all weights, as long as the budget lasts."""
    tokens: Tokens | None = None
    """Budget: most tokens trained on, repeats included; once it is used up the other sources share its place. Null: no
    limit; at least one source of a mixture has none."""
    strategy: Name | None = None
    """How the teacher's prompts are made, as in text-distill but for `self`, which is a source here; for `teacher` and
    `self` alone."""
    seeds: Literal["benchmark-train", "expanded", "textbook", "seedless", "web"] | None = None
    """Declared seed source of the teacher's prompts; for `teacher` and `self` alone."""
    forms: Names | None = None
    """Forms; null: running text, learnt whole (`web` and `reference` alone)."""
    samples: Samples | None = None
    """Distinct samples; null: as many as the steps take (`web` and `reference` alone)."""

    def part_of(self, mixture: ResolvedStage) -> MixedPart:
        """Return the stage that it would be alone."""
        stage = replace(
            mixture,
            kind="text-distill" if self.source in _ASKED else "sft" if self.forms else "continue",
            source=_SOURCES[self.source],
            forms=self.forms,
            samples=self.samples,
            strategy=self.strategy,
            seeds=self.seeds,
        )
        return MixedPart(stage, self.weight, self.tokens)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """What is asked for needs all that asking needs; nobody is asked for anything else."""
        reads = ((*path, "source"),)
        if self.source in _ASKED:
            for name in ("strategy", "seeds", "forms", "samples"):
                if getattr(self, name) is None:
                    yield Fault((*path, name), f"{name} for source {self.source}", "nothing", "", reads)
            if self.strategy == "self":
                hint = "Write `source: self` for the student's own base in the teacher's place."
                yield Fault((*path, "strategy"), "a strategy that makes prompts", "'self'", hint, reads)
            elif self.strategy is not None and self.seeds is not None:
                yield from check_seeds(study, path, self.strategy, self.seeds)
            return
        for name in ("strategy", "seeds"):
            if getattr(self, name) is not None:
                given, wanted = f"'{getattr(self, name)}'", f"nothing for source {self.source}"
                yield Fault((*path, name), wanted, given, "Nobody is asked for it.", reads)


class MixtureStage(StageSpec):
    """Training on text of several sources at once."""

    corpus: ClassVar[Corpus] = "blend"
    job: ClassVar[str] = "train-on-mixture"
    kind: Literal["mixture"]
    """Several sources in every batch."""
    sources: Annotated[tuple[MixtureSource, ...], Field(min_length=1, max_length=16), Strict(False)]
    """The sources, with their weights."""

    def resolve(self) -> ResolvedStage:
        """Return it with its parts."""
        stage = super().resolve()
        return of_parts(stage, tuple(source.part_of(stage) for source in self.sources))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """Some source must fill every batch to the end."""
        for i, source in enumerate(self.sources):
            yield from source.check(study, (*path, "sources", i))
        if all(source.tokens is not None for source in self.sources):
            hint = "Training could end before its steps do: take `tokens` away from the source that fills what is left."
            yield Fault((*path, "sources"), "a source without a budget", "budgets for all", hint)

    def named_forms(self, path: StagePath) -> NamedForms:
        """Yield the forms of every source."""
        for i, source in enumerate(self.sources):
            if source.forms:
                yield (*path, "sources", i, "forms"), source.forms

    @property
    def learns_from_teacher(self) -> bool:
        """Whether any source is the teacher's."""
        return any(source.source == "teacher" for source in self.sources)
