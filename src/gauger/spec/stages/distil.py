"""Defines `text-distill` and `logit-distill`: training on the teacher's text, or on its probabilities along it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.fault import Fault
from gauger.spec.stages.base import AskingStage, StagePath, check_logits, check_scores
from gauger.spec.stages.resolved import ResolvedStage

if TYPE_CHECKING:
    from gauger.spec.study import Study


class TextDistillStage(AskingStage):
    """Training on text that the teacher wrote."""

    kind: Literal["text-distill"]
    """Training on the teacher's text."""


class LogitDistillStage(AskingStage):
    """Training on the teacher's token probabilities."""

    soft: ClassVar[bool] = True
    kind: Literal["logit-distill"]
    """Training on the teacher's token probabilities."""
    divergence: Literal["forward-kl", "reverse-kl"] = "forward-kl"
    """`forward-kl`: KL(teacher || student), covers all that the teacher says. `reverse-kl`: KL(student || teacher)."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Softens both distributions."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Use only the k most likely tokens; null: all that the surface shows."""

    def resolve(self) -> ResolvedStage:
        """Return it with its loss."""
        own = (("divergence", self.divergence), ("temperature", self.temperature), ("top_k", self.top_k))
        return replace(super().resolve(), own=own)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """The surface must show log-probabilities, unless the base answers."""
        yield from super().check(study, path)
        if self.strategy != "self":
            yield from check_scores(study, path, self.kind)
            yield from check_logits(study, path, self.kind, self.top_k)
