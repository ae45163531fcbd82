"""The address of a job changes with the code that the job runs, and with no other."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.jobs.running import Doing
from tests.jobs.test_parity import HEAD, guesser, study_of

import gauger
from gauger.execute.code import closure, module_of
from gauger.study.job_parts import code_of
from gauger.study.load import open_study, plan_loaded

STUDY = Path(__file__).with_name("own_samples.yaml")
PLANNED = """
import json, sys
from pathlib import Path
from gauger.execute import code
from gauger.study.load import open_study, plan_loaded
from gauger.study.job_parts import code_of

def versions():
    for name in ("_source", "_read", "_defining", "_exists"):
        getattr(code, name).cache_clear()
    return {key: code.code_version(code_of(job.kind, plan.parameters[key])) for key, job in plan.jobs.items()}

plan, _ = plan_loaded(open_study(sys.argv[1]))
before, changed = versions(), {}
for module in sys.argv[3:]:
    path = Path(sys.argv[2]) / module
    text = path.read_text()
    path.write_text(text + "\\n# a comment\\n")
    after = versions()
    changed[module] = sorted({plan.jobs[key].kind for key in after if after[key] != before[key]})
    path.write_text(text)
print(json.dumps(changed))
"""
TRAINING = {"train", "train-on-policy", "train-on-pairs", "train-on-mixture"}
TRAINING |= {"train-on-rewards", "train-on-discriminator", "train-on-own-pairs"}
ASKING = {"ask-teacher", "ask-base", "draw-pairs"}
GATHERING = {"gather", "gather-questions", "blend"}
ALL = {"pretrain", "measure"} | TRAINING | ASKING | GATHERING
CHANGES = {
    "elicit/api/pacing.py": set(),
    "worlds/language/gym_wordings.py": set(),
    "train/hf/decode.py": set(),
    "spec/stages/rl.py": set(),
    "spec/load.py": set(),
    "study/planner.py": set(),
    "estimate/estimator.py": set(),
    "elicit/strategies/feedback.py": set(),
    "elicit/strategies/continuation.py": ASKING | GATHERING,  # one file asks, gathers and blends
    "elicit/strategies/seed_questions.py": {"ask-teacher"},
    "train/rewards.py": {"draw-pairs", *(TRAINING - {"train", "train-on-pairs", "train-on-mixture"})},
    "measure/answers.py": {"measure"},
    "train/tiny/decode.py": ALL - GATHERING,
    "worlds/atlas/truth.py": ALL - {"blend"},
    "jobs/parameters/asked.py": ALL,
    "jobs/parameters/measuring.py": {"measure"},
    "records/answers.py": ALL,
    "records/document.py": set(),
    "store/atomic.py": ALL,
}


def test_a_comment_reaches_the_jobs_that_run_the_file_and_no_others(tmp_path):
    own = Path(gauger.__file__).parent
    shutil.copytree(own, tmp_path / "gauger", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-c", PLANNED, str(STUDY), str(tmp_path / "gauger"), *CHANGES]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert {module: set(kinds) for module, kinds in found.items()} == CHANGES


# --- the closure against what is really loaded -------------------------------------------------------------------

FORKED = """
import json, os, sys
import numpy, polars, pydantic, torch, transformers, peft  # of others: shared by all that follow, to save their time
from pathlib import Path

torch.set_num_threads(1)

def loaded(job):
    from importlib import import_module
    module, _, name = job["target"].partition(":")
    imported = import_module(module)
    if not name:
        return {"modules": sorted(name for name in sys.modules if name.startswith("gauger"))}
    from gauger import plugs
    function = getattr(imported, name)
    targets, found = [], plugs.load_target
    plugs.load_target = lambda target: targets.append(target) or found(target)
    function(job["params"], {role: Path(place) for role, place in job["inputs"].items()}, Path(job["out"]))
    return {"modules": sorted(name for name in sys.modules if name.startswith("gauger.")), "targets": targets}

for job in json.loads(sys.stdin.read()):
    assert not any(name.startswith("gauger") for name in sys.modules)
    out, back = os.pipe()
    if os.fork() == 0:
        os.write(back, json.dumps(loaded(job)).encode())
        os._exit(0)
    os.close(back)
    with os.fdopen(out, "rb") as said:
        print(said.read().decode() or json.dumps({"modules": None}), flush=True)
    os.wait()
"""


STUDY_FILES = "gauger.spec"
"""Its door names all that a study file can say; importing any part of it loads the rest, which no job runs for that."""


def packages(modules):
    """Those of some modules that are packages: their doors name things and do nothing."""
    source = Path(gauger.__file__).parent.parent
    return {name for name in modules if source.joinpath(*name.split("."), "__init__.py").is_file()}


@pytest.mark.parametrize("world", HEAD)
def test_what_a_job_loads_is_in_its_address(world, tmp_path):
    """In a fresh process for a job of each kind: modules by import, and parts that are found by name."""
    if world == "language":
        guesser(tmp_path / "guesser")
    (tmp_path / "study.yaml").write_text(study_of(world))
    doing = Doing(*plan_loaded(open_study(tmp_path / "study.yaml")), tmp_path)
    chosen = {job.kind: job for job in doing.plan.jobs.values() if job.arm not in ("expand", "seedless")}
    orders = [{"target": STUDY_FILES}]
    for number, job in enumerate(chosen.values()):
        out = doing.entries / f"fresh-{number}"
        out.mkdir()
        inputs = {role: str(place) for role, place in doing.inputs(job).items()}
        target = code_of(job.kind, doing.plan.parameters[job.key])[0]
        orders.append({"target": target, "params": dict(job.params), "inputs": inputs, "out": str(out)})
    command = [sys.executable, "-c", FORKED]
    done = subprocess.run(command, input=json.dumps(orders).encode(), capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 1 + len(chosen)
    of_study_files = set(json.loads(lines[0])["modules"])
    for job, line in zip(chosen.values(), lines[1:], strict=True):
        found = json.loads(line)
        assert found["modules"], (job.kind, done.stderr.decode())
        reached = set(closure(code_of(job.kind, doing.plan.parameters[job.key])))
        by_name = {module_of(target) for target in found["targets"]}
        assert by_name <= reached, job.kind
        assert set(found["modules"]) - reached - of_study_files - packages(found["modules"]) == set(), job.kind
