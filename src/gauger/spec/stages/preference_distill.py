"""Defines `preference-distill`: the teacher's text is preferred to the student's own answers to the same prompts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.fault import Fault
from gauger.spec.stages.base import Asking, StagePath, check_groups
from gauger.spec.stages.resolved import ResolvedStage, TextSource

if TYPE_CHECKING:
    from gauger.spec.study import Study


class PreferenceDistillStage(Asking):
    """Preference optimisation (DPO) on pairs of the teacher's text and the student's own answer to the same prompt
    (SPIN; Chen et al. 2024).
    """

    job: ClassVar[str] = "train-on-own-pairs"
    keeps: ClassVar[frozenset[TextSource]] = frozenset({TextSource.SELF, TextSource.TRUTH})
    kind: Literal["preference-distill"]
    """The teacher's text is preferred to what the student itself answers as each round begins; `batch` counts texts, so
    it is even: two to a pair. Text is enough, and the teacher is asked once for each sample, as in text-distill."""
    beta: Annotated[float, Field(gt=0, le=100)] = 1.0
    """How strongly the student is held to what it was as the round began; smaller lets it move further. Answers of a
    few tokens want about 1, answers of hundreds about 0.1."""
    rounds: Annotated[int, Field(ge=1, le=100)] = 1
    """How often the student answers anew and is the reference anew; `steps` are divided among the rounds."""

    def resolve(self) -> ResolvedStage:
        """Return it with its prompts, and its loss."""
        return replace(super().resolve(), own=(("beta", self.beta), ("rounds", self.rounds)))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """Two texts make a pair, and every round has a step."""
        yield from super().check(study, path)
        yield from check_groups(self.batch, path, 2, "2 (two texts to a pair)")
        if self.rounds > self.steps:
            reads = ((*path, "steps"), (*path, "kind"))
            yield Fault((*path, "rounds"), f"at most as many as steps ({self.steps})", f"{self.rounds}", "", reads)

    @classmethod
    def draws_per_row(cls, stage: ResolvedStage) -> float:
        """Return an answer to every prompt in every round, over all rows."""
        return float(stage.settings["rounds"]) * (stage.samples or 0) / (stage.steps * stage.batch)
