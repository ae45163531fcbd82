"""The `teacher` and the `student` of a study: model sizes, their training, and what the teacher's interface shows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gauger.spec.base import Count, Part

Steps = Annotated[int, Field(ge=1, le=10_000_000)]
Batch = Annotated[int, Field(ge=1, le=65_536)]
LearningRate = Annotated[float, Field(gt=0, le=1)]


class ModelSize(Part):
    """A decoder-only transformer, trained from scratch."""

    width: Annotated[int, Field(ge=4, le=8192)] = 64
    """Width of the residual stream; a multiple of `heads`."""
    layers: Annotated[int, Field(ge=1, le=128)] = 2
    """Number of transformer blocks."""
    heads: Annotated[int, Field(ge=1, le=128)] = 4
    """Attention heads per block."""


class Training(Part):
    """How a model is trained from scratch on the text of the world."""

    steps: Steps
    """Optimiser steps."""
    batch: Batch = 128
    """Sequences per step."""
    learning_rate: LearningRate = 0.003
    """Peak learning rate."""


class Surface(Part):
    """What the teacher's interface shows, and the budgets for asking it; a defence is a change of surface."""

    log_probabilities: Literal["none", "top-k", "full"] = "none"
    """Token log-probabilities shown: none, the `top_k` most likely, or the full distribution."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many log-probabilities per token `top-k` shows."""
    reasoning: Literal["hidden", "shown"] = "hidden"
    """Whether the teacher's reasoning is returned with its answer."""
    max_queries: Count | None = None
    """Most requests that one arm may make; null: no limit."""
    max_tokens: Count | None = None
    """Most tokens, in and out, that one arm may use; null: no limit."""
    max_usd: Annotated[float, Field(gt=0)] | None = None
    """Most money, in US dollars, that one arm may spend; null: no limit."""


class Teacher(Part):
    """The model whose outputs are distilled."""

    model: ModelSize
    """Size of the teacher."""
    training: Training
    """How the teacher is trained on the whole world."""
    surface: Surface = Surface()
    """What the teacher's interface shows."""


class Student(Part):
    """The model that learns; every arm starts from its base."""

    model: ModelSize
    """Size of the student."""
    training: Training
    """How the base student is trained on the web text."""
