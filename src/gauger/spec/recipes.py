"""Stages as they are run: who answers, on which prompts, in which forms, and for how long the student is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from gauger.spec.mixture import MixtureSource, MixtureStage
from gauger.spec.own_samples import OnPolicyStage, PreferenceStage, Questions, RlStage
from gauger.spec.stages import AnyStage, ContinueStage, DistillStage, LogitDistillStage, SftStage
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
    STUDENT = "student"
    """The student's own samples. No stage's source, which is who scores or judges them: a source in the ledger."""


ON_POLICY, PREFERENCE, RL, MIXTURE = "on-policy-distill", "preference", "rl", "mixture"
OWN_SAMPLES = (ON_POLICY, PREFERENCE, RL)
"""Kinds of stages in which the student writes."""


@dataclass(frozen=True)
class Preferring:
    """Settings of a preference stage; who judges is the stage's source."""

    beta: float
    candidates: int


@dataclass(frozen=True)
class Rewarding:
    """Settings of a reinforcement stage."""

    group: int
    kl_weight: float
    clip: float
    updates: int


@dataclass(frozen=True)
class MixedPart:
    """One source of a mixture: the stage that it would be alone, its weight and its budget."""

    stage: ResolvedStage
    weight: float
    tokens: int | None = None


@dataclass(frozen=True)
class ResolvedStage:
    """One stage as it is run; None where a field has no meaning for it."""

    kind: str
    """Which loss: continue, sft, text-distill, logit-distill, on-policy-distill, preference, rl or mixture."""
    source: TextSource
    """Who wrote the text, or who scores, judges or rewards the student's own; of a mixture the teacher, if it wrote any
    of it."""
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
    preferring: Preferring | None = None
    rewarding: Rewarding | None = None
    parts: tuple[MixedPart, ...] = ()
    """Sources of a mixture."""

    @property
    def alone(self) -> tuple[ResolvedStage, ...]:
        """The stage itself, or those that a mixture mixes."""
        return tuple(part.stage for part in self.parts) or (self,)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, for content addresses and manifests."""
        plain = asdict(self)
        for name in ("preferring", "rewarding", "parts"):
            if not plain[name]:
                del plain[name]
        parts = [asdict(part) | {"stage": part.stage.to_dict()} for part in self.parts]
        forms = None if self.forms is None else list(self.forms)
        return plain | {"forms": forms} | ({"parts": parts} if parts else {})

    def without_teacher(self, source: TextSource) -> ResolvedStage:
        """Return this stage with another source in the teacher's place; other stages stay as they are.

        `web` drops the prompts, `shuffled` takes the benchmarks' train questions in their own forms, and only `self`
        keeps soft targets (the base has log-probabilities, truth and web text have none). In a mixture only the
        teacher's sources are replaced, at their weights and budgets. Of the student's own samples: with `self` the base
        scores or judges them, with `truth` the truth judges them; every other source puts as many rows of its text in
        their place, because without a teacher nobody tells which samples are good.
        """
        if self.source is not TextSource.TEACHER:
            return self
        if self.parts:
            return _of_parts(self, tuple(replace(p, stage=p.stage.without_teacher(source)) for p in self.parts))
        stage = replace(self, source=source)
        keeps_loss = source is TextSource.SELF or (self.kind == PREFERENCE and source is TextSource.TRUTH)
        if not keeps_loss:
            stage = replace(stage, kind="sft", divergence=None, temperature=None, top_k=None, preferring=None)
        if source is TextSource.WEB:
            samples = None if self.kind in OWN_SAMPLES else self.samples
            stage = replace(stage, strategy=None, seeds=None, samples=samples)
        if source is TextSource.SHUFFLED:
            stage = replace(stage, strategy="label", seeds="benchmark-train", forms=None)
        return stage


Recipe = tuple[ResolvedStage, ...]
"""Stages in order."""


def resolve_stage(stage: AnyStage) -> ResolvedStage:
    """Turn a declared stage into the stage that is run."""
    resolved = ResolvedStage(
        kind=stage.kind,
        source=_source(stage),
        steps=stage.steps,
        batch=stage.batch,
        learning_rate=stage.learning_rate,
    )
    if isinstance(stage, MixtureStage):
        return _of_parts(resolved, tuple(_part(resolved, source) for source in stage.sources))
    resolved = replace(resolved, forms=stage.forms)
    if isinstance(stage, Questions):
        return _asked(resolved, stage)
    resolved = replace(resolved, samples=stage.samples, web_share=stage.web_share)
    if isinstance(stage, DistillStage):
        strategy = STRATEGY_OF_SEEDS[stage.seeds] if stage.strategy == "self" else stage.strategy
        resolved = replace(resolved, strategy=strategy, seeds=stage.seeds)
    if isinstance(stage, LogitDistillStage):
        resolved = replace(resolved, divergence=stage.divergence, temperature=stage.temperature, top_k=stage.top_k)
    return resolved


def _asked(resolved: ResolvedStage, stage: Questions) -> ResolvedStage:
    """Fill in a stage in which the student writes."""
    resolved = replace(resolved, strategy="label", seeds=stage.seeds, samples=stage.prompts)
    if isinstance(stage, OnPolicyStage):
        resolved = replace(resolved, divergence="reverse-kl", temperature=1.0, top_k=stage.top_k)
        return replace(resolved, web_share=stage.web_share)
    if isinstance(stage, PreferenceStage):
        return replace(resolved, preferring=Preferring(stage.beta, stage.candidates))
    if isinstance(stage, RlStage):
        return replace(resolved, rewarding=Rewarding(stage.group, stage.kl_weight, stage.clip, stage.updates))
    return resolved


_MIXED = {
    "web": TextSource.WEB,
    "reference": TextSource.TRUTH,
    "teacher": TextSource.TEACHER,
    "self": TextSource.SELF,
}


def _part(mixture: ResolvedStage, source: MixtureSource) -> MixedPart:
    """Turn a source into the stage that it would be alone."""
    asked = source.source in ("teacher", "self")
    stage = replace(
        mixture,
        kind="text-distill" if asked else "sft" if source.forms else "continue",
        source=_MIXED[source.source],
        forms=source.forms,
        samples=source.samples,
        strategy=source.strategy,
        seeds=source.seeds,
    )
    return MixedPart(stage, source.weight, source.tokens)


def _of_parts(mixture: ResolvedStage, parts: tuple[MixedPart, ...]) -> ResolvedStage:
    """Complete a mixture with its parts; its source is the first that is theirs of teacher, self, ..., web."""
    found = {part.stage.source for part in parts}
    source = next(source for source in _FOREMOST if source in found)
    forms = tuple(dict.fromkeys(form for part in parts for form in part.stage.forms or ()))
    return replace(mixture, source=source, forms=forms or None, parts=parts)


_FOREMOST = (
    TextSource.TEACHER,
    TextSource.SELF,
    TextSource.SHUFFLED,
    TextSource.TEST_ITEMS,
    TextSource.TRUTH,
    TextSource.WEB,
)


def _source(stage: AnyStage) -> TextSource:
    if isinstance(stage, ContinueStage | SftStage):
        return TextSource.WEB if stage.source == "web" else TextSource.TRUTH
    if isinstance(stage, DistillStage):
        return TextSource.SELF if stage.strategy == "self" else TextSource.TEACHER
    if isinstance(stage, PreferenceStage):
        return TextSource.TEACHER if stage.judge == "teacher" else TextSource.TRUTH
    return TextSource.TRUTH if isinstance(stage, RlStage) else TextSource.TEACHER


def full_recipe(study: Study, name: str) -> Recipe:
    """All stages of a declared arm from the base on. The starts must form no cycle (`load_study` checks it)."""
    arm = study.arms[name]
    before = () if arm.start == "base" else full_recipe(study, arm.start)
    return (*before, *(resolve_stage(stage) for stage in arm.stages))
