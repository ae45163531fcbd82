"""Proposes how a budget is best spent, from a pilot run: replicates for the verdict, cells for the forecast."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gauger.errors import InputError, Place
from gauger.estimate import (
    Allocation,
    Cells,
    FitRequest,
    NextCells,
    SharedTraining,
    build_cube,
    complete_table,
    plan_verdict,
    propose_allocation,
    propose_cells,
    read_points,
)
from gauger.records import ArmInfo, ArmKind
from gauger.stats import Search
from gauger.store import read_document, read_parquet
from gauger.study.costs import training_flops
from gauger.study.document import make_design
from gauger.study.plan import Plan
from gauger.study.scale import DRAWS, STARTS
from gauger.study.unedited import require_unedited
from gauger.worlds import World


@dataclass(frozen=True)
class Proposal:
    """What `gauger plan --pilot` says."""

    budget: float
    """FLOPs of all replicates together."""
    allocation: Allocation | None
    """None: the pilot does not tell, or the budget does not pay two replicates of every arm."""
    cells: NextCells | None = None
    """Where the study has a scale: which cells to train next, for a budget of their own."""
    cells_budget: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain mapping of `gauger plan --json`."""
        return asdict(self)


def propose(
    plan: Plan, world: World, pilot: Path, budget: float | None, target: tuple[float, float] | None = None
) -> Proposal:
    """Propose how many replicates each arm of the verdict's estimate should have, and which cells a scale lacks.

    Parameters
    ----------
    plan, world
        The study's.
    pilot : Path
        Directory of an earlier run of the study, with at least two replicates.
    budget : float, optional
        Training FLOPs of all replicates; None: what the plan as it stands trains after base and teacher. For a scale's
        new cells the same number, and None: as much as its cells took.
    target : (float, float), optional
        Parameters and tokens at which the scale's forecast is wanted; None: twice those of its largest cell.

    Raises
    ------
    InputError
        Where the directory holds no records, or records of another study.
    """
    path = pilot / "records.parquet"
    if not path.exists():
        hint = "Give the directory of a run of this study; a few replicates are enough."
        raise InputError("a run's records.parquet", "no such file", Place(str(path)), hint)
    require_unedited(pilot)
    records = read_parquet(path)
    study = plan.study
    known = {arm.name for arm in plan.arms} | {"teacher"}
    strangers = sorted(set(records["arm"].unique()) - known - {cell.name for cell in plan.scaled})
    if strangers:
        raise InputError("records of this study", f"an arm {strangers[0]!r} that it has not", Place(str(path)))
    arms = [ArmInfo("teacher", ArmKind.TEACHER, "")]
    arms += [
        ArmInfo(arm.name, str(arm.kind), "", None if arm.kind is ArmKind.MATCHED else arm.matched) for arm in plan.arms
    ]
    benchmarks = {name: world.benchmark(name) for name in study.benchmarks}
    design = make_design(study, arms, benchmarks)
    cells = Cells(
        build_cube(complete_table(records.filter(pl.col("arm").is_in(sorted(known))), design), design), design
    )
    works = _works(plan, world)
    spent = sum(work.cost for work in works) * study.replicates if budget is None else budget
    allocation = (
        None if design.rule is None else propose_allocation(cells, plan_verdict(cells, design.rule), works, spent)
    )
    return Proposal(spent, allocation, *_next_cells(plan, pilot, budget, target))


def _next_cells(
    plan: Plan, pilot: Path, budget: float | None, target: tuple[float, float] | None
) -> tuple[NextCells, float] | tuple[None, None]:
    """Propose cells where the pilot has measured a scale."""
    path = pilot / "estimates.json"
    if plan.study.scale is None or not path.exists():
        return None, None
    scaling = read_document(path).scaling
    points = [] if scaling is None else read_points(scaling)
    if not points:
        return None, None
    spend = sum(point.flops * point.n_replicates for point in points) if budget is None else budget
    request = FitRequest(draws=DRAWS, level=plan.study.estimation.level, search=Search(starts=STARTS))
    return propose_cells(points, spend, request, target), spend


def _works(plan: Plan, world: World) -> list[SharedTraining]:
    """List what one replicate of every arm trains; stages that arms share stand once, with all their arms."""
    flops = training_flops(plan, world)
    arms: dict[str, list[str]] = {}
    for cell in plan.cells:
        for key in cell.stages if cell.replicate == 0 else ():
            arms.setdefault(key, []).append(cell.arm)
    known = {arm.name for arm in plan.arms}
    return [
        SharedTraining(flops[key], tuple(names))
        for key, names in arms.items()
        if key in flops and known.issuperset(names)
    ]
