"""Pools each study's own rows per role: the lines of a forest plot, and the points of the funnel and dose figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.columns import ROLES
from gauger.evidence.pool import pool_roles
from gauger.evidence.pooled import Analysis, Pooled
from gauger.evidence.restrict import SETS, rows_of
from gauger.stats import CategoryFit, MetaFit, t_quantile


@dataclass(frozen=True)
class StudyLine:
    """One study's pooled estimate on one role."""

    role: str
    study_id: str
    n_rows: int
    estimate: float
    low: float
    high: float
    """95 %, from sampling error and row-level heterogeneity."""
    risk: str

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


@dataclass(frozen=True)
class Forest:
    """Study lines and pooled means, for one set of controls."""

    over: str
    lines: tuple[StudyLine, ...]
    """By role, then by estimate."""
    pooled: tuple[Pooled, ...]
    analysis: Analysis

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return {
            "over": self.over, "lines": [line.to_dict() for line in self.lines],
            "pooled": [mean.to_dict() for mean in self.pooled],
        }  # fmt: skip


def study_forest(frame: pl.DataFrame, over: str) -> Forest:
    """Estimate every study on every role, with the variance components of the pooled fit.

    Within a study the rows of one role are averaged by generalised least squares: weights from the sampling covariance
    (shared controls included) plus the row-level variance of the whole fit. The study-level variance stays out, since
    the line is about this study. So a study of one small benchmark has a wide line and a study of many a short one.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.
    over : str
        A name of `SETS`.
    """
    analysis = pool_roles(rows_of(frame, SETS[over]))
    lines = _lines(analysis) if analysis.fitted is not None else []
    pooled = tuple(mean for mean in analysis.pooled if mean.name in ROLES)
    return Forest(over, tuple(lines), pooled, analysis)


def _lines(analysis: Analysis) -> list[StudyLine]:
    rows, fitted = analysis.rows, analysis.fitted
    if rows is None or fitted is None:
        return []
    at = rows.with_columns(_at=pl.int_range(pl.len()))
    lines = []
    for group in at.partition_by("benchmark_role", "study_id", maintain_order=True):
        first = group.row(0, named=True)
        estimate, se = _within(fitted, group["_at"].to_numpy())
        half = se * float(t_quantile(0.975, np.inf))
        lines.append(
            StudyLine(
                first["benchmark_role"], first["study_id"], len(group), estimate, estimate - half, estimate + half,
                first["risk"],
            )
        )  # fmt: skip
    order = [str(role) for role in ROLES]
    return sorted(lines, key=lambda line: (order.index(line.role), -line.estimate, line.study_id))


def study_means(rows: pl.DataFrame, fitted: MetaFit) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return each study's own mean over some rows of a fit (in its order), and its sampling variance.

    One independent result per study: what selection models are made for.
    """
    at = rows.with_columns(_at=pl.int_range(pl.len()))
    groups = at.partition_by("study_id", maintain_order=True)
    means = np.array([_within(fitted, group["_at"].to_numpy()) for group in groups])
    return means[:, 0], means[:, 1] ** 2


def row_variance(fitted: MetaFit) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the variance of true effects between the rows of a study, for every row of the fit."""
    if isinstance(fitted, CategoryFit):
        return fitted.row_variance()
    tau2 = fitted.tau2[-1] if fitted.data.level_names[-1] == "row" else 0.0
    return np.full(len(fitted.data), tau2)


def _within(fitted: MetaFit, rows: np.ndarray[Any, np.dtype[np.intp]]) -> tuple[float, float]:
    """Generalised least squares mean of some rows of one study, and its standard error."""
    data = fitted.data
    v = np.diag(data.variance[rows] + row_variance(fitted)[rows])
    if data.shared_group is not None and data.shared_variance is not None:
        group = data.shared_group[rows]
        same = (group[:, None] == group[None, :]) & (group >= 0)[:, None] & ~np.eye(len(rows), dtype=bool)
        v = v + same * data.shared_variance[rows][:, None]
    weight = np.linalg.solve(v, np.ones(len(rows)))
    return float(weight @ data.effect[rows] / weight.sum()), float(1 / np.sqrt(weight.sum()))
