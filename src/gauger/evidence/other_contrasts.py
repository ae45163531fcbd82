"""Pools rows that answer other questions: another teacher, another method, and the GSM8K - GSM1k gap.

In a swap the control is itself distilled, so the difference says what the *choice* is worth, not what distillation is
worth; its sign depends on which of the two was printed as the arm. Swaps are therefore listed, one line per pair of
models, and summarised by how far choices lie apart.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.clean import Exclusion
from gauger.evidence.columns import Contrast
from gauger.evidence.effects import EffectUnit, score_variance
from gauger.stats import t_quantile

QUESTIONS = {
    "teacher": (Contrast.TEACHER_SWAP, Contrast.DATA_SWAP),
    "method": (Contrast.METHOD_SWAP,),
}


@dataclass(frozen=True)
class Swap:
    """The choice between two distilled models that differ in teacher (or data) or in method."""

    question: str
    """teacher or method."""
    pairs: pl.DataFrame
    """One line per pair of models and role: study_id, arm, control_arm, contrast, role, n_benchmarks, difference (mean
    over benchmarks, points, arm minus control), se (sampling alone; None where a size is unknown)."""
    n_rows: int
    n_studies: int
    typical: float | None
    """Root mean square difference of the pairs, points: how far apart two choices lie, whatever their order."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {**asdict(self), "pairs": self.pairs.to_dicts()}


def swaps(frame: pl.DataFrame) -> tuple[Swap, ...]:
    """List the swap rows of `clean.prepare`, for the teacher and for the method."""
    return tuple(_swap(frame, question) for question in QUESTIONS)


def _swap(frame: pl.DataFrame, question: str) -> Swap:
    contrasts = [str(contrast) for contrast in QUESTIONS[question]]
    rows = frame.filter(pl.col("contrast").is_in(contrasts) & (pl.col("exclusion") == str(Exclusion.SWAP)))
    n_items = rows["n_items"].cast(pl.Float64).to_numpy()
    known = np.isfinite(n_items)
    variance = np.full(len(rows), np.nan)
    for side in ("score_control", "score_distilled"):
        share = rows[side].to_numpy() / 100
        part = score_variance(share[known], n_items[known], EffectUnit.POINTS)
        variance[known] = np.where(np.isnan(variance[known]), 0.0, variance[known]) + part
    rows = rows.with_columns(
        _difference=pl.col("score_distilled") - pl.col("score_control"), _variance=pl.Series(variance, nan_to_null=True)
    )
    whole = pl.col("_variance").is_not_null().all()
    pairs = rows.group_by(
        "study_id", "arm", "control_arm", "contrast", role="benchmark_role", maintain_order=True
    ).agg(
        n_benchmarks=pl.len(), difference=pl.col("_difference").mean(),
        se=pl.when(whole).then(pl.col("_variance").sum().sqrt() / pl.len()).first(),
    )  # fmt: skip
    typical = float(np.sqrt((pairs["difference"].to_numpy() ** 2).mean())) if len(pairs) else None
    return Swap(question, pairs, len(rows), rows["study_id"].n_unique(), typical)


@dataclass(frozen=True)
class MeanGap:
    """Mean of a group of GSM8K - GSM1k gaps (points; positive: better on the benchmark than on its fresh twin)."""

    name: str
    n_models: int
    mean: float | None
    se: float | None
    low: float | None
    high: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Gaps:
    """GSM8K minus GSM1k: how much of a score does not survive fresh items of the same kind."""

    groups: tuple[MeanGap, ...]
    """Distilled models, reference models, distilled minus their own base (paired), distilled minus reference."""
    table: pl.DataFrame
    """row, arm, distilled (true or reference), gap, gap_of_base."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {"groups": [asdict(group) for group in self.groups], "table": self.table.to_dicts()}


def gsm_gaps(frame: pl.DataFrame) -> Gaps:
    """Compare the gap of distilled models with that of reference models and of their own bases.

    Models are the sample: plain means with t intervals, Welch's for the difference of groups. A model without a known
    teacher counts with neither group.
    """
    rows = frame.filter(pl.col("score_scale") == "gap")
    known = rows.filter(pl.col("reference_row") | pl.col("teacher").is_not_null())
    table = known.select(
        "row", "arm", distilled=~pl.col("reference_row"), gap="score_distilled", gap_of_base="score_control"
    )
    distilled = table.filter("distilled")
    gap, reference = distilled["gap"].to_numpy(), table.filter(~pl.col("distilled"))["gap"].to_numpy()
    paired = distilled.filter(pl.col("gap_of_base").is_not_null())
    own = (paired["gap"] - paired["gap_of_base"]).to_numpy()
    groups = (
        _mean("distilled models", gap),
        _mean("reference models", reference),
        _mean("distilled minus its own base", own),
        _welch("distilled minus reference", gap, reference),
    )
    return Gaps(groups, table)


def _mean(name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> MeanGap:
    n = len(values)
    if n < 2:
        return MeanGap(name, n, None, None, None, None, "fewer than two models")
    return _interval(name, n, float(values.mean()), float(values.var(ddof=1)) / n, n - 1)


def _welch(
    name: str, first: np.ndarray[Any, np.dtype[np.float64]], other: np.ndarray[Any, np.dtype[np.float64]]
) -> MeanGap:
    if min(len(first), len(other)) < 2:
        return MeanGap(name, len(first) + len(other), None, None, None, None, "fewer than two models in a group")
    v1, v2 = float(first.var(ddof=1)) / len(first), float(other.var(ddof=1)) / len(other)
    df = (v1 + v2) ** 2 / (v1**2 / (len(first) - 1) + v2**2 / (len(other) - 1))
    return _interval(name, len(first) + len(other), float(first.mean() - other.mean()), v1 + v2, df)


def _interval(name: str, n: int, mean: float, variance: float, df: float) -> MeanGap:
    se = float(np.sqrt(variance))
    half = se * float(t_quantile(0.975, df))
    return MeanGap(name, n, mean, se, mean - half, mean + half)
