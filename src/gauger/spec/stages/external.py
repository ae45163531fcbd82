"""Defines `external`: training by somebody else's program, on the same corpora as any other stage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, Strict, StringConstraints

from gauger.spec.base import CommandLine, Count, Name, Reference, Scalar, SettingName, VariableName
from gauger.spec.fault import Fault
from gauger.spec.stages.base import Asking, StagePath
from gauger.spec.stages.resolved import ResolvedStage, TextSource

if TYPE_CHECKING:
    from gauger.spec.study import Study

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
_SETTINGS = (
    *("trainer", "command", "template", "format", "output", "version", "progress", "failure"),
    *("environment", "gpus", "processes", "checkpoint_steps", "silence_minutes"),
)


class ExternalStage(Asking):
    """Training by somebody else's program on text that the teacher wrote; every control goes through it too."""

    job: ClassVar[str] = "train-external"
    keeps: ClassVar[frozenset[TextSource]] = frozenset(TextSource)
    kind: Literal["external"]
    """Training by a program: a ready `trainer`, or any `command`."""
    trainer: Name | None = None
    """A ready one: `trl`, `axolotl`, `llama-factory`, `torchtune` or `open-instruct`; null: `command` says all."""
    command: CommandLine | None = None
    """Program and arguments, read by no shell; `{config}`, `{model}`, `{data}`, `{out}`, `{seed}` and others are filled
    in (docs/external-trainers.md). Null: the trainer's."""
    template: Reference | None = None
    """File with a Jinja template, of which the configuration is made; null: the trainer's, if there is one."""
    format: Literal["tokens", "messages", "prompt-completion", "plain"] | None = None
    """How rows are written. `tokens`: as our own engine would train them. Null: the trainer's, else `messages`."""
    options: Mapping[SettingName, Scalar | None] = Field(default_factory=dict)
    """What else the template asks for, as `micro_batch` or `gradient_checkpointing`."""
    output: Reference | None = None
    """Where the model lies at the end, `*` for anything; null: the trainer's, else `{out}`."""
    version: CommandLine | None = None
    """Command that prints the trainer's version, which is part of the result's address; null: the trainer's."""
    progress: Pattern | None = None
    """Regular expression for a line of the log, with a group `loss` and perhaps `step`; null: the trainer's."""
    failure: Pattern | None = None
    """Regular expression for a line of the log that says that the training is lost; null: the trainer's, else that no
    memory is left."""
    environment: Annotated[tuple[VariableName, ...], Field(max_length=64), Strict(False)] = ()
    """Environment variables that it may see besides those that say where things are; no other key or token does it
    see."""
    gpus: Annotated[int, Field(ge=0, le=1024)] = 1
    """GPUs that it gets, where the machine has any; 0: none."""
    processes: Annotated[int, Field(ge=1, le=1024)] = 1
    """Processes of `accelerate launch` where there are no GPUs; else one per GPU."""
    checkpoint_steps: Count | None = None
    """Steps between the trainer's checkpoints, from which a killed training goes on; null: the student's, else a fifth
    of all."""
    silence_minutes: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """How long it may print nothing before it is ended; null: as long as it likes."""

    def resolve(self) -> ResolvedStage:
        """Return it with its program."""
        own = tuple((name, getattr(self, name)) for name in _SETTINGS)
        return replace(super().resolve(), own=(*own, ("options", tuple(sorted(self.options.items())))))

    def check(self, study: Study, path: StagePath) -> Iterator[Fault]:
        """The student must lie in files that other programs read, and something must say what is run."""
        yield from super().check(study, path)
        if not study.student.has_files:
            wanted = f"a student of kind checkpoint for {self.kind}"
            hint = "Other programs train models of transformers; small models of the embedded world have files of ours."
            yield Fault((*path, "kind"), wanted, f"one of kind {study.student.kind}", hint, (("student", "kind"),))
        if self.trainer is None and self.command is None:
            yield Fault((*path, "command"), "a trainer that is ready, or a command", "neither")
        for name in ("progress", "failure"):
            pattern = getattr(self, name)
            try:
                re.compile(pattern or "")
            except re.error as error:
                yield Fault((*path, name), "a regular expression", f"{pattern!r}: {error}")
