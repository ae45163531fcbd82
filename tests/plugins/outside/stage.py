"""A stage of another package: fine-tuning on the base's text at twice the declared learning rate."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.base import Names
from gauger.spec.stages.base import StageSpec
from gauger.spec.stages.resolved import ResolvedStage, TextSource


class TwiceStage(StageSpec):
    """Fine-tuning at a multiple of the learning rate."""

    job: ClassVar[str] = "train-twice"
    kind: Literal["twice"]
    """Fine-tuning at a multiple of the learning rate."""
    forms: Names
    """Forms of the text."""
    factor: Annotated[float, Field(gt=0, le=10)] = 2.0
    """By how much the learning rate is multiplied."""

    def resolve(self) -> ResolvedStage:
        stage = replace(super().resolve(), source=TextSource.WEB, forms=self.forms)
        return replace(stage, own=(("factor", self.factor),))
