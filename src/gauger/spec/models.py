"""Defines the `teacher` and the `student` of a study: which models they are, and what the teacher shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from gauger.plugs import Registry
from gauger.spec.base import Count, Name, Names, OptIn, Reference, SpecPart, Text
from gauger.spec.computing import Computing
from gauger.spec.serving import Serving
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


class Surface(SpecPart):
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
    max_queries: Count | None = None
    """Most requests that one arm may make; null: no limit."""
    max_tokens: Count | None = None
    """Most tokens, in and out, that one arm may use; null: no limit."""
    max_usd: Annotated[float, Field(gt=0)] | None = None
    """Most money, in US dollars, that one arm may spend: an endpoint whose prices are given; null: no limit."""


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


class TeacherSettings(SpecPart):
    """Any teacher; the class variables say what its kind can do, so that nobody asks which kind it is."""

    kind: str
    """Which teacher."""
    surface: Surface = Surface()
    """What the teacher's interface shows."""
    shows_reasoning: ClassVar[bool] = True
    """Whether its replies can carry reasoning apart from the answer."""
    without_reasoning: ClassVar[str] = ""
    """What to do where they cannot."""
    costs_money: ClassVar[bool] = False
    """Whether asking it is paid for, so that a budget in money can be kept."""
    scores_texts: ClassVar[bool] = False
    """Whether it is at hand, and says how likely every token of a text is that another wrote."""

    @property
    def from_scratch(self) -> FromScratch | None:
        """How it is trained from scratch; None where it is not."""
        return None

    @property
    def answer_limit(self) -> int | None:
        """Longest answer in tokens; None where it has no limit of its own."""
        return None

    @property
    def price_share(self) -> float:
        """Share of its prices that is paid."""
        return 1.0

    @property
    def in_words(self) -> str:
        """Which model it is, for the first screen of a report; never an address or a key."""
        return in_words(self.from_scratch, getattr(self, "model", None) or f"of kind {self.kind}")


class ScratchTeacher(TeacherSettings):
    """A small teacher trained from scratch on the whole of an embedded world."""

    shows_reasoning: ClassVar[bool] = False
    without_reasoning: ClassVar[str] = (
        "Models of the embedded world write steps where world.total_sets is above 0; or leave reasoning out."
    )
    scores_texts: ClassVar[bool] = True
    kind: Literal["scratch"] = "scratch"
    """Trained from scratch."""
    engine: Name = "tiny"
    """Which engine trains and asks it."""
    model: ModelSize
    """Size of the teacher."""
    training: Training
    """How the teacher is trained on the whole world."""

    @property
    def from_scratch(self) -> FromScratch | None:
        """On the whole world."""
        return FromScratch(self.engine, self.model, self.training)


class LanguageTeacher(TeacherSettings):
    """Any teacher that is a language model."""

    answer_tokens: Count | None = None
    """Longest answer of the teacher, in tokens, asked or measured; null: `decoding.max_new_tokens`, as for students."""

    @property
    def answer_limit(self) -> int | None:
        """What is set."""
        return self.answer_tokens


class CheckpointTeacher(LanguageTeacher):
    """A language model from local files."""

    scores_texts: ClassVar[bool] = True
    kind: Literal["checkpoint"]
    """A local checkpoint."""
    engine: Name = "hf"
    """Which engine trains and asks it."""
    model: Reference
    """`packaged:smollm2-135m-instruct`, or a directory with a checkpoint in safetensors."""
    specialise: Specialising | None = None
    """Makes it a specialist first; null: it is asked as it is."""
    lora: Lora | None = Lora()
    """How the specialist is trained; null: all weights."""
    computing: Annotated[Computing | None, OptIn()] = None
    """How it is run and trained; null: as the engine does."""
    serve: Annotated[Serving | None, OptIn()] = None
    """The command that serves it when it is asked for text; null: it is asked in the process of the job."""
    terms: Text = ""
    """Terms of use of what it writes; stands in the ledger."""
    templates: Reference | None = None
    """Folder with `STRATEGY.yaml` prompts in place of our own; null: ours."""


class EndpointTeacher(LanguageTeacher):
    """A language model behind an OpenAI-compatible interface; the key comes from GAUGER_API_KEY or OPENAI_API_KEY."""

    costs_money: ClassVar[bool] = True
    conduct: ClassVar[tuple[str, ...]] = (
        "url",
        "concurrency",
        "requests_per_minute",
        "tokens_per_minute",
        "headers",
        "query",
        "timeout_s",
        "stream",
        "batch",
    )
    """Settings that change no answer."""
    kind: Literal["endpoint"]
    """An OpenAI-compatible endpoint."""
    url: Reference
    """Address, as `https://host/v1`."""
    model: Reference
    """Name of the model there."""
    manner: Literal["chat", "completions"] = "chat"
    """`completions` sends plain text to be continued, for base models without a chat template."""
    effort: Text | None = None
    """How long the model may think, in its own words (low, medium, high); null: not sent."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the most likely tokens that answers are drawn from; null: not sent."""
    extra: Mapping[str, Any] = Field(default_factory=dict)
    """Sent with every request besides, as it is; a null takes away what would be sent (`seed: null`)."""
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Further headers. `$NAME` stands for an environment variable: keys and tokens must be given so."""
    query: Mapping[str, str] = Field(default_factory=dict)
    """Added to the address of every request, as Azure's `api-version`."""
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Longest wait for a whole reply, or with `stream` for its next piece; what runs into it is not asked again."""
    stream: bool = False
    """Has replies come piece by piece, so that long thoughts are not cut off by anybody's time limit."""
    batch: bool = False
    """Asks through the provider's interface for batches: files in, files out within a day, at a lower price."""
    batch_price: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the prices that requests in batches cost."""
    terms: Text = ""
    """Terms of use of what it writes; stands in the ledger."""
    usd_per_million_in: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens sent; null: not known, and then no budget in money is possible."""
    usd_per_million_out: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens received."""
    usd_per_million_cached: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens sent that the endpoint had in its cache; null: that of any sent."""
    usd_per_million_reasoning: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens of reasoning; null: that of any received."""
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 16
    """Requests in flight at once."""
    requests_per_minute: Count | None = None
    """Rate limit; null: none."""
    tokens_per_minute: Count | None = None
    """Rate limit; null: none."""
    templates: Reference | None = None
    """Folder with `STRATEGY.yaml` prompts in place of our own; null: ours."""

    @property
    def price_share(self) -> float:
        """What batches cost, where it is asked in batches."""
        return self.batch_price if self.batch else 1.0


class ReplayTeacher(LanguageTeacher):
    """Recorded answers of a teacher, asked again."""

    kind: Literal["replay"]
    """Recorded answers."""
    directory: Reference
    """Where `gauger elicit` or a run has recorded them."""
    templates: Reference | None = None
    """Folder with `STRATEGY.yaml` prompts in place of our own; null: ours."""


TEACHERS = Registry(
    "a kind of teacher",
    "gauger.teacher_settings",
    {
        "scratch": "gauger.spec.models:ScratchTeacher",
        "checkpoint": "gauger.spec.models:CheckpointTeacher",
        "endpoint": "gauger.spec.models:EndpointTeacher",
        "replay": "gauger.spec.models:ReplayTeacher",
    },
)
"""Kind -> the class with its settings."""


class StudentSettings(SpecPart):
    """Any student; the class variables say what its kind can do."""

    kind: str
    """Which student."""
    has_files: ClassVar[bool] = False
    """Whether it lies in files that programs of others read and train."""

    @property
    def from_scratch(self) -> FromScratch | None:
        """How its base is trained from scratch, so that a scale can grow others; None where it is not."""
        return None

    @property
    def in_words(self) -> str:
        """Which model it is, for the first screen of a report."""
        return in_words(self.from_scratch, getattr(self, "model", None) or f"of kind {self.kind}")


class ScratchStudent(StudentSettings):
    """A small student whose base is trained from scratch on the web text of an embedded world."""

    kind: Literal["scratch"] = "scratch"
    """Trained from scratch."""
    engine: Name = "tiny"
    """Which engine trains it."""
    model: ModelSize
    """Size of the student."""
    training: Training
    """How the base student is trained on the web text."""

    @property
    def from_scratch(self) -> FromScratch | None:
        """On the web."""
        return FromScratch(self.engine, self.model, self.training)


class CheckpointStudent(StudentSettings):
    """A language model from local files; it is the base of every arm."""

    has_files: ClassVar[bool] = True
    kind: Literal["checkpoint"]
    """A local checkpoint."""
    engine: Name = "hf"
    """Which engine trains it."""
    model: Reference
    """`packaged:smollm2-135m-instruct`, or a directory with a checkpoint in safetensors."""
    lora: Lora | None = Lora()
    """How it is trained; null: all weights."""
    computing: Annotated[Computing | None, OptIn()] = None
    """How it is run and trained; null: as the engine does."""
    too_long: TooLong = "refuse"
    """What becomes of training rows that are longer than its context. `refuse`: the training fails and says how many.
    `cut`: they lose their end, and rows of which nothing to learn is left are left out; the report counts both."""
    serve: Annotated[Serving | None, OptIn()] = None
    """The command that serves it when it is measured or asked; null: it is asked in the process of the job."""
    checkpoint_steps: Count | None = None
    """Steps between two checkpoints, from which a killed run goes on, in stages whose rows are known beforehand (not
    those in which the student writes); null: a killed training begins anew. It changes no result."""


STUDENTS = Registry(
    "a kind of student",
    "gauger.student_settings",
    {"scratch": "gauger.spec.models:ScratchStudent", "checkpoint": "gauger.spec.models:CheckpointStudent"},
)
"""Kind -> the class with its settings."""
