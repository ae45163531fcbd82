"""Measures how far the headline moves: every restriction, every study left out, and small-study effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.effects import Array, add_effects
from gauger.evidence.headlines import Headline, headline_of
from gauger.evidence.pool import fit_rows, pool, role_terms, variance_category
from gauger.evidence.pooled import MIN_STUDIES, PRESPECIFIED, STRUCTURE, TOO_FEW, Pooled, PoolingModel
from gauger.evidence.restrict import PRESPECIFIED_ROWS, RESTRICTIONS, SETS, Restriction, largest_studies, rows_of
from gauger.stats import Structure

CARRIED = ("targeted", "fresh", "held-out")
"""The roles of the headline."""


@dataclass(frozen=True)
class Moved:
    """The headline under one restriction."""

    name: str
    doubt: str
    unit: str
    headline: Headline

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        sets = {
            "untouched": self.headline.untouched,
            "controls": self.headline.controls,
            "matched": self.headline.matched,
        }
        return {"name": self.name, "doubt": self.doubt, "unit": self.unit} | {
            key: analysis.to_dict() for key, analysis in sets.items()
        }


def under_restrictions(frame: pl.DataFrame, restrictions: Sequence[Restriction] = RESTRICTIONS) -> tuple[Moved, ...]:
    """Compute the headline as pre-specified and under every restriction, from all rows of `clean.prepare`."""
    return tuple(
        Moved(restriction.name, restriction.doubt, str(restriction.model.scale), headline_of(frame, restriction))
        for restriction in (PRESPECIFIED_ROWS, *restrictions)
    )


@dataclass(frozen=True)
class HeadlineWithout:
    """The headline without one study."""

    study_id: str
    n_rows: int
    """Rows it had in the analysis."""
    means: dict[str, float]
    """Role -> pooled mean without it, points."""
    shifts: dict[str, float]
    """Role -> that minus the mean with it."""


@dataclass(frozen=True)
class HeadlineInfluence:
    """Which studies carry the headline."""

    over: str
    """The set of controls."""
    left_out: tuple[HeadlineWithout, ...]
    """Every study, by the size of its largest shift."""
    ranges: dict[str, tuple[float, float] | None]
    """Role -> smallest and largest mean when any one study is left out; None where no other study has the role."""
    largest: tuple[str, ...]
    """The four studies with most rows."""
    largest_share: float
    """Their share of the rows."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


def influence(frame: pl.DataFrame, over: str) -> HeadlineInfluence:
    """Leave out one study at a time and refit, variance components and all.

    Parameters
    ----------
    frame : DataFrame
        All rows, from `clean.prepare`.
    over : str
        A name of `SETS`.
    """
    rows = rows_of(frame, SETS[over])
    full, tau2 = role_means(rows)
    sizes = dict(rows.group_by("study_id").len().iter_rows())
    lines = []
    for study in sorted(sizes):
        means, _ = role_means(rows.filter(pl.col("study_id") != study), start=tau2)
        shifts = {role: means[role] - full[role] for role in CARRIED if role in means and role in full}
        lines.append(HeadlineWithout(study, sizes[study], means, shifts))
    lines.sort(key=lambda line: -max((abs(shift) for shift in line.shifts.values()), default=0.0))
    ranges = {role: _range([line.means[role] for line in lines if role in line.means]) for role in CARRIED}
    largest = largest_studies(rows, 4)
    share = sum(sizes[study] for study in largest) / max(1, len(rows))
    return HeadlineInfluence(over, tuple(lines), ranges, tuple(largest), share)


def _range(means: list[float]) -> tuple[float, float] | None:
    return (min(means), max(means)) if means else None


def role_means(
    rows: pl.DataFrame, model: PoolingModel = PRESPECIFIED, start: Array | None = None
) -> tuple[dict[str, float], Array]:
    """Pooled mean per role, and the variance components: the part of `pool_roles` that leave-one-out repeats.

    Empty where fewer than two studies, or no more rows than roles, are left. `start` saves steps of the search; it is
    not used where the levels differ from those it came from.
    """
    terms = role_terms(rows)
    if len(rows) <= len(terms) or rows["study_id"].n_unique() < MIN_STUDIES:
        return {}, np.zeros(0)
    effects = add_effects(rows, model.scale)
    category = variance_category(effects)
    near = start if start is not None and category is not None and len(start) == _size(category) else None
    fitted = fit_rows(effects, terms, model, robust=False, start=near)
    return dict(zip(terms, fitted.beta.tolist(), strict=True)), fitted.tau2


def _size(category: np.ndarray[Any, np.dtype[np.str_]]) -> int:
    """Count the free numbers of a fit by role."""
    return Structure(*STRUCTURE, len(np.unique(category))).parameters


@dataclass(frozen=True)
class SmallStudy:
    """Do rows from small benchmarks show larger gains?"""

    over: str
    slopes: tuple[Pooled, ...]
    """Per role: points of uplift per unit of 1 / sqrt(n_items); positive: small benchmarks gain more."""
    at_large: dict[str, Pooled]
    """Role -> mean uplift extrapolated to a benchmark without sampling error (1 / sqrt(n) = 0)."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


def small_study_effects(frame: pl.DataFrame, over: str) -> SmallStudy:
    """Regress the uplift on 1 / sqrt(n_items), a slope per role: one for all roles averages opposite ones away.

    Egger's test regresses on the standard error. The standard error of a proportion depends on the proportion, which
    makes that test find asymmetry where there is none; 1 / sqrt(n) does not (Peters et al. 2006, JAMA 295:676). A small
    benchmark is also a hard one (AIME has 30 items), so a slope is no proof of selective publication.
    """
    rows = rows_of(frame, SETS[over])
    precision = 1 / rows["n_items"].cast(pl.Float64).sqrt().to_numpy()
    means = role_terms(rows)
    studies = {role: rows.filter(pl.col("benchmark_role") == role)["study_id"].n_unique() for role in means}
    sloped = [role for role in CARRIED if role in means and studies[role] > MIN_STUDIES]
    analysis = pool(rows, {**means, **{f"{role}: slope": means[role] * precision for role in sloped}})
    slopes = []
    for role in CARRIED:
        if role in sloped:
            slopes.append(replace(analysis[f"{role}: slope"], name=role))
        else:
            slopes.append(Pooled(role, 0, studies.get(role, 0), reason=TOO_FEW))
    at_large = {pooled.name: pooled for pooled in analysis.pooled if pooled.name in CARRIED}
    return SmallStudy(over, tuple(slopes), at_large)
