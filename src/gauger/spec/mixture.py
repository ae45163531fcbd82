"""The `mixture` stage: text of several sources in every batch, each with a weight and a budget in tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from gauger.spec.base import Names, Part
from gauger.spec.budgets import Samples, StepBudget

MixedSource = Literal["web", "reference", "teacher", "self"]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000_000)]


class MixtureSource(Part):
    """One source of a mixture."""

    source: MixedSource
    """Who wrote it. `web`: text of the kind that the base was trained on. `reference`: true text. `teacher`: the
    teacher is asked for it. `self`: the student's own base answers in the teacher's place."""
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """Share of the tokens of every batch, against the sum of all weights, as long as the budget lasts."""
    tokens: Tokens | None = None
    """Budget: most tokens trained on, repeats included; once it is used up the other sources share its place. Null: no
    limit; at least one source of a mixture has none."""
    strategy: Literal["label", "expand", "textbook", "seedless"] | None = None
    """How the teacher's prompts are made, as in text-distill; for `teacher` and `self` alone."""
    seeds: Literal["benchmark-train", "expanded", "textbook", "seedless", "web"] | None = None
    """Declared seed source of the teacher's prompts; for `teacher` and `self` alone."""
    forms: Names | None = None
    """Forms; null: running text, learnt whole (`web` and `reference` alone)."""
    samples: Samples | None = None
    """Distinct samples; null: as many as the steps take (`web` and `reference` alone)."""


class MixtureStage(StepBudget):
    """Training on text of several sources at once."""

    kind: Literal["mixture"]
    """Several sources in every batch."""
    sources: Annotated[tuple[MixtureSource, ...], Field(min_length=1, max_length=16), Strict(False)]
    """The sources, with their weights."""
