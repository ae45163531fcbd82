"""Defines typed parameters between the planner and the jobs: one frozen record for each kind of job.

The planner makes the records, their JSON enters the job's address, and the job reads the same record back: neither
side ever names a key as a string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from gauger.jobs.scope import job_scope
from gauger.spec import Computing, Lora, ModelSize, OptIn, Serving, SpecPart, Surface, TooLong, unasked
from gauger.worlds import Described

Inputs = Mapping[str, Path]
"""Role -> directory of the job whose result is read under that role."""
Own = Mapping[str, str | int | float | bool | None]
"""Settings that only one kind of stage has."""


class Computes(SpecPart):
    """Parameters of whoever is run by an engine; `computing` stands in their JSON only where somebody chose."""

    computing: Annotated[Computing | None, OptIn()] = None
    """How the engine computes; None: as it does where nobody chose. For one that is asked: precision and attention."""

    @model_serializer(mode="wrap")
    def _chosen(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if not unasked(self, name)}


class InWorld(SpecPart):
    """Parameters of every job that a world takes part in."""

    world: Described
    seed: int = 0
    """Source of every draw."""


class Asked(Computes):
    """Who is asked, as whom, and what of its answers is shown."""

    name: str
    """As it stands in the ledger: teacher or base."""
    kind: str
    """Which opener of `teachers.OPENERS`."""
    engine: str | None = None
    """Of a model at hand, which lies under the input of its role."""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    """What decides the answers of a teacher elsewhere, and what they cost."""
    conduct: Mapping[str, Any] = Field(default_factory=dict)
    """Where it is and how fast it is asked: what changes no answer, and is no part of a job's address."""
    serving: Serving | None = None
    """Of a model at hand: what serves it to be asked; None: it is asked in this process."""
    surface: Surface = Surface()
    terms: str | None = None
    templates: str | None = None
    """Folder with prompts in place of our own."""
    templates_identity: str = ""
    """Digest of that folder."""
    instructed: bool = False
    """Whether it follows instructions; else it continues texts."""
    proxy: str | None = None
    """Engine of the student that its defence reckons with, which lies under the input `proxy`; None: it needs none."""

    @property
    def opener(self) -> str:
        """Name in `registry.OPENERS` of what opens it: its kind's, unless it is served."""
        return self.kind if self.serving is None else "served"


class Trains(InWorld, Computes):
    """Parameters of every job that trains."""

    engine: str
    steps: int
    batch: int
    learning_rate: float
    adapter: Lora | None = None
    """None: all weights are trained."""
    too_long: TooLong = "refuse"
    """What becomes of rows that are longer than the model's context."""


class GoesOn(Trains):
    """Parameters of the jobs whose training goes on after it was killed: those on rows that are known beforehand."""

    checkpoint_steps: int | None = None
    """Steps between two checkpoints; None: none are written. Changes no result."""


class Pretrain(Trains):
    """Training from scratch."""

    text: str
    """`web` or `library`: what it reads."""
    size: ModelSize


class Materialise(SpecPart):
    """Making sure that a checkpoint is there."""

    engine: str
    reference: str
    identity: str
    """Tells whether it is still the one that it was."""


class Specialise(GoesOn):
    """Making a teacher of a checkpoint: true answers of every skill."""

    forms: tuple[str, ...] = Field(strict=False)
    samples: int


class AskTeacher(InWorld):
    """Eliciting one stage's corpus."""

    asked: Asked
    strategy: str
    forms: tuple[str, ...] = Field(strict=False)
    samples: int
    skills: tuple[str, ...] = Field(strict=False)
    seeds: str
    """Where given questions come from."""
    answer_tokens: int
    soft: bool = False
    """Whether log-probabilities along the answers are wanted too."""
    top_k: int | None = None
    filters: tuple[str, ...] = Field(default=(), strict=False)
    """Further filters, by name."""
    student: Asked | None = None
    """The student's own base, which lies under the input `student`, for strategies that ask it too."""


class AskBase(InWorld):
    """Having the student's own base answer the prompts of another corpus."""

    asked: Asked
    strategy: str
    forms: tuple[str, ...] = Field(strict=False)
    answer_tokens: int
    soft: bool = False
    top_k: int | None = None
    filters: tuple[str, ...] = Field(default=(), strict=False)
    """Further filters of its answers, by name."""


class Gather(InWorld):
    """Putting together a corpus that no teacher wrote.

    The input `paired`, where there is one, is the teacher's corpus with whose rows its own are matched.
    """

    source: str
    whole: bool
    """Whether texts are learnt whole, prompts too."""
    strategy: str | None
    forms: tuple[str, ...] = Field(strict=False)
    samples: int
    skills: tuple[str, ...] = Field(default=(), strict=False)
    benchmarks: tuple[str, ...] = Field(default=(), strict=False)
    asked: Asked | None = None
    """The student's own base, which lies under the input `base` and counts tokens where rows are matched and words are
    no tokens."""


class GatherQuestions(InWorld):
    """Putting together the prompts that a student answers."""

    seeds: str
    forms: tuple[str, ...] = Field(strict=False)
    skills: tuple[str, ...] = Field(strict=False)
    samples: int | None
    answered: bool
    """Whether true answers come along."""


class DrawPairs(InWorld, Computes):
    """Drawing a student's answers and pairing a right one with a wrong one."""

    engine: str
    judge: Asked | None
    """None: the truth judges."""
    candidates: int
    answer_tokens: int
    judge_tokens: int
    """Longest answer of the judge."""


class BlendCorpora(SpecPart):
    """Putting corpora of a mixture side by side."""

    parts: int


class TrainStage(GoesOn):
    """Training on a corpus of texts."""

    web_share: float
    own: Own = Field(default_factory=dict)


class TrainOnPolicy(Trains):
    """Training on the student's own samples, scored by somebody at hand."""

    web_share: float
    scorer: Asked
    answer_tokens: int
    top_k: int | None = None


class TrainOnPairs(GoesOn):
    """Training on preference pairs."""

    beta: float


class TrainOnRewards(Trains):
    """Training on the student's own samples, rewarded where they are right."""

    answer_tokens: int
    group: int
    kl_weight: float
    clip: float
    updates: int


class MixturePart(SpecPart):
    """One source of a mixture."""

    weight: float
    tokens: int | None


class TrainOnMixture(GoesOn):
    """Training on a blend of several sources."""

    parts: tuple[MixturePart, ...] = Field(strict=False)


TRAINING: Mapping[str, type[Trains]] = {
    "train": TrainStage,
    "train-on-policy": TrainOnPolicy,
    "train-on-pairs": TrainOnPairs,
    "train-on-rewards": TrainOnRewards,
    "train-on-mixture": TrainOnMixture,
}
"""Kind of training job of our own -> its record; a kind of another package has that of `train`, with its own settings
in `own`. Those by programs of others stand in `program_parameters.BY_PROGRAM`."""


class EvaluateModel(InWorld):
    """Measuring a model on one task of another program."""

    asked: Asked
    benchmark: str
    task: Mapping[str, Any]
    """Settings of an `EvaluatorTask`; its role is no part of what is measured."""
    folder: str
    """Where the study file lies."""
    files: Mapping[str, str]
    """The user's files that decide its results, with the digests of their contents."""
    version: str
    """What the program said of itself when the study was planned."""


class MeasureModel(InWorld):
    """Measuring a model on benchmarks; records of evaluators, inputs `evaluated0`, ..., are put beside its own."""

    asked: Asked
    benchmarks: tuple[str, ...] = Field(strict=False)
    max_new_tokens: int
    temperature: float
    samples: int
    loss: bool = False
    """Whether the cross-entropy of the true answers is wanted too."""


EVALUATED = "evaluated"
"""Begins the name of an input of a measurement with records of an evaluator."""
P = TypeVar("P", bound=SpecPart)


Called = Callable[[Mapping[str, Any], Inputs, Path], None]
"""What a worker calls: parameters as JSON, input directories, the directory to write into."""


def job(parameters: type[P]) -> Callable[[Callable[[P, Inputs, Path], None]], Called]:
    """Make a function of typed parameters one that a worker can call: it reads the record back from its JSON."""

    def typed(function: Callable[[P, Inputs, Path], None]) -> Called:
        @wraps(function)
        def called(params: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
            with job_scope():
                function(parameters.model_validate(params), inputs, out)

        return called

    return typed
