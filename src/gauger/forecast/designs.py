"""Builds the design matrix of a form: which columns its predictors give, and which are pooled together.

Everything that is learned (means, spreads) is learned from the training rows and kept, so that the same columns can be
made for rows that the fit has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.forecast.literature import UNKNOWN, Array, Codes, LiteratureRows, Names
from gauger.forecast.predictors import CATEGORIES, NUMBERS, ROLES
from gauger.stats import FREE

ELSEWHERE = ROLES.index("held-out")


@dataclass(frozen=True)
class Rows:
    """What a design is made from: m rows with their predictors, seen or imagined."""

    role: Codes
    numbers: Mapping[str, Array]
    """NaN where not printed."""
    categories: Mapping[str, Names]
    imagined: bool = False
    """Rows of a scenario: whether a paper prints a number says nothing about it, so indicators stand at their mean."""

    @classmethod
    def of(cls, literature: LiteratureRows) -> Rows:
        """The rows of the literature."""
        return cls(literature.role, literature.numbers, literature.categories)


@dataclass(frozen=True)
class DesignColumn:
    """One column before it is filled."""

    name: str
    predictor: str
    level: str | None = None
    """Level of a category; None for a number; `UNKNOWN` with `gap` for "not printed"."""
    gap: bool = False
    elsewhere: bool = False
    """Only on held-out benchmarks: the difference of a slope there."""


@dataclass(frozen=True)
class DesignPlan:
    """Columns, centres and scales, fixed on the training rows."""

    columns: tuple[DesignColumn, ...]
    penalty: Codes
    """(3 + q,) penalty group per column, the three role means first."""
    centre: Mapping[str, float]
    scale: Mapping[str, float]
    printed_not: Mapping[str, float]
    """Number -> share of the training studies' rows that do not print it, every study once."""

    def matrix(self, rows: Rows) -> Array:
        """Return the design (m, 3 + q)."""
        means = np.eye(len(ROLES))[rows.role]
        return np.column_stack([means, *(self._column(column, rows) for column in self.columns)])

    def _column(self, column: DesignColumn, rows: Rows) -> Array:
        if column.predictor in rows.numbers:
            x = rows.numbers[column.predictor]
            missing = np.isnan(x)
            standard = (x - self.centre[column.predictor]) / self.scale[column.predictor]
            gap = np.full(len(x), self.printed_not[column.predictor]) if rows.imagined else missing.astype(float)
            value = gap if column.gap else np.where(missing, 0.0, standard)
        else:
            value = (rows.categories[column.predictor] == column.level).astype(float)
        return value * (rows.role == ELSEWHERE) if column.elsewhere else value


def plan_design(rows: Rows, study: Codes, predictors: Sequence[str], *, apart: bool, by_role: bool) -> DesignPlan:
    """Plan the columns of some predictors over training rows.

    Parameters
    ----------
    rows : Rows
        n training rows.
    study : int array (n,)
        Study of each: centres and spreads weigh every study once.
    predictors : sequence of str
        Names of `NUMBERS` and `CATEGORIES`.
    apart : bool
        Each predictor has a prior variance of its own; else all main effects share one.
    by_role : bool
        Slopes may differ on held-out benchmarks; the differences are pooled in groups of their own.
    """
    weight = 1.0 / np.bincount(study, minlength=int(study.max()) + 1)[study]
    centre, scale, printed_not = {}, {}, {}
    for number in NUMBERS:
        x = rows.numbers[number.name]
        seen = ~np.isnan(x)
        printed_not[number.name] = float(np.average(~seen, weights=weight))
        if seen.any():
            centre[number.name] = float(np.average(x[seen], weights=weight[seen]))
            spread = float(np.sqrt(np.average((x[seen] - centre[number.name]) ** 2, weights=weight[seen])))
            scale[number.name] = max(spread, 1e-6)
        else:
            centre[number.name], scale[number.name] = 0.0, 1.0
    columns: list[DesignColumn] = []
    groups: list[int] = []
    for place, name in enumerate(predictors):
        for column in _columns_of(name, rows):
            columns.append(column)
            groups.append(place if apart else 0)
    if by_role:
        mains, first = list(zip(columns, groups, strict=True)), max(groups, default=-1) + 1
        for column, group in mains:
            if not column.gap:
                columns.append(DesignColumn(column.name + " elsewhere", column.predictor, column.level, elsewhere=True))
                groups.append(first + group if apart else first)
    penalty = np.array([FREE] * len(ROLES) + groups, dtype=np.intp)
    return DesignPlan(tuple(columns), penalty, centre, scale, printed_not)


def _columns_of(name: str, rows: Rows) -> list[DesignColumn]:
    if name in rows.numbers:
        columns = [DesignColumn(name, name)]
        missing = np.isnan(rows.numbers[name])
        return [*columns, DesignColumn(f"{name} not printed", name, gap=True)] if missing.any() else columns
    category = next(category for category in CATEGORIES if category.name == name)
    columns = [DesignColumn(f"{name}: {level}", name, level) for level in category.levels[1:]]
    unknown = (rows.categories[name] == UNKNOWN).any()
    return [*columns, DesignColumn(f"{name} not told", name, UNKNOWN)] if unknown else columns
