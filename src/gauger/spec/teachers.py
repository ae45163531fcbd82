"""Defines the `teacher` of a study: which model it is, how it is asked, and what its kind can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from gauger.plugs import Registry
from gauger.spec.base import Count, Name, OptIn, Reference, SpecPart, Text
from gauger.spec.computing import Computing
from gauger.spec.models import FromScratch, Lora, ModelSize, Specialising, Surface, Training, in_words
from gauger.spec.serving import Serving


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
        "scratch": "gauger.spec.teachers:ScratchTeacher",
        "checkpoint": "gauger.spec.teachers:CheckpointTeacher",
        "endpoint": "gauger.spec.teachers:EndpointTeacher",
        "replay": "gauger.spec.teachers:ReplayTeacher",
    },
)
"""Kind -> the class with its settings."""
