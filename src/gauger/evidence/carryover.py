"""Estimates carry-over: where a study reports both, how much of the targeted gain arrives on held-out benchmarks?

Only studies (and within them only students and controls) that report a targeted and a held-out benchmark enter, so the
comparison is within the same training run. The ratio of the two pooled gains has a Fieller interval from their joint
CR2 covariance, on the smaller of their degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.pool import DIFFERENCE, pool, pool_roles
from gauger.evidence.pooled import NO_VARIATION, Analysis, Pooled
from gauger.evidence.restrict import SETS, rows_of
from gauger.stats import fieller

ARM = ["study_id", "model", "base", "contrast", "control_arm"]
NOT_BOTH = "no two studies report a targeted and a held-out benchmark for one student"


@dataclass(frozen=True)
class CarryOver:
    """Carry-over from targeted to held-out benchmarks within studies."""

    over: str
    """The set of controls."""
    n_studies: int
    n_arms: int
    """Students that were measured on both."""
    analysis: Analysis
    """Uplift by role among those rows."""
    ratio: float | None = None
    """Held-out gain / targeted gain."""
    low: float | None = None
    high: float | None = None
    interval: str = ""
    """The Fieller set in words."""
    bound_share: float | None = None
    """1 - ratio: the share of the targeted gain that stays bound to its benchmark's skill."""
    slope: Pooled | None = None
    """Points of held-out gain per point of the same student's mean targeted gain."""
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        plain = {**asdict(self), "analysis": self.analysis.to_dict()}
        return plain | {"slope": self.slope.to_dict() if self.slope else None}


def carry_over(frame: pl.DataFrame) -> Mapping[str, CarryOver]:
    """Estimate carry-over for both sets of controls (`SETS`), from all rows of `clean.prepare`."""
    return {name: _carry_over(name, rows_of(frame, contrasts)) for name, contrasts in SETS.items()}


def with_both(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the targeted and held-out rows of students that have both against one control."""
    rows = rows.filter(pl.col("benchmark_role").is_in(["targeted", "held-out"]))
    return rows.filter(pl.col("benchmark_role").n_unique().over(ARM) == 2)


def arms(rows: pl.DataFrame) -> pl.DataFrame:
    """One line per student and control with both roles: its mean gain on each (points), and how many benchmarks."""
    gain = pl.col("score_distilled") - pl.col("score_control")
    targeted, held_out = (pl.col("benchmark_role") == role for role in ("targeted", "held-out"))
    return with_both(rows).group_by(ARM, maintain_order=True).agg(
        arm=pl.col("arm").first(), student_params_b=pl.col("student_params_b").first(),
        method=pl.col("distill_method").first(),
        targeted=gain.filter(targeted).mean(), held_out=gain.filter(held_out).mean(),
        n_targeted=targeted.sum(), n_held_out=held_out.sum(),
    )  # fmt: skip


def _carry_over(name: str, rows: pl.DataFrame) -> CarryOver:
    both = with_both(rows)
    lines = arms(rows)
    analysis = pool_roles(both, roles=("targeted", "held-out"))
    n_studies = both["study_id"].n_unique()
    if analysis.fitted is None or len(analysis.fitted.beta) < 2:
        return CarryOver(name, n_studies, len(lines), analysis, reason=NOT_BOTH)
    targeted, held_out = analysis.fitted.beta.tolist()
    vcov = analysis.fitted.vcov.tolist()
    known = [pooled.df for pooled in analysis.pooled if pooled.df is not None and pooled.name != DIFFERENCE]
    if len(known) < 2:
        return CarryOver(name, n_studies, len(lines), analysis, reason=NO_VARIATION)
    df = min(known)
    ratio = fieller(held_out, targeted, vcov[1][1], vcov[0][0], vcov[0][1], df)
    share = None if ratio.value is None else 1 - ratio.value
    slope = _slope(both, lines)
    return CarryOver(
        name, n_studies, len(lines), analysis, ratio.value, ratio.low, ratio.high, ratio.text, share, slope
    )  # fmt: skip


def _slope(both: pl.DataFrame, lines: pl.DataFrame) -> Pooled | None:
    held_out = both.filter(pl.col("benchmark_role") == "held-out")
    means = lines.select(*ARM, _targeted="targeted")
    joined = held_out.join(means, on=ARM, how="left", nulls_equal=True, maintain_order="left")
    if joined["study_id"].n_unique() < 3:
        return None
    x = joined["_targeted"].to_numpy()
    analysis = pool(joined, {"held-out at the mean targeted gain": np.ones(len(x)), "slope": x - x.mean()})
    return analysis["slope"]
