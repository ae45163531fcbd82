"""Joins two runs into one table of scores, in which each can still be seen as a study of its own.

Arms get the run's label in front of their name, but for those that are the same models in both: they stand once.
Replicates that share no seed get numbers of their own, items that are not the same questions benchmarks of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from gauger.estimate.cell_means import Cells
from gauger.estimate.design import Design
from gauger.estimate.score_arrays import build_cube
from gauger.estimate.table import complete_table
from gauger.estimate.verdict import plan_verdict
from gauger.estimate.wanted import Planned, plan_estimates
from gauger.records import ArmInfo

ESTIMANDS = ("uplift", "gain", "gap_recovered", "carryover")
"""What is compared between runs; their other numbers stand in their own reports."""
_KEY = ("replicate", "benchmark", "item", "sample", "outcome", "score")


@dataclass(frozen=True)
class ComparedRun:
    """One run: its records, and what the estimator must know of them."""

    label: str
    """Its name; different from that of every run that it is compared with."""
    records: pl.DataFrame
    """Contract columns; every arm is one of the design's."""
    design: Design
    seeds: str | None
    """Replicates of one number share their seed with those of runs that have the same text here; None: with none."""
    items: str | None
    """The items are those of every run that has the same text here; None: of none."""


@dataclass(frozen=True)
class JointRuns:
    """Both runs as one table of scores, and each of them as its own study within it."""

    runs: tuple[ComparedRun, ComparedRun]
    cells: Cells
    sides: tuple[Cells, Cells]
    arms: tuple[Mapping[str, str], Mapping[str, str]]
    """Of each run: its own name of an arm -> the name in the joint table."""
    benchmarks: tuple[Mapping[str, str], Mapping[str, str]]
    shared: tuple[str, ...]
    same_seeds: bool
    same_items: bool

    @classmethod
    def of(cls, first: ComparedRun, second: ComparedRun) -> JointRuns:
        """Join two runs."""
        same_items = first.items is not None and first.items == second.items
        same_seeds = first.seeds is not None and first.seeds == second.seeds
        shared = _shared(first, second) if same_items else ()
        runs = (first, second)
        arms = tuple(
            {arm.name: arm.name if arm.name in shared else f"{run.label}: {arm.name}" for arm in run.design.arms}
            for run in runs
        )
        names = [sorted(set(run.records["benchmark"].to_list()) | set(run.design.roles)) for run in runs]
        benchmarks = (
            {name: name for name in names[0]},
            {name: name if same_items else f"{second.label}: {name}" for name in names[1]},
        )
        shift = 0 if same_seeds else 1 + int(first.records["replicate"].max() or 0)  # type: ignore[arg-type]
        tables = [
            _renamed(run, arms[k], benchmarks[k], shift if k else 0, shared if k else ()) for k, run in enumerate(runs)
        ]
        designs = [_renamed_design(run.design, arms[k], benchmarks[k]) for k, run in enumerate(runs)]
        together = replace(
            designs[0],
            arms=(*designs[0].arms, *(arm for arm in designs[1].arms if arm.name not in shared)),
            roles={**designs[0].roles, **designs[1].roles},
            paired=designs[0].paired and designs[1].paired,
            rule=None,
            ingredients=None,
        )
        records = pl.concat(tables, how="vertical_relaxed")
        cube = build_cube(complete_table(records, together), together)
        sides = tuple(
            Cells(
                replace(
                    cube,
                    roles=tuple(
                        role if name in benchmarks[k].values() else None
                        for name, role in zip(cube.benchmarks, cube.roles, strict=True)
                    ),
                ),
                replace(designs[k], paired=together.paired, ingredients=None),
            )
            for k in (0, 1)
        )
        return cls(
            runs, Cells(cube, together), (sides[0], sides[1]), (arms[0], arms[1]), benchmarks, shared, same_seeds,
            same_items,
        )  # fmt: skip

    def own_name(self, side: int, kind: str, name: str | None) -> str | None:
        """Return what a run itself calls an arm or a benchmark of the joint table."""
        names = (self.arms if kind == "arm" else self.benchmarks)[side]
        return next((own for own, joint in names.items() if joint == name), name)

    def planned(self, side: int) -> dict[tuple[str | None, ...], Planned]:
        """Plan every compared estimand of one run, by what it is about in the run's own words."""
        cells = self.sides[side]
        own = {b for b, name in enumerate(cells.cube.benchmarks) if name in self.benchmarks[side].values()}
        by_subject: dict[tuple[str | None, ...], Planned] = {}
        for entry in plan_estimates(cells, ESTIMANDS):
            case = entry.case
            if set(case.target.positions) <= own:
                key = (
                    entry.estimand,
                    self.own_name(side, "arm", case.arm.name),
                    self.own_name(side, "arm", case.control),
                    self.own_name(side, "benchmark", case.target.benchmark),
                    case.target.over,
                )
                by_subject[key] = entry
        return by_subject

    def judged(self, side: int) -> Planned:
        """Plan what a run's rule judges."""
        cells, rule = self.sides[side], self.sides[side].design.rule
        assert rule is not None  # noqa: S101 - asked only where both runs have one
        return plan_verdict(cells, rule)


def _shared(first: ComparedRun, second: ComparedRun) -> tuple[str, ...]:
    """Name the arms that gave the same outcomes and scores on every item in every replicate."""
    kinds = {arm.name: arm.kind for arm in first.design.arms}
    names = [arm.name for arm in second.design.arms if kinds.get(arm.name) == arm.kind]
    return tuple(name for name in names if _answers(first, name).equals(_answers(second, name)))


def _answers(run: ComparedRun, arm: str) -> pl.DataFrame:
    columns = [name for name in _KEY if name in run.records.columns]
    return run.records.filter(pl.col("arm") == arm).select(columns).sort(columns)


def _renamed(
    run: ComparedRun, arms: Mapping[str, str], benchmarks: Mapping[str, str], shift: int, left_out: Sequence[str]
) -> pl.DataFrame:
    """Return a run's records under the joint names; clusters of other items are other clusters."""
    columns = ["arm", "replicate", "benchmark", "item", "cluster", "sample", "outcome", "score"]
    records = run.records.filter(~pl.col("arm").is_in(list(left_out)))
    records = records.select(name for name in columns if name in records.columns)
    changed = [pl.col("arm").replace_strict(arms), pl.col("benchmark").replace_strict(benchmarks)]
    if "replicate" in records.columns:
        changed.append(pl.col("replicate") + shift)
    if "cluster" in records.columns and any(own != joint for own, joint in benchmarks.items()):
        changed.append(pl.format("{}: {}", pl.lit(run.label), "cluster").alias("cluster"))
    return records.with_columns(changed)


def _renamed_design(design: Design, arms: Mapping[str, str], benchmarks: Mapping[str, str]) -> Design:
    def renamed(arm: ArmInfo) -> ArmInfo:
        matched, twin = (None if other is None else arms[other] for other in (arm.matched, arm.twin))
        return replace(arm, name=arms[arm.name], matched=matched, twin=twin)

    return replace(
        design,
        arms=tuple(map(renamed, design.arms)),
        roles={benchmarks[name]: role for name, role in design.roles.items()},
        skills={benchmarks[name]: skill for name, skill in design.skills.items() if name in benchmarks},
        rule=None if design.rule is None else replace(design.rule, arm=arms[design.rule.arm]),
        ingredients=None,
    )
