"""Defines `evaluators`: benchmarks that programs of others run, lm-eval and Inspect, each with its role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, Strict, StringConstraints

from gauger.plugs import Registry
from gauger.records import Role
from gauger.spec.base import CommandLine, Count, Reference, Scalar, SettingName, SpecPart, VariableName
from gauger.spec.variants import variants

MeasureName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class EvaluatorTask(SpecPart):
    """Any benchmark that a program of others runs."""

    kind: str
    """Which program."""
    role: Annotated[Role, Strict(False)]
    """What it is to this study: `targeted`, `parallel`, `near` or `far`."""
    task: Reference
    """What the program calls it."""
    limit: Count | None = None
    """Most items; null: all."""
    metric: MeasureName | None = None
    """The score that counts; null: the first that the task itself lists and that is no error. It must run from 0 to 1
    with 1 as best."""
    filter: MeasureName | None = None
    """How the answer is read, where the task does so in several ways; null: the first."""
    max_tokens: Count | None = None
    """Longest answer in tokens, whatever the task says; null: the task's own limit, else the program's (lm-eval: 256).
    `decoding.max_new_tokens` holds for benchmarks of the world alone."""
    program: CommandLine | None = None
    """What is run, read by no shell, before its arguments; null: the one beside Gauger's own Python."""
    environment: Annotated[tuple[VariableName, ...], Field(max_length=64), Strict(False)] = ()
    """Environment variables that it may see besides those that say where things are."""
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 16
    """Requests in flight at once, where the model is served or behind an interface; else items in a batch."""


class LmEvalTask(EvaluatorTask):
    """A task of lm-evaluation-harness."""

    kind: Literal["lm-eval"]
    """A task of lm-eval."""
    include: Reference | None = None
    """Folder with tasks of the user's, relative to the study file; their data files are found from there."""
    shots: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Examples before the question; null: the task's own number."""
    model_args: Mapping[SettingName, Scalar] = Field(default_factory=dict)
    """Further arguments of its model, as `max_length`."""


class InspectTask(EvaluatorTask):
    """A task of Inspect."""

    kind: Literal["inspect"]
    """A task of Inspect: `FILE.py@NAME` relative to the study file, or `PACKAGE/NAME`."""
    settings: Mapping[SettingName, Scalar] = Field(default_factory=dict)
    """Parameters of the task."""


EVALUATOR_TASKS = Registry(
    "an evaluator",
    "gauger.evaluator_tasks",
    {
        "lm-eval": "gauger.spec.evaluators:LmEvalTask",
        "inspect": "gauger.spec.evaluators:InspectTask",
    },
)
"""Kind -> the class with its settings; `measure.evaluators` has what runs it."""
if TYPE_CHECKING:  # which kinds there are is known at run time alone: other packages may add some
    Evaluator = EvaluatorTask
else:
    Evaluator: Any = variants(EVALUATOR_TASKS)
