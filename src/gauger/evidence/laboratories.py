"""Estimates the noise between laboratories: the same model on the same benchmark, measured by several of them.

A model's score enters once per study. Both distilled students and untouched bases count, since both are published
again and again. What the scores differ by beyond item sampling is what a reader should expect when a number from one
paper is set beside a number from another.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.effects import EffectUnit, score_variance

LARGE = 100


@dataclass(frozen=True)
class Laboratories:
    """Between-laboratory noise."""

    table: pl.DataFrame
    """One line per model and benchmark with at least two studies: `subject` (the model), `bench`, `kind` (distilled
    or base), `scores` and `studies` (lists), `n_laboratories`, `mean`, `sd` (points, n - 1), `range`, `sampling_sd`
    (binomial, of one score)."""
    n_models: int
    n_pairs: int
    """Lines of the table."""
    sd: float | None
    """Pooled standard deviation between laboratories, points: sqrt of the df-weighted mean of sd squared."""
    sampling_sd: float | None
    """What item sampling alone would give if every laboratory drew its own items: an upper bound, they share them."""
    sd_large: float | None
    """The same on benchmarks of 100 items or more, where sampling alone gives little."""
    sampling_sd_large: float | None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {**asdict(self), "table": self.table.to_dicts()}


def between_laboratories(frame: pl.DataFrame) -> Laboratories:
    """Collect repeated measurements from all rows of `clean.prepare` and pool their spread.

    Rows with a suspected artefact stay out. Where a study prints a model twice on one benchmark (two harnesses), its
    mean counts. Undefined where nothing was measured twice.
    """
    rows = frame.filter((pl.col("score_scale") == "percent") & ~pl.col("artefact"))
    base = (pl.col("contrast") == "untouched-base") & pl.col("score_control").is_not_null()
    measured = pl.concat([
        rows.select("study_id", "bench", "n_items", subject="model", score="score_distilled", kind=pl.lit("distilled")),
        rows.filter(base & ~pl.col("base").str.starts_with("from scratch")).select(
            "study_id", "bench", "n_items", subject="base", score="score_control", kind=pl.lit("base")
        ),
    ])  # fmt: skip
    once = measured.group_by("subject", "bench", "kind", "study_id", maintain_order=True).agg(
        pl.col("score").mean(), pl.col("n_items").first()
    )
    table = once.group_by("subject", "bench", "kind", maintain_order=True).agg(
        scores=pl.col("score"), studies=pl.col("study_id"), n_laboratories=pl.len(), n_items=pl.col("n_items").max(),
        mean=pl.col("score").mean(), sd=pl.col("score").std(), range=pl.col("score").max() - pl.col("score").min(),
    ).filter(pl.col("n_laboratories") > 1)  # fmt: skip
    table = _with_sampling(table).sort("range", descending=True)
    return _pooled(table)


def _with_sampling(table: pl.DataFrame) -> pl.DataFrame:
    known = table["n_items"].is_not_null().to_numpy()
    sd = np.full(len(table), np.nan)
    share, n_items = table["mean"].to_numpy() / 100, table["n_items"].cast(pl.Float64).to_numpy()
    sd[known] = np.sqrt(score_variance(share[known], n_items[known], EffectUnit.POINTS))
    return table.with_columns(sampling_sd=pl.Series(sd, nan_to_null=True))


def _pooled(table: pl.DataFrame) -> Laboratories:
    if table.is_empty():
        return Laboratories(table, 0, 0, None, None, None, None, "nothing was measured twice")
    sized = table.filter(pl.col("n_items").is_not_null())
    large = table.filter(pl.col("n_items") >= LARGE)
    return Laboratories(
        table, table["subject"].n_unique(), len(table), _spread(table, "sd"), _spread(sized, "sampling_sd"),
        _spread(large, "sd"), _spread(large, "sampling_sd"),
    )  # fmt: skip


def _spread(table: pl.DataFrame, column: str) -> float | None:
    if table.is_empty():
        return None
    weight = table["n_laboratories"].to_numpy() - 1
    return float(np.sqrt(np.average(table[column].to_numpy() ** 2, weights=weight)))
