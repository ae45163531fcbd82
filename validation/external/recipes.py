"""Runs a recipe of `studies/recipes/` from start to end on a CPU: the same file, with small stand-ins set by `--set`.

Usage: python validation/external/recipes.py RECIPE ... [--whole]. A Llama of three layers over bytes stands for every
checkpoint, a server that speaks the protocol for vLLM and for endpoints, a task of lm-eval and one of Inspect on a file
for those that need a network. TRL runs through `accelerate launch` as the recipe says, on two processes. Without
`--whole` the controls that copy an arm are left out, for they go through the same command.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.elicit.api import stub_server
from tests.elicit.teacher.fault_server import FaultServer
from tests.measure import evaluators
from tests.train.models import small_llama, small_tokenizer

from gauger.spec import load_study
from gauger.store import read_json

ROOT = Path(__file__).parents[2]
SERVE = f"{sys.executable} {stub_server.__file__} {{model}} {{port}} echo"
COPIES = ("placebo", "format", "leak", "reference")
EVALUATORS = {
    "capitals": {"kind": "lm-eval", "role": "near", "task": "capitals", "include": "tasks"},
    "asked": {"kind": "inspect", "role": "far", "task": "tasks/capitals_inspect.py@capitals"},
}


def settings(path: Path, url: str, *, whole: bool) -> list[str]:
    """Return what stands in for large models, machines and networks."""
    study = load_study(path).study
    found = ["replicates=1", "world.benchmark_items=4", "decoding.max_new_tokens=6"]
    found += [f"student.serve.command={json.dumps(SERVE)}"]
    if study.teacher.kind == "endpoint":
        found += [f"teacher.url={url}"]
    else:
        found += [f"teacher.serve.command={json.dumps(SERVE)}"]
    if study.evaluators:
        found += [f"evaluators={json.dumps(EVALUATORS)}"]
    for place, (arm, declared) in enumerate(study.arms.items()):
        for number, _ in enumerate(declared.stages):
            stage = f"arms.{arm}.stages.{number}"
            # arms keep their order: of a larger dose more is learnt, for longer
            doses = (f"steps={2 + place}", f"samples={6 + 2 * place}", "batch=4", "processes=2")
            found += [f"{stage}.{part}" for part in doses]
            # the server that stands in answers what it is asked, and makes up no problems
            found += [f"{stage}.strategy=label", f"{stage}.seeds=benchmark-train"]
    return found + ([] if whole else [f"controls.{name}.off=A stand-in leaves it out." for name in COPIES])


def prepare(folder: Path, name: str) -> Path:
    """Write a recipe as it is, with stand-ins for its models and its tasks."""
    study = folder / f"{name}.yaml"
    shutil.copyfile(ROOT / "studies" / "recipes" / f"{name}.yaml", study)
    shutil.copytree(Path(evaluators.__file__).parent / "tasks", folder / "tasks")
    for model in ("student", "teacher", "student-1b"):
        stand_in = small_llama(sharp=20.0)
        stand_in.config.max_position_embeddings = 2048
        stand_in.save_pretrained(str(folder / "models" / model))
        small_tokenizer().save_pretrained(str(folder / "models" / model))
    return study


def run(name: str, *, whole: bool) -> str:
    """Run one recipe and say what came of it."""
    with tempfile.TemporaryDirectory() as place, FaultServer() as server:
        folder = Path(place)
        study = prepare(folder, name)
        given = [word for one in settings(study, server.url, whole=whole) for word in ("--set", one)]
        command = [sys.executable, "-m", "gauger", "run", study.name, "--out", "run", "--workers", "2", *given]
        begun = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            return f"{name}: exit code {done.returncode}\n{done.stderr}"
        document = read_json(folder / "run" / "estimates.json")
        jobs = read_json(folder / "run" / "jobs" / "jobs.json")["jobs"]
        kinds = {kind: sum(job["kind"] == kind for job in jobs) for kind in ("train-external", "evaluate", "measure")}
        trained = [read_json(path) for path in (folder / "run").rglob("trainer.json")]
        return (
            f"{name}: {len(document['arms'])} arms, {kinds}, {len(document['failures'])} failures, "
            f"trained by {sorted({one['version'] for one in trained})}, verdict {document['verdict']['outcome']}, "
            f"{time.monotonic() - begun:.0f} s"
        )


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if not word.startswith("--")]
    for recipe in chosen:
        print(run(recipe, whole="--whole" in sys.argv), flush=True)
