"""Defines `on-policy-distill`: the student writes, and the teacher says how likely every token was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.fault import Fault
from gauger.spec.stages.base import KeptIn, QuestionStage, StagePath, check_logits, check_scores
from gauger.spec.stages.resolved import ResolvedStage

if TYPE_CHECKING:
    from gauger.spec.study import Study


class OnPolicyStage(KeptIn, QuestionStage):
    """On-policy distillation: the student writes, the teacher scores every token, and the student moves towards it."""

    job: ClassVar[str] = "train-on-policy"
    scored: ClassVar[bool] = True
    kind: Literal["on-policy-distill"]
    """Reverse KL(student || teacher) on the student's own samples; `batch` counts samples. The surface must show
    log-probabilities; each sample is one request to the teacher."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Use only the k most likely tokens; null: all that the surface shows."""

    def resolve(self) -> ResolvedStage:
        """Return it with its questions."""
        stage = replace(super().resolve(), forms=self.forms, strategy="label", seeds=self.seeds, samples=self.prompts)
        return replace(stage, web_share=self.web_share, own=(("top_k", self.top_k),))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """Only a model at hand says how likely every token of a text that another wrote is."""
        yield from super().check(study, path)
        yield from check_scores(study, path, self.kind)
        yield from check_logits(study, path, self.kind, self.top_k)

    @classmethod
    def draws_per_row(cls, stage: ResolvedStage) -> float:  # noqa: ARG003 - every row is drawn
        """Return one."""
        return 1.0
