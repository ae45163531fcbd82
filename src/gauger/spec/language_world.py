"""Defines the `world` of a study of real language models: tasks asked in text, whose answers can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, Strict, StringConstraints

from gauger.plugs import Registry
from gauger.spec.base import Fraction, Name, Scalar, Seed, SettingName, SpecPart
from gauger.spec.variants import WorldSettings, variants

Settings = Mapping[SettingName, Scalar]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
TASKS = Registry(
    "a kind of task",
    "gauger.tasks",
    {
        "reasoning-gym": "gauger.spec.language_world:ReasoningGymTask",
        "invented-facts": "gauger.spec.language_world:InventedFacts",
        "jsonl": "gauger.spec.language_world:JsonLinesTask",
    },
)
"""Kind of task of a language world -> the class with its settings; what another package offers is its source, with a
`settings_type`."""
Contents = Annotated[int, Field(ge=4, le=100_000)]


class TaskSettings(SpecPart):
    """Any task of a language world."""

    kind: str
    """Which kind of task."""

    @property
    def has_new(self) -> bool:
        """Whether it has contents for the benchmarks `TASK-FORM-new`."""
        return True

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the user's that it reads, relative to the study file."""
        return ()


class Sized(TaskSettings):
    """How many contents a task has, each with content keys of its own."""

    train: Contents = 400
    """Contents that may be trained on."""
    test: Contents = 100
    """Contents held out for the benchmarks `TASK-FORM`."""
    new: Contents = 100
    """Further contents held out, for the benchmarks `TASK-FORM-new`."""


class ReasoningGymTask(Sized):
    """A procedural task of reasoning-gym: fresh items by seed, checked by the task's own verifier."""

    kind: Literal["reasoning-gym"]
    """A task of reasoning-gym."""
    task: SettingName
    """Its name there, as `chain_sum`."""
    settings: Settings = Field(default_factory=dict)
    """Settings of the task, by the names they have there; it checks them itself."""
    levels: Annotated[tuple[Settings, ...], Field(max_length=32), Strict(False)] = ()
    """Levels of difficulty, each as the settings that differ, easiest first; contents are drawn from each in equal
    parts, and an item's difficulty is its level (1 is the first). Empty: one level."""
    wording: Literal["short", "own"] = "short"
    """`short`: asked in few words where the task has a short wording. `own`: always in the task's own words."""


class InventedFacts(TaskSettings):
    """Facts about made-up things that no model knows; held-out ones can be inferred from the others.

    A thing belongs to a family that its name shows by its ending, and the family decides every relation's value. Who
    has learnt enough facts of a family knows those that no text stated.
    """

    kind: Literal["invented-facts"]
    """Facts about made-up things."""
    entities: Annotated[int, Field(ge=8, le=2000)] = 48
    """Made-up things."""
    families: Annotated[int, Field(ge=2, le=16)] = 8
    """Families that they belong to."""
    relations: Annotated[int, Field(ge=1, le=8)] = 5
    """Relations that every thing has a value for."""
    test: Fraction = 0.2
    """Share of the facts held out for the benchmarks `TASK-FORM`."""
    new: Fraction = 0.2
    """Share of the facts held out for the benchmarks `TASK-FORM-new`."""


class JsonLinesTask(TaskSettings):
    """Questions and answers of the user, one JSON object a line: id, prompt, answer, optional cluster, difficulty,
    working.
    """

    kind: Literal["jsonl"]
    """Files of the user."""
    train: RelativePath
    """File of questions that may be trained on, relative to the study file."""
    test: RelativePath
    """File of questions for the benchmarks `TASK-FORM`; one that stands in the train file as well is refused."""
    new: RelativePath | None = None
    """File of further questions for the benchmarks `TASK-FORM-new`; null: there are none."""
    working: bool = False
    """Whether every line has `working`, the steps to its answer: then the questions can be asked in the form
    `rationale` too."""

    @property
    def has_new(self) -> bool:
        """Where a file is named."""
        return self.new is not None

    @property
    def files(self) -> tuple[str, ...]:
        """All that are named."""
        return tuple(path for path in (self.train, self.test, self.new) if path)


if TYPE_CHECKING:  # which kinds there are is known at run time alone: other packages may add some
    Task = TaskSettings
else:
    Task = variants(TASKS, lambda target: getattr(target, "settings_type", target))


class LanguageWorld(WorldSettings):
    """Tasks for real language models: asked in text, in several forms, with contents held out from all training."""

    leaves_open: ClassVar[str] = (
        "Its tasks are few and procedural, its answers short and checkable: what a teacher gives in open-ended work, "
        "or over a wide range of subjects, it does not measure."
    )
    kind: Literal["language"]
    """Which world."""
    seed: Seed = 1
    """Draws contents and splits; another seed is another world of the same sizes."""
    tasks: Annotated[Mapping[Name, Task], Field(min_length=1, max_length=64)]
    """What can be asked, by name."""
    common: Annotated[tuple[Name, ...], Field(max_length=64), Strict(False)] = ()
    """Tasks whose material counts as what the base had anyway: text for matched controls and for the share that is
    kept in, with true answers, never the teacher's."""
    seed_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of each task's training contents that its benchmark's own train split asks about."""
    benchmark_items: Annotated[int, Field(ge=4, le=5000)] = 100
    """Items of a benchmark, at most."""
    credit: Literal["exact", "partial"] = "exact"
    """`exact`: an answer is right or wrong. `partial`: the verifier's part credit; in many tasks that is given for a
    right answer among other words, in proportion to its length, so that it mixes format with ability."""
    chat: bool = False
    """Put prompts into the chat template of the model's tokenizer, as a user's turn."""
