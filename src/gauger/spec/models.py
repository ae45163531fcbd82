"""The `teacher` and the `student` of a study: which models they are, and what the teacher's interface shows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gauger.spec.base import Count, Names, Part, Reference, Text

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
    """Whether the teacher's reasoning is returned with its answer; `shown` where it can be: an endpoint, a replay."""
    max_queries: Count | None = None
    """Most requests that one arm may make; null: no limit."""
    max_tokens: Count | None = None
    """Most tokens, in and out, that one arm may use; null: no limit."""
    max_usd: Annotated[float, Field(gt=0)] | None = None
    """Most money, in US dollars, that one arm may spend: an endpoint whose prices are given; null: no limit."""


class Lora(Part):
    """Low-rank adaptation: small matrices are trained beside the frozen weights."""

    rank: Annotated[int, Field(ge=1, le=1024)] = 16
    """Rank of the trained matrices."""
    alpha: Annotated[float, Field(gt=0, le=10_000)] = 32.0
    """Scale of what they add, divided by the rank."""
    layers: Count | None = None
    """Train the topmost this many layers alone, which costs less; null: all of them."""


class Specialising(Part):
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


class ScratchTeacher(Part):
    """A small teacher trained from scratch on the whole of an embedded world."""

    kind: Literal["scratch"] = "scratch"
    """Trained from scratch."""
    model: ModelSize
    """Size of the teacher."""
    training: Training
    """How the teacher is trained on the whole world."""
    surface: Surface = Surface()
    """What the teacher's interface shows."""


class CheckpointTeacher(Part):
    """A language model from local files."""

    kind: Literal["checkpoint"]
    """A local checkpoint."""
    model: Reference
    """`packaged:smollm2-135m-instruct`, or a directory with a checkpoint in safetensors."""
    specialise: Specialising | None = None
    """Makes it a specialist first; null: it is asked as it is."""
    lora: Lora | None = Lora()
    """How the specialist is trained; null: all weights."""
    terms: Text = ""
    """Terms of use of what it writes; stands in the ledger."""
    templates: Reference | None = None
    """Folder with `STRATEGY.yaml` prompts in place of our own; null: ours."""
    surface: Surface = Surface()
    """What the teacher's interface shows."""


class EndpointTeacher(Part):
    """A language model behind an OpenAI-compatible interface; the key comes from GAUGER_API_KEY or OPENAI_API_KEY."""

    kind: Literal["endpoint"]
    """An OpenAI-compatible endpoint."""
    url: Reference
    """Address, as `https://host/v1`."""
    model: Reference
    """Name of the model there."""
    terms: Text = ""
    """Terms of use of what it writes; stands in the ledger."""
    usd_per_million_in: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens sent; null: not known, and then no budget in money is possible."""
    usd_per_million_out: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens received."""
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 16
    """Requests in flight at once."""
    requests_per_minute: Count | None = None
    """Rate limit; null: none."""
    tokens_per_minute: Count | None = None
    """Rate limit; null: none."""
    templates: Reference | None = None
    """Folder with `STRATEGY.yaml` prompts in place of our own; null: ours."""
    surface: Surface = Surface()
    """What the teacher's interface shows."""


class ReplayTeacher(Part):
    """Recorded answers of a teacher, asked again."""

    kind: Literal["replay"]
    """Recorded answers."""
    directory: Reference
    """Where `gauger elicit` or a run has recorded them."""
    templates: Reference | None = None
    """Folder with `STRATEGY.yaml` prompts in place of our own; null: ours."""
    surface: Surface = Surface()
    """What the teacher's interface shows."""


Teacher = Annotated[ScratchTeacher | CheckpointTeacher | EndpointTeacher | ReplayTeacher, Field(discriminator="kind")]
"""The model whose outputs are distilled."""


class ScratchStudent(Part):
    """A small student whose base is trained from scratch on the web text of an embedded world."""

    kind: Literal["scratch"] = "scratch"
    """Trained from scratch."""
    model: ModelSize
    """Size of the student."""
    training: Training
    """How the base student is trained on the web text."""


class CheckpointStudent(Part):
    """A language model from local files; it is the base of every arm."""

    kind: Literal["checkpoint"]
    """A local checkpoint."""
    model: Reference
    """`packaged:smollm2-135m-instruct`, or a directory with a checkpoint in safetensors."""
    lora: Lora | None = Lora()
    """How it is trained; null: all weights."""


Student = Annotated[ScratchStudent | CheckpointStudent, Field(discriminator="kind")]
"""The model that learns; every arm starts from its base."""
