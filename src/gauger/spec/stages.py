"""The `stages` of an arm: what is done to the student, one after the other, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gauger.spec.base import Names
from gauger.spec.budgets import Samples, StageBudget
from gauger.spec.mixture import MixtureStage
from gauger.spec.own_samples import OnPolicyStage, PreferenceStage, RlStage

Strategy = Literal["label", "rationale", "expand", "textbook", "seedless", "self"]
SeedSource = Literal["benchmark-train", "expanded", "textbook", "seedless", "web"]
TruthSource = Literal["web", "reference"]
Divergence = Literal["forward-kl", "reverse-kl"]


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
    """How prompts are made: `label` given questions (`rationale`: with the steps to the answer, in a language world),
    `expand` them into new ones, have the teacher write a `textbook`, ask `seedless` for anything it knows; `self`: the
    student's own base answers in the teacher's place."""
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


AnyStage = (
    ContinueStage
    | SftStage
    | TextDistillStage
    | LogitDistillStage
    | OnPolicyStage
    | PreferenceStage
    | RlStage
    | MixtureStage
)
Stage = Annotated[AnyStage, Field(discriminator="kind")]
