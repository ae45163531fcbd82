"""How a budget is divided over the arms of a plan, from a pilot's records."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gauger.cli import main
from gauger.errors import InputError
from gauger.estimate.scaling.study_points import ScalePoint
from gauger.records import Document
from gauger.store.documents import write_document
from gauger.study.load import open_study, plan_loaded
from gauger.study.next_runs import _works, propose

STUDY = Path(__file__).with_name("tiny.yaml")


@pytest.fixture(scope="module")
def planned():
    return plan_loaded(open_study(STUDY))


@pytest.fixture(scope="module")
def pilot(planned, tmp_path_factory):
    """Write a run's records: the verdict's arm varies four times as much as its control."""
    plan, world = planned
    rng, rows = np.random.default_rng(3), []
    level = {"teacher": 0.9, "logits": 0.7}
    noise = {"logits": 0.20, "teacher": 0.0, "base": 0.0}
    for cell in plan.cells:
        shift = noise.get(cell.arm, 0.05) * rng.standard_normal()
        for name, benchmark in plan.study.benchmarks.items():
            for item in world.benchmark(name).items:
                score = float(rng.random() < np.clip(level.get(cell.arm, 0.4) + shift, 0, 1))
                rows.append(("tiny", cell.arm, cell.replicate, name, str(benchmark.role), item.id, item.cluster, score))
    columns = ["study", "arm", "replicate", "benchmark", "role", "item", "cluster", "score"]
    folder = tmp_path_factory.mktemp("pilot")
    pl.DataFrame(rows, schema=columns, orient="row").write_parquet(folder / "records.parquet")
    return folder


def test_a_budget_is_spent_and_never_exceeded(planned, pilot):
    plan, world = planned
    one = sum(work.cost for work in _works(plan, world))
    for budget in (4 * one, 20 * one):
        found = propose(plan, world, pilot, budget).allocation
        assert found is not None
        assert found.cost <= budget
        assert found.equal_se is None or found.se <= found.equal_se * (1 + 1e-9)
        assert set(found.replicates) <= {arm.name for arm in plan.arms}
    more = propose(plan, world, pilot, 80 * one).allocation
    assert more is not None
    assert more.se < found.se


def test_stages_that_arms_share_are_paid_once(planned):
    plan, world = planned
    works = _works(plan, world)
    assert any(len(work.arms) > 1 for work in works)
    in_all = [name for work in works for name in work.arms]
    stages = sum(len(arm.recipe) for arm in plan.arms)
    assert len(in_all) == stages


def test_a_budget_too_small_for_two_replicates_gives_no_proposal(planned, pilot):
    assert propose(*planned, pilot, 1.0).allocation is None


def test_the_command_says_it(pilot, capsys):
    assert main(["plan", str(STUDY), "--pilot", str(pilot), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["proposal"]
    assert said["allocation"]["replicates"]
    assert main(["plan", str(STUDY), "--pilot", str(pilot), "--budget", "1"]) == 0
    assert "proposal   none" in capsys.readouterr().out


def test_what_is_no_pilot_is_the_user_s_mistake(planned, tmp_path, capsys):
    with pytest.raises(InputError, match=r"records\.parquet"):
        propose(*planned, tmp_path, None)
    table = {"study": ["x"], "arm": ["nobody"], "replicate": [0], "benchmark": ["b"], "item": ["i"], "score": [1.0]}
    pl.DataFrame(table).write_parquet(tmp_path / "records.parquet")
    assert main(["plan", str(STUDY), "--pilot", str(tmp_path)]) == 2
    assert "nobody" in capsys.readouterr().err


SCALE = (
    "scale={arm: logits, students: [{width: 8, layers: 1, heads: 2}, {width: 16, layers: 1, heads: 2}], "
    "budgets: [0.5, 1, 2], replicates: 1}"
)


@pytest.fixture
def scaled_pilot(planned, pilot, tmp_path):
    """The pilot with a scale of twelve cells whose losses follow a law."""
    shutil.copy(pilot / "records.parquet", tmp_path)
    rng, rows = np.random.default_rng(1), []
    for curve, gain in (("control", 0.0), ("distilled, teacher of 100 steps", 0.2)):
        for size in (2000, 4000, 8000):
            for budget in (0.5, 1.0, 2.0, 4.0):
                loss = (1.0 + 30 * size**-0.5 + 20 * (1e4 * budget) ** -0.4 - gain) * np.exp(0.01 * rng.normal())
                point = ScalePoint(f"{curve}{size}{budget}", curve, size, 1e4 * budget, budget, f"{size}", None, None,
                                   float(loss), 0.01, None, 2)  # fmt: skip
                rows.append({**asdict(point), "flops": point.flops, "held_out": False})
    write_document(tmp_path / "estimates.json", Document({"name": "tiny"}, (), scaling={"points": rows}))
    return tmp_path


def test_a_scale_is_told_its_next_cells(scaled_pilot, tmp_path, capsys):
    command = ["plan", str(STUDY), "--out", str(tmp_path / "out"), "--set", SCALE, "--pilot", str(scaled_pilot)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "interval of the teacher's worth at 1.6e+04 parameters and 8e+04 tokens" in said
    assert "as wide as now" in said
    assert main([*command, "--budget", "1"]) == 0
    assert "next cells none at 1.6e+04 parameters and 8e+04 tokens: the budget pays none" in capsys.readouterr().out
    assert main([*command, "--target", "1e6", "1e7", "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["proposal"]["cells"]
    assert (cells["target_params"], cells["target_tokens"], cells["reason"]) == (1e6, 1e7, None)
    assert cells["cells"][0]["narrowing"] < 1


def test_a_study_without_a_scale_is_told_of_none(planned, pilot):
    assert propose(*planned, pilot, None).cells is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget", "1e9"], "an earlier run for --budget to start from"),
        (["--target", "1e6", "1e7"], "an earlier run for --target to start from"),
        (["--pilot", "runs/none", "--target", "0", "1e7"], "parameters and tokens above 0 with --target, got 0 1e+07"),
    ],
)
def test_options_that_would_say_nothing_are_refused(options, said, capsys):
    assert main(["plan", str(STUDY), *options]) == 2
    assert said in capsys.readouterr().err
