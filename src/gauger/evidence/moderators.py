"""Asks what goes with a larger uplift: meta-regressions fixed in advance, one moderator at a time.

Each is asked twice in one fit, for benchmarks within the trained skill (targeted and fresh) and for held-out ones,
because a moderator that lifts only the former is no sign of transfer. General-chat benchmarks stay out. Moderators are
correlated with each other and none was assigned at random: these are descriptions.

Beware of the starting score: it stands in the effect with a minus sign, so its slope is pulled down by the control's
sampling error, and on a bounded scale a high start leaves less room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.pool import contrast, pool, pool_roles
from gauger.evidence.pooled import MIN_STUDIES, TOO_FEW, Pooled
from gauger.evidence.restrict import rows_of
from gauger.evidence.uplift import AIMED

GROUPS = ("trained skill", "held-out")


@dataclass(frozen=True)
class Moderator:
    """One pre-specified moderator."""

    name: str
    value: pl.Expr
    """Its value per row; NULL where unknown (such rows leave this fit)."""
    levels: tuple[str, ...] = ()
    """Levels of a categorical one, the reference first; empty for a number."""
    unit: str = ""
    """What one step of a number is."""


MODERATORS: tuple[Moderator, ...] = (
    Moderator("student's starting score", pl.col("score_control") / 10, unit="10 points higher"),
    Moderator("teacher's advantage", (pl.col("score_teacher") - pl.col("score_control")) / 10, unit="10 points more"),
    Moderator("student's size", pl.col("student_params_b").log(2), unit="doubling of parameters"),
    Moderator("training samples", pl.col("n_samples").log10(), unit="tenfold"),
    Moderator("training tokens", pl.col("n_tokens").log10(), unit="tenfold"),
    Moderator("year", pl.col("year").cast(pl.Float64), unit="one year later"),
    Moderator("student", pl.when("post_trained").then(pl.lit("post-trained")).otherwise(pl.lit("base model")),
              ("base model", "post-trained")),
    Moderator("benchmark", pl.when("hard").then(pl.lit("hard")).otherwise(pl.lit("other")), ("other", "hard")),
    Moderator("seeds from a benchmark", pl.col("seeds_risk"), ("low", "some", "high", "unclear")),
    Moderator("seeds overlap the benchmark", pl.col("seeds_overlap_benchmark").replace(
              {"n": "no", "partial": "partly", "y": "yes"}), ("no", "partly", "yes", "unknown")),
    Moderator("confounded mixture", pl.col("mixture_risk"), ("low", "some", "high", "unclear")),
    Moderator("control", pl.col("control_risk"), ("low", "some", "high")),
    Moderator("control's handicap", pl.col("handicap").fill_null("none"), ("none", "unclear", "damaged network")),
    Moderator("method", pl.col("distill_method"),
              ("reasoning-trace", "cot", "instruction-expansion", "logits", "on-policy", "agent-trajectory", "textbook",
               "mixed")),
    Moderator("source grade", pl.col("source_grade"), ("primary", "checked-secondary", "secondary")),
    Moderator("teacher's access", pl.col("teacher_access"), ("weights", "api")),
)  # fmt: skip


@dataclass(frozen=True)
class Moderation:
    """What one moderator shows."""

    name: str
    unit: str
    """Of the slopes; empty for a categorical moderator."""
    n_rows: int
    n_studies: int
    effects: tuple[Pooled, ...]
    """Slopes per group of roles, or the mean uplift per group and level."""
    differences: tuple[Pooled, ...] = ()
    """Categorical: each level minus the reference, within its group."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


def moderate(frame: pl.DataFrame, moderators: Sequence[Moderator] = MODERATORS) -> tuple[Moderation, ...]:
    """Run every pre-specified moderator over the rows with an untouched-base control.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.

    Returns
    -------
    tuple of Moderation
        In the order of `MODERATORS`. A moderator known for fewer than two studies is undefined with a reason.
    """
    rows = rows_of(frame, ("untouched-base",)).filter(pl.col("benchmark_role") != "general")
    aimed = pl.col("benchmark_role").is_in([str(role) for role in AIMED])
    rows = rows.with_columns(_group=pl.when(aimed).then(pl.lit(GROUPS[0])).otherwise(pl.lit(GROUPS[1])))
    return tuple(_levels(rows, moderator) if moderator.levels else _slopes(rows, moderator) for moderator in moderators)


def _slopes(rows: pl.DataFrame, moderator: Moderator) -> Moderation:
    rows = rows.with_columns(_x=moderator.value).filter(pl.col("_x").is_not_null())
    per_group = {group: rows.filter(pl.col("_group") == group)["study_id"].n_unique() for group in GROUPS}
    kept = [group for group in GROUPS if per_group[group] > MIN_STUDIES]
    undefined = [Pooled(group, 0, per_group[group], reason=TOO_FEW) for group in GROUPS if group not in kept]
    rows = rows.filter(pl.col("_group").is_in(kept))
    if not kept:
        return Moderation(moderator.name, moderator.unit, 0, 0, tuple(undefined))
    x = rows["_x"].to_numpy()
    inside = {group: (rows["_group"] == group).cast(pl.Float64).to_numpy() for group in kept}
    terms = {f"mean {group}": inside[group] for group in kept}
    for group in kept:
        terms[group] = inside[group] * (x - np.average(x, weights=inside[group]))
    analysis = pool(rows, terms)
    slopes = [slope for slope in analysis.pooled if slope.name in kept]
    return Moderation(moderator.name, moderator.unit, analysis.n_rows, analysis.n_studies, (*slopes, *undefined))


def _levels(rows: pl.DataFrame, moderator: Moderator) -> Moderation:
    rows = rows.with_columns(_x=moderator.value).filter(pl.col("_x").is_in(moderator.levels))
    rows = rows.with_columns(_cell=pl.concat_str("_group", pl.lit(": "), "_x"))
    cells = [f"{group}: {level}" for group in GROUPS for level in moderator.levels]
    analysis = pool_roles(rows, roles=cells, column="_cell")
    differences = []
    for group in GROUPS:
        reference, *others = (f"{group}: {level}" for level in moderator.levels)
        for other in others:
            name = f"{other} minus {moderator.levels[0]}"
            difference = contrast(analysis, {other: 1.0, reference: -1.0}, name)
            differences.append(difference or Pooled(name, 0, 0, reason=TOO_FEW))
    return Moderation(moderator.name, "", analysis.n_rows, analysis.n_studies, analysis.pooled, tuple(differences))
