"""Defines the study file: a question, a teacher, students, benchmarks, arms, controls, a verdict rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, Strict, StringConstraints, model_validator

from gauger.records import Role
from gauger.spec.base import NAME_PATTERN, Level, Name, OptIn, Prose, Reason, Seed, SpecPart, Text
from gauger.spec.defence_family import DefenceStudy
from gauger.spec.evaluators import Evaluator, EvaluatorTask
from gauger.spec.ingredients import Factorial
from gauger.spec.models import Batch, LearningRate, Steps
from gauger.spec.scale import ScaleGrid
from gauger.spec.stages.any import Stage
from gauger.spec.students import STUDENTS, StudentSettings
from gauger.spec.teachers import TEACHERS, TeacherSettings
from gauger.spec.variants import WorldSettings, variants
from gauger.spec.world import WORLD_SETTINGS

RoleName = Annotated[Role, Strict(False)]
if TYPE_CHECKING:  # which variants there are is known at run time alone: other packages may add some
    World = WorldSettings
    Teacher = TeacherSettings
    Student = StudentSettings
else:
    World = variants(WORLD_SETTINGS, lambda target: getattr(target, "settings_type", target))
    Teacher, Student = variants(TEACHERS), variants(STUDENTS)


class BenchmarkSettings(SpecPart):
    """One benchmark of the world, and what it is to this study."""

    role: RoleName
    """`targeted`: its train split seeded the teacher. `parallel`: new items, same skill, same form.
    `near`: same skill, another form. `far`: another skill."""


class ArmSpec(SpecPart):
    """One declared recipe."""

    description: Text = ""
    """One sentence for the report."""
    start: Name = "base"
    """Where the student starts: `base`, or the name of the arm it continues."""
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=64), Strict(False)]
    """What is done to the student, in order."""


class Control(SpecPart):
    """A control arm generated beside the declared ones."""

    off: Annotated[Reason | None, Prose()] = None
    """Switches the control off; the reason is printed in the report."""


class CopyingControl(Control):
    """A control arm that copies a declared arm and changes one thing."""

    of: Name | None = None
    """The declared arm it copies; null: the verdict's arm (`leak`: one seeded by benchmark-train, if there is one)."""


class FormatControl(CopyingControl):
    """A control arm that learns the targeted benchmarks' form, and nothing that they ask."""

    answers: Literal["unrelated", "shuffled"] = "unrelated"
    """What it learns the form from. `unrelated`: right answers about what the base counts as having had, of skills that
    no targeted, parallel or near benchmark asks, and where there are such, no far one either. `shuffled`: the targeted
    benchmarks' training questions with their answers dealt out at random; wrong answers teach the form and unlearn the
    rest."""


class LaunderControl(SpecPart):
    """A teacher that is trained on the test items, and a student that it teaches on clean prompts."""

    of: Name | None = None
    """The declared arm whose recipe the student follows; null: the one that `leak` copies."""
    steps: Steps = 200
    """Optimiser steps of the teacher's training on its own clean answers with the test items among them."""
    batch: Batch = 64
    """Sequences per step."""
    learning_rate: LearningRate = 0.0015
    """Peak learning rate."""


class Controls(SpecPart):
    """The control arms; each is on unless switched off with a reason."""

    base: Control = Control()
    """The untouched student."""
    matched: Control = Control()
    """As many rows and steps in the same format, no teacher; the ledger counts the tokens of both."""
    placebo: CopyingControl = CopyingControl()
    """A teacher with nothing to teach: the student's own base answers the same prompts."""
    format: FormatControl = FormatControl()
    """Learns the answer format alone."""
    leak: CopyingControl = CopyingControl()
    """Positive control: test items in the training data."""
    reference: CopyingControl = CopyingControl()
    """True answers in place of the teacher's: the ceiling for this data budget."""
    launder: Annotated[LaunderControl | None, OptIn()] = None
    """How much of a leak comes through a teacher that was trained on the test items; null: not asked."""


class Decoding(SpecPart):
    """How models answer benchmark items."""

    max_new_tokens: Annotated[int, Field(ge=1, le=100_000)] = 8
    """Longest answer, in tokens; a longer one is recorded as truncated."""
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.0
    """0: the most likely answer; above, answers are drawn."""
    samples: Annotated[int, Field(ge=1, le=1000)] = 1
    """Answers to each item; more than one needs a temperature above 0."""


class Estimation(SpecPart):
    """How records become estimates."""

    paired: bool = True
    """Compare replicates with the same number in pairs: they share the seeds of their training, whatever stands here.
    False: as if they were independent. It changes the analysis alone."""
    moderated: bool = True
    """Shrink replicate variances towards their common value (empirical Bayes)."""
    level: Level = 0.95
    """Confidence level of every interval."""


class VerdictRule(SpecPart):
    """The last word, fixed before the run: major above the threshold, minor below, else undetermined."""

    estimand: Literal["gap_recovered", "uplift", "gain", "carryover"] = "gap_recovered"
    """What is judged."""
    arm: Name
    """The declared arm that is judged."""
    role: RoleName = Role.NEAR
    """The benchmarks it is judged on, averaged."""
    threshold: Annotated[float, Field(ge=-1, le=1)] = 0.25
    """Threshold, on the 0-1 scale."""
    level: Level = 0.95
    """Confidence level of the interval that is held against the threshold."""
    looks: Annotated[int, Field(ge=1, le=100)] = 1
    """How often the study may be judged while replicates are added, declared before the run; each time at
    1 − (1 − level) / looks."""
    placebo_margin: Annotated[float, Field(gt=0, le=1)] | None = None
    """How far above 0 the placebo may lie, on the scale of the threshold and at most a positive one; null: half the
    threshold's size. Where the threshold is not above 0, what a leak adds may be as much. A threshold of 0 needs it."""


DEFAULT_KINDS = {"world": "atlas", "teacher": "scratch", "student": "scratch"}
"""The `kind` of a part that does not name one."""


class Study(SpecPart):
    """One study file, complete: what nobody chose stands at its default."""

    study: Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=64), Prose()]
    """Name of the study."""
    question: Text
    """What the study asks, in one sentence."""
    seed: Seed = 1
    """Every random draw of the study derives from it (the world has its own)."""
    replicates: Annotated[int, Field(ge=1, le=1000)] = 4
    """Training runs per arm, each with another seed."""
    world: World
    """Where facts, skills, web text and benchmarks come from."""
    teacher: Teacher
    """The model whose outputs are distilled."""
    student: Student
    """The model that learns."""
    benchmarks: Annotated[Mapping[Name, BenchmarkSettings], Field(min_length=1, max_length=256)]
    """Benchmarks by name, each with its role."""
    evaluators: Annotated[Mapping[Name, Evaluator] | None, Field(max_length=256), OptIn()] = None
    """Benchmarks that programs of others run (lm-eval, Inspect), by the name that they have here; null: none."""
    arms: Annotated[Mapping[Name, ArmSpec], Field(min_length=1, max_length=256)]
    """Declared arms by name; control arms are generated beside them."""
    factorial: Factorial | None = None
    """Ingredients of a pipeline, whose cells are run as arms beside the declared ones; null: none."""
    defences: Annotated[DefenceStudy | None, OptIn()] = None
    """Defences of the teacher and attackers who try to learn from it all the same, each on each; null: none."""
    scale: ScaleGrid | None = None
    """Grids over student size, teacher strength and budget around one declared arm; null: none."""
    controls: Controls = Controls()
    """The generated control arms; each is on unless switched off with a reason."""
    decoding: Decoding = Decoding()
    """How models answer benchmark items."""
    unparsed: Literal["missing", "wrong"] = "missing"
    """Whether an answer that cannot be parsed is missing or counts as wrong."""
    estimation: Estimation = Estimation()
    """How records become estimates."""
    verdict: VerdictRule
    """The rule of the last word, fixed before the run."""

    @property
    def roles(self) -> dict[str, Role]:
        """Role of every benchmark, of the world and of evaluators."""
        own = {name: part.role for name, part in self.benchmarks.items()}
        return own | {name: part.role for name, part in self.evaluated.items()}

    @property
    def evaluated(self) -> Mapping[str, EvaluatorTask]:
        """Benchmarks that programs of others run."""
        return self.evaluators or {}

    @model_validator(mode="before")
    @classmethod
    def _name_default_kinds(cls, data: Any) -> Any:
        """Where nobody wrote a `kind`, the embedded world and its models are meant."""
        if not isinstance(data, Mapping):
            return data
        parts = ((name, data.get(name)) for name in DEFAULT_KINDS)
        named = {name: {"kind": DEFAULT_KINDS[name], **part} for name, part in parts if isinstance(part, Mapping)}
        return {**data, **named}
