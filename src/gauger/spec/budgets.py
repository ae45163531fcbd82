"""What stages have in common: how long and how fast the student is trained."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gauger.spec.base import Fraction, Part
from gauger.spec.models import Batch, LearningRate, Steps

Samples = Annotated[int, Field(ge=1, le=100_000_000)]


class StepBudget(Part):
    """How long and how fast the student is trained."""

    steps: Steps
    """Optimiser steps."""
    batch: Batch = 128
    """Sequences per step."""
    learning_rate: LearningRate = 0.001
    """Peak learning rate."""


class StageBudget(StepBudget):
    """The same, with text that is kept in so that less is forgotten."""

    web_share: Fraction = 0.0
    """Share of each batch that is drawn from the base's own web text instead, so that less is forgotten."""
