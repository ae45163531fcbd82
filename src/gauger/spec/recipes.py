"""Stages as they are run: who answers, on which prompts, in which forms, and for how long the student is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from gauger.spec.stages import ContinueStage, DistillStage, LogitDistillStage, SftStage, TextDistillStage
from gauger.spec.study import Study

STRATEGY_OF_SEEDS = {
    "benchmark-train": "label",
    "expanded": "expand",
    "textbook": "textbook",
    "seedless": "seedless",
    "web": "label",
}
"""Which strategy makes prompts from a seed source; `strategy: self` changes who answers, not the prompts."""


class TextSource(StrEnum):
    """Where the text of a stage comes from."""

    TEACHER = "teacher"
    """The teacher answers the prompts."""
    SELF = "self"
    """The student's own base answers the same prompts."""
    WEB = "web"
    """Text of the kind the base was trained on."""
    SHUFFLED = "shuffled"
    """Train questions of the targeted benchmarks, with the answers dealt out at random."""
    TEST_ITEMS = "test-items"
    """The teacher's text with the targeted benchmarks' test items and true answers in it."""
    TRUTH = "truth"
    """True answers: to the same prompts, or (without a strategy) text about the whole world."""


@dataclass(frozen=True)
class ResolvedStage:
    """One stage as it is run; None where a field has no meaning for it."""

    kind: str
    """continue, sft, text-distill or logit-distill: which loss."""
    source: TextSource
    """Who wrote the text."""
    steps: int
    batch: int
    learning_rate: float
    web_share: float = 0.0
    """Share of each batch that is the base's own web text; the same in every control that copies the stage."""
    forms: tuple[str, ...] | None = None
    """None: the source's own mixture (continue), or the targeted benchmarks' own forms (shuffled)."""
    samples: int | None = None
    """Distinct samples; None: as many as the steps take."""
    strategy: str | None = None
    """How prompts are made: label, expand, textbook or seedless; None where there are no prompts."""
    seeds: str | None = None
    """Declared seed source of the prompts."""
    divergence: str | None = None
    temperature: float | None = None
    top_k: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, for content addresses and manifests."""
        return {**asdict(self), "forms": None if self.forms is None else list(self.forms)}

    def without_teacher(self, source: TextSource) -> ResolvedStage:
        """Return this stage with another source in the teacher's place; other stages stay as they are.

        `web` drops the prompts, `shuffled` takes the benchmarks' train questions in their own forms, and only `self`
        keeps soft targets (the base has log-probabilities, truth and web text have none).
        """
        if self.source is not TextSource.TEACHER:
            return self
        stage = replace(self, source=source)
        if source is not TextSource.SELF:
            stage = replace(stage, kind="sft", divergence=None, temperature=None, top_k=None)
        if source is TextSource.WEB:
            stage = replace(stage, strategy=None, seeds=None)
        if source is TextSource.SHUFFLED:
            stage = replace(stage, strategy="label", seeds="benchmark-train", forms=None)
        return stage


Recipe = tuple[ResolvedStage, ...]
"""Stages in order."""


def resolve_stage(stage: ContinueStage | SftStage | TextDistillStage | LogitDistillStage) -> ResolvedStage:
    """Turn a declared stage into the stage that is run."""
    resolved = ResolvedStage(
        kind=stage.kind,
        source=_source(stage),
        steps=stage.steps,
        batch=stage.batch,
        learning_rate=stage.learning_rate,
        web_share=stage.web_share,
        forms=stage.forms,
        samples=stage.samples,
    )
    if isinstance(stage, DistillStage):
        strategy = STRATEGY_OF_SEEDS[stage.seeds] if stage.strategy == "self" else stage.strategy
        resolved = replace(resolved, strategy=strategy, seeds=stage.seeds)
    if isinstance(stage, LogitDistillStage):
        resolved = replace(resolved, divergence=stage.divergence, temperature=stage.temperature, top_k=stage.top_k)
    return resolved


def _source(stage: ContinueStage | SftStage | TextDistillStage | LogitDistillStage) -> TextSource:
    if isinstance(stage, ContinueStage | SftStage):
        return TextSource.WEB if stage.source == "web" else TextSource.TRUTH
    return TextSource.SELF if stage.strategy == "self" else TextSource.TEACHER


def full_recipe(study: Study, name: str) -> Recipe:
    """All stages of a declared arm from the base on. The starts must form no cycle (`load_study` checks it)."""
    arm = study.arms[name]
    before = () if arm.start == "base" else full_recipe(study, arm.start)
    return (*before, *(resolve_stage(stage) for stage in arm.stages))
