"""Stages in which the student writes and others say what it is worth: on-policy distillation, preference, RL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gauger.spec.base import Names
from gauger.spec.budgets import Samples, StageBudget, StepBudget

QuestionSource = Literal["benchmark-train", "web", "reference"]


class Questions(StepBudget):
    """What the student is asked: questions on the skills of the targeted benchmarks."""

    seeds: QuestionSource
    """Where the questions come from. `benchmark-train`: the benchmark's own train split. `web`: those that the base's
    web text answers. `reference`: all that may be trained on."""
    forms: Names
    """Forms in which the student is asked."""
    prompts: Samples = 2000
    """Distinct prompts, at most."""


class OnPolicyStage(StageBudget, Questions):
    """On-policy distillation: the student writes, the teacher scores every token, and the student moves towards it."""

    kind: Literal["on-policy-distill"]
    """Reverse KL(student || teacher) on the student's own samples; `batch` counts samples. The surface must show
    log-probabilities; each sample is one request to the teacher."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Use only the k most likely tokens; null: all that the surface shows."""


class PreferenceStage(Questions):
    """Preference optimisation (DPO) on pairs of the student's own answers."""

    kind: Literal["preference"]
    """Preference optimisation; `batch` counts answers, so it is even: two to a pair."""
    judge: Literal["teacher", "truth"]
    """Who says which answer is right. `teacher`: it answers the question too, and agreement with it is right (one
    request for each prompt; text is enough). `truth`: the true answer."""
    beta: Annotated[float, Field(gt=0, le=100)] = 1.0
    """How strongly the student is held to what it was before the stage; smaller lets it move further. Answers of a few
    tokens want about 1 (0.1 makes the small models of the embedded world forget), answers of hundreds about 0.1."""
    candidates: Annotated[int, Field(ge=2, le=1024)] = 8
    """Answers drawn to each prompt; one right and one wrong of them make a pair, where there are both."""


class RlStage(Questions):
    """Reinforcement learning with a verifiable reward (GRPO): no teacher."""

    kind: Literal["rl"]
    """Reward 1 for an answer that equals the true one, else 0; `batch` counts answers."""
    group: Annotated[int, Field(ge=2, le=1024)] = 8
    """Answers drawn to each question, compared with each other; `batch` is a multiple of it."""
    kl_weight: Annotated[float, Field(ge=0, le=100)] = 0.02
    """Weight of the penalty for leaving what the student was before the stage."""
    clip: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Ratio of new to old probability, less 1, beyond which a token adds nothing more."""
    updates: Annotated[int, Field(ge=1, le=1000)] = 2
    """Steps taken on each batch of answers before new ones are drawn; with 1 nothing is ever clipped."""
