"""The `stages` of an arm: what is done to the student, one after the other, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gauger.spec.base import Fraction, Names, Part
from gauger.spec.models import Batch, LearningRate, Steps

Strategy = Literal["label", "expand", "textbook", "seedless", "self"]
SeedSource = Literal["benchmark-train", "expanded", "textbook", "seedless", "web"]
TruthSource = Literal["web", "reference"]
Divergence = Literal["forward-kl", "reverse-kl"]
Samples = Annotated[int, Field(ge=1, le=100_000_000)]


class StageBudget(Part):
    """What every stage has: how long and how fast the student is trained."""

    steps: Steps
    """Optimiser steps."""
    batch: Batch = 128
    """Sequences per step."""
    learning_rate: LearningRate = 0.001
    """Peak learning rate."""
    web_share: Fraction = 0.0
    """Share of each batch that is drawn from the base's own web text instead, so that less is forgotten."""


class ContinueStage(StageBudget):
    """Continued pre-training on text that no teacher wrote."""

    kind: Literal["continue"]
    """Continued pre-training."""
    source: TruthSource = "web"
    """`web`: more of the text that the base was trained on. `reference`: true text about the whole world."""
    forms: Names | None = None
    """Forms of the text; null: the source's own mixture."""
    samples: Samples | None = None
    """Distinct samples; null: as many as the steps take, none twice."""


class SftStage(StageBudget):
    """Supervised fine-tuning on questions and answers that no teacher wrote."""

    kind: Literal["sft"]
    """Supervised fine-tuning."""
    source: TruthSource = "web"
    """`web`: questions that the web text answers. `reference`: true answers from the whole world."""
    forms: Names
    """Forms in which the questions are put."""
    samples: Samples | None = None
    """Distinct samples; null: as many as the steps take, none twice."""


class DistillStage(StageBudget):
    """What both kinds of distillation have: how the teacher is asked."""

    strategy: Strategy
    """How prompts are made: `label` given questions, `expand` them into new ones, have the teacher write a `textbook`,
    ask `seedless` for anything it knows; `self`: the student's own base answers in the teacher's place."""
    seeds: SeedSource
    """Declared seed source: what the prompts are made from."""
    forms: Names
    """Forms in which the teacher is asked and the student trained."""
    samples: Samples
    """Samples to obtain from the teacher."""


class TextDistillStage(DistillStage):
    """Training on text that the teacher wrote."""

    kind: Literal["text-distill"]
    """Training on the teacher's text."""


class LogitDistillStage(DistillStage):
    """Training on the teacher's token probabilities."""

    kind: Literal["logit-distill"]
    """Training on the teacher's token probabilities."""
    divergence: Divergence = "forward-kl"
    """`forward-kl`: KL(teacher || student), covers all that the teacher says. `reverse-kl`: KL(student || teacher)."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Softens both distributions."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Use only the k most likely tokens; null: all that the surface shows."""


Stage = Annotated[ContinueStage | SftStage | TextDistillStage | LogitDistillStage, Field(discriminator="kind")]
