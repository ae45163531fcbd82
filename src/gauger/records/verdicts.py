"""Describes the last word of a study, and the checks of the instrument on itself that come before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gauger.records.estimates import Estimate


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
