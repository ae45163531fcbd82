"""What does a study of 100 to 100,000 jobs cost besides its computing: to plan, drive, collect, estimate and report?

The tests' tiny study runs once in earnest, with two replicates. Then it is planned with as many replicates as make so
many jobs, and driven by an executor that computes nothing: each job's result is that of the same job of the small run,
linked to its place and committed as every result is (hashed, forced to disk). What was made is collected, estimated
and drawn; then its status is asked for, and it is planned again over what is there.

Run: python benchmarks/many_jobs.py [--sizes N ...]     (each size in a process of its own)
Target: the driver's cost for each job flat within 20 %; `plan` and `status` of 100,000 jobs in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

SIZES = (100, 1_000, 10_000, 100_000)
ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "tests" / "study" / "tiny.yaml"
MOST_REPLICATES = 1000
"""Of a study file."""
FROM_RUN = 2
"""Replicates of the run in earnest."""
STEPS = ("plan", "drive", "links", "collect", "estimate", "report", "status", "plan again")


class LinkedResults:
    """An executor of two workers whose results are those of another run."""

    size = 2

    def __init__(self, templates: Mapping[tuple[str, str], Path], cache: Any) -> None:
        self.templates, self.cache = templates, cache
        self.running: list[Any] = []
        self.seconds = 0.0
        """Processor seconds spent on putting results in place, which is no work of the driver."""

    def __enter__(self) -> LinkedResults:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def has_room(self, job: Any) -> bool:  # noqa: ARG002
        """As a pool of two processes says it."""
        return len(self.running) < self.size

    def start(self, job: Any, request: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Take a job."""
        self.running.append(job)

    def wait(self, timeout_s: float) -> list[Any]:  # noqa: ARG002
        """Put the oldest job's result in place, and say so."""
        from gauger.execute.executor import Event

        job, began = self.running.pop(0), time.process_time()
        out, template = self.cache.begin(job.key), self.templates[kind_of(job)]
        for file in template.iterdir():
            if file.name != "done.json":
                os.link(file, out / file.name)
        self.cache.commit(job.key, out, 1.0)
        self.seconds += time.process_time() - began
        return [Event(job, {"key": job.key, "seconds": 1.0, "error": None})]

    def out_of_place(self, job: Any) -> str:  # noqa: ARG002
        """Never."""
        return ""


def kind_of(job: Any) -> tuple[str, str]:
    """Tell jobs apart that differ in more than their replicate."""
    name = job.name if job.replicate is None else job.name.replace(f"replicate {job.replicate}", "replicate")
    return job.kind, name


def measure(n_jobs: int, small: Path, run: Path) -> dict[str, float]:
    """Take a study of so many jobs through every step; returns processor seconds, and the peak of memory in MB."""
    from gauger.execute import Cache, read_plan, read_status
    from gauger.execute.driver import Rules, drive
    from gauger.execute.progress import RunProgress
    from gauger.jobs import REGISTRY
    from gauger.report import render
    from gauger.study import forecast, open_study, plan_loaded
    from gauger.study.document import Material, make_document
    from gauger.study.results import READ, collect, sample_texts

    there = Cache(small / "jobs")
    templates = {kind_of(job): there.path(job.key) for job in read_plan(small)}
    told: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        began = time.process_time()
        value = call()
        told[name] = time.process_time() - began
        return value

    replicates = max(2, round((n_jobs - 9) / 28))
    loaded = open_study(STUDY, (f"replicates={min(replicates, MOST_REPLICATES)}",))
    # beyond what a study file may ask for the copy is not checked: 100,000 jobs of this study are 3,571 replicates
    loaded = replace(loaded, study=loaded.study.model_copy(update={"replicates": replicates}))
    plan, world = timed("plan", lambda: plan_loaded(loaded))
    told["jobs"] = len(plan.jobs)
    jobs, cache = list(plan.jobs.values()), Cache(run / "jobs")
    stub = LinkedResults(templates, cache)
    result = timed("drive", lambda: drive(jobs, cache, stub, Rules(REGISTRY, read=READ), RunProgress()))
    assert len(result.done) == len(jobs)
    told["links"], told["drive"] = stub.seconds, told["drive"] - stub.seconds
    collected = timed("collect", lambda: collect(plan, result))
    material = Material(loaded, plan, world, collected, texts=sample_texts(plan, result), done=result.done)
    document = timed("estimate", lambda: make_document(material).to_dict())
    timed("report", lambda: render(document))
    assert len(timed("status", lambda: read_status(run)).done) == len(jobs)
    timed("plan again", lambda: forecast(*plan_loaded(loaded), cache, 2))
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return told


def show(columns: list[dict[str, float]]) -> None:
    """Print seconds, and milliseconds for each job."""
    print(f"{'jobs':34}" + "".join(f"{column['jobs']:>20,.0f}" for column in columns))
    for step in STEPS:
        cells = (f"{column[step]:10.2f} s{1e3 * column[step] / column['jobs']:6.3f}ms" for column in columns)
        label = "results linked, hashed and synced" if step == "links" else step
        print(f"{label:34}" + "".join(f"{cell:>20}" for cell in cells))
    print(f"{'highest memory':34}" + "".join(f"{column['peak_mb']:17,.0f} MB" for column in columns))
    costs = [column["drive"] / column["jobs"] for column in columns]
    spread = (max(costs) - min(costs)) / (max(costs) + min(costs))
    print(f"\ncost of driving one job over these sizes: ± {spread:.0%} (target: ± 20 %)")


def main() -> None:
    """Run the small study, then every size, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--measure", nargs=3, metavar=("JOBS", "SMALL", "RUN"))
    asked = parser.parse_args()
    if asked.measure:
        n_jobs, small, run = asked.measure
        print(json.dumps(measure(int(n_jobs), Path(small), Path(run))))
        return
    columns = []
    with tempfile.TemporaryDirectory() as name:
        small, command = Path(name) / "small", [sys.executable, "-m", "gauger", "run", str(STUDY), "--workers", "1"]
        subprocess.run(
            [*command, "--set", f"replicates={FROM_RUN}", "--out", str(small)], capture_output=True, check=True
        )
        for size in asked.sizes:
            code = [sys.executable, __file__, "--measure", str(size), str(small), str(Path(name) / str(size))]
            done = subprocess.run(code, stdout=subprocess.PIPE, check=True)
            columns.append(dict(json.loads(done.stdout)))
            print(columns[-1], file=sys.stderr, flush=True)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; processor seconds\n")
    show(columns)


if __name__ == "__main__":
    main()
