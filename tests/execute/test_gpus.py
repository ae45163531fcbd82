"""GPUs of one machine: each job sees its own, no two running jobs share one. Here they are names that no job uses."""

import json
import os
from pathlib import Path

import pytest

from gauger.execute.cache import Cache
from gauger.execute.execution import Execution, execute
from gauger.execute.job import make_job
from gauger.execute.pool import Pool
from gauger.execute.progress import RunProgress

REGISTRY = {"see": "tests.execute.test_gpus:see"}


def see(params, inputs, out):
    """Write down which GPUs this process sees, and when; then wait for the others that should run beside it."""
    import time

    begun = time.monotonic()
    time.sleep(params["seconds"])
    seen = {
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "begun": begun,
        "ended": time.monotonic(),
        "pid": os.getpid(),
    }
    Path(out, "seen.json").write_text(json.dumps(seen))


def job(name, gpus=None, seconds=0.0):
    resources = {} if gpus is None else {"gpus": gpus}
    settings = {"cost": 1.0, "arm": name, "replicate": None, "stage": "see", "version": "1", "resources": resources}
    return make_job("see", name, {"name": name, "seconds": seconds}, {}, **settings)


def run(jobs, folder, monkeypatch, gpus, workers=0):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[2]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    cache = Cache(folder / "jobs")
    result = execute(jobs, cache, Execution(workers=workers), REGISTRY, {}, RunProgress())
    return result, {
        one.name: json.loads((path / "seen.json").read_text())
        for one in jobs
        for path in [result.done.get(one.key)]
        if path
    }


def test_each_job_sees_its_own_and_running_ones_share_none(tmp_path, monkeypatch):
    jobs = [job(f"one{i}", seconds=0.4) for i in range(4)] + [job("both", 2, 0.1), job("none", 0)]
    _, seen = run(jobs, tmp_path, monkeypatch, "4,7")
    assert {seen[f"one{i}"]["gpus"] for i in range(4)} == {"4", "7"}
    assert seen["both"]["gpus"] == "4,7"
    assert seen["none"]["gpus"] == ""
    for one in seen.values():
        for other in seen.values():
            together = one["begun"] < other["ended"] and other["begun"] < one["ended"]
            shared = set(filter(None, one["gpus"].split(","))) & set(filter(None, other["gpus"].split(",")))
            assert one is other or not (together and shared)


def test_there_is_a_worker_for_every_gpu_unless_somebody_says_otherwise(tmp_path, monkeypatch):
    """Adversary: one per core, as before, would have put all of them on the first GPU."""
    jobs = [job(f"one{i}", seconds=0.4) for i in range(4)]
    _, seen = run(jobs, tmp_path / "all", monkeypatch, "0,1")
    assert len({one["pid"] for one in seen.values()}) == 2
    _, seen = run(jobs, tmp_path / "one", monkeypatch, "0,1", workers=1)
    assert len({one["pid"] for one in seen.values()}) == 1


def test_more_than_the_machine_has_is_a_failure_and_the_rest_goes_on(tmp_path, monkeypatch):
    result, seen = run([job("three", 3), job("one")], tmp_path, monkeypatch, "0,1")
    ((failed, why),) = result.failed
    assert failed.name == "three"
    assert "it wants 3 GPUs, and this machine has 2" in why
    assert seen.keys() == {"one"}


@pytest.mark.parametrize("wanted", [None, 0, 1, 8])
def test_without_gpus_nothing_is_asked_for(tmp_path, wanted):
    pool = Pool(1, tmp_path)
    assert pool.has_room(job("any", wanted))
    assert pool.out_of_place(job("any", wanted)) == ""
