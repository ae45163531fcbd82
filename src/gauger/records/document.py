"""Describes the document that a report is made of, and its schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gauger.records.arms import ArmInfo, BenchmarkInfo
from gauger.records.estimates import Estimate
from gauger.records.verdicts import AssayCheck, Verdict

ESTIMATES_SCHEMA = "gauger.estimates/2"
READABLE_SCHEMAS = ("gauger.estimates/1", ESTIMATES_SCHEMA)
"""What a reader takes; `store.documents.as_current` brings the older one up to date."""


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
    marks: Sequence[Mapping[str, Any]] = ()
    """One entry per arm whose text was tested for a watermark: arm, of (student of marked text, control, teacher),
    defence, attacker, controls, texts, tokens, pairs (different ones of neighbouring tokens), green, share_green,
    p_value, p_holm (over all entries), level, marked, reason."""
    scaling: Mapping[str, Any] | None = None
    """The study's scale: points, curves, predicted cells, equivalents (`estimate.scaling`); None: it has none."""
    switched_off: Mapping[str, str] = field(default_factory=dict)
    """Controls that the study switched off -> the reason it gave."""
    warnings: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, schema first."""
        return {"schema": ESTIMATES_SCHEMA, **asdict(self)}
