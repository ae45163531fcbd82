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


SORTED, SORTED_WEIGHT = "sorted", 1.5
"""The divergence that compares no token with another, and the weight that its authors give it (Boizard et al. 2024)."""


class TextDistillStage(AskingStage):
    """Training on text that the teacher wrote."""

    kind: Literal["text-distill"]
    """Training on the teacher's text."""


class LogitDistillStage(AskingStage):
    """Training on the teacher's token probabilities."""

    soft: ClassVar[bool] = True
    kind: Literal["logit-distill"]
    """Training on the teacher's token probabilities."""
    divergence: Literal["forward-kl", "reverse-kl", "sorted"] = "forward-kl"
    """`forward-kl`: KL(teacher || student), covers all that the teacher says. `reverse-kl`: KL(student || teacher).
    `sorted`: for a teacher with other tokens, the text's cross-entropy and the distance of sorted probabilities."""
    sorted_weight: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Weight of that distance, with `sorted` alone; null: 1.5."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Softens both distributions."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Use only the k most likely tokens; null: all that the surface shows."""

    def resolve(self) -> ResolvedStage:
        """Return it with its loss."""
        own = (("divergence", self.divergence), ("temperature", self.temperature), ("top_k", self.top_k))
        weight = (("sorted_weight", self.sorted_weight or SORTED_WEIGHT),) if self.divergence == SORTED else ()
        return replace(super().resolve(), own=(*own, *weight))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """The surface must show log-probabilities, unless the base answers."""
        yield from super().check(study, path)
        if self.sorted_weight is not None and self.divergence != SORTED:
            wanted = f"nothing with divergence {self.divergence}"
            yield Fault((*path, "sorted_weight"), wanted, f"{self.sorted_weight:g}", "", ((*path, "divergence"),))
        if self.strategy != "self":
            yield from check_scores(study, path, self.kind)
            yield from check_logits(study, path, self.kind, self.top_k)
