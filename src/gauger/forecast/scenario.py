"""Defines the scenario file: a described case for which a forecast is wanted.

Everything but the name has a default, and nearly every default is `unknown`: an unknown number or kind is integrated
over a stated distribution, never guessed. Numbers may also be given as a range (`{low: 1, high: 10}`), which is
integrated over evenly (evenly in the logarithm for doses and sizes).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, Strict, model_validator

from gauger.spec import SpecPart

Unknown = Literal["unknown"]
UNKNOWN_VALUE: Unknown = "unknown"
RoleOfBenchmark = Literal["targeted", "fresh", "held-out"]
Alternative = Literal["none", "same-without-teacher", "rl", "vendor"]
CONTROL_OF: dict[str, str] = {
    "none": "untouched-base", "same-without-teacher": "no-teacher-training", "rl": "rl-instead",
    "vendor": "vendor-post-trained",
}  # fmt: skip
"""What a scenario calls the alternative -> what the literature calls the control."""
SurfaceShown = Literal["reasoning", "answers", "summary", "log-probabilities"]
MethodUsed = Literal["reasoning-traces", "rationales", "answers", "trajectories", "logits", "on-policy", "with-rl"]
DomainAsked = Literal["maths", "code", "knowledge", "instructions", "agent", "other"]
ACTIONS = ("accept", "matched", "aggressive")


class Between(SpecPart):
    """A range, integrated over evenly."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""

    @model_validator(mode="after")
    def _ordered(self) -> Between:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class PositiveBetween(Between):
    """A range of something above 0, integrated over evenly in the logarithm."""

    low: Annotated[float, Field(gt=0)]
    """Lower end."""


Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0, le=1e15)]
Share = Annotated[float, Field(gt=0, le=1)]
SomePercent = Percent | Between | Unknown
SomePositive = Positive | PositiveBetween | Unknown


class Student(SpecPart):
    """The student before distillation."""

    parameters_b: SomePositive = UNKNOWN_VALUE
    """Parameters in billions. Unknown: as in the literature's studies of the role."""
    post_trained: bool | Unknown = UNKNOWN_VALUE
    """Whether it had been post-trained before. Unknown: as in the literature."""


class TeacherModel(SpecPart):
    """The teacher."""

    access: Literal["api", "weights"] | Unknown = UNKNOWN_VALUE
    """Reached through an interface, or its weights are public. Unknown: as in the literature."""


class Dose(SpecPart):
    """How much the student sees of the teacher."""

    exchanges: SomePositive | Annotated[tuple[Positive, ...], Field(min_length=1, max_length=12), Strict(False)] = (
        UNKNOWN_VALUE
    )
    """Exchanges with the teacher; a list gives one forecast per dose. Unknown: as in the literature."""
    kept: Share | PositiveBetween | Unknown = UNKNOWN_VALUE
    """Share of exchanges that become training samples. Unknown: evenly in the logarithm from 0.1 to 1."""
    tokens_per_sample: SomePositive = UNKNOWN_VALUE
    """Training tokens per sample. Unknown: training tokens as in the literature."""


class ScenarioBenchmark(SpecPart):
    """One benchmark that the question is about."""

    role: RoleOfBenchmark
    """`targeted`: the training aims at it. `fresh`: same skill, items newer than the training data. `held-out`:
    another skill."""
    domain: DomainAsked | Unknown = UNKNOWN_VALUE
    """What it asks for. Unknown: as in the literature's studies of the role."""
    hard: bool | Unknown = UNKNOWN_VALUE
    """Whether it was made to be hard for the models of its time. Unknown: as in the literature."""
    start: SomePercent = UNKNOWN_VALUE
    """The student's score before, percent. Unknown: as in the literature."""
    teacher: SomePercent = UNKNOWN_VALUE
    """The teacher's score, percent. Unknown: as in the literature (its lead over the student)."""


class Thresholds(SpecPart):
    """Points of a benchmark's score below which an uplift is minor, and from which it is major."""

    minor: Annotated[float, Field(ge=0, le=100)] = 3.0
    """Below this an uplift is minor. 3 points: what two laboratories differ by on one model and benchmark."""
    major: Annotated[float, Field(gt=0, le=100)] = 10.0
    """From this an uplift is major. 10 points: the literature's mean gain on what the training aims at."""

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if self.minor >= self.major:
            raise ValueError("minor must be below major")
        return self


class ThresholdsByRole(SpecPart):
    """Thresholds per role of the benchmark."""

    targeted: Thresholds = Thresholds()
    """For benchmarks that the training aims at."""
    fresh: Thresholds = Thresholds()
    """For fresh items of the same skill."""
    held_out: Annotated[Thresholds, Field(alias="held-out")] = Thresholds()
    """For other skills."""

    def of(self, role: str) -> Thresholds:
        """Return those of a role."""
        thresholds: Thresholds = getattr(self, role.replace("-", "_"))
        return thresholds


class Protection(SpecPart):
    """A defence as the decision sees it."""

    removes: Share | Between = Between(low=0.0, high=0.5)
    """Share of the uplift that it takes from a student who knows of it; a range is integrated over."""
    honest_cost: Annotated[float, Field(ge=0)] = 1.0
    """What it costs honest users, in the unit of the losses."""


class Protections(SpecPart):
    """The two kinds of defence that stand for choice beside acceptance."""

    matched: Protection = Protection(removes=Between(low=0.0, high=0.5), honest_cost=1.0)
    """Light: limits, hidden reasoning, monitoring. Published takings from students who adapt run from 0 to a half."""
    aggressive: Protection = Protection(removes=Between(low=0.3, high=0.9), honest_cost=4.0)
    """Heavy: spoilt outputs, refusals, closed accounts."""


class Losses(SpecPart):
    """What a wrong decision costs, in one unit of the reader's choice; only ratios matter."""

    major: Annotated[float, Field(ge=0)] = 10.0
    """An undefended major uplift."""
    between: Annotated[float, Field(ge=0)] = 2.0
    """An undefended uplift between the thresholds."""
    minor: Annotated[float, Field(ge=0)] = 0.0
    """An undefended minor uplift."""


class Scenario(SpecPart):
    """A described case."""

    scenario: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    """Its name: lower-case letters, digits, single hyphens."""
    question: Annotated[str, Field(max_length=2_000)] = ""
    """The question in words, for the report."""
    student: Student = Student()
    """The student before distillation."""
    teacher: TeacherModel = TeacherModel()
    """The teacher."""
    dose: Dose = Dose()
    """How much the student sees."""
    surface: SurfaceShown | Unknown = UNKNOWN_VALUE
    """What the interface shows. Unknown: as in the literature."""
    method: MethodUsed | Unknown = UNKNOWN_VALUE
    """How the teacher teaches; `answers` is training on plain answers, `rationales` on short steps,
    `reasoning-traces` on long ones, `with-rl` on teacher text together with reinforcement learning. Unknown: as in the
    literature's studies with that surface."""
    alternative: Alternative | Unknown = UNKNOWN_VALUE
    """What the student would get otherwise: nothing, the same training without a teacher, reinforcement learning, the
    vendor's own tune. Unknown: nothing and reinforcement learning, half each."""
    year: Annotated[int, Field(ge=2022, le=2035)] = 2026
    """Year in which it happens."""
    benchmarks: Annotated[tuple[ScenarioBenchmark, ...], Field(max_length=64), Strict(False)] = ()
    """What is asked about. None: one benchmark of each role, all else unknown. Of several with one role, the forecast
    is for one of them drawn at random."""
    thresholds: ThresholdsByRole = ThresholdsByRole()
    """When an uplift counts as minor or major."""
    decide_on: RoleOfBenchmark = "fresh"
    """The role that the decision rests on: fresh items of the same skill, where memorised items give nothing."""
    defences: Protections = Protections()
    """What defences take and cost."""
    losses: Losses = Losses()
    """What a wrong decision costs."""
    sources: Annotated[tuple[str, ...], Field(max_length=64), Strict(False)] = ()
    """Where its facts come from."""

    @property
    def doses(self) -> tuple[float | PositiveBetween | Unknown, ...]:
        """The doses to forecast, in the file's order."""
        given = self.dose.exchanges
        return given if isinstance(given, tuple) else (given,)

    @property
    def controls(self) -> tuple[str, ...]:
        """The literature's controls that stand for the alternative."""
        if self.alternative == UNKNOWN_VALUE:
            return ("untouched-base", "rl-instead")
        return (CONTROL_OF[self.alternative],)

    def asked(self) -> tuple[ScenarioBenchmark, ...]:
        """The benchmarks, or one of each role with nothing known."""
        return self.benchmarks or tuple(ScenarioBenchmark(role=role) for role in get_args(RoleOfBenchmark))


def flat(scenario: Scenario) -> dict[str, Any]:
    """Return what a scenario states, `unknown` included, as plain data."""
    return scenario.model_dump(mode="json", by_alias=True)
