"""Runs the whole pre-specified analysis (`gauger evidence fit`), and measures how much the headline moves.

Schema `gauger.evidence/1`. Effects are in percentage points unless an entry says otherwise; undefined numbers are NULL
with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from gauger.evidence.bias import assess
from gauger.evidence.carryover import CarryOver, carry_over
from gauger.evidence.check import FindingKind, check_table
from gauger.evidence.claims import Claim, answer_claims
from gauger.evidence.clean import excluded, prepare
from gauger.evidence.effects import EffectUnit
from gauger.evidence.empty_cells import Unknown, unknowns
from gauger.evidence.headlines import Headline, quoted
from gauger.evidence.laboratories import Laboratories, between_laboratories
from gauger.evidence.moderators import Moderation, moderate
from gauger.evidence.other_contrasts import Gaps, Swap, gsm_gaps, swaps
from gauger.evidence.pooled import Analysis
from gauger.evidence.restrict import SETS
from gauger.evidence.sensitivity import (
    CARRIED,
    HeadlineInfluence,
    Moved,
    SmallStudy,
    influence,
    small_study_effects,
    under_restrictions,
)
from gauger.evidence.table import EvidenceTable
from gauger.evidence.uplift import Share, by_contrast, gap_recovered

SCHEMA = "gauger.evidence/1"


@dataclass(frozen=True)
class Movement:
    """How far one pooled mean moves over all restrictions in points."""

    over: str
    role: str
    estimate: float | None
    """As pre-specified."""
    low: float | None
    low_under: str
    """The restriction that gives the smallest mean."""
    high: float | None
    high_under: str


@dataclass(frozen=True)
class Evidence:
    """Everything the pre-specified analysis says."""

    frame: pl.DataFrame
    """All rows of `clean.prepare`."""
    studies: pl.DataFrame
    """`Table.studies`."""
    headline: Headline
    claims: tuple[Claim, ...]
    contrasts: Mapping[str, Analysis]
    recovered: tuple[Share, ...]
    moderations: tuple[Moderation, ...]
    carried: Mapping[str, CarryOver]
    swaps: tuple[Swap, ...]
    gaps: Gaps
    laboratories: Laboratories
    restrictions: tuple[Moved, ...]
    """The pre-specified analysis first."""
    influences: tuple[HeadlineInfluence, ...]
    small_studies: tuple[SmallStudy, ...]
    bias: pl.DataFrame
    """One line per study: six questions and the overall judgement."""
    unknowns: tuple[Unknown, ...]
    findings: Mapping[str, int]
    """Kind of finding of `evidence check` -> how many."""

    def exclusions(self) -> dict[str, int]:
        """Count the rows that stay out of the pooled uplift, by reason, in the order of the rules."""
        return excluded(self.frame)

    def movements(self) -> tuple[Movement, ...]:
        """Say, for each role of the headline, between which values it moves under the restrictions."""
        return tuple(_movement(self.restrictions, over, role) for over in SETS for role in CARRIED)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able mapping, schema first."""
        parts: dict[str, Sequence[Any]] = {
            "gap_recovered": self.recovered, "moderators": self.moderations, "swaps": self.swaps,
            "restrictions": self.restrictions, "influence": self.influences, "small_study_effects": self.small_studies,
            "cannot_tell": self.unknowns, "claims": self.claims,
        }  # fmt: skip
        return {
            "schema": SCHEMA,
            "headline": self.headline.text(),
            "rows": len(self.frame),
            "studies": self.frame["study_id"].n_unique(),
            "excluded": self.exclusions(),
            "uplift": {
                "untouched": self.headline.untouched.to_dict(),
                "controls": self.headline.controls.to_dict(),
                "matched": self.headline.matched.to_dict(),
            },
            "by_contrast": {name: analysis.to_dict() for name, analysis in self.contrasts.items()},
            "carry_over": {name: carry_over.to_dict() for name, carry_over in self.carried.items()},
            "gsm8k_minus_gsm1k": self.gaps.to_dict(),
            "laboratories": self.laboratories.to_dict(),
            "movements": [asdict(movement) for movement in self.movements()],
            "risk_of_bias": self.bias.to_dicts(),
            "findings": dict(self.findings),
        } | {name: [entry.to_dict() for entry in several] for name, several in parts.items()}


def analyse(table: EvidenceTable) -> Evidence:
    """Run the whole pre-specified analysis on a table: a few seconds.

    Parameters
    ----------
    table : Table
        From `load()`.
    """
    frame = prepare(table)
    findings = check_table(frame)
    return Evidence(
        frame=frame,
        studies=table.studies,
        headline=quoted(frame),
        claims=answer_claims(frame),
        contrasts=by_contrast(frame),
        recovered=gap_recovered(frame),
        moderations=moderate(frame),
        carried=carry_over(frame),
        swaps=swaps(frame),
        gaps=gsm_gaps(frame),
        laboratories=between_laboratories(frame),
        restrictions=under_restrictions(frame),
        influences=tuple(influence(frame, over) for over in SETS),
        small_studies=tuple(small_study_effects(frame, over) for over in SETS),
        bias=assess(table.studies),
        unknowns=unknowns(frame),
        findings={str(kind): sum(finding.kind == kind for finding in findings) for kind in FindingKind},
    )


def _movement(restrictions: tuple[Moved, ...], over: str, role: str) -> Movement:
    means = {}
    for moved in restrictions:
        analysis = moved.headline.untouched if over == next(iter(SETS)) else moved.headline.controls
        estimate = analysis[role].estimate
        if moved.unit == EffectUnit.POINTS and estimate is not None:
            means[moved.name] = estimate
    if not means:
        return Movement(over, role, None, None, "", None, "")
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return Movement(over, role, means.get(restrictions[0].name), means[low], low, means[high], high)
