"""Small studies for the tests of this room, and every estimand once more by plain loops over the rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from statistics import fmean

import numpy as np
import polars as pl

from gauger.estimate.calibrate.planted import Planted
from gauger.estimate.calibrate.simulate import cube_to_records, prepare
from gauger.estimate.cell_means import Cells
from gauger.estimate.design import Design
from gauger.estimate.estimator import StudyEstimates
from gauger.records import ArmInfo, Estimate

SMALL = Planted(items=30, replicates=3, distilled_arms=1)


@cache
def small_records(planted: Planted = SMALL, seed: int = 1) -> pl.DataFrame:
    return cube_to_records(prepare(planted).draw(np.random.default_rng(seed)))


@cache
def small_design(planted: Planted = SMALL) -> Design:
    return prepare(planted).design


def small_cells(planted: Planted = SMALL, seed: int = 1) -> Cells:
    generator = prepare(planted)
    return Cells(generator.draw(np.random.default_rng(seed)), generator.design)


def arm(name: str, kind: str, **more: object) -> ArmInfo:
    return ArmInfo(name, kind, "", **more)


def find(
    estimates: Sequence[Estimate], estimand: str, arm: str, scale: str = "points", **where: str | None
) -> Estimate:
    found = [
        one
        for one in estimates
        if one.estimand == estimand
        and one.arm == arm
        and one.scale == scale
        and all(getattr(one, key) == value for key, value in where.items())
    ]
    assert len(found) == 1, (estimand, arm, where, len(found))
    return found[0]


def as_json(study: StudyEstimates) -> str:
    return json.dumps(
        [
            [one.to_dict() for one in study.estimates],
            None if study.verdict is None else [study.verdict.outcome, study.verdict.probability_major],
            [[check.name, check.outcome, check.detail] for check in study.assay],
            [dict(row) for row in study.outcomes],
            [dict(row) for row in study.difficulty],
        ],
        allow_nan=False,
    )


class Literal:
    """Cell means by loops over rows: samples first, then replicates, then items, then benchmarks of a role."""

    def __init__(self, records: pl.DataFrame, roles: dict[str, str]) -> None:
        self.roles = roles
        self.samples: dict[tuple[str, str, str, int], list[float]] = {}
        for row in records.iter_rows(named=True):
            if row["outcome"] == "scored":
                key = (row["arm"], row["benchmark"], row["item"], row["replicate"])
                self.samples.setdefault(key, []).append(row["score"])

    def benchmark(self, arm: str, benchmark: str) -> float:
        by_item: dict[str, list[float]] = {}
        for (a, b, item, _), scores in self.samples.items():
            if (a, b) == (arm, benchmark):
                by_item.setdefault(item, []).append(fmean(scores))
        return fmean(fmean(replicates) for replicates in by_item.values())

    def role(self, arm: str, role: str) -> float:
        return fmean(self.benchmark(arm, name) for name, found in self.roles.items() if found == role)

    def mean(self, arm: str, where: str) -> float:
        return self.benchmark(arm, where) if where in self.roles else self.role(arm, where)
