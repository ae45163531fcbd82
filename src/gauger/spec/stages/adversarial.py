"""Defines `adversarial-distill`: the student writes, and is rewarded where it passes for its teacher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.fault import Fault
from gauger.spec.stages.base import Asking, StagePath, check_groups
from gauger.spec.stages.resolved import ResolvedStage, TextSource
from gauger.spec.stages.rl import GroupedAnswers

if TYPE_CHECKING:
    from gauger.spec.study import Study


class AdversarialStage(Asking, GroupedAnswers):
    """On-policy distillation from text alone: a discriminator that tells the teacher's text from the student's own
    answers to the same prompts is the reward (in the spirit of Ye et al. 2025).
    """

    job: ClassVar[str] = "train-on-discriminator"
    keeps: ClassVar[frozenset[TextSource]] = frozenset({TextSource.SELF, TextSource.TRUTH})
    kind: Literal["adversarial-distill"]
    """Reward: the chance, as a discriminator has it, that the answer is the teacher's and the teacher's is not; `batch`
    counts answers. Text is enough, and the teacher is asked once for each sample, as in text-distill."""
    refit: Annotated[int, Field(ge=1, le=1000)] = 1
    """Batches of answers between two fits of the discriminator, each on the answers drawn since the last."""
    longest_run: Annotated[int, Field(ge=1, le=5)] = 2
    """Longest run of words that the discriminator looks at; it also sees which word of a prompt an answer's word
    follows."""
    ridge: Annotated[float, Field(gt=0, le=100)] = 0.01
    """Half the weight of its squared coefficients in its loss per pair; larger makes it tell less."""

    def resolve(self) -> ResolvedStage:
        """Return it with its prompts, and its reward."""
        own = ((name, getattr(self, name)) for name in ("refit", "longest_run", "ridge"))
        return replace(super().resolve(), own=(*self.grouped, *own))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """A batch holds whole groups."""
        yield from super().check(study, path)
        yield from check_groups(self.batch, path, self.group, f"group ({self.group})")
