"""Counts what reviewers ask for: the flow of rows (PRISMA), the agreement of the two coders, the data dictionary."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.clean import Exclusion
from gauger.evidence.columns import RESULT_COLUMNS, ROLES, STUDY_COLUMNS, Column


@dataclass(frozen=True)
class ReviewStep:
    """One step of the flow: what stays out, and what is left after it."""

    reason: str
    rows: int
    """Rows that stay out here."""
    studies: int
    """Studies with such rows."""
    rows_left: int
    studies_left: int


@dataclass(frozen=True)
class Flow:
    """The flow of rows and studies from the table to the pooled analysis."""

    rows_found: int
    studies_found: int
    steps: tuple[ReviewStep, ...]
    rows_pooled: int
    studies_pooled: int

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


def flow(frame: pl.DataFrame) -> Flow:
    """Count rows and studies at every exclusion rule, in the order of the rules, from `clean.prepare`."""
    left, steps = frame, []
    for reason in Exclusion:
        out = left.filter(pl.col("exclusion") == str(reason))
        left = left.filter((pl.col("exclusion") != str(reason)) | pl.col("exclusion").is_null())
        if len(out):
            counts = (len(out), out["study_id"].n_unique(), len(left), left["study_id"].n_unique())
            steps.append(ReviewStep(str(reason), *counts))
    return Flow(len(frame), frame["study_id"].n_unique(), tuple(steps), len(left), left["study_id"].n_unique())


@dataclass(frozen=True)
class Agreement:
    """Agreement of two coders on the role of a benchmark."""

    n: int
    agreed: float
    """Share (0-1)."""
    kappa: float | None
    """Cohen's kappa; None where both coders gave one value to every row."""
    low: float | None
    high: float | None

    def text(self) -> str:
        """Say it in a sentence."""
        if self.kappa is None:
            return (
                f"The coders agree on {self.agreed:.1%} of {self.n:,} rows; kappa is undefined (one value throughout)."
            )
        return (
            f"The coders agree on {self.agreed:.1%} of {self.n:,} rows (Cohen's kappa {self.kappa:.2f} "
            f"[{self.low:.2f}, {self.high:.2f}])."
        )


def agreement(frame: pl.DataFrame) -> Agreement:
    """Estimate Cohen's kappa of the two codings of `benchmark_role`; an empty alternative means agreement.

    kappa = (p_o - p_e) / (1 - p_e), with the large-sample standard error sqrt(p_o (1 - p_o) / n) / (1 - p_e). Rows of
    one study are coded together, so the interval is too narrow. Source: Cohen (1960), Educ. Psychol. Meas. 20:37.
    """
    first = frame["benchmark_role"].to_numpy().astype(str)
    other = frame.select(pl.coalesce("benchmark_role_alt", "benchmark_role")).to_series().to_numpy().astype(str)
    return kappa(first, other, [str(role) for role in ROLES])


def kappa(first: Any, other: Any, values: Sequence[str]) -> Agreement:
    """Compute Cohen's kappa of two codings of the same things; see `agreement`."""
    n = len(first)
    agreed = float(np.mean(np.asarray(first) == np.asarray(other)))
    chance = sum(float(np.mean(np.asarray(first) == v)) * float(np.mean(np.asarray(other) == v)) for v in values)
    if chance >= 1.0:
        return Agreement(n, agreed, None, None, None)
    estimate = (agreed - chance) / (1 - chance)
    half = 1.959964 * np.sqrt(agreed * (1 - agreed) / n) / (1 - chance)
    return Agreement(n, agreed, estimate, estimate - half, min(1.0, estimate + half))


def dictionary() -> str:
    """Return the data dictionary as CSV: file, column, kind, required, choices, lowest, highest, meaning."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "column", "kind", "required", "choices", "lowest", "highest", "meaning"))
    for file, columns in (("results.csv", RESULT_COLUMNS), ("studies.csv", STUDY_COLUMNS)):
        writer.writerows(_line(file, name, column) for name, column in columns.items())
    return text.getvalue()


def _line(file: str, name: str, column: Column) -> tuple[str, ...]:
    def plain(value: float | None) -> str:
        return "" if value is None else f"{value:g}"

    required = "yes" if column.required else "no"
    return (file, name, column.kind, required, " ".join(column.choices), plain(column.low), plain(column.high),
            column.meaning)  # fmt: skip
