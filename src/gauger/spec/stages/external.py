"""Defines `external`, `external-preference` and `external-rl`: training by somebody else's program, every control too.

Each is the stage of our own whose name it has after the hyphen (`external`: distillation from text), with a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from gauger.spec.fault import Fault
from gauger.spec.stages.base import Asking, StagePath
from gauger.spec.stages.preference import Preferring
from gauger.spec.stages.resolved import ResolvedStage, TextSource
from gauger.spec.stages.rl import Rewarded
from gauger.spec.trainer_program import TrainerProgram

if TYPE_CHECKING:
    from gauger.spec.study import Study


class ExternalStage(TrainerProgram, Asking):
    """Training by somebody else's program on text that the teacher wrote; every control goes through it too."""

    job: ClassVar[str] = "train-external"
    keeps: ClassVar[frozenset[TextSource]] = frozenset(TextSource)
    kind: Literal["external"]
    """Training by a program: a ready `trainer`, or any `command`."""

    def resolve(self) -> ResolvedStage:
        """Return it with its program."""
        return with_program(super().resolve(), self)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """The student must lie in files that other programs read, and something must say what is run."""
        yield from super().check(study, path)
        yield from check_files(self, study, path)


class ExternalPreferenceStage(TrainerProgram, Preferring):
    """Preference optimisation by somebody else's program, on pairs of the student's own answers.

    Controls that have text in the judge's place go through it too: of two answers the one that stands there is the
    better, and one that stands elsewhere in that text the worse.
    """

    job: ClassVar[str] = "train-external-on-pairs"
    keeps: ClassVar[frozenset[TextSource]] = frozenset(TextSource)
    kind: Literal["external-preference"]
    """Preference optimisation by a program (`trl-dpo`, or any `command`); `batch` counts answers, so it is even."""

    def resolve(self) -> ResolvedStage:
        """Return it with its program."""
        return with_program(super().resolve(), self)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """As preference optimisation of our own, and as any program."""
        yield from super().check(study, path)
        yield from check_files(self, study, path)


class ExternalRlStage(TrainerProgram, Rewarded):
    """Reinforcement learning by somebody else's program, which asks us over HTTP what each answer is worth."""

    job: ClassVar[str] = "train-external-on-rewards"
    kind: Literal["external-rl"]
    """Reinforcement learning by a program (`trl-grpo`, or any `command`) that asks the endpoint in
    GAUGER_REWARD_URL, with the token in GAUGER_REWARD_TOKEN: 1 for an answer that equals the true one, else 0."""

    def resolve(self) -> ResolvedStage:
        """Return it with its program."""
        return with_program(super().resolve(), self)

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """As reinforcement learning of our own, and as any program."""
        yield from super().check(study, path)
        yield from check_files(self, study, path)


def with_program(stage: ResolvedStage, program: TrainerProgram) -> ResolvedStage:
    """Return a stage that a program trains."""
    return replace(stage, own=(*stage.own, *program.program))


def check_files(stage: TrainerProgram, study: Study, path: StagePath) -> Iterator[Fault]:
    """Find what keeps a program from training this study's student."""
    if not study.student.has_files:
        wanted = f"a student of kind checkpoint for {getattr(stage, 'kind', '')}"
        hint = "Other programs train models of transformers; small models of the embedded world have files of ours."
        yield Fault((*path, "kind"), wanted, f"one of kind {study.student.kind}", hint, (("student", "kind"),))
    yield from stage.check_program(path)
