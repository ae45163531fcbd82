"""Defines what teachers and students have in common: sizes, training from scratch, adapters, surfaces."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from gauger.spec.base import Count, Name, Names, OptIn, OptInPart, Reference, SpecPart
from gauger.spec.trainer_program import TrainerProgram

Steps = Annotated[int, Field(ge=1, le=10_000_000)]
Batch = Annotated[int, Field(ge=1, le=65_536)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
TooLong = Literal["refuse", "cut"]
"""What becomes of training rows that are longer than a model's context. `refuse`: an error that says how many. `cut`:
they lose their end, those of which nothing to learn is left are left out, and both are counted."""


class ModelSize(SpecPart):
    """A decoder-only transformer, trained from scratch."""

    width: Annotated[int, Field(ge=4, le=8192)] = 64
    """Width of the residual stream; a multiple of `heads`."""
    layers: Annotated[int, Field(ge=1, le=128)] = 2
    """Number of transformer blocks."""
    heads: Annotated[int, Field(ge=1, le=128)] = 4
    """Attention heads per block."""


class Training(SpecPart):
    """How a model is trained from scratch on the text of the world."""

    steps: Steps
    """Optimiser steps."""
    batch: Batch = 128
    """Sequences per step."""
    learning_rate: LearningRate = 0.003
    """Peak learning rate."""


class FromScratch(NamedTuple):
    """How a model is made from nothing."""

    engine: str
    size: ModelSize
    training: Training


def in_words(scratch: FromScratch | None, name: object) -> str:
    """Say which model a teacher or student is: its size where it was trained from scratch, else its name."""
    if scratch is None:
        return str(name)
    return f"{scratch.size.layers} layers of width {scratch.size.width}, trained from scratch"


class Surface(OptInPart):
    """What the teacher's interface shows, and the budgets for asking it; a defence is a change of surface."""

    log_probabilities: Literal["none", "top-k", "full"] = "none"
    """Token log-probabilities shown: none, the `top_k` most likely, or the full distribution."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many log-probabilities per token `top-k` shows."""
    reasoning: Literal["hidden", "shown"] = "hidden"
    """Whether reasoning that the teacher writes is shown, and so learnt; models of the embedded world write none
    unless `world.total_sets` is above 0."""
    defence: Name | None = None
    """What is done to every reply before it is shown, by name: `shorten` cuts the end of answers; null: nothing."""
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How strongly; 0 leaves every reply as it is."""
    helper: Annotated[Reference | None, OptIn()] = None
    """Chat model that does the defence's work in the teacher's place (`rewrite`): `packaged:smollm2-135m-instruct`, or
    a directory with a checkpoint; null: the teacher does it itself."""
    max_queries: Count | None = None
    """Most requests that one arm may make in a replicate; stages (and sources of a mixture) that ask divide it by their
    samples, and cells of a factorial as the one that asks most; null: no limit."""
    max_tokens: Count | None = None
    """Most tokens, in and out, that one arm may use in a replicate, divided likewise; null: no limit."""
    max_usd: Annotated[float, Field(gt=0)] | None = None
    """Most money, in US dollars, that one arm may spend in a replicate, divided likewise: an endpoint whose prices are
    given; null: no limit."""
    accounts: Annotated[int, Field(ge=1, le=10_000), OptIn()] = 1
    """Accounts that an arm's requests come from, in turn; a defence that decides about queries knows each by itself.
    The budgets above are of all of them together."""


class Lora(SpecPart):
    """Low-rank adaptation: small matrices are trained beside the frozen weights."""

    rank: Annotated[int, Field(ge=1, le=1024)] = 16
    """Rank of the trained matrices."""
    alpha: Annotated[float, Field(gt=0, le=10_000)] = 32.0
    """Scale of what they add, divided by the rank."""
    layers: Count | None = None
    """Train the topmost this many layers alone, which costs less; null: all of them."""


class Specialising(SpecPart):
    """How a checkpoint is made a specialist before it is asked: trained on true answers of every task of the world."""

    forms: Names
    """Forms in which it learns to answer."""
    samples: Annotated[int, Field(ge=1, le=100_000_000)]
    """Distinct samples, divided among the tasks."""
    steps: Steps
    """Optimiser steps."""
    batch: Batch = 16
    """Sequences per step."""
    learning_rate: LearningRate = 0.001
    """Peak learning rate."""
    checkpoint_steps: Count | None = None
    """Steps between two checkpoints, from which a killed run goes on; null: a killed training begins anew."""
    by: Annotated[TrainerProgram | None, OptIn()] = None
    """Program of somebody else's that trains it; null: our own engine does."""
