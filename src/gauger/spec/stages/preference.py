"""Defines `preference`: preference optimisation (DPO) on pairs of the student's own answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gauger.spec.fault import Fault
from gauger.spec.stages.base import Corpus, QuestionStage, StagePath
from gauger.spec.stages.resolved import ResolvedStage, TextSource

if TYPE_CHECKING:
    from gauger.spec.study import Study


class Preferring(QuestionStage):
    """Preference optimisation (DPO) on pairs of the student's own answers, whoever trains."""

    corpus: ClassVar[Corpus] = "pairs"
    judge: Literal["teacher", "truth"]
    """Who says which answer is right. `teacher`: it answers the question too, and agreement with it is right (one
    request for each prompt; text is enough). `truth`: the true answer."""
    beta: Annotated[float, Field(gt=0, le=100)] = 1.0
    """How strongly the student is held to what it was before the stage; smaller lets it move further. Answers of a few
    tokens want about 1 (0.1 makes the small models of the embedded world forget), answers of hundreds about 0.1."""
    candidates: Annotated[int, Field(ge=2, le=1024)] = 8
    """Answers drawn to each prompt; one right and one wrong of them make a pair, where there are both."""

    def resolve(self) -> ResolvedStage:
        """Return it with its judge as its source."""
        source = TextSource.TEACHER if self.judge == "teacher" else TextSource.TRUTH
        stage = replace(super().resolve(), source=source, strategy="label", seeds=self.seeds, samples=self.prompts)
        return replace(stage, forms=self.forms, own=(("beta", self.beta), ("candidates", self.candidates)))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """Two answers make a pair."""
        yield from super().check(study, path)
        yield from self.check_answers(study, path, 2, "2 (two answers to a pair)")


class PreferenceStage(Preferring):
    """Preference optimisation (DPO) on pairs of the student's own answers."""

    job: ClassVar[str] = "train-on-pairs"
    keeps: ClassVar[frozenset[TextSource]] = frozenset({TextSource.SELF, TextSource.TRUTH})
    kind: Literal["preference"]
    """Preference optimisation; `batch` counts answers, so it is even: two to a pair."""
