"""Defines which program of somebody else's trains a model, and what it may see: a ready trainer, or any command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from gauger.spec.base import CommandLine, Count, Name, Reference, Scalar, SettingName, SpecPart, VariableName
from gauger.spec.fault import Fault

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Learns = Literal["text", "preferences", "rewards"]
"""What a program trains on: texts, pairs of a better and a worse answer, or answers that the model itself writes."""
Setting = str | int | float | bool | None | tuple[object, ...]
_PLAIN = (
    *("trainer", "command", "template", "format", "output", "version", "progress", "failure"),
    *("environment", "gpus", "processes", "checkpoint_steps", "silence_minutes"),
)


class TrainerProgram(SpecPart):
    """The program that trains, how it is run, and how it is watched."""

    trainer: Name | None = None
    """A ready one: `trl`, `axolotl`, `llama-factory`, `torchtune` or `open-instruct` for text, `trl-dpo` for
    preferences, `trl-grpo` for rewards; null: `command` says all."""
    command: CommandLine | None = None
    """Program and arguments, read by no shell; `{config}`, `{model}`, `{data}`, `{out}`, `{seed}` and others are filled
    in (docs/external-trainers.md). Null: the trainer's."""
    template: Reference | None = None
    """File with a Jinja template, of which the configuration is made; null: the trainer's, if there is one."""
    format: Literal["tokens", "messages", "prompt-completion", "plain"] | None = None
    """How rows are written. `tokens`: as our own engine would train them. Null: the trainer's, else
    `messages` where the world has `chat`, and `plain` where it has not."""
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

    @property
    def program(self) -> tuple[tuple[str, Setting], ...]:
        """Its settings by name, as a resolved stage has those of its own."""
        return (*((name, getattr(self, name)) for name in _PLAIN), ("options", tuple(sorted(self.options.items()))))

    def check_program(self, path: tuple[str | int, ...]) -> Iterator[Fault]:
        """Something must say what is run, and patterns must be patterns."""
        if self.trainer is None and self.command is None:
            yield Fault((*path, "command"), "a trainer that is ready, or a command", "neither")
        for name in ("progress", "failure"):
            pattern = getattr(self, name)
            try:
                re.compile(pattern or "")
            except re.error as error:
                yield Fault((*path, name), "a regular expression", f"{pattern!r}: {error}")
