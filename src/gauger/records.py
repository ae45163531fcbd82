"""Defines the frozen types that cross rooms: records, estimates, and the document a report is made of.

Scores and differences are on the 0-1 scale everywhere; only the report shows percentage points. Undefined is None with
a reason, never 0 and never NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

ESTIMATES_SCHEMA = "gauger.estimates/2"
READABLE_SCHEMAS = ("gauger.estimates/1", ESTIMATES_SCHEMA)
"""What a reader takes; `store.documents.as_current` brings the older one up to date."""


class Role(StrEnum):
    """What a benchmark is to a study (docs/vocabulary.md)."""

    TARGETED = "targeted"
    """Its train split, or material made for it, seeded the teacher."""
    PARALLEL = "parallel"
    """New items, same skill, same form."""
    NEAR = "near"
    """Same skill, another form."""
    FAR = "far"
    """Another skill."""


class Outcome(StrEnum):
    """What became of one answer; only `scored` rows carry a score."""

    SCORED = "scored"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    FAILED = "failed"


class ArmKind(StrEnum):
    """A declared recipe, or one of the control arms generated beside it (`docs/vocabulary.md`)."""

    DISTILLED = "distilled"
    TEACHER = "teacher"
    BASE = "base"
    MATCHED = "matched"
    PLACEBO = "placebo"
    FORMAT = "format"
    LEAK = "leak"
    REFERENCE = "reference"
    LEAK_TWIN = "leak_twin"
    """The leak arm's own material with as many extra rows of items that nobody tests in place of the leaked ones."""
    UNTAUGHT = "untaught"
    """A declared recipe without a teacher anywhere: it gains, but has nothing of a teacher's to be given credit for."""
    CELL = "cell"
    """A cell of the study's factorial: some of its ingredients."""
    ATTACK = "attack"
    """An attacker of the study's defences, on one surface of the teacher."""
    LAUNDER = "launder"
    """A declared arm taught by a teacher that was trained on the test items; its own prompts are clean."""
    LEAKY_TEACHER = "leaky_teacher"
    """That teacher."""
    SURFACE = "surface"
    """The teacher as an honest user of a defended surface sees it."""


class Reason(StrEnum):
    """Why an estimate is undefined."""

    NO_SCORED_ROWS = "no scored rows"
    ARM_MISSING = "arm missing"
    BENCHMARK_MISSING = "no benchmark with this role"
    NO_COMMON_ITEMS = "no common items"
    ONE_ITEM = "fewer than two items"
    DENOMINATOR_ZERO = "denominator is zero"
    NO_LEAD = "the teacher is not above the control"
    NO_LEAK = "the teacher shows no leak"
    NOTHING_TO_REMOVE = "there is no uplift on the open surface"
    NOTHING_CAME_THROUGH = "no answer came through to train on"
    COSTS_NOTHING = "honest users lose nothing by it"
    DENOMINATOR_UNCERTAIN = "denominator not distinguishable from zero"
    NOT_ESTIMABLE = "not estimable from these data"


class SetKind(StrEnum):
    """Which values `low` and `high` of an estimate leave standing: a confidence set need not be an interval."""

    INTERVAL = "interval"
    """From `low` to `high`."""
    OUTSIDE = "outside"
    """Everything below `low` or above `high`: the denominator of the ratio may have either sign."""
    BELOW = "below"
    """Everything below `high`; there is no `low`."""
    ABOVE = "above"
    """Everything above `low`; there is no `high`."""
    EVERYTHING = "everything"
    """No value is ruled out; there are no ends."""
    NONE = "none"
    """There is no set: undefined, or nothing was seen that could give one."""


class Scale(StrEnum):
    """On which scale an estimate stands."""

    POINTS = "points"
    """The 0-1 scale of scores, their differences and ratios of these."""
    LOGIT = "logit"
    """Logits of items: every item of average difficulty moves by so much."""
    LEAD = "lead"
    """Share of the teacher's lead over the control on the same benchmarks."""


class VerdictOutcome(StrEnum):
    """The last word of a study, in the order in which the outcomes are looked for."""

    INVALID = "invalid"
    """A check of the instrument failed: its interval lies wholly on the wrong side."""
    NOT_REPLICATED = "not_replicated"
    """No arm was trained more than once, so the noise of training is unknown."""
    NOT_POWERED = "not_powered"
    """A check straddles its bound or could not have failed; for *minor*: the reference is not *major*."""
    MAJOR = "major"
    MINOR = "minor"
    UNDETERMINED = "undetermined"


class CheckOutcome(StrEnum):
    """How one check of the instrument on itself ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_POWERED = "not_powered"
    """It straddles its bound, or could not have failed."""
    NOT_MADE = "not_made"
    """The study has no such arm, or switched it off."""


RECORD_COLUMNS: Mapping[str, str] = {
    "study": "str",
    "arm": "str",
    "replicate": "int",
    "benchmark": "str",
    "role": "str?",
    "item": "str",
    "cluster": "str?",
    "sample": "int",
    "outcome": "str",
    "score": "float?",
    "tokens_in": "int?",
    "tokens_out": "int?",
    "seconds": "float?",
}
"""The records table: column -> type, `?` marks those that may be NULL."""


@dataclass(frozen=True)
class Estimate:
    """One number with its interval, as it stands in `estimates.json`."""

    estimand: str
    """Name in the registry of `estimate.estimands`: score, gain, uplift, gap_recovered, carryover, ..."""
    arm: str
    """The arm the estimate is about."""
    control: str | None = None
    """What it is compared with; None for a plain score."""
    benchmark: str | None = None
    """None when the estimate averages over benchmarks."""
    role: str | None = None
    """Role of the benchmark(s)."""
    over: str | None = None
    """The role averaged over, when `benchmark` is None."""
    value: float | None = None
    """0-1 scale; None exactly when `reason` is not."""
    se: float | None = None
    df: float | None = None
    """Satterthwaite degrees of freedom; None where the interval does not rest on a t distribution."""
    low: float | None = None
    """Lower bound of the set that `kind` names; None where it has none."""
    high: float | None = None
    """Upper bound of the set that `kind` names."""
    level: float = 0.95
    simultaneous_low: float | None = None
    """Ends of the interval that holds for the whole family at once."""
    simultaneous_high: float | None = None
    n_items: int | None = None
    n_clusters: int | None = None
    n_replicates: int | None = None
    """Training replicates of the arm that the estimate rests on."""
    reason: str | None = None
    """Why undefined (`Reason`); None when there is a value."""
    note: str | None = None
    """What a reader must know of this interval, in words (unbounded set; covers item sampling alone; ...)."""
    kind: str = SetKind.INTERVAL
    """A `SetKind`: what `low` and `high` bound; `none` where there is no value."""
    scale: str = Scale.POINTS
    """A `Scale`."""
    defence: str | None = None
    """Of an estimate about the study's defences: which; `open` is the teacher's own surface."""
    attacker: str | None = None
    """Of one about a single attacker: which. None where the best of them all is meant, whichever that is."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that stands in `estimates.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """The last word of a report: outcome against a threshold fixed before the run."""

    rule: Mapping[str, Any]
    """The frozen rule: estimand, role, arm, control, threshold, level; `post_hoc`: it changed after the start."""
    outcome: str
    """A `VerdictOutcome`."""
    probability_major: float | None = None
    """P(theta > threshold) under the estimator's t distribution."""
    settled_by: str | None = None
    """Why no more can be said, and what would settle it; None for major and minor."""
    estimate: Estimate | None = None
    """The estimate that was judged."""
    checks: Sequence[Mapping[str, str]] = ()
    """Each assay check that was made: name, outcome (passed, failed, not_powered), detail."""
    noise_ratio: float | None = None
    """Where the arm was trained once: how many times noisier than the replicated arms (standard deviation) its training
    would have to be for a *major* or *minor* outcome to turn undetermined; None elsewhere."""


@dataclass(frozen=True)
class AssayCheck:
    """One check of the instrument on itself, made before any verdict."""

    name: str
    """placebo, leak, memorisation or reference."""
    outcome: str
    """A `CheckOutcome`."""
    detail: str
    """The numbers the check rests on, in words; of one that was not made, why."""


@dataclass(frozen=True)
class ArmInfo:
    """One arm as a report introduces it."""

    name: str
    kind: str
    """An `ArmKind`."""
    description: str
    """One sentence: what the arm was trained on."""
    matched: str | None = None
    """For a distilled arm: the name of its matched control."""
    strategy: str | None = None
    seed_source: str | None = None
    """The declared seed source: benchmark-train, expanded, textbook, seedless, ... (threat 1)."""
    forms: Sequence[str] = ()
    steps: int | None = None
    tokens: int | None = None
    """Training tokens (with repeats) per replicate, base excluded."""
    unique_tokens: int | None = None
    teacher_tokens: int | None = None
    """Tokens that the teacher wrote among them."""
    queries: int | None = None
    """Requests to the teacher that the arm's corpus took."""
    usd: float | None = None
    """US dollars that it cost, per replicate: the middle of the two below; None where no price is known."""
    usd_low: float | None = None
    """What the provider stated."""
    usd_high: float | None = None
    """The most possible: with what it did not state, and what may have been billed unseen."""
    twin: str | None = None
    """Of a leak arm: the arm that its increment is taken over; None: the study's first arm of kind `leak_twin`."""
    matched_tokens: float | None = None
    """Training tokens of its matched control as a share of its own, web that is kept in counted in neither."""


@dataclass(frozen=True)
class BenchmarkInfo:
    """One benchmark as a report introduces it."""

    name: str
    role: str
    n_items: int
    skill: str = ""
    """Knowledge domain or skill family."""
    form: str = ""
    description: str = ""


@dataclass(frozen=True)
class Failure:
    """A job that failed: data, never a score."""

    arm: str
    replicate: int | None
    stage: str
    reason: str


@dataclass(frozen=True)
class Document:
    """Everything a report is made of, and exactly what `estimates.json` holds (schema `gauger.estimates/2`).

    Two runs of one study give byte-identical documents, so no time, host or path stands in it.
    """

    study: Mapping[str, Any]
    """name, fingerprint, question, kind ("study" or "compare"), replicates, seed, world, versions, command."""
    estimates: Sequence[Estimate]
    verdict: Verdict | None = None
    assay: Sequence[AssayCheck] = ()
    arms: Sequence[ArmInfo] = ()
    benchmarks: Sequence[BenchmarkInfo] = ()
    ledger: Sequence[Mapping[str, Any]] = ()
    """One row per arm and source: arm, source, samples, tokens, unique_tokens, epochs, teacher_tokens_in,
    teacher_tokens_out, queries, usd_low, usd_high, dropped, overlaps. Tokens that a provider does not state count at
    the middle of what they can have been."""
    outcomes: Sequence[Mapping[str, Any]] = ()
    """Counts per arm and benchmark: arm, benchmark, scored, unparsed, truncated, refused, failed."""
    seeds: Sequence[Mapping[str, Any]] = ()
    """Score of every training seed: arm, benchmark, replicate, score, n_items."""
    difficulty: Sequence[Mapping[str, Any]] = ()
    """Mean score per arm, benchmark and difficulty level: arm, benchmark, difficulty, score, n_items."""
    examples: Sequence[Mapping[str, Any]] = ()
    """A few teacher samples per arm, untrusted text: arm, strategy, prompt, answer."""
    threats: Sequence[Mapping[str, Any]] = ()
    """The five threats: threat, question, answer, stands ("controlled", "partly" or "open")."""
    limits: Sequence[str] = ()
    """What this study cannot say, one sentence each."""
    failures: Sequence[Failure] = ()
    defences: Sequence[Mapping[str, Any]] = ()
    """One entry per defence: defence, outcome (works, does_not, undetermined, not_powered), threshold, against (its
    attackers), and what the report shows beside it (`estimate.defences`)."""
    scaling: Mapping[str, Any] | None = None
    """The study's scale: points, curves, predicted cells, equivalents (`estimate.scaling`); None: it has none."""
    switched_off: Mapping[str, str] = field(default_factory=dict)
    """Controls that the study switched off -> the reason it gave."""
    warnings: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, schema first."""
        return {"schema": ESTIMATES_SCHEMA, **asdict(self)}
