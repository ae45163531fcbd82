"""Prepares the arrays that every specification of the multiverse selects from: masks, roles and effects, made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.clean import Exclusion, Handicap
from gauger.evidence.columns import UPLIFT_CONTRASTS, Contrast
from gauger.evidence.effects import Array, Codes, EffectUnit, add_effects, shared_controls
from gauger.evidence.restrict import AS_FOUND
from gauger.evidence.switches import SWITCHES

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class RowArrays:
    """Everything that a specification selects from, as arrays over the rows that any of them uses."""

    study: Codes
    control: Codes
    """Key of the control score."""
    flags: Mapping[tuple[str, str], Mask]
    """(switch, option) -> rows that it lets in."""
    roles: Mapping[str, np.ndarray[Any, np.dtype[np.str_]]]
    effects: Mapping[str, tuple[Array, Array, Array]]
    """Scale -> effect, variance, control variance."""
    start_score: Array
    """Control score, per cent."""


def columns_of(frame: pl.DataFrame) -> RowArrays:
    """Collect the rows that any specification lets in, from all rows of `clean.prepare`."""
    as_found = pl.col("exclusion").is_in([str(rule) for rule in AS_FOUND]) | pl.col("exclusion").is_null()
    rows = frame.filter(
        (as_found | (pl.col("exclusion") == str(Exclusion.HANDICAPPED)))
        & pl.col("contrast").is_in([str(contrast) for contrast in UPLIFT_CONTRASTS])
        & pl.col("score_control").is_not_null() & pl.col("score_distilled").is_not_null()
        & (pl.col("score_scale") == "percent") & ~pl.col("lower_is_better") & pl.col("n_items").is_not_null()
    )  # fmt: skip

    def mask(condition: pl.Expr) -> Mask:
        return np.asarray(rows.select(condition.fill_null(False)).to_series().to_numpy())

    excluded = pl.col("exclusion")
    y, unclear = pl.col("handicap") == str(Handicap.FORMAT), pl.col("handicap").is_not_null()
    clean = excluded.is_null() | (excluded == str(Exclusion.HANDICAPPED))
    flags = {
        ("control", "untouched base"): mask(pl.col("contrast") == str(Contrast.UNTOUCHED)),
        ("sources", "checked or primary"): mask(pl.col("source_grade") != "secondary"),
        ("sources", "primary"): mask(pl.col("source_grade") == "primary"),
        ("handicapped controls", "left out"): ~mask(y),
        ("handicapped controls", "doubtful left out too"): ~mask(unclear),
        ("cleaning", "rules"): mask(clean),
        ("risk of bias", "no high risk"): mask(pl.col("risk") != "high"),
        ("risk of bias", "low risk"): mask(pl.col("risk") == "low"),
    }
    whole = np.ones(len(rows), dtype=bool)
    flags |= {(s.name, option): flags.get((s.name, option), whole) for s in SWITCHES for option in s.options}
    effects = {}
    for name, scale in (("points", EffectUnit.POINTS), ("log-odds", EffectUnit.LOG_ODDS)):
        scaled = add_effects(rows, scale)
        effects[name] = tuple(scaled[c].to_numpy() for c in ("effect", "variance", "control_variance"))
    second = pl.coalesce("benchmark_role_alt", "benchmark_role")
    roles = {
        "first coder": rows["benchmark_role"].to_numpy().astype(str),
        "second coder": rows.select(second).to_series().to_numpy().astype(str),
    }
    study = np.unique(rows["study_id"].to_numpy().astype(str), return_inverse=True)[1].ravel()
    shared = shared_controls(rows)
    return RowArrays(study, shared, flags, roles, effects, rows["score_control"].to_numpy())  # type: ignore[arg-type]
