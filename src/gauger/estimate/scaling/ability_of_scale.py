"""Estimates who gains most in a study's scale: uplift against the student's starting ability and size.

The unit is the student, not the cell: what is regressed is each student's mean uplift over the budgets at which all
students of its curve were measured. Cells of one student would pass for independent students, and the interval would be
too narrow by far.

A student's starting ability comes from its untouched base, whose answers enter no uplift. What remains of it in common:
the base and the trained models answer the same items (in the covariance of the uplifts, not in the abilities), and
every replicate of a student starts from the one base that was measured, in the distilled arm and its control alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from gauger.errors import ConvergenceError
from gauger.estimate.cell_means import Case, Cells
from gauger.estimate.contrasts import run_batch
from gauger.estimate.design import Design
from gauger.estimate.estimands import find_estimand
from gauger.estimate.results import tidy
from gauger.estimate.scaling.ability import (
    LEAST_DIFFERENT,
    UpliftSlope,
    uplift_against_ability,
    uplift_against_score,
    uplift_against_size,
)
from gauger.estimate.score_arrays import build_cube
from gauger.estimate.table import complete_table
from gauger.estimate.wanted import plan_one
from gauger.records import ArmKind
from gauger.stats.crossed import FloatArray

NO_BASE = "no untouched student of this curve was scored"
NO_UPLIFT = "no budget at which every student of this curve has an uplift"
NO_VARIATION = "nothing was seen to vary in the uplifts, so that they cannot be weighed"
NOT_CONVERGED = "the fit did not converge"
NOTE = (
    "The unit is the student: its mean uplift over the budgets that all students of the curve were measured at, with "
    "their joint covariance. Starting scores are those of the untouched base, half an item away from 0 and 1 at least, "
    "and taken as known, which flattens the slopes a little."
)


@dataclass(frozen=True)
class Start:
    """One untouched student."""

    student: str
    """As in the points of the scale."""
    n_params: int
    score: float | None
    """Of the untouched base on the role's benchmarks, 0-1; None where it was not measured."""
    n_items: int | None


@dataclass(frozen=True)
class Lifted:
    """The uplift of one distilled cell."""

    arm: str
    curve: str
    student: str
    budget: float
    uplift: float


@dataclass(frozen=True)
class Uplifts:
    """Uplifts of n distilled arms over a role, estimated together."""

    arms: tuple[str, ...]
    value: FloatArray
    """(n,)."""
    covariance: FloatArray
    """(n, n): arms share items, and those of one student and budget their control."""


def joint_uplifts(records: pl.DataFrame, design: Design, role: str) -> Uplifts:
    """Estimate all uplifts over the benchmarks of a role with their joint covariance.

    Parameters
    ----------
    records : pl.DataFrame
        The contract table (`table.complete_table`).
    design : Design
        Every distilled arm is taken, with its own matched control.
    role : str
        Role whose benchmarks are averaged.

    Returns
    -------
    Uplifts
        Values (n,) and covariance (n, n), score scale; undefined uplifts are left out, so n may be 0.

    Raises
    ------
    InputError
        Records that contradict themselves or the design.

    Notes
    -----
    Tested in tests/estimate/test_scale_ability.py.
    """
    cells = Cells(build_cube(complete_table(records, design), design), design)
    target, uplift = cells.average(role), find_estimand("uplift")
    arms = design.of_kind(ArmKind.DISTILLED)
    batch = run_batch(cells, [plan_one("uplift", uplift, Case(cells, a, design.matched_of(a), target)) for a in arms])
    defined = [
        (arm.name, row)
        for arm, row in zip(arms, batch.numerator.tolist(), strict=True)
        if row >= 0 and batch.contrasts.undefined[row] is None
    ]
    rows = [row for _, row in defined]
    return Uplifts(
        tuple(name for name, _ in defined),
        batch.contrasts.value[rows],
        batch.contrasts.joint.among(np.array(rows, dtype=np.int64)),
    )


def ability_document(
    cells: Sequence[Lifted], covariance: FloatArray, starts: Sequence[Start], level: float = 0.95
) -> dict[str, Any]:
    """Say how uplift changes with the student's starting score and size, curve by curve.

    Parameters
    ----------
    cells : n of Lifted
        Distilled cells with a defined uplift.
    covariance : (n, n) array
        Joint covariance of their uplifts.
    starts : sequence of Start
        The untouched students.
    level : float

    Returns
    -------
    dict
        `slopes`: per curve and view (`against`, `unit`) the numbers of `UpliftSlope`, or None and a `reason`;
        `students`: what they rest on; `note`.
    """
    slopes, students = [], []
    for curve in dict.fromkeys(cell.curve for cell in cells):
        of_curve = _students(cells, covariance, starts, curve)
        slopes += [_slope(view, of_curve, level) | {"curve": curve} for view in VIEWS]
        students += [
            {"curve": curve, "student": start.student, "n_params": start.n_params, "score": tidy(start.score)}
            | {"uplift": tidy(float(value)), "se": tidy(float(np.sqrt(max(variance, 0.0))))}
            for start, value, variance in zip(
                of_curve.starts, of_curve.uplift, np.diag(of_curve.covariance), strict=True
            )
        ]
    return {"slopes": slopes, "students": students, "note": NOTE}


@dataclass(frozen=True)
class _Students:
    """The k students of one curve with their mean uplifts."""

    starts: tuple[Start, ...]
    uplift: FloatArray
    covariance: FloatArray
    budgets: tuple[float, ...]
    reason: str | None = None

    @property
    def score(self) -> list[float]:
        """Starting scores, drawn half an item in from 0 and 1, so that they have a logit."""
        counted = [(start.score, start.n_items) for start in self.starts]
        return [(score * n + 0.5) / (n + 1) for score, n in counted if score is not None and n is not None]

    @property
    def size(self) -> list[float]:
        """Weights."""
        return [float(start.n_params) for start in self.starts]


def _students(cells: Sequence[Lifted], covariance: FloatArray, starts: Sequence[Start], curve: str) -> _Students:
    """Average the uplifts of each student over the budgets that all of them have."""
    at = {(cell.student, cell.budget): i for i, cell in enumerate(cells) if cell.curve == curve}
    seen = {student for student, _ in at}
    known = tuple(start for start in starts if start.student in seen and None not in (start.score, start.n_items))
    budgets = tuple(
        budget
        for budget in sorted({budget for _, budget in at})
        if all((start.student, budget) in at for start in known)
    )
    if not known or not budgets:
        return _Students((), np.empty(0), np.empty((0, 0)), (), NO_UPLIFT if known else NO_BASE)
    weights = np.zeros((len(known), len(cells)))
    for row, start in enumerate(known):
        weights[row, [at[start.student, budget] for budget in budgets]] = 1 / len(budgets)
    uplift = np.array([cell.uplift for cell in cells])
    return _Students(known, weights @ uplift, weights @ covariance @ weights.T, budgets)


@dataclass(frozen=True)
class _View:
    """One property of the student."""

    against: str
    unit: str
    few: str
    """What there are too few of."""
    values: Callable[[_Students], list[float]]
    fit: Callable[[Sequence[float], Sequence[float], FloatArray, float], UpliftSlope | None]


VIEWS = (
    _View("starting ability", "logit", "starting abilities", lambda students: students.score, uplift_against_ability),
    _View(
        "starting score", "10 points higher", "starting scores", lambda students: students.score, uplift_against_score
    ),
    _View("student's size", "doubling of parameters", "sizes", lambda students: students.size, uplift_against_size),
)
NUMBERS = ("slope", "se", "low", "high", "df", "at_mean", "mean")


def _slope(view: _View, students: _Students, level: float) -> dict[str, Any]:
    """Regress on one property; where that cannot be done the numbers are None beside the reason."""
    about = {"against": view.against, "unit": view.unit, "n": len(students.starts), "budgets": list(students.budgets)}
    slope, reason = None, students.reason
    if reason is None:
        slope, reason = _fitted(view, students, level)
    numbers = {} if slope is None else {name: tidy(value) for name, value in asdict(slope).items() if name in NUMBERS}
    return about | {**dict.fromkeys(NUMBERS), **numbers, "level": level, "reason": reason}


def _fitted(view: _View, students: _Students, level: float) -> tuple[UpliftSlope | None, str | None]:
    if not (np.diag(students.covariance) > 0).all():
        return None, NO_VARIATION
    values = view.values(students)
    try:
        slope = view.fit(values, students.uplift.tolist(), students.covariance, level)
    except ConvergenceError:
        return None, NOT_CONVERGED
    if slope is None:
        return None, f"fewer than {LEAST_DIFFERENT} different {view.few} ({len(set(values))})"
    return slope, None
