"""Defines the parameters of jobs that make models: one record for each kind of training."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from gauger.jobs.parameters.asked import Asked, Computes, InWorld
from gauger.spec import Lora, ModelSize, SpecPart, TooLong

Own = Mapping[str, str | int | float | bool | None]
"""Settings that only one kind of stage has."""


class Trains(InWorld, Computes):
    """Parameters of every job that trains."""

    engine: str
    steps: int
    batch: int
    learning_rate: float
    adapter: Lora | None = None
    """None: all weights are trained."""
    too_long: TooLong = "refuse"
    """What becomes of rows that are longer than the model's context."""


class GoesOn(Trains):
    """Parameters of the jobs whose training goes on after it was killed: those on rows that are known beforehand."""

    checkpoint_steps: int | None = None
    """Steps between two checkpoints; None: none are written. Changes no result."""


class Pretrain(Trains):
    """Training from scratch."""

    text: str
    """`web` or `library`: what it reads."""
    size: ModelSize


class Materialise(SpecPart):
    """Making sure that a checkpoint is there."""

    engine: str
    reference: str
    identity: str
    """Tells whether it is still the one that it was."""


class Specialise(GoesOn):
    """Making a teacher of a checkpoint: true answers of every skill."""

    forms: tuple[str, ...] = Field(strict=False)
    samples: int


class TrainStage(GoesOn):
    """Training on a corpus of texts."""

    web_share: float
    own: Own = Field(default_factory=dict)


class TrainOnPolicy(Trains):
    """Training on the student's own samples, scored by somebody at hand."""

    web_share: float
    scorer: Asked
    answer_tokens: int
    top_k: int | None = None


class TrainOnPairs(GoesOn):
    """Training on preference pairs."""

    beta: float


class TrainOnOwnPairs(Trains):
    """Training on pairs of a corpus's texts and the student's own answers to the same prompts."""

    answer_tokens: int
    beta: float
    rounds: int


class TrainOnRewards(Trains):
    """Training on the student's own samples, rewarded where they are right."""

    answer_tokens: int
    group: int
    kl_weight: float
    clip: float
    updates: int


class TrainOnDiscriminator(TrainOnRewards):
    """Training on the student's own samples, rewarded where they pass for the text of a corpus."""

    refit: int
    longest_run: int
    ridge: float


class MixturePart(SpecPart):
    """One source of a mixture."""

    weight: float
    tokens: int | None


class TrainOnMixture(GoesOn):
    """Training on a blend of several sources."""

    parts: tuple[MixturePart, ...] = Field(strict=False)


TRAINING: Mapping[str, type[Trains]] = {
    "train": TrainStage,
    "train-on-policy": TrainOnPolicy,
    "train-on-pairs": TrainOnPairs,
    "train-on-own-pairs": TrainOnOwnPairs,
    "train-on-rewards": TrainOnRewards,
    "train-on-discriminator": TrainOnDiscriminator,
    "train-on-mixture": TrainOnMixture,
}
"""Kind of training job of our own -> its record; a kind of another package has that of `train`, with its own settings
in `own`. Those by programs of others stand in `program_parameters.BY_PROGRAM`."""
