"""The frozen types that cross rooms: records in, estimates out, and the document a report is made of.

Scores and differences are on the 0-1 scale everywhere; only the report shows percentage points. Undefined is None with
a reason, never 0 and never NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

ESTIMATES_SCHEMA = "gauger.estimates/1"


class Role(StrEnum):
    """What a benchmark is to a study (DESIGN section 2)."""

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
    """A declared recipe, or one of the control arms generated beside it (DESIGN section 2)."""

    DISTILLED = "distilled"
    TEACHER = "teacher"
    BASE = "base"
    MATCHED = "matched"
    PLACEBO = "placebo"
    FORMAT = "format"
    LEAK = "leak"
    REFERENCE = "reference"
    CELL = "cell"
    """A cell of the study's factorial: some of its ingredients."""


class Reason(StrEnum):
    """Why an estimate is undefined."""

    NO_SCORED_ROWS = "no scored rows"
    ARM_MISSING = "arm missing"
    BENCHMARK_MISSING = "no benchmark with this role"
    NO_COMMON_ITEMS = "no common items"
    ONE_ITEM = "fewer than two items"
    DENOMINATOR_ZERO = "denominator is zero"
    DENOMINATOR_UNCERTAIN = "denominator not distinguishable from zero"
    NOT_ESTIMABLE = "not estimable from these data"


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
"""The records table (DESIGN section 7): column -> type, `?` marks those that may be NULL."""


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
    """Lower end; None where unbounded or undefined (`note` says which)."""
    high: float | None = None
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

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping that stands in `estimates.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """The last word of a report: outcome against a threshold fixed before the run."""

    rule: Mapping[str, Any]
    """The frozen rule: estimand, role, arm, control, threshold, level; `post_hoc`: it changed after the start."""
    outcome: str
    """major, minor, undetermined or invalid."""
    probability_major: float | None = None
    """P(theta > threshold) under the estimator's t distribution."""
    settled_by: str | None = None
    """When undetermined: the cheapest addition expected to settle it. When invalid: the assay check that failed."""
    estimate: Estimate | None = None
    """The estimate that was judged."""


@dataclass(frozen=True)
class AssayCheck:
    """One check of the instrument on itself, made before any verdict."""

    name: str
    """placebo, leak or reference."""
    passed: bool | None
    """None where the study switched the control off; `detail` gives the study's reason."""
    detail: str
    """The numbers the check rests on, in words."""


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
    """Everything a report is made of, and exactly what `estimates.json` holds (schema `gauger.estimates/1`).

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
    teacher_tokens_out, queries, dropped, overlaps."""
    outcomes: Sequence[Mapping[str, Any]] = ()
    """Counts per arm and benchmark: arm, benchmark, scored, unparsed, truncated, refused, failed."""
    difficulty: Sequence[Mapping[str, Any]] = ()
    """Mean score per arm, benchmark and difficulty level: arm, benchmark, difficulty, score, n_items."""
    examples: Sequence[Mapping[str, Any]] = ()
    """A few teacher samples per arm, untrusted text: arm, strategy, prompt, answer."""
    threats: Sequence[Mapping[str, Any]] = ()
    """The five threats: threat, question, answer, stands ("controlled", "partly" or "open")."""
    limits: Sequence[str] = ()
    """What this study cannot say, one sentence each."""
    failures: Sequence[Failure] = ()
    scaling: Mapping[str, Any] | None = None
    """The study's scale: points, curves, predicted cells, equivalents (`estimate.scale_study`); None: it has none."""
    switched_off: Mapping[str, str] = field(default_factory=dict)
    """Controls that the study switched off -> the reason it gave."""
    warnings: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, schema first."""
        return {"schema": ESTIMATES_SCHEMA, **asdict(self)}
