"""Reads the literature's rows as arrays: effects in log-odds and points, their sampling covariance, and predictors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gauger.evidence import EffectUnit, add_effects, rows_of, shared_controls
from gauger.forecast.predictors import CATEGORIES, NUMBERS, ROLES, add_predictors

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Names = NDArray[np.str_]
UNKNOWN = ""
"""Level of a category that the source does not tell."""


@dataclass(frozen=True)
class LiteratureRows:
    """n rows of the literature, ready for a model; every array has n entries."""

    study: Codes
    studies: tuple[str, ...]
    """Names behind the codes."""
    model: Codes
    """Distilled model, nested in its study."""
    role: Codes
    """Position in `ROLES`."""
    start: Array
    """Control's score as a share, kept off 0 and 1 by half an item."""
    end: Array
    """Student's score, likewise."""
    n_items: Array
    effects: Mapping[str, tuple[Array, Array, Array]]
    """Scale (`logit`, `points`) -> effect, sampling variance, the part shared with rows of the same control score."""
    shared: Codes
    """Label of the control score where several rows share it, else -1."""
    numbers: Mapping[str, Array]
    """Numeric predictor -> values, NaN where not printed."""
    categories: Mapping[str, Names]
    """Categorical predictor -> levels, `UNKNOWN` where not told."""
    year: Codes
    frame: pl.DataFrame
    """The rows themselves."""

    def __len__(self) -> int:
        return len(self.study)

    @cached_property
    def change(self) -> Array:
        """Observed change in percentage points, from the scores kept off their ends."""
        return np.asarray(100.0 * (self.end - self.start))

    def take(self, rows: NDArray[Any]) -> LiteratureRows:
        """Keep the rows of a mask or index."""
        index = np.arange(len(self))[rows]
        return LiteratureRows(
            self.study[index], self.studies, self.model[index], self.role[index], self.start[index], self.end[index],
            self.n_items[index],
            {scale: (a[index], b[index], c[index]) for scale, (a, b, c) in self.effects.items()},
            self.shared[index], {k: v[index] for k, v in self.numbers.items()},
            {k: v[index] for k, v in self.categories.items()}, self.year[index], self.frame[index],
        )  # fmt: skip

    def blocks(self, scale: str) -> tuple[tuple[Codes, Array], ...]:
        """Sampling covariance by study: (rows, V), rows that share a control score sharing its variance."""
        _, variance, control = self.effects[scale]
        covariances = []
        for code in np.unique(self.study):
            rows = np.flatnonzero(self.study == code)
            group = self.shared[rows]
            same = (group[:, None] == group[None, :]) & (group[:, None] >= 0)
            v = same * np.minimum.outer(control[rows], control[rows])
            v[np.diag_indices(len(rows))] = variance[rows]
            covariances.append((rows, v))
        return tuple(covariances)


def read_literature(prepared: pl.DataFrame) -> LiteratureRows:
    """Select and arrange the rows: every pooled row whose role is forecast.

    Parameters
    ----------
    prepared : DataFrame
        All rows, from `evidence.prepare`.
    """
    rows = rows_of(prepared).filter(pl.col("benchmark_role").is_in(ROLES))
    return arrange(rows)


def arrange(rows: pl.DataFrame) -> LiteratureRows:
    """Turn pooled rows into arrays.

    Parameters
    ----------
    rows : DataFrame
        Rows of `evidence.rows_of`, all of a forecast role.
    """
    rows = add_predictors(rows)
    studies, study = np.unique(rows["study_id"].to_numpy().astype(str), return_inverse=True)
    names = rows.select(pl.concat_str("study_id", "model", "base", separator="|")).to_series().to_numpy().astype(str)
    n = rows["n_items"].cast(pl.Float64).to_numpy()
    start, end = (_off_the_ends(rows[f"score_{which}"].to_numpy() / 100, n) for which in ("control", "distilled"))
    effects = {}
    for scale, unit in (("logit", EffectUnit.LOG_ODDS), ("points", EffectUnit.POINTS)):
        with_effects = add_effects(rows, unit)
        effects[scale] = (
            with_effects["effect"].to_numpy(),
            with_effects["variance"].to_numpy(),
            with_effects["control_variance"].to_numpy(),
        )
    effects["logit"] = (_logit(end) - _logit(start), *effects["logit"][1:])
    effects["arcsine"] = (np.arcsin(np.sqrt(end)) - np.arcsin(np.sqrt(start)), 0.5 / n, 0.25 / n)
    return LiteratureRows(
        study.ravel().astype(np.intp), tuple(map(str, studies)), np.unique(names, return_inverse=True)[1].ravel(),
        np.array([ROLES.index(role) for role in rows["benchmark_role"].to_list()], dtype=np.intp), start, end, n,
        effects, shared_controls(rows),
        {number.name: rows[f"x:{number.name}"].cast(pl.Float64).fill_null(np.nan).to_numpy() for number in NUMBERS},
        {kind.name: rows[f"x:{kind.name}"].fill_null(UNKNOWN).to_numpy().astype(str) for kind in CATEGORIES},
        rows["year"].to_numpy().astype(np.intp), rows,
    )  # fmt: skip


def _off_the_ends(share: Array, n: Array) -> Array:
    return np.clip(share, 0.5 / n, 1.0 - 0.5 / n)


def _logit(p: Array) -> Array:
    return np.asarray(np.log(p) - np.log1p(-p))
