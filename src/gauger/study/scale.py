"""Turns the cells of a study's scale into points of curves: scores, losses, tokens and spendings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import polars as pl

from gauger.estimate import (
    CONTROL,
    Design,
    FitRequest,
    Lifted,
    ScalePoint,
    Start,
    ability_document,
    estimate_study,
    joint_uplifts,
    scale_document,
)
from gauger.records import ArmInfo, ArmKind, Estimate
from gauger.spec import ScaledCell
from gauger.stats import Search
from gauger.store import read_json
from gauger.study.plan import Plan
from gauger.study.published_slopes import who_gains_in_literature
from gauger.study.results import Collected

DRAWS, STARTS = 500, 100
FLOPS_OF_ANSWERING = 2.0
"""Compute per parameter and token that a model reads or writes: the forward pass alone, a third of training's."""


def scaling(plan: Plan, collected: Collected, done: Mapping[str, Path], level: float) -> dict[str, Any] | None:
    """Estimate the scale of a study; None where it has none.

    Parameters
    ----------
    plan, collected
        The study's plan, and what its run has produced.
    done : Mapping
        Key of a job -> the directory of its result.
    level : float
        Coverage of intervals.
    """
    scale = plan.study.scale
    if scale is None:
        return None
    design, records = _design(plan), _records(plan, collected)
    estimates = _estimates(plan, records, design)
    losses = _losses(plan, done)
    points = [
        point
        for cell in plan.scaled
        if cell.of is not None and (point := _point(plan, cell, estimates, losses, collected)) is not None
    ]
    document = scale_document(
        points, str(scale.role), scale.held_out, FitRequest(draws=DRAWS, level=level, search=Search(starts=STARTS))
    )
    uplifts = joint_uplifts(records, design, str(scale.role))
    named = {point.arm: point for point in points}
    kept = [i for i, arm in enumerate(uplifts.arms) if arm in named]
    cells = [_lifted(named[uplifts.arms[i]], float(uplifts.value[i])) for i in kept]
    ability = ability_document(cells, uplifts.covariance[np.ix_(kept, kept)], _starts(plan, estimates, losses), level)
    return document | {"ability": ability, "literature": who_gains_in_literature()}


def _lifted(point: ScalePoint, uplift: float) -> Lifted:
    return Lifted(point.arm, point.curve, point.student, point.budget, uplift)


def _starts(
    plan: Plan, estimates: Mapping[tuple[str, str], Estimate], losses: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Start]:
    """List the untouched students that were measured."""
    starts = []
    for cell in plan.scaled:
        if cell.kind is ArmKind.BASE and (measured := losses.get(cell.name)):
            score = estimates.get(("score", cell.name))
            start_score = (score.value, score.n_items) if score else (None, None)
            starts.append(Start(_student(cell), int(measured[0]["parameters"]), *start_score))
    return starts


def _student(cell: ScaledCell) -> str:
    return f"{cell.size}, base of {cell.base_steps} steps"


def _records(plan: Plan, collected: Collected) -> pl.DataFrame:
    return collected.records.filter(pl.col("arm").is_in(sorted({cell.name for cell in plan.scaled})))


def _design(plan: Plan) -> Design:
    """Say to the estimator what the cells are, each distilled one with its control."""
    study = plan.study
    arms = tuple(ArmInfo(cell.name, str(cell.kind), "", matched=cell.matched) for cell in plan.scaled)
    roles = {name: str(role) for name, role in study.roles.items()}
    estimation = study.estimation
    return Design(
        arms=arms,
        roles=roles,
        paired=estimation.paired,
        moderated=estimation.moderated,
        level=estimation.level,
        unparsed_wrong=study.unparsed == "wrong",
    )


def _estimates(plan: Plan, records: pl.DataFrame, design: Design) -> dict[tuple[str, str], Estimate]:
    """Score every cell, each distilled one against its control, over the scale's role; by (estimand, arm)."""
    estimates = estimate_study(records, design).estimates
    role = str(plan.study.scale.role) if plan.study.scale is not None else ""
    return {
        (estimate.estimand, estimate.arm): estimate
        for estimate in estimates
        if estimate.over == role and estimate.benchmark is None
    }


def _losses(plan: Plan, done: Mapping[str, Path]) -> dict[str, list[dict[str, Any]]]:
    """Read the losses that were measured, replicate by replicate."""
    names = {cell.name for cell in plan.scaled}
    losses: dict[str, list[dict[str, Any]]] = {}
    for cell in plan.cells:
        if cell.arm in names and cell.records in done:
            losses.setdefault(cell.arm, []).append(read_json(done[cell.records] / "loss.json"))
    return losses


def _point(
    plan: Plan,
    cell: ScaledCell,
    estimates: Mapping[tuple[str, str], Estimate],
    losses: Mapping[str, Sequence[Mapping[str, Any]]],
    collected: Collected,
) -> ScalePoint | None:
    """Put one cell's point together; None where nothing of it was measured."""
    measured = losses.get(cell.name, ())
    if not measured:
        return None
    of_role = [_mean_loss(plan, measurement) for measurement in measured]
    teacher = losses.get(f"scale:teacher:t{cell.teacher_steps}", ())
    score, uplift = estimates.get(("score", cell.name)), estimates.get(("uplift", cell.name))
    spent = collected.ledger.by_use().filter(arm=cell.name, source="teacher")
    through_teacher = float(spent["stated_in"].sum()) + float(spent["stated_out"].sum())
    n, cells = len(measured), [other for other in plan.scaled if other.of is not None]
    return ScalePoint(
        arm=cell.name,
        curve=CONTROL if cell.kind is ArmKind.MATCHED else f"distilled, teacher of {cell.teacher_steps} steps",
        n_params=int(measured[0]["parameters"]),
        n_tokens=float(collected.training.filter(arm=cell.name)["tokens"].sum()) / n,
        budget=cell.budget,
        student=_student(cell),
        base=f"base of {cell.base_steps} steps" if len({other.base_steps for other in cells}) > 1 else "",
        accuracy=score.value if score else None,
        accuracy_se=score.se if score else None,
        loss=fmean(of_role),
        loss_se=stdev(of_role) / n**0.5 if n > 1 else None,
        n_items=score.n_items if score else None,
        n_replicates=n,
        teacher_loss=_mean_loss(plan, teacher[0]) if teacher else None,
        teacher_tokens=float(spent["stated_out"].sum()) / n if spent.height else None,
        teacher_flops=FLOPS_OF_ANSWERING * int(teacher[0]["parameters"]) * through_teacher / n
        if teacher and spent.height
        else None,
        queries=float(spent["queries"].sum()) / n if spent.height else None,
        uplift=uplift.value if uplift else None,
        uplift_low=uplift.low if uplift else None,
        uplift_high=uplift.high if uplift else None,
    )


def _mean_loss(plan: Plan, measured: Mapping[str, Any]) -> float:
    """Average a model's losses over the benchmarks of the scale's role."""
    scale = plan.study.scale
    names = [
        name for name, benchmark in plan.study.benchmarks.items() if scale is not None and benchmark.role == scale.role
    ]
    return fmean(measured["loss"][name] for name in names)
