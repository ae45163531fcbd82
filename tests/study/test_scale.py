"""A scale after its run: bases, uplifts and losses of planted records become points and slopes of a document."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.elicit.sample_rows import LEDGER
from gauger.records import ArmKind
from gauger.store import write_parquet
from gauger.study import scale
from gauger.study.load import open_study, plan_loaded
from gauger.study.results import RECORDS, TRAINING, Collected
from gauger.study.run_ledger import run_ledger

STUDY = Path(__file__).with_name("tiny.yaml")
STUDENTS = ", ".join(f"{{width: {width}, layers: 1, heads: 2}}" for width in (8, 16, 24, 32))
SCALE = f"scale={{arm: logits, students: [{STUDENTS}], budgets: [0.5, 1], role: targeted, replicates: 2, held_out: 1}}"
START = {8: 0.1, 16: 0.25, 24: 0.4, 32: 0.6}
UPLIFT = {8: 0.05, 16: 0.1, 24: 0.2, 32: 0.3}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A planned scale with planted answers: students that start stronger gain more."""
    plan, world = plan_loaded(open_study(STUDY, [SCALE]))
    folder, rng = tmp_path_factory.mktemp("scale"), np.random.default_rng(2)
    cells, rows, done = {cell.name: cell for cell in plan.scaled}, [], {}
    names = [name for name, one in plan.study.benchmarks.items() if one.role == "targeted"]
    trained = []
    for place in plan.cells:
        cell = cells.get(place.arm)
        if cell is None:
            continue
        width = cell.student.width
        rate = 0.9 if cell.kind is ArmKind.TEACHER else START[width]
        rate += UPLIFT[width] if cell.kind is ArmKind.DISTILLED else 0.0
        for name in names:
            for item in world.benchmark(name).items:
                score = float(rng.random() < rate)
                rows.append(("tiny", place.arm, place.replicate, name, "targeted", item.id, item.cluster, 0,
                             "scored", score, None, None))  # fmt: skip
        done[place.records] = folder / place.records
        done[place.records].mkdir(exist_ok=True)
        loss = {"parameters": 100 * width, "loss": dict.fromkeys(names, 2.0 / width + 0.01 * rng.random())}
        (done[place.records] / "loss.json").write_text(json.dumps(loss))
        if cell.of is not None:
            trained.append((place.arm, place.replicate, 0, "corpus", 1e4 * cell.budget, 1e3))
    collected = Collected(
        records=pl.DataFrame(rows, RECORDS, orient="row"),
        ledger=run_ledger([], {}),
        training=pl.DataFrame(trained, TRAINING, orient="row"),
        failures=(),
        notes=(),
    )
    return plan, collected, done


@pytest.fixture(scope="module")
def document(finished):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, "DRAWS", 20)
        patch.setattr(scale, "STARTS", 10)
        found = scale.scaling(*finished, 0.95)
    assert found is not None
    return found


def test_the_compute_of_a_teachers_answers_is_two_passes_a_parameter_and_token(finished, tmp_path):
    """Of every token that it read or wrote, by cell and replicate; nobody asked, nothing known."""
    plan, collected, done = finished
    cell = next(cell for cell in plan.scaled if cell.kind is ArmKind.DISTILLED)
    asked = {"source": "teacher", "tokens_in": 300, "tokens_out": 100, "queries": 1}
    path = tmp_path / "ledger.parquet"
    write_parquet(path, pl.DataFrame([{name: asked.get(name) for name in LEDGER}], LEDGER))
    ledger = run_ledger([(cell.name, replicate, 0, "corpus") for replicate in range(2)], {"corpus": path})
    losses = scale._losses(plan, done)
    point = scale._point(plan, cell, {}, losses, replace(collected, ledger=ledger))
    parameters = losses[f"scale:teacher:t{cell.teacher_steps}"][0]["parameters"]
    assert point.teacher_flops == 2 * parameters * 800 / 2
    assert scale._point(plan, cell, {}, losses, collected).teacher_flops is None


def test_each_student_starts_where_its_own_untouched_base_scored(finished, document):
    plan, collected, _ = finished
    of_benchmark = collected.records.group_by("arm", "benchmark").agg(pl.col("score").mean())
    means = dict(of_benchmark.group_by("arm").agg(pl.col("score").mean()).iter_rows())
    bases = {cell.student.width: means[cell.name] for cell in plan.scaled if cell.kind is ArmKind.BASE}
    found = {int(row["student"].split()[0]): row for row in document["ability"]["students"]}
    assert {width: row["score"] for width, row in found.items()} == pytest.approx(bases)
    for width, row in found.items():
        arms = [cell for cell in plan.scaled if cell.kind is ArmKind.DISTILLED and cell.student.width == width]
        assert row["uplift"] == pytest.approx(np.mean([means[arm.name] - means[arm.matched] for arm in arms]))


def test_students_that_start_stronger_were_planted_to_gain_more(document):
    slopes = {row["against"]: row for row in document["ability"]["slopes"]}
    assert set(slopes) == {"starting ability", "starting score", "student's size"}
    for row in slopes.values():
        assert row["reason"] is None
        assert row["slope"] > 0
        assert (row["n"], row["budgets"]) == (4, [0.5, 1.0])


def test_bases_of_several_strengths_are_points_of_curves_of_their_own(finished):
    plan, collected, done = finished
    losses = scale._losses(plan, done)
    cell = next(cell for cell in plan.scaled if cell.of is not None)
    assert scale._point(plan, cell, {}, losses, collected).base == ""
    stronger = [replace(other, base_steps=2 * other.base_steps) for other in plan.scaled if other.of is not None]
    both = replace(plan, scaled=(*plan.scaled, *stronger))
    assert scale._point(both, cell, {}, losses, collected).base == f"base of {cell.base_steps} steps"


def test_the_literature_stands_beside_it_and_all_is_json(document):
    assert {row["against"] for row in document["literature"]["slopes"]} == {"starting score", "student's size"}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_without_the_bases_there_is_a_reason(finished):
    plan, collected, done = finished
    bases = [cell.name for cell in plan.scaled if cell.kind is ArmKind.BASE]
    kept = {cell.records: done[cell.records] for cell in plan.cells
            if cell.records in done and cell.arm not in bases}  # fmt: skip
    records = collected.records.filter(~pl.col("arm").is_in(bases))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, "DRAWS", 20)
        patch.setattr(scale, "STARTS", 10)
        found = scale.scaling(plan, Collected(records, collected.ledger, collected.training, (), ()), kept, 0.95)
    assert {row["reason"] for row in found["ability"]["slopes"]} == {"no untouched student of this curve was scored"}
