"""Defines the parameters of jobs in which somebody else's program trains: one frozen record for each."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from gauger.jobs.parameters import Trains


class ByProgram(Trains):
    """All that the program is run with, what a ready trainer brings included."""

    command: str
    template: str
    """Its text."""
    config: str
    format: str
    options: Mapping[str, str | int | float | bool | None]
    output: str
    version_command: str
    version: str
    """What that said when the study was planned."""
    script: str
    beside: str
    """File that comes along with the script."""
    script_identity: str
    """Digest of the files that come along."""
    progress: str
    failure: str
    environment: tuple[str, ...] = Field(strict=False)
    gpus: int
    processes: int
    checkpoint_steps: int | None
    silence_minutes: float | None


class TrainExternal(ByProgram):
    """Training on a corpus of texts."""


class SpecialiseExternal(ByProgram):
    """Making a teacher of a checkpoint: true answers of every skill."""

    forms: tuple[str, ...] = Field(strict=False)
    samples: int


class TrainExternalOnPairs(ByProgram):
    """Training on preference pairs."""

    beta: float


class TrainExternalOnRewards(ByProgram):
    """Training on the student's own answers, rewarded where they are right."""

    answer_tokens: int
    group: int
    kl_weight: float
    clip: float
    updates: int


BY_PROGRAM: Mapping[str, type[ByProgram]] = {
    "train-external": TrainExternal,
    "train-external-on-pairs": TrainExternalOnPairs,
    "train-external-on-rewards": TrainExternalOnRewards,
}
"""Kind of a stage's training job -> its record."""
