"""How much does the driver spend on one job, and does that depend on how many others wait?

Plans of stub jobs (nothing is computed: the executor answers at once) are driven to their end, `SIZES` of them, on two
workers; the processor time of `drive` is divided by the jobs. A cluster of 1,000 GPUs is simulated by a Ray that lists
125 nodes and never runs anything: all GPUs are taken, 10,000 or 100,000 jobs wait, and one call of `JobSchedule.next`
is timed, first when there is no room, then when one job has ended and another takes its place.

Run: python benchmarks/scheduling.py [--beside SRC]
SRC is the `src` of another commit, measured in the same run. Of plans larger than `WHOLE` it drives the first `WHOLE`
jobs alone, and of the cluster it is asked with 10,000 jobs waiting alone: the rest would take hours.
Target: flat within 20 % from 100 to 100,000 jobs; under 5 ms a call with 1,000 GPUs.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SIZES = (100, 1_000, 10_000, 100_000)
WHOLE = 100
"""Jobs that a commit whose cost grows with the plan drives of a larger one."""
REPEATS = {100: 30, 1_000: 10, 10_000: 2, 100_000: 1}
"""How often a plan is driven; the median is reported."""
WAITING = (10_000, 100_000)
GPUS, NODES = 1_000, 125
TURNS = 2
SOURCES = Path(__file__).resolve().parents[1] / "src"


class EnoughError(Exception):
    """Ends a run after its first jobs."""


def plan(n_jobs: int, resources: Mapping[str, float] | None = None) -> list[Any]:
    """Make `n_jobs` jobs in pairs: a training and the measurement that reads it."""
    from gauger.execute.job import make_job

    jobs: list[Any] = []
    for arm in range(n_jobs // 2):
        labels: dict[str, Any] = {"arm": str(arm), "replicate": 0, "version": "1", "resources": resources}
        jobs.append(make_job("train", f"{arm} · train", {"arm": arm}, {}, cost=3.0, stage="train", **labels))
        inputs = {"model": jobs[-1].key}
        jobs.append(make_job("measure", f"{arm} · measure", {"arm": arm}, inputs, cost=1.0, stage="measure", **labels))
    return jobs


class Stub:
    """An executor of two workers that are done at once, and write nothing."""

    size = 2

    def __init__(self, most: int) -> None:
        self.running: list[Any] = []
        self.most, self.began, self.done = most, 0.0, 0

    def __enter__(self) -> Stub:
        self.began = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.process_time() - self.began

    def has_room(self, job: Any) -> bool:  # noqa: ARG002
        """As a pool of two processes says it."""
        return len(self.running) < self.size

    def start(self, job: Any, request: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Take a job."""
        self.running.append(job)

    def wait(self, timeout_s: float) -> list[Any]:  # noqa: ARG002
        """Answer the oldest one."""
        from gauger.execute.executor import Event

        if self.done == self.most:
            raise EnoughError
        self.done += 1
        job = self.running.pop(0)
        return [Event(job, {"key": job.key, "seconds": 0.001, "error": None})]

    def out_of_place(self, job: Any) -> str:  # noqa: ARG002
        """Never."""
        return ""


def drive_stubs(n_jobs: int, most: int) -> tuple[float, float]:
    """Drive a plan; returns processor milliseconds for each job: of handing them out, and of the whole call."""
    from gauger.execute.cache import Cache
    from gauger.execute.driver import Rules, drive
    from gauger.execute.progress import RunProgress

    jobs, stub = plan(n_jobs), Stub(min(most, n_jobs))
    if stub.most == n_jobs:
        stub.most = -1
    with tempfile.TemporaryDirectory() as name:
        began = time.process_time()
        with suppress(EnoughError):
            drive(jobs, Cache(Path(name)), stub, Rules({"train": "a:b", "measure": "a:b"}), RunProgress())
        whole = time.process_time() - began
    return 1e3 * stub.seconds / stub.done, 1e3 * (whole - stub.seconds) / n_jobs + 1e3 * stub.seconds / stub.done


class NoRay:
    """A Ray that lists nodes and runs nothing."""

    def is_initialized(self) -> bool:
        """It is there."""
        return True

    def nodes(self) -> list[dict[str, Any]]:
        """List 125 nodes of 8 GPUs."""
        return [{"Alive": True, "Resources": {"CPU": 96.0, "GPU": GPUS / NODES, "memory": 1e12}}] * NODES

    def remote(self, function: Any) -> NoRay:  # noqa: ARG002
        """Stand in for the remote function, too."""
        self.sent = 0
        return self

    def options(self, **_: Any) -> Any:
        """Return what starts tasks."""
        outer = self

        class Sender:
            def remote(self, text: str) -> str:
                outer.sent += 1
                return f"task {outer.sent} of {len(text)} bytes"

        return Sender()

    def cancel(self, task: Any, **_: Any) -> None:
        """Cancel nothing."""


def ask_cluster(n_waiting: int) -> tuple[float, float]:
    """Return milliseconds of one call on a full cluster, and of replacing one job by the next."""
    import gauger.execute.ray as ray
    from gauger.execute.schedule import JobSchedule

    ray._import_ray = lambda **_: NoRay()  # type: ignore[assignment]
    jobs = [job for job in plan(2 * (n_waiting + GPUS), {"gpus": 1.0}) if job.kind == "train"]
    schedule = JobSchedule(jobs, ())
    with ray.RayPool(0, "10.0.0.1:6379") as pool:
        while len(pool.tasks) < GPUS:  # not by asking for room each time: that is what is to be measured
            job = schedule.next()
            pool.start(job, {"key": job.key})
        full = [_timed(lambda: schedule.next(pool.has_room)) for _ in range(TURNS)]
        refill = [_timed(lambda: _replace_one(schedule, pool)) for _ in range(TURNS)]
    return 1e3 * statistics.median(full), 1e3 * statistics.median(refill)


def _replace_one(schedule: Any, pool: Any) -> None:
    """End the oldest job, start the next, and find the cluster full again."""
    task, job = next(iter(pool.tasks.items()))
    pool.tasks.pop(task)
    if hasattr(pool, "room"):
        from gauger.execute.room import needs

        pool.room.give_back(needs(job))
    schedule.finish(job)
    while (other := schedule.next(pool.has_room)) is not None:
        pool.start(other, {"key": other.key})


def _timed(call: Any) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def measure(*, grows: bool) -> dict[str, Any]:
    """Measure the Gauger that Python finds; `grows`: in large plans its first jobs alone."""
    found: dict[str, Any] = {}
    drive_stubs(100, 100)  # imports
    for size in SIZES:
        times = [drive_stubs(size, WHOLE if grows else size) for _ in range(1 if grows else REPEATS[size])]
        for column, what in enumerate(("drive", "whole")):
            found[f"{what} {size}"] = statistics.median(pair[column] for pair in times)
    for waiting in WAITING[:1] if grows else WAITING:
        gc.collect()
        found[f"full {waiting}"], found[f"refill {waiting}"] = ask_cluster(waiting)
    return found


def run(sources: Path, *, grows: bool) -> dict[str, float]:
    """Measure the Gauger below `sources` in a process of its own."""
    code = [sys.executable, __file__, "--measure", *(["--grows"] if grows else [])]
    done = subprocess.run(code, env={**os.environ, "PYTHONPATH": str(sources)}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--grows", action="store_true")
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(grows=asked.grows)))
        return
    columns = {"here": run(SOURCES, grows=False)}
    if asked.beside:
        columns = {"beside": run(asked.beside, grows=True), **columns}
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f}, processor milliseconds\n")
    show(columns)


def show(columns: Mapping[str, Mapping[str, float]]) -> None:
    """Print the figures of all columns and how they stand to the targets."""
    print(f"{'':48}" + "".join(f"{name:>12}" for name in columns))
    labels = {f"drive {size}": f"handing out one of {size:,} jobs" for size in SIZES}
    labels |= {f"whole {size}": f"whole run, one of {size:,} jobs" for size in SIZES}
    for waiting in WAITING:
        labels[f"full {waiting}"] = f"1,000 GPUs taken, {waiting:,} wait: one call"
        labels[f"refill {waiting}"] = f"1,000 GPUs, {waiting:,} wait: one out, one in"
    for key, label in labels.items():
        cells = [f"{column[key]:12.3f}" if key in column else f"{'not asked':>12}" for column in columns.values()]
        print(f"{label:48}" + "".join(cells))
    here = columns["here"]
    print()
    for what, words in (("drive", "handing out"), ("whole", "whole run")):
        costs: Sequence[float] = [here[f"{what} {size}"] for size in SIZES]
        spread = (max(costs) - min(costs)) / (max(costs) + min(costs))
        print(f"cost per job here from 100 to 100,000 jobs, {words}: ± {spread:.0%} (target: ± 20 %)")
    calls = max(here[f"{what} {waiting}"] for what in ("full", "refill") for waiting in WAITING)
    print(f"slowest call with 1,000 GPUs here: {calls:.3f} ms (target: under 5 ms)")


if __name__ == "__main__":
    main()
