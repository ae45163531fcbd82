"""Recipes with stand-ins set by `--set`: the plan that `validation/external/recipes.py` runs whole."""

import sys
from pathlib import Path

import pytest

from gauger.study.load import open_study, plan_loaded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stand_ins():
    sys.path.insert(0, str(ROOT / "validation" / "external"))
    try:
        import recipes
    finally:
        sys.path.pop(0)
    return recipes


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "studies" / "recipes").glob("*.yaml")))
def test_every_arm_of_a_stand_in_is_a_training_of_its_own(name, stand_ins, tmp_path):
    study = stand_ins.prepare(tmp_path, name)
    plan, _ = plan_loaded(open_study(study, stand_ins.settings(study, "http://127.0.0.1:9/v1", whole=False)))
    trainings = [job for job in plan.jobs.values() if job.kind == "train-external"]
    cells = [cell for cell in plan.cells if cell.stages]
    assert len({cell.stages for cell in cells}) == len(cells), "arms that would be one are no stand-ins for several"
    assert len(trainings) == len({key for cell in cells for key in cell.stages})
    assert all(job.params["processes"] == 2 for job in trainings)
