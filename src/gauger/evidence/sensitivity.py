"""How far does the headline move? Every restriction, every study left out, and small-study effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.evidence.effects import Array, add_effects
from gauger.evidence.headline import Headline, headline_of
from gauger.evidence.pool import meta_data, pool, role_terms
from gauger.evidence.pooled import MIN_STUDIES, PRESPECIFIED, Model, Pooled
from gauger.evidence.restrict import PRESPECIFIED_ROWS, RESTRICTIONS, SETS, Restriction, largest_studies, rows_of
from gauger.stats.random_effects import search

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
        Moved(one.name, one.doubt, str(one.model.scale), headline_of(frame, one))
        for one in (PRESPECIFIED_ROWS, *restrictions)
    )


@dataclass(frozen=True)
class LeftOut:
    """The headline without one study."""

    study_id: str
    n_rows: int
    """Rows it had in the analysis."""
    means: dict[str, float]
    """Role -> pooled mean without it, points."""
    shifts: dict[str, float]
    """Role -> that minus the mean with it."""


@dataclass(frozen=True)
class Influence:
    """Which studies carry the headline."""

    over: str
    """The set of controls."""
    left_out: tuple[LeftOut, ...]
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


def influence(frame: pl.DataFrame, over: str) -> Influence:
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
        lines.append(LeftOut(study, sizes[study], means, shifts))
    lines.sort(key=lambda line: -max((abs(shift) for shift in line.shifts.values()), default=0.0))
    ranges = {role: _range([line.means[role] for line in lines if role in line.means]) for role in CARRIED}
    largest = largest_studies(rows, 4)
    share = sum(sizes[study] for study in largest) / max(1, len(rows))
    return Influence(over, tuple(lines), ranges, tuple(largest), share)


def _range(means: list[float]) -> tuple[float, float] | None:
    return (min(means), max(means)) if means else None


def role_means(
    rows: pl.DataFrame, model: Model = PRESPECIFIED, start: Array | None = None
) -> tuple[dict[str, float], Array]:
    """Pooled mean per role, and the variance components: the part of `pool_roles` that leave-one-out repeats.

    Empty where fewer than two studies, or no more rows than roles, are left. `start` saves steps of the search; it is
    not used where the levels differ from those it came from.
    """
    terms = role_terms(rows)
    if len(rows) <= len(terms) or rows["study_id"].n_unique() < MIN_STUDIES:
        return {}, np.zeros(0)
    data = meta_data(add_effects(rows, model.scale), terms, model)
    near = start if start is not None and len(start) == len(data.levels) else None
    found = search(data, start=near)
    return dict(zip(terms, found.at.beta.tolist(), strict=True)), found.tau2


@dataclass(frozen=True)
class SmallStudy:
    """Do rows from small benchmarks show larger gains?"""

    over: str
    slope: Pooled
    """Points of uplift per unit of 1 / sqrt(n_items), within role; positive: small benchmarks gain more."""
    at_large: dict[str, Pooled]
    """Role -> mean uplift extrapolated to a benchmark without sampling error (1 / sqrt(n) = 0)."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of the JSON output."""
        return asdict(self)


def small_study_effects(frame: pl.DataFrame, over: str) -> SmallStudy:
    """Regress the uplift on 1 / sqrt(n_items), within roles.

    Egger's test regresses on the standard error. The standard error of a proportion depends on the proportion, which
    makes that test find asymmetry where there is none; 1 / sqrt(n) does not (Peters et al. 2006, JAMA 295:676). A small
    benchmark is also a hard one (AIME has 30 items), so a slope is no proof of selective publication.
    """
    rows = rows_of(frame, SETS[over])
    precision = 1 / rows["n_items"].cast(pl.Float64).sqrt().to_numpy()
    analysis = pool(rows, {**role_terms(rows), "1 / sqrt(n)": precision})
    means = {one.name: one for one in analysis.pooled if one.name in CARRIED}
    return SmallStudy(over, analysis["1 / sqrt(n)"], means)
