"""Defines `rl`: reinforcement learning with a verifiable reward (GRPO), without a teacher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.fault import Fault
from gauger.spec.stages.base import QuestionStage, StagePath, StageSpec
from gauger.spec.stages.resolved import ResolvedStage, Setting, TextSource

if TYPE_CHECKING:
    from gauger.spec.study import Study


class GroupedAnswers(StageSpec):
    """What every stage has in which answers are drawn in groups, rewarded and compared (GRPO)."""

    group: Annotated[int, Field(ge=2, le=1024)] = 8
    """Answers drawn to each question, compared with each other; `batch` is a multiple of it."""
    kl_weight: Annotated[float, Field(ge=0, le=100)] = 0.02
    """Weight of the penalty for leaving what the student was before the stage."""
    clip: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Ratio of new to old probability, less 1, beyond which a token adds nothing more."""
    updates: Annotated[int, Field(ge=1, le=1000)] = 2
    """Steps taken on each batch of answers before new ones are drawn; with 1 nothing is ever clipped."""

    @property
    def grouped(self) -> tuple[tuple[str, Setting], ...]:
        """Its settings by name."""
        return tuple((name, getattr(self, name)) for name in ("group", "kl_weight", "clip", "updates"))

    @classmethod
    def draws_per_row(cls, stage: ResolvedStage) -> float:
        """Return one in as many as there are updates."""
        return 1.0 / float(stage.settings["updates"])


class Rewarded(GroupedAnswers, QuestionStage):
    """Reinforcement learning with a verifiable reward (GRPO), whoever trains: no teacher."""

    def resolve(self) -> ResolvedStage:
        """Return it with the truth as its source."""
        stage = replace(super().resolve(), source=TextSource.TRUTH, forms=self.forms, samples=self.prompts)
        return replace(stage, strategy="label", seeds=self.seeds, own=self.grouped)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """A batch holds whole groups."""
        yield from super().check(study, path)
        yield from self.check_answers(study, path, self.group, f"group ({self.group})")


class RlStage(Rewarded):
    """Reinforcement learning with a verifiable reward (GRPO): no teacher."""

    job: ClassVar[str] = "train-on-rewards"
    kind: Literal["rl"]
    """Reward 1 for an answer that equals the true one, else 0; `batch` counts answers."""
